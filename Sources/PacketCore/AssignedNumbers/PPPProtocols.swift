/// Protocol numbers of PPP (IANA "Point-to-Point (PPP) Protocol Field Assignments"), as numbers of the width that a module uses.
@usableFromInline
package enum PPPProtocols<Number: FixedWidthInteger & Sendable> {
  @inlinable package static var ipv4: Number { 0x0021 }
  @inlinable package static var osi: Number { 0x0023 }
  @inlinable package static var xns: Number { 0x0025 }
  @inlinable package static var decnet: Number { 0x0027 }
  @inlinable package static var appleTalk: Number { 0x0029 }
  @inlinable package static var ipx: Number { 0x002b }
  /// TCP/IP with a compressed header (RFC 1144).
  @inlinable package static var compressedTCP: Number { 0x002d }
  /// TCP/IP before compression (RFC 1144).
  @inlinable package static var uncompressed: Number { 0x002f }
  @inlinable package static var bridging: Number { 0x0031 }
  @inlinable package static var multilink: Number { 0x003d }
  @inlinable package static var ipv6: Number { 0x0057 }
  @inlinable package static var compressed: Number { 0x00fd }
  @inlinable package static var mpls: Number { 0x0281 }
  @inlinable package static var mplsMulticast: Number { 0x0283 }
  @inlinable package static var ipControl: Number { 0x8021 }
  @inlinable package static var osiControl: Number { 0x8023 }
  @inlinable package static var ipv6Control: Number { 0x8057 }
  @inlinable package static var compressionControl: Number { 0x80fd }
  @inlinable package static var mplsControl: Number { 0x8281 }
  @inlinable package static var linkControl: Number { 0xc021 }
  @inlinable package static var passwordAuthentication: Number { 0xc023 }
  @inlinable package static var linkQuality: Number { 0xc025 }
  @inlinable package static var bandwidthAllocationControl: Number { 0xc02b }
  @inlinable package static var bandwidthAllocation: Number { 0xc02d }
  @inlinable package static var challengeAuthentication: Number { 0xc223 }
}
