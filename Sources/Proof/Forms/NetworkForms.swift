import PacketCore

/// Headers above the link layer. Each function returns the packet with one more header.
extension PacketForm {
  /// The protocols that have their own headers here, so that no packet ends where such a header would begin.
  private static let knownProtocols: [ClosedRange<UInt32>] = {
    typealias Numbers = IPProtocols<UInt32>
    return [
      Numbers.hopByHop, Numbers.icmp, Numbers.igmp, Numbers.tcp, Numbers.udp, Numbers.fragment, Numbers.icmp6,
      Numbers.destinationOptions, Numbers.sctp, Numbers.authentication, Numbers.routing,
    ].map { $0...$0 }
  }()

  /// Every form that starts with this one, followed by any network protocol, whose EtherType `type` stores in the right place; with
  /// `withTunnels`, also the tunnels over UDP.
  func networks(withTunnels: Bool = false, _ type: (PacketForm, UInt16?) -> PacketForm) -> [PacketForm] {
    let (four, six) = (type(self, EtherType.ipv4), type(self, EtherType.ipv6))
    var tunnels: [PacketForm] = []
    if withTunnels {
      tunnels += four.ipv4(IPProtocol.udp).tunnels(over: .ipv4)
      tunnels += six.ipv6(IPProtocol.udp).tunnels(over: .ipv6)
    }
    return tunnels + [
      type(self, nil),
      four.ipv4(nil), four.ipv4(IPProtocol.icmp).icmp(), four.ipv4(IPProtocol.igmp).igmp(),
      four.ipv4(IPProtocol.udp).udp(over: .ipv4),
      four.ipv4(IPProtocol.tcp).tcp(over: .ipv4),
      four.ipv4(IPProtocol.sctp).sctp(),
      four.ipv4(IPProtocol.authentication).authenticationHeader(nil),
      four.ipv4(IPProtocol.authentication).authenticationHeader(IPProtocol.udp).udp(over: .ipv4),
      four.ipv4(IPProtocol.authentication).authenticationHeader(IPProtocol.tcp).tcp(over: .ipv4),
      six.ipv6(nil), six.ipv6(IPProtocol.icmp6).icmp6(), six.ipv6(IPProtocol.udp).udp(over: .ipv6),
      six.ipv6(IPProtocol.tcp).tcp(over: .ipv6),
      six.ipv6(IPProtocol.sctp).sctp(), six.ipv6(IPProtocol.fragment).fragmentHeader(nil),
      six.ipv6(IPProtocol.authentication).authenticationHeader(nil), six.ipv6(IPProtocol.routing).routingHeader(nil),
      six.ipv6(IPProtocol.hopByHop).optionsHeader(nil),
      six.ipv6(IPProtocol.destinationOptions).optionsHeader(nil),
      six.ipv6(IPProtocol.hopByHop).optionsHeader(IPProtocol.udp).udp(over: .ipv6),
      six.ipv6(IPProtocol.hopByHop).optionsHeader(IPProtocol.tcp).tcp(over: .ipv6),
      six.ipv6(IPProtocol.fragment).fragmentHeader(IPProtocol.udp).udp(over: .ipv6),
      six.ipv6(IPProtocol.fragment).fragmentHeader(IPProtocol.tcp).tcp(over: .ipv6),
      six.ipv6(IPProtocol.authentication).authenticationHeader(IPProtocol.udp).udp(over: .ipv6),
      six.ipv6(IPProtocol.authentication).authenticationHeader(IPProtocol.tcp).tcp(over: .ipv6),
      type(self, EtherType.arp).arp(operation: 1), type(self, EtherType.reverseARP).arp(operation: 3),
    ]
  }

  enum NetworkVersion: Sendable { case ipv4, ipv6 }

  /// Internet Protocol, RFC 791 section 3.1, without options: from 192.0.2.1 to 192.0.2.2. If the protocol is nil, any that has no header
  /// here; 253 is for experiments (RFC 3692).
  func ipv4(_ proto: UInt8?) -> PacketForm {
    var form = self
    let start = count
    form.networkHeader = start
    form.fix(0x45)
    form.prefer(0)
    form.addLength(from: start)
    form.prefer(0, 0, 0, 0, 64)
    form.addProtocol(proto, ifAny: 253)
    form.checksums.append(ChecksumField(offset: start + 10, start: start, count: 20))
    form.prefer(0, 0, 192, 0, 2, 1, 192, 0, 2, 2)
    return form
  }

  /// Internet Protocol version 6, RFC 8200 section 3: from 2001:db8::1 to 2001:db8::2. 59 means that nothing follows.
  func ipv6(_ proto: UInt8?) -> PacketForm {
    var form = self
    form.networkHeader = count
    form.fix(0x60)
    form.prefer(0, 0, 0)
    form.addLength(from: form.count + 36)
    form.addProtocol(proto, ifAny: 59)
    form.prefer(64)
    for last: UInt8 in [1, 2] { form.prefer([0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [last]) }
    return form
  }

  private mutating func addProtocol(_ proto: UInt8?, ifAny any: UInt8) {
    if let proto {
      fix(proto)
    } else {
      prefer(any)
      exclude(Self.knownProtocols, octets: 1)
    }
  }

  /// The fragment header of IPv6, RFC 8200 section 4.5, of a packet that is not fragmented.
  private func fragmentHeader(_ proto: UInt8?) -> PacketForm {
    var form = self
    form.addProtocol(proto, ifAny: 59)
    form.prefer(0, 0, 0, 0, 0, 0, 1)
    return form
  }

  /// The header of hop-by-hop or destination options of IPv6, RFC 8200 sections 4.3 and 4.6, with nothing but padding.
  private func optionsHeader(_ proto: UInt8?) -> PacketForm {
    var form = self
    form.addProtocol(proto, ifAny: 59)
    form.fix(0, 1, 4, 0, 0, 0, 0)
    return form
  }

  /// The routing header of IPv6, RFC 8200 section 4.4, without addresses.
  private func routingHeader(_ proto: UInt8?) -> PacketForm {
    var form = self
    form.addProtocol(proto, ifAny: 59)
    form.fix(0)
    form.prefer(0, 0, 0, 0, 0, 0)
    return form
  }

  /// The authentication header, RFC 4302 section 2, with a value of 96 bits.
  private func authenticationHeader(_ proto: UInt8?) -> PacketForm {
    var form = self
    form.addProtocol(proto, ifAny: 59)
    form.fix(4)
    form.prefer(0, 0, 0, 0, 1, 0, 0, 0, 0, 1)
    form.prefer([UInt8](repeating: 0, count: 12))
    return form
  }

  /// Address Resolution Protocol, RFC 826, for Ethernet and IPv4: a request, or with operation 3 one of RARP (RFC 903).
  func arp(operation: UInt8) -> PacketForm {
    var form = self
    form.fix(0, 1, 8, 0, 6, 4)
    form.prefer(0, operation, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2)
    return form
  }

  // MARK: Transport

  /// The pseudo header derived from the last network header.
  private func pseudoHeader(_ version: NetworkVersion, _ proto: UInt8) -> ChecksumField.PseudoHeader {
    switch version {
    case .ipv4: .ipv4(at: networkHeader, proto: proto)
    case .ipv6: .ipv6(at: networkHeader, proto: proto)
    }
  }

  /// User Datagram Protocol, RFC 768: from an ephemeral port to the discard port.
  func udp(over version: NetworkVersion, to port: UInt16? = nil) -> PacketForm {
    var form = self
    form.checksums.append(
      ChecksumField(offset: count + 6, start: count, pseudoHeader: pseudoHeader(version, 17), isOptional: true))
    form.prefer(0xc0, 0x00)
    if let port {
      form.fix(half: port)
    } else {
      form.prefer(0, 9)
      if !isTunnelled { form.exclude([Self.vxlanPort...Self.vxlanPort, Self.genevePort...Self.genevePort], octets: 2) }
    }
    form.addLength(from: count)
    form.prefer(0, 0)
    return form
  }

  /// Transmission Control Protocol, RFC 9293 section 3.1, without options: a SYN from an ephemeral port to port 80.
  func tcp(over version: NetworkVersion) -> PacketForm {
    var form = self
    form.checksums.append(ChecksumField(offset: count + 16, start: count, pseudoHeader: pseudoHeader(version, 6)))
    form.prefer(0xc0, 0x00, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0)
    form.fix(0x50)
    form.prefer(0x02, 0xff, 0xff, 0, 0, 0, 0)
    return form
  }

  /// Stream Control Transmission Protocol, RFC 9260 section 3: the common header and a COOKIE ACK. Its CRC is left 0.
  func sctp() -> PacketForm {
    var form = self
    form.prefer(0xc0, 0x00, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0, 11, 0, 0, 4)
    return form
  }

  /// Internet Control Message Protocol, RFC 792: an echo request.
  func icmp() -> PacketForm {
    var form = self
    form.checksums.append(ChecksumField(offset: count + 2, start: count))
    form.prefer(8, 0, 0, 0, 0, 1, 0, 1)
    return form
  }

  /// The same for IPv6, RFC 4443 section 4.1.
  func icmp6() -> PacketForm {
    var form = self
    form.checksums.append(ChecksumField(offset: count + 2, start: count, pseudoHeader: pseudoHeader(.ipv6, 58)))
    form.prefer(128, 0, 0, 0, 0, 1, 0, 1)
    return form
  }

  /// Internet Group Management Protocol, RFC 2236 section 2: a general query.
  func igmp() -> PacketForm {
    var form = self
    form.checksums.append(ChecksumField(offset: count + 2, start: count))
    form.prefer(0x11, 100, 0, 0, 0, 0, 0, 0)
    return form
  }

  // MARK: Tunnels

  private static let vxlanPort: UInt32 = 4789
  private static let genevePort: UInt32 = 6081

  /// Ethernet in VXLAN and in Geneve, with every network protocol.
  private func tunnels(over version: NetworkVersion) -> [PacketForm] {
    let headers = [
      udp(over: version, to: UInt16(Self.vxlanPort)).vxlan(), udp(over: version, to: UInt16(Self.genevePort)).geneve(),
    ]
    return headers.flatMap { header in
      var header = header
      header.isTunnelled = true
      return header.networks { $0.macAddresses().etherType($1) }
    }
  }

  /// Virtual eXtensible Local Area Network, RFC 7348 section 5, after its UDP header.
  func vxlan() -> PacketForm {
    var form = self
    form.prefer(0x08, 0, 0, 0, 0, 0, 1, 0)
    return form
  }

  /// Generic Network Virtualization Encapsulation, RFC 8926 section 3.4, without options: Ethernet inside.
  func geneve() -> PacketForm {
    var form = self
    form.fix(0x00)
    form.prefer(0)
    form.fix(half: EtherType.ethernet)
    form.prefer(0, 0, 1, 0)
    return form
  }
}
