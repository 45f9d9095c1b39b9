#if canImport(Glibc)
  import Glibc
#endif

/// A growable buffer of text octets on its way to a file descriptor. Writing never allocates a `String`, and the buffer grows
/// only when a single packet's text is larger than any before.
@safe public struct TextBuffer: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  /// Octets written since the last `removeAll`.
  public internal(set) var count: Int {
    @inlinable get { end }
    set { end = newValue }
  }
  @usableFromInline var end = 0
  /// The capacity, kept while writes are discarded: `capacity` is 0 then, so that no write finds room.
  private var keptCapacity: Int?

  /// An empty buffer with room for `capacity` octets before it grows.
  public init(capacity: Int = 1 << 16) {
    self.capacity = max(64, capacity)
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: self.capacity)
  }

  deinit { unsafe base.deallocate() }

  /// True where nothing is held.
  public var isEmpty: Bool { count == 0 }

  /// The octets as a string, for a text that is kept or compared; nothing that is done per packet.
  public var string: String {
    // Safe: the octets are only read while the span is lent.
    unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// The octets held.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      // Safe: the first `count` octets are initialised, and the span borrows self.
      unsafe _overrideLifetime(
        RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: base, count: count)), borrowing: self)
    }
  }

  // MARK: Discarding

  /// From now on nothing that is written is held, nor made: whoever writes need not know that nobody reads. What is held stays.
  public mutating func discardWrites() {
    guard keptCapacity == nil else { return }
    keptCapacity = capacity
    capacity = 0
  }

  /// From now on what is written is held again.
  public mutating func holdWrites() {
    guard let kept = keptCapacity else { return }
    capacity = kept
    keptCapacity = nil
  }

  /// True between `discardWrites` and `holdWrites`.
  public var isDiscarding: Bool { keptCapacity != nil }

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

  /// The byte at an offset; 0 where there is none.
  package func byte(at offset: Int) -> UInt8 {
    guard offset >= 0, offset < count else { return 0 }
    // Safe: the guard proved that it is held.
    return unsafe base[offset]
  }

  /// Moves what is held from `start` on to `place`, before it, where it replaces the first `length` bytes.
  package mutating func moveTail(from start: Int, to place: Int, replacing length: Int) {
    guard place >= 0, length >= 0, place <= start &- length, start <= count else { return }
    let tail = count &- start
    // Three reversals exchange two neighbouring parts.
    reverse(place..<start)
    reverse(start..<count)
    reverse(place..<count)
    let rest = count &- place &- tail &- length
    // Safe: the guard proved that place + tail + length + rest = count.
    unsafe memmove(base + place + tail, base + place + tail + length, rest)
    count &-= length
  }

  private func reverse(_ range: Range<Int>) {
    var (low, high) = (range.lowerBound, range.upperBound &- 1)
    while low < high {
      // Safe: the caller's range lies within what is held.
      unsafe swap(&base[low], &base[high])
      low &+= 1
      high &-= 1
    }
  }

  /// Makes room; false where writes are discarded.
  @inline(never) @usableFromInline
  mutating func grow(by octets: Int) -> Bool {
    if isDiscarding { return false }
    var wanted = capacity
    while wanted &- count < octets { wanted &*= 2 }
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    // Safe: both areas hold at least `count` octets and do not overlap.
    unsafe larger.update(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = larger
    capacity = wanted
    return true
  }

  /// Makes sure that there is room for so many octets, one at least; false where writes are discarded.
  @inlinable @inline(__always)
  mutating func reserve(_ octets: Int) -> Bool { capacity &- end >= octets || grow(by: octets) }

  /// Stores an octet for which `reserve` has made room.
  @inlinable @inline(__always)
  mutating func put(_ byte: UInt8) {
    // Safe: the caller reserved room for it.
    unsafe base[end] = byte
    end &+= 1
  }

  /// Stores eight octets, the lowest first, at `place`, for which the caller has reserved room.
  @inline(__always)
  func store(_ octets: UInt64, at place: Int) {
    // Safe: the caller reserved room for eight octets from `place` on; the store may be unaligned.
    unsafe UnsafeMutableRawPointer(base + place).storeBytes(of: octets.littleEndian, as: UInt64.self)
  }

  /// Stores four octets, the lowest first, at `place`, for which the caller has reserved room.
  @inline(__always)
  func store(_ octets: UInt32, at place: Int) {
    // Safe: the caller reserved room for four octets from `place` on; the store may be unaligned.
    unsafe UnsafeMutableRawPointer(base + place).storeBytes(of: octets.littleEndian, as: UInt32.self)
  }

  // MARK: Text

  /// One octet as it is.
  @inlinable
  public mutating func write(byte: UInt8) {
    guard reserve(1) else { return }
    put(byte)
  }

  /// The eight octets of `octets`, the lowest first.
  public mutating func write(octets: UInt64) {
    guard reserve(8) else { return }
    store(octets, at: count)
    count &+= 8
  }

  /// Fixed text.
  @inlinable @inline(__always)
  public mutating func write(_ text: StaticString) {
    if text.hasPointerRepresentation {
      let length = text.utf8CodeUnitCount
      guard reserve(length) else { return }
      // Safe: reserve made room, and a static string's storage is immutable.
      unsafe (base + end).update(from: text.utf8Start, count: length)
      end &+= length
    } else {
      write(String(text.unicodeScalar))
    }
  }

  /// The key of a member of a JSON object, `"key":`, after a comma where `isNext`. The key needs no escape.
  public mutating func write(key: StaticString, isNext: Bool) {
    let length = key.utf8CodeUnitCount
    // Room for the punctuation, and for the whole words that are stored.
    guard reserve(length &+ 16) else { return }
    if isNext { put(UInt8(ascii: ",")) }
    put(UInt8(ascii: "\""))
    // Safe: only octets of the key are read, and reserve made room for all of them.
    unsafe putWords(key.utf8Start, length)
    store(UInt32(0x3a22), at: end)
    end &+= 2
  }

  /// `true` or `false`.
  public mutating func write(flag: Bool) {
    guard reserve(8) else { return }
    store(flag ? 0x6575_7274 : 0x65_736c_6166 as UInt64, at: count)
    count &+= flag ? 4 : 5
  }

  /// Stores octets in words of eight, of which the last may overlap; a call of memcpy takes longer for so few.
  @inline(__always)
  private mutating func putWords(_ source: UnsafePointer<UInt8>, _ length: Int) {
    // Safe: the caller holds `length` octets at `source` and reserved room for them; each load lies within them.
    let from = unsafe UnsafeRawPointer(source)
    if length >= 8 {
      var offset = 0
      while offset &+ 8 <= length {
        unsafe store(UInt64(littleEndian: (from + offset).loadUnaligned(as: UInt64.self)), at: end &+ offset)
        offset &+= 8
      }
      let last = length &- 8
      unsafe store(UInt64(littleEndian: (from + last).loadUnaligned(as: UInt64.self)), at: end &+ last)
    } else if length >= 4 {
      let last = length &- 4
      unsafe store(UInt32(littleEndian: from.loadUnaligned(as: UInt32.self)), at: end)
      unsafe store(UInt32(littleEndian: (from + last).loadUnaligned(as: UInt32.self)), at: end &+ last)
    } else {
      for index in 0..<length { unsafe base[end &+ index] = source[index] }
    }
    end &+= length
  }

  /// Text that the program itself holds: a name from a table or database, never octets from the wire.
  /// Disfavoured, so that a literal is a `StaticString` and not a `String` that is made for the call.
  @_disfavoredOverload
  public mutating func write(_ text: String) {
    // Safe: the text outlives the call.
    write(unsafe text.utf8.span.bytes)
  }

  /// The octets of `span` as they are.
  public mutating func write(_ span: RawSpan) {
    let length = span.byteCount
    guard length > 0 else { return }
    guard reserve(length) else { return }
    unsafe span.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      // Safe: reserve made room for `length` octets.
      unsafe memcpy(base + count, start, length)
    }
    count &+= length
  }

  /// What another buffer holds, from an offset on.
  public mutating func write(contentsOf other: borrowing TextBuffer, from start: Int = 0) {
    let offset = min(max(0, start), other.count)
    write(other.bytes.extracting(offset..<other.count))
  }

  /// `number` times the octet `byte`; nothing where `number` is negative.
  public mutating func write(repeating byte: UInt8, count number: Int) {
    guard number > 0 else { return }
    guard reserve(number) else { return }
    for _ in 0..<number { put(byte) }
  }

  /// An octet from the wire, made harmless as tcpdump does: 0x80 and up as `M-` and the low seven bits, control octets as
  /// `^X`, DEL as `^?`.
  public mutating func write(escaped byte: UInt8) {
    guard reserve(4) else { return }
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
    if isDiscarding { return }
    let span = bytes.rawSpan
    for offset in 0..<span.byteCount {
      // Safe: offset is below byteCount.
      write(escaped: unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
    }
  }

  // MARK: Numbers

  /// An unsigned decimal number.
  @inlinable @inline(__always)
  public mutating func write(decimal value: some UnsignedInteger & FixedWidthInteger) {
    write(decimal64: UInt64(truncatingIfNeeded: value))
  }

  /// A signed decimal number, with `-` where it is negative.
  @inlinable @inline(__always)
  public mutating func write(decimal value: some SignedInteger & FixedWidthInteger) {
    if value < 0 { write(byte: UInt8(ascii: "-")) }
    write(decimal64: UInt64(truncatingIfNeeded: value.magnitude))
  }

  /// An unsigned decimal number of at least `width` characters, filled on the left with `pad`.
  @inlinable @inline(__always)
  public mutating func write(decimal value: some FixedWidthInteger, width: Int, pad: UInt8 = UInt8(ascii: "0")) {
    write(decimal64: UInt64(truncatingIfNeeded: value), width: width, pad: pad)
  }

  @usableFromInline
  mutating func write(decimal64 value: UInt64) {
    guard reserve(24) else { return }
    if value < 10 {
      put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value))
      return
    }
    if value < 100 {
      let tens = (value &* 103) >> 10
      store(UInt32(truncatingIfNeeded: 0x3030 | tens | (value &- tens &* 10) << 8), at: count)
      count &+= 2
      return
    }
    var rest = value
    if rest >= 100_000_000 {
      let upper = rest / 100_000_000
      rest &-= upper &* 100_000_000
      if upper >= 100_000_000 {
        let top = upper / 100_000_000
        putDigits(of: top)
        store(Self.digits(upper &- top &* 100_000_000) | Self.zeros, at: count)
        count &+= 8
      } else {
        putDigits(of: upper)
      }
      store(Self.digits(rest) | Self.zeros, at: count)
      count &+= 8
    } else {
      putDigits(of: rest)
    }
  }

  /// The digits of a number below 10^8, as many as it needs; there is room for eight.
  @inline(__always)
  private mutating func putDigits(of value: UInt64) {
    let digits = Self.digits(value)
    // The first digit stands in the lowest octet: leading zeros are zero bits there. The last digit stays.
    let leading = (digits | 1 << 56).trailingZeroBitCount / 8
    store((digits | Self.zeros) >> UInt64(8 &* leading), at: count)
    count &+= 8 &- leading
  }

  private static let zeros: UInt64 = 0x3030_3030_3030_3030

  /// The eight decimal digits of a number below 10^8, the first in the lowest octet: halves are split off in all parts of a
  /// word at once.
  @inline(__always)
  private static func digits(_ value: UInt64) -> UInt64 {
    let fours = value / 10_000 | (value % 10_000) << 32
    // x / 100 of numbers below 10 000, and x / 10 of numbers below 100, by multiplication.
    let hundreds = (fours &* 10_486) >> 20 & 0x0000_007f_0000_007f
    let twos = hundreds | (fours &- hundreds &* 100) << 16
    let tens = (twos &* 103) >> 10 & 0x000f_000f_000f_000f
    return tens | (twos &- tens &* 10) << 8
  }

  @usableFromInline
  mutating func write(decimal64 value: UInt64, width: Int, pad: UInt8) {
    let start = count
    write(decimal64: value)
    let missing = min(width, 64) &- (count &- start)
    guard missing > 0 else { return }
    guard reserve(missing) else { return }
    // Safe: reserve made room for `missing` octets behind those that move; they lie within the initialised octets.
    unsafe memmove(base + start + missing, base + start, count &- start)
    for place in start..<(start &+ missing) { unsafe base[place] = pad }
    count &+= missing
  }

  /// A lower-case hexadecimal number without prefix, of at least `width` digits, filled with zeros.
  @inlinable @inline(__always)
  public mutating func write(hex value: some FixedWidthInteger & UnsignedInteger, width: Int = 1) {
    write(hex64: UInt64(truncatingIfNeeded: value), width: width)
  }

  @usableFromInline
  mutating func write(hex64 value: UInt64, width: Int) {
    let digits = max(1, (67 &- value.leadingZeroBitCount) / 4)
    let length = max(digits, min(width, 64))
    guard reserve(length) else { return }
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

  /// Writes everything to `descriptor`, over as many calls as it takes, and forgets it. Returns the `errno` of a failed call; the
  /// octets that were not written stay held.
  ///
  /// Where the descriptor is non-blocking and takes nothing now, it waits until it does. Whenever it has waited, or a signal has
  /// interrupted it, `givesUp` may end it (EINTR).
  public mutating func flush(to descriptor: CInt, givesUp: () -> Bool = { false }) -> CInt? {
    var written = 0
    var failure: CInt?
    while written < count {
      // Safe: written..<count lies within the initialised octets.
      let result = unsafe Glibc.write(descriptor, base + written, count &- written)
      if result > 0 {
        written &+= result
        continue
      }
      if result == 0 {
        // No device does this to a write of some octets; it must not be asked for ever.
        failure = EIO
        break
      }
      if errno == EAGAIN {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        unsafe poll(&wanted, 1, -1)
      } else if errno != EINTR {
        failure = errno
        break
      }
      if givesUp() {
        failure = EINTR
        break
      }
    }
    removeFirst(written)
    return failure
  }
}
