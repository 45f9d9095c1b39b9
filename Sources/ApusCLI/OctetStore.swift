import PacketCore

/// Copies of octets that stay where they are until all are removed.
@safe
struct OctetStore: ~Copyable {
  /// Memory that lives as long as this.
  @safe
  private final class Block {
    let memory: UnsafeMutableRawBufferPointer

    init(_ count: Int) { unsafe memory = .allocate(byteCount: count, alignment: 16) }

    deinit { unsafe memory.deallocate() }
  }

  /// The memory that most copies find room in; it is kept.
  private var block: Block?
  private var used = 0
  /// Memory of copies that found no room.
  private var others: [Block] = []
  private let capacity: Int

  /// No memory is taken before there is something to copy.
  init(capacity: Int) { self.capacity = capacity }

  /// A copy of the octets, valid until `removeAll`.
  @unsafe
  mutating func copy(_ octets: RawSpan) -> UnsafeRawBufferPointer {
    let room = unsafe room(octets.byteCount)
    // Safe: the room has as many octets.
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
    // Safe: the guard proved that so many octets are left.
    return unsafe UnsafeMutableRawBufferPointer(rebasing: block.memory[used..<used &+ count])
  }

  /// Makes room for other copies.
  mutating func removeAll() {
    used = 0
    if !others.isEmpty { others.removeAll() }
  }
}
