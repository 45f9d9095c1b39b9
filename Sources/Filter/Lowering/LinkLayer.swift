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

/// Where the headers of a packet are, and how the link layer says which protocol follows: one description for each link type, which
/// encapsulations (`vlan`, `mpls`, …) then change for what stands after them.
struct LinkLayer: Sendable {
  /// How the protocol of the payload is told.
  enum ProtocolField: Sendable {
    /// An EtherType or an IEEE 802.3 length, then perhaps an IEEE 802.2 header.
    case ethernet
    /// The protocol type of a Linux cooked header: an EtherType or one of a few small numbers.
    case linuxSLL
    /// An EtherType and nothing else.
    case etherType
    /// No field: the version in the first octet of the IP header tells.
    case ipVersion
    /// Always IPv4, or always IPv6.
    case always(EtherTypeOnly)
    /// An address family in 32 bits, in the byte order of the host that captured or in network byte order.
    case addressFamily(networkOrder: Bool)
    /// A PPP protocol number in 16 bits (RFC 1661).
    case ppp
    /// The bottom of an MPLS label stack, behind which only the IP version tells (RFC 3032).
    case mpls
    /// The link type is known, but not how it tells what follows.
    case unknown
  }

  /// The one protocol that follows.
  enum EtherTypeOnly: Sendable {
    case ip, ip6
  }

  /// Where the link layer keeps its addresses.
  enum Addresses: Sendable {
    case none
    /// Six octets for the source and six for the destination, at these offsets from the link header.
    case mac(source: UInt32, destination: UInt32)
  }

  var field: ProtocolField
  /// The first octet of the link-layer header.
  var header = Position(0)
  /// The field that tells the payload's protocol.
  var type = Position(0)
  /// The first octet behind the link-layer header.
  var payload: Position
  /// Octets from there to the network-layer header, where that is not behind SNAP and where it is behind plain LLC.
  var network: UInt32 = 0
  var networkBehindLLC: UInt32 = 0
  var addresses = Addresses.none
  /// How often `vlan` and `mpls` have been used, what encloses these headers.
  var vlanDepth = 0
  var mplsDepth = 0
  /// True inside a Geneve or VXLAN tunnel, where `inTunnel` tells whether an Ethernet header is there.
  var tunnelled = false

  init(
    field: ProtocolField, type: UInt32 = 0, payload: UInt32, networkBehindLLC: UInt32 = 0, addresses: Addresses = .none
  ) {
    self.field = field
    self.type = Position(type)
    self.payload = Position(payload)
    self.networkBehindLLC = networkBehindLLC
    self.addresses = addresses
  }

  /// The description of a link type.
  init(of linkType: LinkType) {
    switch linkType {
    case .ethernet:
      self.init(
        field: .ethernet, type: 12, payload: 14, networkBehindLLC: 3, addresses: .mac(source: 6, destination: 0))
    case .linuxSLL:
      self.init(field: .linuxSLL, type: 14, payload: 16)
    case .linuxSLL2:
      self.init(field: .etherType, type: 0, payload: 20)
    case .null:
      self.init(field: .addressFamily(networkOrder: false), payload: 4)
    case .loop:
      self.init(field: .addressFamily(networkOrder: true), payload: 4)
    case .raw:
      self.init(field: .ipVersion, payload: 0)
    case .ipv4:
      self.init(field: .always(.ip), payload: 0)
    case .ipv6:
      self.init(field: .always(.ip6), payload: 0)
    default:
      self.init(field: .unknown, payload: 0)
    }
  }

  /// The first octet of the network-layer header.
  var networkHeader: Position { payload.advanced(by: network) }
}
