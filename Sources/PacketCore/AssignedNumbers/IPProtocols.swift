/// Protocol numbers of IPv4 and next headers of IPv6 (IANA "Protocol Numbers"), as numbers of the width that a module uses.
@usableFromInline
package enum IPProtocols<Number: FixedWidthInteger & Sendable> {
  @inlinable package static var hopByHop: Number { 0 }
  @inlinable package static var icmp: Number { 1 }
  @inlinable package static var igmp: Number { 2 }
  @inlinable package static var ipv4: Number { 4 }
  @inlinable package static var tcp: Number { 6 }
  @inlinable package static var igrp: Number { 9 }
  @inlinable package static var udp: Number { 17 }
  @inlinable package static var dccp: Number { 33 }
  @inlinable package static var ipv6: Number { 41 }
  @inlinable package static var routing: Number { 43 }
  @inlinable package static var fragment: Number { 44 }
  @inlinable package static var gre: Number { 47 }
  @inlinable package static var esp: Number { 50 }
  @inlinable package static var authentication: Number { 51 }
  @inlinable package static var icmp6: Number { 58 }
  @inlinable package static var noNextHeader: Number { 59 }
  @inlinable package static var destinationOptions: Number { 60 }
  /// Mobility header before RFC 6275.
  @inlinable package static var mobilityOld: Number { 62 }
  @inlinable package static var netDisk: Number { 77 }
  @inlinable package static var pim: Number { 103 }
  @inlinable package static var vrrp: Number { 112 }
  @inlinable package static var sctp: Number { 132 }
  @inlinable package static var mobility: Number { 135 }
  @inlinable package static var udpLite: Number { 136 }
  @inlinable package static var mplsInIP: Number { 137 }
  @inlinable package static var ethernet: Number { 143 }
}
