/// A borrowed view of a part of a packet: the bytes that were captured, and how many there were on the wire.
///
/// Every accessor checks its range and throws `DecodeError.truncated`; none traps, for any offset.
/// Multi-byte accessors read network byte order (big-endian) unless their name ends in `le`.
/// The view is valid no longer than the packet that it was taken from.
public struct PacketBytes: ~Escapable {
  @usableFromInline let span: RawSpan

  /// The number of bytes on the wire from the view's start, as the enclosing protocol states it. It may be greater than `count` (the packet
  /// was truncated) or smaller (trailing padding was captured).
  public let length: Int

  /// A view of `span`; `length` is the number of bytes on the wire, `span.byteCount` if omitted.
  @inlinable
  @_lifetime(copy span)
  public init(_ span: RawSpan, length: Int? = nil) {
    self.span = span
    self.length = max(0, length ?? span.byteCount)
  }

  /// The number of bytes that can be read.
  @inlinable public var count: Int { span.byteCount }

  /// True if no byte can be read.
  @inlinable public var isEmpty: Bool { span.byteCount == 0 }

  /// The captured bytes.
  @inlinable public var rawSpan: RawSpan {
    @_lifetime(copy self) get { span }
  }

  // MARK: Views

  /// The view without its first `octets` bytes. Throws `.truncated` if fewer were captured.
  @inlinable
  @_lifetime(copy self)
  public func dropping(_ octets: Int) throws(DecodeError) -> PacketBytes {
    guard octets >= 0, octets <= span.byteCount else { throw .truncated }
    // Safe: the guard above proved 0 <= octets <= byteCount.
    let rest = unsafe span.extracting(unchecked: octets..<span.byteCount)
    return PacketBytes(rest, length: length &- octets)
  }

  /// The first `octets` bytes: both the captured part and `length` are limited to that. Never throws; a negative number gives an empty
  /// view.
  @inlinable
  @_lifetime(copy self)
  public func clamped(to octets: Int) -> PacketBytes {
    let wanted = max(0, octets)
    let end = min(wanted, span.byteCount)
    // Safe: 0 <= end <= byteCount.
    let part = unsafe span.extracting(unchecked: 0..<end)
    return PacketBytes(part, length: min(length, wanted))
  }

  /// The same bytes with a different length on the wire, as stated by an enclosing protocol.
  @inlinable
  @_lifetime(copy self)
  public func withLength(_ length: Int) -> PacketBytes { PacketBytes(span, length: length) }

  /// `length` bytes from `offset` on, all of them captured. Throws `.truncated` if they are not.
  @inlinable
  @_lifetime(copy self)
  public func slice(at offset: Int, length: Int) throws(DecodeError) -> PacketBytes {
    try check(offset, length)
    // Safe: check proved that the range lies within the span.
    return PacketBytes(unsafe span.extracting(unchecked: offset..<(offset &+ length)), length: length)
  }

  /// Throws `.truncated` unless `length` bytes from `offset` on were captured.
  @inlinable
  public func check(_ offset: Int, _ length: Int) throws(DecodeError) {
    guard has(offset, length) else { throw .truncated }
  }

  /// True if `length` bytes from `offset` on were captured.
  @inlinable
  public func has(_ offset: Int, _ length: Int) -> Bool {
    offset >= 0 && length >= 0 && length <= span.byteCount && offset <= span.byteCount &- length
  }

  // MARK: Numbers

  @inlinable
  func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as type: T.Type) throws(DecodeError) -> T {
    try check(offset, MemoryLayout<T>.size)
    // Safe: check proved that all bytes of T lie within the span; the load may be unaligned.
    return unsafe span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self)
  }

  /// One byte.
  @inlinable public func u8(at offset: Int) throws(DecodeError) -> UInt8 { try load(offset, as: UInt8.self) }
  /// Two bytes, big-endian.
  @inlinable public func u16(at offset: Int) throws(DecodeError) -> UInt16 {
    UInt16(bigEndian: try load(offset, as: UInt16.self))
  }
  /// Three bytes, big-endian.
  @inlinable public func u24(at offset: Int) throws(DecodeError) -> UInt32 {
    try check(offset, 3)
    return UInt32(try u16(at: offset)) << 8 | UInt32(try u8(at: offset &+ 2))
  }
  /// Four bytes, big-endian.
  @inlinable public func u32(at offset: Int) throws(DecodeError) -> UInt32 {
    UInt32(bigEndian: try load(offset, as: UInt32.self))
  }
  /// Six bytes, big-endian, in the low 48 bits.
  @inlinable public func u48(at offset: Int) throws(DecodeError) -> UInt64 {
    try check(offset, 6)
    return UInt64(try u32(at: offset)) << 16 | UInt64(try u16(at: offset &+ 4))
  }
  /// Eight bytes, big-endian.
  @inlinable public func u64(at offset: Int) throws(DecodeError) -> UInt64 {
    UInt64(bigEndian: try load(offset, as: UInt64.self))
  }
  /// Two bytes, little-endian.
  @inlinable public func u16le(at offset: Int) throws(DecodeError) -> UInt16 {
    UInt16(littleEndian: try load(offset, as: UInt16.self))
  }
  /// Four bytes, little-endian.
  @inlinable public func u32le(at offset: Int) throws(DecodeError) -> UInt32 {
    UInt32(littleEndian: try load(offset, as: UInt32.self))
  }
  /// Eight bytes, little-endian.
  @inlinable public func u64le(at offset: Int) throws(DecodeError) -> UInt64 {
    UInt64(littleEndian: try load(offset, as: UInt64.self))
  }

  // MARK: Addresses

  /// An IPv4 address: four bytes.
  @inlinable public func ipv4(at offset: Int) throws(DecodeError) -> IPv4Address {
    IPv4Address(rawValue: try u32(at: offset))
  }
  /// An IPv6 address: sixteen bytes.
  @inlinable public func ipv6(at offset: Int) throws(DecodeError) -> IPv6Address {
    IPv6Address(rawValue: UInt128(bigEndian: try load(offset, as: UInt128.self)))
  }
  /// An IEEE 802 MAC-48 address: six bytes.
  @inlinable public func mac(at offset: Int) throws(DecodeError) -> MACAddress {
    MACAddress(rawValue: try u48(at: offset))
  }
}
