#if canImport(Glibc)
  import Glibc
#endif

/// A growable buffer of text octets on its way to a file descriptor. Writing never allocates a `String`, and the buffer grows
/// only when a single packet's text is larger than any before.
@safe public struct TextBuffer: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  /// Octets written since the last `removeAll`.
  public private(set) var count: Int = 0

  /// An empty buffer with room for `capacity` octets before it grows.
  public init(capacity: Int = 1 << 16) {
    self.capacity = max(64, capacity)
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: self.capacity)
  }

  deinit { unsafe base.deallocate() }

  /// True where nothing is held.
  public var isEmpty: Bool { count == 0 }

  /// The octets held.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      // Safe: the first `count` octets are initialised, and the span borrows self.
      unsafe _overrideLifetime(
        RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: base, count: count)), borrowing: self)
    }
  }

  /// Forgets what is held and keeps the memory.
  public mutating func removeAll() { count = 0 }

  /// Forgets all but the first `length` octets.
  public mutating func truncate(to length: Int) { count = min(count, max(0, length)) }

  /// Forgets the first `length` octets: they have been written out.
  public mutating func removeFirst(_ length: Int) {
    let gone = min(count, max(0, length))
    let rest = count &- gone
    if rest > 0, gone > 0 {
      // Safe: gone + rest = count <= capacity.
      unsafe memmove(base, base + gone, rest)
    }
    count = rest
  }

  @inline(never)
  mutating func grow(by octets: Int) {
    var wanted = capacity
    while wanted &- count < octets { wanted &*= 2 }
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    // Safe: both areas hold at least `count` octets and do not overlap.
    unsafe larger.update(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = larger
    capacity = wanted
  }

  @inline(__always)
  mutating func reserve(_ octets: Int) {
    if capacity &- count < octets { grow(by: octets) }
  }

  /// Stores an octet for which `reserve` has made room.
  @inline(__always)
  mutating func put(_ byte: UInt8) {
    // Safe: the caller reserved room for it.
    unsafe base[count] = byte
    count &+= 1
  }

  // MARK: Text

  /// One octet as it is.
  public mutating func write(byte: UInt8) {
    reserve(1)
    put(byte)
  }

  /// The eight octets of `octets`, the lowest first.
  public mutating func write(octets: UInt64) {
    reserve(8)
    // Safe: reserve made room for eight octets; the store may be unaligned.
    unsafe UnsafeMutableRawPointer(base + count).storeBytes(of: octets.littleEndian, as: UInt64.self)
    count &+= 8
  }

  /// Fixed text.
  public mutating func write(_ text: StaticString) {
    if text.hasPointerRepresentation {
      let length = text.utf8CodeUnitCount
      reserve(length)
      // Safe: reserve made room, and a static string's storage is immutable.
      unsafe (base + count).update(from: text.utf8Start, count: length)
      count &+= length
    } else {
      write(String(text.unicodeScalar))
    }
  }

  /// Text that the program itself holds: a name from a table or database, never octets from the wire.
  public mutating func write(_ text: String) {
    // Safe: the text outlives the call.
    write(unsafe text.utf8.span.bytes)
  }

  /// The octets of `span` as they are.
  public mutating func write(_ span: RawSpan) {
    let length = span.byteCount
    guard length > 0 else { return }
    reserve(length)
    unsafe span.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      // Safe: reserve made room for `length` octets.
      unsafe memcpy(base + count, start, length)
    }
    count &+= length
  }

  /// `number` times the octet `byte`; nothing where `number` is negative.
  public mutating func write(repeating byte: UInt8, count number: Int) {
    guard number > 0 else { return }
    reserve(number)
    for _ in 0..<number { put(byte) }
  }

  /// An octet from the wire, made harmless as tcpdump does: 0x80 and up as `M-` and the low seven bits, control octets as
  /// `^X`, DEL as `^?`.
  public mutating func write(escaped byte: UInt8) {
    reserve(4)
    var byte = byte
    if byte >= 0x80 {
      put(UInt8(ascii: "M"))
      put(UInt8(ascii: "-"))
      byte &= 0x7f
    }
    if byte < 0x20 || byte == 0x7f {
      put(UInt8(ascii: "^"))
      byte ^= 0x40
    }
    put(byte)
  }

  /// Octets from the wire, each made harmless by `write(escaped:)`.
  public mutating func write(escaped bytes: borrowing PacketBytes) {
    let span = bytes.rawSpan
    for offset in 0..<span.byteCount {
      // Safe: offset is below byteCount.
      write(escaped: unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
    }
  }

  // MARK: Numbers

  /// An unsigned decimal number.
  public mutating func write(decimal value: some UnsignedInteger & FixedWidthInteger) {
    write(decimal64: UInt64(truncatingIfNeeded: value), width: 0, pad: 0)
  }

  /// A signed decimal number, with `-` where it is negative.
  public mutating func write(decimal value: some SignedInteger & FixedWidthInteger) {
    if value < 0 { write(byte: UInt8(ascii: "-")) }
    write(decimal64: UInt64(truncatingIfNeeded: value.magnitude), width: 0, pad: 0)
  }

  /// An unsigned decimal number of at least `width` characters, filled on the left with `pad`.
  public mutating func write(decimal value: some FixedWidthInteger, width: Int, pad: UInt8 = UInt8(ascii: "0")) {
    write(decimal64: UInt64(truncatingIfNeeded: value), width: width, pad: pad)
  }

  mutating func write(decimal64 value: UInt64, width: Int, pad: UInt8) {
    var digits = 1
    var power: UInt64 = 10
    while digits < 20, value >= power {
      digits &+= 1
      power = power &* 10
    }
    let length = max(digits, min(width, 64))
    reserve(length)
    var rest = value
    var position = count &+ length
    for _ in 0..<digits {
      position &-= 1
      // Safe: reserve made room for `length` octets and digits <= length.
      unsafe base[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    while position > count {
      position &-= 1
      unsafe base[position] = pad
    }
    count &+= length
  }

  /// A lower-case hexadecimal number without prefix, of at least `width` digits, filled with zeros.
  public mutating func write(hex value: some FixedWidthInteger & UnsignedInteger, width: Int = 1) {
    let value = UInt64(truncatingIfNeeded: value)
    let digits = max(1, (67 &- value.leadingZeroBitCount) / 4)
    let length = max(digits, min(width, 64))
    reserve(length)
    var rest = value
    var position = count &+ length
    while position > count {
      position &-= 1
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      // Safe: reserve made room for `length` octets.
      unsafe base[position] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
      rest >>= 4
    }
    count &+= length
  }

  // MARK: Output

  /// Writes everything to `descriptor`, over as many calls as it takes, and forgets it. Gives the `errno` of a failed call; the
  /// octets that were not written stay held.
  public mutating func flush(to descriptor: CInt) -> CInt? {
    var written = 0
    var failure: CInt?
    while written < count {
      // Safe: written..<count lies within the initialised octets.
      let result = unsafe Glibc.write(descriptor, base + written, count &- written)
      if result > 0 {
        written &+= result
      } else if result < 0, errno != EINTR {
        failure = errno
        break
      }
    }
    removeFirst(written)
    return failure
  }
}
