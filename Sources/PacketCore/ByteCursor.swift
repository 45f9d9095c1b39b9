/// A reading position that moves through a `PacketBytes`: for options and TLVs, where offsets are not fixed.
///
/// Every read throws `DecodeError.truncated` past the captured octets and then leaves the position where it was.
public struct ByteCursor: ~Escapable {
  /// The octets that are walked.
  public let bytes: PacketBytes
  /// Octets already read.
  public private(set) var offset = 0

  /// A cursor at the start of `bytes`.
  @_lifetime(copy bytes)
  public init(_ bytes: PacketBytes) { self.bytes = bytes }

  /// Octets that are still to be read.
  public var remaining: Int { bytes.count &- offset }

  /// One octet.
  @_lifetime(self: copy self)
  public mutating func u8() throws(DecodeError) -> UInt8 {
    let value = try bytes.u8(at: offset)
    offset &+= 1
    return value
  }
  /// Two octets, big-endian.
  @_lifetime(self: copy self)
  public mutating func u16() throws(DecodeError) -> UInt16 {
    let value = try bytes.u16(at: offset)
    offset &+= 2
    return value
  }
  /// Four octets, big-endian.
  @_lifetime(self: copy self)
  public mutating func u32() throws(DecodeError) -> UInt32 {
    let value = try bytes.u32(at: offset)
    offset &+= 4
    return value
  }
  /// Skips `octets` octets.
  @_lifetime(self: copy self)
  public mutating func skip(_ octets: Int) throws(DecodeError) {
    try bytes.check(offset, octets)
    offset &+= octets
  }
  /// The next `length` octets as a view of their own.
  @_lifetime(copy self)
  @_lifetime(self: copy self)
  public mutating func take(_ length: Int) throws(DecodeError) -> PacketBytes {
    let part = try bytes.slice(at: offset, length: length)
    offset &+= length
    return part
  }
}
