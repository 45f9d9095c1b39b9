import PacketCore

/// A position in the packet: a fixed number of bytes, added to a number read from the packet if `base` is not nil.
struct Position: Hashable, Sendable {
  var base: ValueID?
  /// Bytes from the base, or from the packet's first byte.
  var offset: UInt32

  init(_ offset: UInt32, base: ValueID? = nil) {
    self.base = base
    self.offset = offset
  }

  /// The position `octets` further on.
  func advanced(by octets: UInt32) -> Position { Position(offset &+ octets, base: base) }
}

/// Where the headers of a packet are, and how the link layer identifies the next protocol: one description for each link type
/// (`LinkLayer.init(of:)` in LinkLayerTable.swift), which encapsulations (`vlan`, `mpls`, …) then change for the terms after them.
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
    /// No field: the version in the first byte of the IP header tells the protocol.
    case ipVersion
    /// Always this protocol.
    case always(UInt32)
    /// An address family in 32 bits, in the byte order of the host that made the capture or in network byte order.
    case addressFamily(networkOrder: Bool)
    /// An address family of BSD in one byte.
    case addressFamilyOctet
    /// One byte: 2 for IPv4, 26 for IPv6, as Solaris numbers them.
    case solarisFamily
    /// A PPP protocol number in 16 bits (RFC 1661).
    case ppp
    /// The same, and the numbers of Van Jacobson's compressed and uncompressed TCP are IPv4 too.
    case pppCompressed
    /// Cisco HDLC: an EtherType, or both service access points of OSI.
    case ciscoHDLC
    /// Frame relay: control and network layer protocol identifier (RFC 2427).
    case frameRelay
    /// ARCnet's system code in one byte (RFC 1201).
    case arcnet
    /// The bottom of an MPLS label stack, after which only the IP version identifies the protocol (RFC 3032).
    case mpls
    /// Traffic type in SunATM's first byte; LANE or LLC after it.
    case sunATM(lane: Bool)
    /// The first four bytes have this value under this mask, whatever the protocol is: nothing in the capture identifies it.
    case magic(UInt32, mask: UInt32)
    /// How this link type identifies the payload is not known.
    case unknown
  }

  /// Where the link layer keeps its addresses.
  enum Addresses: Sendable {
    case none
    /// Six bytes for the source and six for the destination, at these offsets from the link header.
    case mac(source: UInt32, destination: UInt32)
    /// Up to four of them; flags of the frame tell which is which.
    case ieee80211
    /// One byte each.
    case octet(source: UInt32, destination: UInt32)
  }

  /// How the length of a variable header is found, which may precede the link-layer header or be that header.
  enum VariableLength: Sendable {
    /// All headers have a fixed length.
    case none
    /// The IEEE 802.11 header itself.
    case ieee80211
    /// 16 bits, little-endian, at byte 2: radiotap, and PPI.
    case radiotap
    case ppi
    /// 32 bits at byte 4.
    case avs
    /// The same if there is an AVS header, otherwise 144 bytes.
    case prism
    /// The first byte, rounded up to four.
    case pflog
  }

  /// The link type named in messages: that of the packets, or of the payload of an encapsulation.
  var linkType = LinkType.ethernet
  var field: ProtocolField
  /// The first byte of the link-layer header.
  var header = Position(0)
  /// The field that identifies the payload's protocol.
  var type: Position
  /// The first byte after the link-layer header.
  var payload: Position
  /// Bytes from the payload to the network-layer header: with an IEEE 802.2 header, the length of LLC and SNAP.
  var network: UInt32
  /// The same after LLC without SNAP.
  var networkBehindLLC: UInt32
  var addresses: Addresses
  var variable: VariableLength
  /// How many times `vlan` and `mpls` have been used.
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

  /// The first byte of the network-layer header.
  var networkHeader: Position { payload.advanced(by: network) }
  /// The same where the payload has an LLC header without SNAP, or none.
  var networkHeaderBehindLLC: Position { payload.advanced(by: networkBehindLLC) }
}
