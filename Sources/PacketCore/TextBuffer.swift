#if canImport(Glibc)
  import Glibc
#endif

/// A growable buffer of text bytes on its way to a file descriptor. Writing never allocates a `String`, and the buffer grows
/// only when a single packet's text is larger than any before.
@safe public struct TextBuffer: ~Copyable {
  @usableFromInline var base: UnsafeMutablePointer<UInt8>
  @usableFromInline var capacity: Int
  /// Bytes written since the last `removeAll`.
  public internal(set) var count: Int {
    @inlinable get { end }
    set { end = newValue }
  }
  @usableFromInline var end = 0
  /// The capacity while writes are discarded: then `capacity` is 0, so that no write finds room.
  private var keptCapacity = 0

  /// An empty buffer with room for `capacity` bytes before it grows.
  public init(capacity: Int = 1 << 16) {
    self.capacity = max(64, capacity)
    unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: self.capacity)
  }

  deinit { unsafe base.deallocate() }

  /// True if the buffer is empty.
  @inlinable
  public var isEmpty: Bool { count == 0 }

  /// The bytes as a string, for a text that is kept or compared; not to be used per packet.
  public var string: String {
    // Safe: the bytes are only read while the span is valid.
    unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
  }

  /// The bytes in the buffer.
  public var bytes: RawSpan {
    @_lifetime(borrow self) get {
      // Safe: the first `count` bytes are initialised, and the span borrows self.
      unsafe _overrideLifetime(
        RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: base, count: count)), borrowing: self)
    }
  }

  // MARK: Discarding

  /// From now on text is neither stored nor formatted: writers need not know that their text is not wanted. The contents stay.
  public mutating func discardWrites() {
    guard !isDiscarding else { return }
    keptCapacity = capacity
    capacity = 0
  }

  /// From now on what is written is stored again.
  public mutating func holdWrites() {
    guard isDiscarding else { return }
    capacity = keptCapacity
  }

  /// True between `discardWrites` and `holdWrites`.
  @inlinable
  public var isDiscarding: Bool { capacity == 0 }

  /// Empties the buffer and keeps the memory.
  @inlinable
  public mutating func removeAll() { end = 0 }

  /// Drops all but the first `length` bytes.
  @inlinable
  public mutating func truncate(to length: Int) { end = min(end, max(0, length)) }

  /// Drops the first `length` bytes, which have been written out.
  public mutating func removeFirst(_ length: Int) {
    let gone = min(count, max(0, length))
    let rest = count &- gone
    if rest > 0, gone > 0 {
      // Safe: gone + rest = count <= capacity.
      unsafe memmove(base, base + gone, rest)
    }
    count = rest
  }

  /// The byte at an offset; 0 if there is none.
  @inlinable @inline(__always)
  package func byte(at offset: Int) -> UInt8 {
    guard offset >= 0, offset < count else { return 0 }
    // Safe: the guard proved that it is in the buffer.
    return unsafe base[offset]
  }

  /// Moves the contents from `start` on to `place`, before it, where they replace the first `length` bytes.
  package mutating func moveTail(from start: Int, to place: Int, replacing length: Int) {
    guard place >= 0, length >= 0, place <= start &- length, start <= count else { return }
    let tail = count &- start
    // Three reversals exchange two adjacent parts.
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
      // Safe: the caller's range is within the contents.
      unsafe swap(&base[low], &base[high])
      low &+= 1
      high &-= 1
    }
  }

  /// Enlarges the buffer.
  @inline(never) @usableFromInline
  mutating func grow(by octets: Int) -> Bool {
    var wanted = capacity
    while wanted &- count < octets { wanted &*= 2 }
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    // Safe: both areas hold at least `count` bytes and do not overlap.
    unsafe larger.update(from: base, count: count)
    unsafe base.deallocate()
    unsafe base = larger
    capacity = wanted
    return true
  }

  /// Makes sure that there is room for that many bytes, at least one; false if writes are discarded.
  @inlinable @inline(__always)
  mutating func reserve(_ octets: Int) -> Bool {
    capacity &- end >= octets || (!isDiscarding && grow(by: octets))
  }

  /// Stores a byte for which `reserve` has made room.
  @inlinable @inline(__always)
  mutating func put(_ byte: UInt8) {
    // Safe: the caller reserved room for it.
    unsafe base[end] = byte
    end &+= 1
  }

  /// Stores eight bytes, the lowest first, at `place`, for which the caller has reserved room.
  @inlinable @inline(__always)
  func store(_ octets: UInt64, at place: Int) {
    // Safe: the caller reserved room for eight bytes from `place` on; the store may be unaligned.
    unsafe UnsafeMutableRawPointer(base + place).storeBytes(of: octets.littleEndian, as: UInt64.self)
  }

  /// Stores four bytes, the lowest first, at `place`, for which the caller has reserved room.
  @inline(__always)
  func store(_ octets: UInt32, at place: Int) {
    // Safe: the caller reserved room for four bytes from `place` on; the store may be unaligned.
    unsafe UnsafeMutableRawPointer(base + place).storeBytes(of: octets.littleEndian, as: UInt32.self)
  }

  // MARK: Text

  /// One byte, unchanged.
  @inlinable
  public mutating func write(byte: UInt8) {
    guard reserve(1) else { return }
    put(byte)
  }

  /// The eight bytes of `octets`, the lowest first.
  public mutating func write(octets: UInt64) {
    guard reserve(8) else { return }
    store(octets, at: count)
    count &+= 8
  }

  /// The lowest `length` bytes of `octets`, at most eight, the lowest first.
  @inlinable @inline(__always)
  package mutating func write(octets: UInt64, count length: Int) {
    guard reserve(8) else { return }
    store(octets, at: end)
    end &+= min(8, max(0, length))
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

  /// The key of a member of a JSON object, `"key":`, preceded by a comma if `isNext`. The key needs no escaping.
  ///
  /// Inlined, so that a literal key is stored in words that are constants in the program.
  @inlinable @inline(__always)
  public mutating func write(key: StaticString, isNext: Bool) {
    let length = key.utf8CodeUnitCount
    guard reserve(length &+ 4) else { return }
    // A comma, which the quotation mark overwrites if it is not wanted.
    unsafe base[end] = UInt8(ascii: ",")
    let place = end &+ (isNext ? 1 : 0)
    // Safe: reserve made room for the key and the punctuation, and a static string's storage is immutable.
    unsafe base[place] = UInt8(ascii: "\"")
    unsafe (base + place + 1).update(from: key.utf8Start, count: length)
    unsafe base[place &+ length &+ 1] = UInt8(ascii: "\"")
    unsafe base[place &+ length &+ 2] = UInt8(ascii: ":")
    end = place &+ length &+ 3
  }

  /// Fixed text in quotation marks; it needs no escaping.
  public mutating func write(quoted text: StaticString) {
    let length = text.utf8CodeUnitCount
    guard reserve(length &+ 16) else { return }
    put(UInt8(ascii: "\""))
    // Safe: only bytes of the text are read, and reserve made room for all of them.
    unsafe storeWords(text.utf8Start, length, at: end)
    end &+= length
    put(UInt8(ascii: "\""))
  }

  /// `true` or `false`.
  @inlinable @inline(__always)
  public mutating func write(flag: Bool) {
    guard reserve(8) else { return }
    store(flag ? 0x6575_7274 : 0x65_736c_6166 as UInt64, at: end)
    end &+= flag ? 4 : 5
  }

  /// Stores bytes in words of eight, the last of which may overlap; calling memcpy would take longer for so few.
  @inline(__always)
  private func storeWords(_ source: UnsafePointer<UInt8>, _ length: Int, at place: Int) {
    // Safe: the caller holds `length` bytes at `source` and reserved room for them; each load lies within them.
    let from = unsafe UnsafeRawPointer(source)
    if length >= 8 {
      var offset = 0
      while offset &+ 8 < length {
        unsafe store(UInt64(littleEndian: (from + offset).loadUnaligned(as: UInt64.self)), at: place &+ offset)
        offset &+= 8
      }
      let last = length &- 8
      unsafe store(UInt64(littleEndian: (from + last).loadUnaligned(as: UInt64.self)), at: place &+ last)
    } else if length >= 4 {
      let last = length &- 4
      unsafe store(UInt32(littleEndian: from.loadUnaligned(as: UInt32.self)), at: place)
      unsafe store(UInt32(littleEndian: (from + last).loadUnaligned(as: UInt32.self)), at: place &+ last)
    } else {
      for index in 0..<length { unsafe base[place &+ index] = source[index] }
    }
  }

  /// Text from the program itself: a name from a table or database, never bytes from the wire. Disfavoured, so that a literal is a
  /// `StaticString` and not a `String` created for the call.
  @_disfavoredOverload
  public mutating func write(_ text: String) {
    // Safe: the text outlives the call.
    write(unsafe text.utf8.span.bytes)
  }

  /// The bytes of `span`, unchanged.
  public mutating func write(_ span: RawSpan) {
    let length = span.byteCount
    guard length > 0 else { return }
    guard reserve(length) else { return }
    unsafe span.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      // Safe: reserve made room for `length` bytes.
      unsafe memcpy(base + count, start, length)
    }
    count &+= length
  }

  /// The contents of another buffer, from one offset to another.
  public mutating func write(contentsOf other: borrowing TextBuffer, from start: Int = 0, to end: Int = .max) {
    let offset = min(max(0, start), other.count)
    write(other.bytes.extracting(offset..<min(max(offset, end), other.count)))
  }

  /// `number` times the byte `byte`; nothing if `number` is negative.
  public mutating func write(repeating byte: UInt8, count number: Int) {
    guard number > 0 else { return }
    guard reserve(number) else { return }
    for _ in 0..<number { put(byte) }
  }

  /// A byte from the wire, escaped as tcpdump does: 0x80 and up as `M-` and the low seven bits, control bytes as `^X`, DEL as `^?`.
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

  /// Bytes from the wire, each escaped by `write(escaped:)`; with `keepsTabs`, tabs stay.
  public mutating func write(escaped bytes: borrowing PacketBytes, keepsTabs: Bool = false) {
    if isDiscarding { return }
    let span = bytes.rawSpan
    var offset = 0
    while offset < span.byteCount {
      if let octets = span.printableOctets(at: offset) {
        write(octets: octets)
        offset &+= 8
        continue
      }
      // Safe: offset is below byteCount.
      let octet = unsafe span.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if keepsTabs, octet == UInt8(ascii: "\t") { write(byte: octet) } else { write(escaped: octet) }
      offset &+= 1
    }
  }

  // MARK: Output

  /// Writes everything to `descriptor`, in as many calls as needed, and empties the buffer. Returns the `errno` of a failed call; bytes
  /// that were not written stay in the buffer.
  ///
  /// If the descriptor is non-blocking and not ready, it waits until it is. Whenever it has waited, or a signal has interrupted it,
  /// `givesUp` may end it (EINTR).
  public mutating func flush(to descriptor: CInt, givesUp: () -> Bool = { false }) -> CInt? {
    var written = 0
    var failure: CInt?
    while written < count {
      // Safe: written..<count lies within the initialised bytes.
      let result = unsafe Glibc.write(descriptor, base + written, count &- written)
      if result > 0 {
        written &+= result
        continue
      }
      if result == 0 {
        // No device returns 0 for a nonempty write; the loop must not repeat it forever.
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

extension RawSpan {
  /// The eight bytes at an offset, the lowest first, if that many exist and all are printable ASCII; otherwise nil.
  @inlinable @inline(__always)
  package func printableOctets(at offset: Int) -> UInt64? {
    guard offset >= 0, offset &+ 8 <= byteCount else { return nil }
    // Safe: the guard proved that eight bytes are there.
    let octets = UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    return octets.isPrintable ? octets : nil
  }
}

extension UInt64 {
  /// True if all eight bytes are printable ASCII.
  @inlinable @inline(__always)
  package var isPrintable: Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let others = self | (self &- ones &* 0x20) | octetsEqual(to: ones &* 0x7f)
    return others & (ones &* 0x80) == 0
  }

  /// The high bit of each byte that equals the byte of `other`, and possibly of bytes above it.
  @inlinable @inline(__always)
  package func octetsEqual(to other: UInt64) -> UInt64 {
    let word = self ^ other
    return (word &- 0x0101_0101_0101_0101) & ~word
  }
}
