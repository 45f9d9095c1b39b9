/// EtherTypes: the protocol in a frame (IEEE 802.3 section 3.2.6, IANA "IEEE 802 Numbers"), as numbers of the width that a module uses.
@usableFromInline
package enum EtherTypes<Number: FixedWidthInteger & Sendable> {
  /// Xerox Network Systems.
  @inlinable package static var xns: Number { 0x0600 }
  @inlinable package static var ipv4: Number { 0x0800 }
  @inlinable package static var arp: Number { 0x0806 }
  /// IPv4 with its header at the end of the packet (RFC 893).
  @inlinable package static var trailers: Number { 0x1000 }
  @inlinable package static var mopDownload: Number { 0x6001 }
  @inlinable package static var mopRemoteConsole: Number { 0x6002 }
  @inlinable package static var decnet: Number { 0x6003 }
  @inlinable package static var lat: Number { 0x6004 }
  @inlinable package static var sca: Number { 0x6007 }
  /// Transparent Ethernet bridging.
  @inlinable package static var ethernet: Number { 0x6558 }
  @inlinable package static var reverseARP: Number { 0x8035 }
  @inlinable package static var appleTalk: Number { 0x809b }
  @inlinable package static var appleTalkARP: Number { 0x80f3 }
  /// VLAN tag of IEEE 802.1Q.
  @inlinable package static var vlan: Number { 0x8100 }
  @inlinable package static var ipx: Number { 0x8137 }
  @inlinable package static var ipv6: Number { 0x86dd }
  /// Slow protocols: LACP and others (IEEE 802.3 annex 57A).
  @inlinable package static var slowProtocols: Number { 0x8809 }
  @inlinable package static var mpls: Number { 0x8847 }
  @inlinable package static var mplsMulticast: Number { 0x8848 }
  @inlinable package static var pppoeDiscovery: Number { 0x8863 }
  @inlinable package static var pppoeSession: Number { 0x8864 }
  /// An LLC frame that is too long for a length field.
  @inlinable package static var jumbo: Number { 0x8870 }
  /// VLAN tag of IEEE 802.1ad.
  @inlinable package static var serviceVLAN: Number { 0x88a8 }
  @inlinable package static var lldp: Number { 0x88cc }
  /// MACsec (IEEE 802.1AE).
  @inlinable package static var macSecurity: Number { 0x88e5 }
  @inlinable package static var loopback: Number { 0x9000 }
  /// Service tag before IEEE 802.1ad.
  @inlinable package static var oldServiceVLAN: Number { 0x9100 }
  /// Timestamps of Arista's switches.
  @inlinable package static var arista: Number { 0xd28b }
  /// GeoNetworking, ETSI EN 302 636.
  @inlinable package static var geoNetworking: Number { 0x8947 }
  /// The number used for GeoNetworking before one was assigned.
  @inlinable package static var oldGeoNetworking: Number { 0x0707 }
  /// CALM FAST, ISO 29281.
  @inlinable package static var calmFast: Number { 0x1111 }
  /// The largest value of the field that is a length.
  @inlinable package static var maximumLength: Number { 1500 }
}
