/// An IPv4 address; the most significant byte of `rawValue` is the first on the wire (RFC 791).
public struct IPv4Address: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt32
  @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// An IPv6 address; the most significant byte of `rawValue` is the first on the wire (RFC 4291).
public struct IPv6Address: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt128
  @inlinable public init(rawValue: UInt128) { self.rawValue = rawValue }
}

/// An IEEE 802 MAC-48 address in the low 48 bits of `rawValue`, first byte most significant.
public struct MACAddress: RawRepresentable, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt64
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue & 0xffff_ffff_ffff }

  /// ff:ff:ff:ff:ff:ff.
  public static let broadcast = MACAddress(rawValue: 0xffff_ffff_ffff)
}
