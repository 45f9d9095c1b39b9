import PacketCore

/// Copies of bytes that stay at their address until all are removed.
@safe
struct OctetStore: ~Copyable {
  /// Memory that is freed with this object.
  @safe
  private final class Block {
    let memory: UnsafeMutableRawBufferPointer

    init(_ count: Int) { unsafe memory = .allocate(byteCount: count, alignment: 16) }

    deinit { unsafe memory.deallocate() }
  }

  /// The memory for most copies; it is reused.
  private var block: Block?
  private var used = 0
  /// Memory for copies that did not fit.
  private var others: [Block] = []
  private let capacity: Int

  /// Allocates memory only when something is copied.
  init(capacity: Int) { self.capacity = capacity }

  /// A copy of the bytes, valid until `removeAll`.
  @unsafe
  mutating func copy(_ octets: RawSpan) -> UnsafeRawBufferPointer {
    let room = unsafe room(octets.byteCount)
    // Safe: `room` has the same number of bytes.
    unsafe octets.withUnsafeBytes { unsafe room.copyMemory(from: $0) }
    return UnsafeRawBufferPointer(room)
  }

  @unsafe
  private mutating func room(_ count: Int) -> UnsafeMutableRawBufferPointer {
    guard count <= capacity &- used else {
      let other = Block(count)
      others.append(other)
      return unsafe other.memory
    }
    let block = block ?? Block(capacity)
    self.block = block
    defer { used &+= count }
    // Safe: the guard proved that `count` bytes are left.
    return unsafe UnsafeMutableRawBufferPointer(rebasing: block.memory[used..<used &+ count])
  }

  /// Removes all copies.
  mutating func removeAll() {
    used = 0
    if !others.isEmpty { others.removeAll() }
  }
}
