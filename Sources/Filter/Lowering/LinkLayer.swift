import PacketCore

/// A place in the packet: a fixed number of octets, after a number that the packet itself gives where `base` is not nil.
struct Position: Hashable, Sendable {
  var base: ValueID?
  /// Octets from the base, or from the packet's first octet.
  var offset: UInt32

  init(_ offset: UInt32, base: ValueID? = nil) {
    self.base = base
    self.offset = offset
  }

  /// The place `octets` further on.
  func advanced(by octets: UInt32) -> Position { Position(offset &+ octets, base: base) }
}

/// Where the headers of a packet are, and how the link layer says which protocol follows: one description for each link type
/// (`LinkLayer.init(of:)` in LinkLayerTable.swift), which encapsulations (`vlan`, `mpls`, …) then change for what stands after them.
struct LinkLayer: Sendable {
  /// How the protocol of the payload is encoded.
  enum ProtocolField: Sendable {
    /// An EtherType or an IEEE 802.3 length, then perhaps an IEEE 802.2 header.
    case ethernet
    /// The protocol type of a Linux cooked header: an EtherType or one of a few small numbers.
    case linuxSLL
    /// An EtherType and nothing else.
    case etherType
    /// Always an IEEE 802.2 header, as on FDDI and token ring.
    case llc
    /// An IEEE 802.11 header; a data frame has an IEEE 802.2 header after it.
    case ieee80211
    /// No field: the version in the first octet of the IP header decides.
    case ipVersion
    /// Always this protocol.
    case always(UInt32)
    /// An address family in 32 bits, in the byte order of the host that captured or in network byte order.
    case addressFamily(networkOrder: Bool)
    /// An address family of BSD in one octet.
    case addressFamilyOctet
    /// 2 in one octet for IPv4, 26 for IPv6, as Solaris counts.
    case solarisFamily
    /// A PPP protocol number in 16 bits (RFC 1661).
    case ppp
    /// The same, and the numbers of Van Jacobson's compressed and uncompressed TCP are IPv4 too.
    case pppCompressed
    /// Cisco HDLC: an EtherType, or both service access points of OSI.
    case ciscoHDLC
    /// Frame relay: control and network layer protocol identifier (RFC 2427).
    case frameRelay
    /// ARCnet's system code in one octet (RFC 1201).
    case arcnet
    /// The bottom of an MPLS label stack, after which only the IP version identifies the protocol (RFC 3032).
    case mpls
    /// Traffic type in SunATM's first octet; LANE or LLC after it.
    case sunATM(lane: Bool)
    /// These bits under this mask in the first four octets, whatever the protocol is: the capture has no more.
    case magic(UInt32, mask: UInt32)
    /// It is not known how this link type identifies the payload.
    case unknown
  }

  /// Where the link layer keeps its addresses.
  enum Addresses: Sendable {
    case none
    /// Six octets for the source and six for the destination, at these offsets from the link header.
    case mac(source: UInt32, destination: UInt32)
    /// Up to four of them, distinguished by flags of the frame.
    case ieee80211
    /// One octet each.
    case octet(source: UInt32, destination: UInt32)
  }

  /// How long a header in front of, or at, the link-layer header is, if the packet itself determines it.
  enum VariableLength: Sendable {
    /// Nothing varies.
    case none
    /// The IEEE 802.11 header itself.
    case ieee80211
    /// 16 bits, little-endian, at octet 2: radiotap, and PPI.
    case radiotap
    case ppi
    /// 32 bits at octet 4.
    case avs
    /// The same where an AVS header is there, else 144 octets.
    case prism
    /// The first octet, rounded up to four.
    case pflog
  }

  /// The link type that messages name: that of the packets, or of what an encapsulation carries.
  var linkType = LinkType.ethernet
  var field: ProtocolField
  /// The first octet of the link-layer header.
  var header = Position(0)
  /// The field that identifies the payload's protocol.
  var type: Position
  /// The first octet after the link-layer header.
  var payload: Position
  /// Octets from there to the network-layer header: with an IEEE 802.2 header those of LLC and SNAP.
  var network: UInt32
  /// The same after LLC without SNAP.
  var networkBehindLLC: UInt32
  var addresses: Addresses
  var variable: VariableLength
  /// How often `vlan` and `mpls` have been used.
  var vlanDepth = 0
  var mplsDepth = 0
  /// True inside a Geneve or VXLAN tunnel.
  var tunnelled = false

  init(
    _ field: ProtocolField, header: UInt32 = 0, type: UInt32 = 0, payload: UInt32, network: UInt32 = 0,
    networkBehindLLC: UInt32 = 0, addresses: Addresses = .none, variable: VariableLength = .none
  ) {
    self.field = field
    self.header = Position(header)
    self.type = Position(type)
    self.payload = Position(payload)
    self.network = network
    self.networkBehindLLC = networkBehindLLC
    self.addresses = addresses
    self.variable = variable
  }

  /// The first octet of the network-layer header.
  var networkHeader: Position { payload.advanced(by: network) }
  /// The same where the payload has an LLC header without SNAP, or none.
  var networkHeaderBehindLLC: Position { payload.advanced(by: networkBehindLLC) }
}
