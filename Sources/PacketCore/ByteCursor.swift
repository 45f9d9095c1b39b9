/// A reading position that moves through a `PacketBytes`: for options and TLVs, where offsets are not fixed.
///
/// A read past the captured bytes throws `DecodeError.truncated` and leaves the position unchanged.
public struct ByteCursor: ~Escapable {
  /// The bytes to read from.
  public let bytes: PacketBytes
  /// The number of bytes read so far.
  public private(set) var offset = 0

  /// A cursor at the start of `bytes`.
  @_lifetime(copy bytes)
  public init(_ bytes: PacketBytes) { self.bytes = bytes }

  /// The number of bytes left to read.
  public var remaining: Int { bytes.count &- offset }

  /// One byte.
  @_lifetime(self: copy self)
  public mutating func u8() throws(DecodeError) -> UInt8 {
    let value = try bytes.u8(at: offset)
    offset &+= 1
    return value
  }
  /// Two bytes, big-endian.
  @_lifetime(self: copy self)
  public mutating func u16() throws(DecodeError) -> UInt16 {
    let value = try bytes.u16(at: offset)
    offset &+= 2
    return value
  }
  /// Four bytes, big-endian.
  @_lifetime(self: copy self)
  public mutating func u32() throws(DecodeError) -> UInt32 {
    let value = try bytes.u32(at: offset)
    offset &+= 4
    return value
  }
  /// Skips `octets` bytes.
  @_lifetime(self: copy self)
  public mutating func skip(_ octets: Int) throws(DecodeError) {
    try bytes.check(offset, octets)
    offset &+= octets
  }
  /// The next `length` bytes as a separate view.
  @_lifetime(copy self)
  @_lifetime(self: copy self)
  public mutating func take(_ length: Int) throws(DecodeError) -> PacketBytes {
    let part = try bytes.slice(at: offset, length: length)
    offset &+= length
    return part
  }
}
