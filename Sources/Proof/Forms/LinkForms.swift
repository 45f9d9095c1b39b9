import PacketCore

typealias EtherType = EtherTypes<UInt16>
typealias PPPProtocol = PPPProtocols<UInt16>
typealias IPProtocol = IPProtocols<UInt8>

/// Headers of the link layer, and all forms of a link type.
extension PacketForm {
  /// The forms that packets of a link type may have, the shortest first; none for many link types.
  static func all(for linkType: LinkType) -> [PacketForm] {
    let start = PacketForm()
    let forms: [PacketForm] =
      switch linkType {
      case .ethernet: start.ethernets()
      case .raw: start.internets(withTunnels: true)
      case .ipv4: start.networks(withTunnels: true) { form, type in type == EtherType.ipv4 ? form : form.impossible }
      case .ipv6: start.networks(withTunnels: true) { form, type in type == EtherType.ipv6 ? form : form.impossible }
      case .null, .loop, .enc: start.families(linkType)
      case .linuxSLL: start.tagged { $0.linuxSLL($1) }
      case .linuxSLL2: start.tagged { $0.linuxSLL2($1) }
      case .ppp, .pppPPPD, .pppSerial: start.networks(withTunnels: true) { $0.ppp($1) }
      case .ciscoHDLC:
        start.networks { form, type in
          var form = form
          form.prefer(0x0f, 0)
          return form.etherType(type)
        }
      case .dsaTagBroadcom, .dsaTagMarvell:
        start.tagged { form, type in
          var form = form.macAddresses()
          form.prefer(0, 0, 0, 0)
          return form.etherType(type)
        }
      default: []
      }
    return forms.filter { $0.maximumLength > 0 }.sorted { $0.count < $1.count }
  }

  /// A form that matches no packet.
  private var impossible: PacketForm {
    var form = self
    form.addLength(from: -0x1_0000, maximum: 0)
    return form
  }

  // MARK: Ethernet

  /// Ethernet frames (IEEE 802.3): with every network protocol, also after tags, labels or PPPoE, and with LLC.
  private func ethernets() -> [PacketForm] {
    var forms = tagged { $0.macAddresses().etherType($1) }
    forms += macAddresses().llcs()
    forms += macAddresses().etherType(EtherType.pppoeSession).networks { $0.pppoe($1) }
    forms.append(macAddresses().etherType(EtherType.pppoeDiscovery).pppoeDiscovery())
    return forms
  }

  /// Every network protocol after a header that ends with its EtherType, and the same after one or two VLAN tags and MPLS labels.
  private func tagged(_ header: @escaping (PacketForm, UInt16?) -> PacketForm) -> [PacketForm] {
    networks(withTunnels: true, header) + networks { header($0, EtherType.vlan).vlan($1) }
      + networks { header($0, EtherType.serviceVLAN).vlan(EtherType.vlan).vlan($1) }
      + networks { header($0, EtherType.oldServiceVLAN).vlan(EtherType.vlan).vlan($1) }
      + header(self, EtherType.mpls).labelled()
  }

  /// From 02:00:00:00:00:01 to 02:00:00:00:00:02, which are locally administered.
  func macAddresses() -> PacketForm {
    var form = self
    form.prefer(2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1)
    return form
  }

  /// EtherTypes that have their own headers here.
  private static let knownTypes: [UInt32] = {
    typealias Types = EtherTypes<UInt32>
    return [
      Types.ipv4, Types.arp, Types.reverseARP, Types.vlan, Types.ipv6, Types.mpls, Types.mplsMulticast,
      Types.pppoeDiscovery,
      Types.pppoeSession, Types.serviceVLAN, Types.oldServiceVLAN,
    ]
  }()

  /// An EtherType; if nil, any that has no header here: 0x88b5 is for experiments (IEEE 802).
  func etherType(_ type: UInt16?) -> PacketForm {
    var form = self
    if let type {
      form.fix(half: type)
    } else {
      form.prefer(0x88, 0xb5)
      form.exclude([0...0x5ff] + Self.knownTypes.map { $0...$0 }, octets: 2)
    }
    return form
  }

  /// The rest of a VLAN tag (IEEE 802.1Q) for VLAN 1, and the EtherType after it.
  private func vlan(_ type: UInt16?) -> PacketForm {
    var form = self
    form.prefer(0, 1)
    return form.etherType(type)
  }

  /// MPLS label stacks of one and two entries (RFC 3032) with IP below.
  private func labelled() -> [PacketForm] {
    var (one, two) = (self, self)
    // The lowest bit of the third byte is set in the last entry of a stack.
    one.prefer(0, 1, 0x01)
    one.fixBits(1)
    two.prefer(0, 1, 0x00)
    two.fixBits(1)
    two.prefer(64, 0, 1, 0x11)
    two.fixBits(1)
    one.prefer(64)
    two.prefer(64)
    return one.internets() + two.internets()
  }

  /// IP of either version, without a header before it.
  private func internets(withTunnels: Bool = false) -> [PacketForm] {
    networks(withTunnels: withTunnels) { form, type in
      type == EtherType.ipv4 || type == EtherType.ipv6 ? form : form.impossible
    }
  }

  /// PPPoE in its session stage (RFC 2516 section 6), carrying PPP.
  private func pppoe(_ type: UInt16?) -> PacketForm {
    var form = self
    form.fix(0x11, 0)
    form.prefer(0, 1)
    form.addLength(from: form.count + 2)
    return form.pppProtocol(type)
  }

  /// The discovery stage (RFC 2516 section 5): an initiation without tags.
  private func pppoeDiscovery() -> PacketForm {
    var form = self
    form.fix(0x11)
    form.prefer(0x09, 0, 0)
    form.addLength(from: form.count + 2)
    return form
  }

  /// Logical Link Control (IEEE 802.2) in frames with a length: unnumbered information without service access points, a topology
  /// change of the spanning tree, and SNAP.
  private func llcs() -> [PacketForm] {
    var header = self
    header.addLength(from: header.count + 2, maximum: Int(EtherType.maximumLength))
    var (any, tree, snap) = (header, header, header)
    any.prefer(0, 0, 3)
    tree.fix(0x42, 0x42, 3)
    tree.prefer(0, 0, 0, 0x80)
    snap.fix(0xaa, 0xaa, 3)
    snap.prefer(0, 0, 0)
    return [any, tree] + snap.networks { $0.etherType($1) }
  }

  // MARK: Other link types

  /// PPP in HDLC-like framing (RFC 1662 section 3.1).
  private func ppp(_ type: UInt16?) -> PacketForm {
    var form = self
    form.prefer(0xff, 3)
    return form.pppProtocol(type)
  }

  /// The PPP number of a network protocol; if nil, any other: 0xc021 is the Link Control Protocol.
  private func pppProtocol(_ type: UInt16?) -> PacketForm {
    var form = self
    switch type {
    case EtherType.ipv4: form.fix(half: PPPProtocol.ipv4)
    case EtherType.ipv6: form.fix(half: PPPProtocol.ipv6)
    case nil:
      form.prefer(0xc0, 0x21)
      form.exclude([UInt32(PPPProtocol.ipv4), UInt32(PPPProtocol.ipv6)].map { $0...$0 }, octets: 2)
    default: return impossible
    }
    return form
  }

  /// The address family in four bytes, in the byte order that the filter requires.
  private func families(_ linkType: LinkType) -> [PacketForm] {
    networks { form, type in
      var form = form
      let family: UInt8
      switch type {
      case EtherType.ipv4: family = 2
      case EtherType.ipv6: family = 10
      case nil: family = 0
      default: return form.impossible
      }
      form.prefer(linkType == .loop ? [0, 0, 0, family] : [family, 0, 0, 0])
      if linkType == .enc { form.prefer([UInt8](repeating: 0, count: 8)) }
      return form
    }
  }

  /// Linux cooked capture, version 1: a packet to this host from 02:00:00:00:00:01.
  private func linuxSLL(_ type: UInt16?) -> PacketForm {
    var form = self
    form.prefer(0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0)
    return form.etherType(type)
  }

  /// Linux cooked capture, version 2, whose header begins with the EtherType.
  private func linuxSLL2(_ type: UInt16?) -> PacketForm {
    var form = etherType(type)
    form.prefer(0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0)
    return form
  }
}
