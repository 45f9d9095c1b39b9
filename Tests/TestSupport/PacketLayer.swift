import PacketCore

/// One header of a packet that `PacketBuilder` builds.
enum Layer: Hashable, Sendable {
  case ethernet(source: MACAddress, destination: MACAddress, etherType: UInt16?)
  case linuxSLL(packetType: UInt16)
  case linuxSLL2(packetType: UInt8, interface: UInt32)
  /// The address family of BSD's loopback (NULL in the byte order of the writer, here little-endian; LOOP big-endian).
  case family(bigEndian: Bool)
  case vlan(control: UInt16, tpid: UInt16, etherType: UInt16?)
  case mpls(label: UInt32, trafficClass: UInt8, ttl: UInt8)
  case llc(dsap: UInt8, ssap: UInt8, control: UInt8)
  case pppoe(session: UInt16, protocol: UInt16?)
  case arp(operation: UInt16, sender: IPv4Address, senderMAC: MACAddress, target: IPv4Address, targetMAC: MACAddress)
  case ipv4(
    source: IPv4Address, destination: IPv4Address, ttl: UInt8, tos: UInt8, id: UInt16, fragment: UInt16,
    options: [UInt8], proto: UInt8?)
  case ipv6(
    source: IPv6Address, destination: IPv6Address, hopLimit: UInt8, trafficClass: UInt8, flowLabel: UInt32,
    proto: UInt8?)
  case ipv6Options(number: UInt8, options: [UInt8], proto: UInt8?)
  case ipv6Routing(type: UInt8, segmentsLeft: UInt8, body: [UInt8], proto: UInt8?)
  case ipv6Fragment(field: UInt16, id: UInt32, proto: UInt8?)
  case authentication(spi: UInt32, sequence: UInt32, proto: UInt8?)
  case gre(key: UInt32?, etherType: UInt16?)
  case tcp(
    source: UInt16, destination: UInt16, flags: TCPFlags, sequence: UInt32, acknowledgment: UInt32, window: UInt16,
    urgent: UInt16, options: [UInt8])
  case udp(source: UInt16, destination: UInt16)
  case icmp(type: UInt8, code: UInt8, rest: UInt32)
  case icmpv6(type: UInt8, code: UInt8, rest: UInt32)
  case sctp(source: UInt16, destination: UInt16, tag: UInt32)
  case vxlan(vni: UInt32)
  case geneve(vni: UInt32, options: [UInt8], etherType: UInt16?)

  /// True for headers whose addresses are covered by a transport's checksum.
  var isNetwork: Bool {
    switch self {
    case .ipv4, .ipv6: true
    default: false
    }
  }

  /// The EtherType of this header; 0x88b5 (local experimental) for headers that have none.
  var etherType: UInt16 {
    switch self {
    case .vlan(_, let tpid, _): tpid
    case .mpls: 0x8847
    case .pppoe: 0x8864
    case .arp: 0x0806
    case .ipv4: 0x0800
    case .ipv6: 0x86dd
    case .ethernet: 0x6558
    default: 0x88b5
    }
  }

  /// The IP protocol number of this header; 255 (reserved) for headers that have none.
  var proto: UInt8 {
    switch self {
    case .ipv4: 4
    case .ipv6: 41
    case .ipv6Options(let number, _, _): number
    case .ipv6Routing: 43
    case .ipv6Fragment: 44
    case .authentication: 51
    case .gre: 47
    case .mpls: 137
    case .ethernet: 143
    case .tcp: 6
    case .udp: 17
    case .icmp: 1
    case .icmpv6: 58
    case .sctp: 132
    default: 255
    }
  }

  /// The header followed by `body`; `next` is the header that `body` begins with, `network` the last IP header before it.
  func encoded(around body: [UInt8], next: Layer?, network: Layer?) -> [UInt8] {
    switch self {
    case .ethernet, .linuxSLL, .linuxSLL2, .family, .vlan, .mpls, .llc, .pppoe, .arp:
      encodedLink(around: body, next: next)
    case .tcp, .udp, .icmp, .icmpv6, .sctp: encodedTransport(around: body, network: network)
    default: encodedNetwork(around: body, next: next)
    }
  }
}

// MARK: Link layers

extension Layer {
  private func encodedLink(around body: [UInt8], next: Layer?) -> [UInt8] {
    var octets = WireOctets()
    let nextType = next?.etherType ?? 0x88b5
    switch self {
    case .ethernet(let source, let destination, let etherType):
      octets.append(destination)
      octets.append(source)
      if case .llc? = next {
        octets.append(etherType ?? UInt16(truncatingIfNeeded: body.count))
      } else {
        octets.append(etherType ?? nextType)
      }
    case .linuxSLL(let packetType):
      octets.append(packetType)
      octets.append(UInt16(1))  // ARPHRD_ETHER
      octets.append(UInt16(6))
      octets.append(MACAddress(rawValue: 0x0200_0000_0001))
      octets.append(UInt16(0))
      octets.append(nextType)
    case .linuxSLL2(let packetType, let interface):
      octets.append(nextType)
      octets.append(UInt16(0))
      octets.append(interface)
      octets.append(UInt16(1))  // ARPHRD_ETHER
      octets.append(packetType)
      octets.append(UInt8(6))
      octets.append(MACAddress(rawValue: 0x0200_0000_0001))
      octets.append(UInt16(0))
    case .family(let bigEndian):
      let family: UInt32 = next?.etherType == 0x86dd ? 30 : 2  // Darwin's AF_INET6, AF_INET
      octets.append(bigEndian ? family : family.byteSwapped)
    case .vlan(let control, _, let etherType):
      octets.append(control)
      octets.append(etherType ?? nextType)
    case .mpls(let label, let trafficClass, let ttl):
      var isBottom = true
      if case .mpls? = next { isBottom = false }
      octets.append(label << 12 | UInt32(trafficClass & 7) << 9 | (isBottom ? 0x100 : 0) | UInt32(ttl))
    case .llc(let dsap, let ssap, let control):
      octets.append(contentsOf: [dsap, ssap, control])
    case .pppoe(let session, let number):
      octets.append(UInt16(0x1100))
      octets.append(session)
      octets.append(UInt16(truncatingIfNeeded: body.count + 2))
      octets.append(number ?? (nextType == 0x86dd ? 0x0057 : 0x0021))
    case .arp(let operation, let sender, let senderMAC, let target, let targetMAC):
      octets.append(contentsOf: [0, 1, 8, 0, 6, 4])
      octets.append(operation)
      octets.append(senderMAC)
      octets.append(sender.rawValue)
      octets.append(targetMAC)
      octets.append(target.rawValue)
    default: preconditionFailure("encoded(around:) sends link layers only")
    }
    return octets.octets + body
  }
}

// MARK: Network layers

extension Layer {
  private func encodedNetwork(around body: [UInt8], next: Layer?) -> [UInt8] {
    var octets = WireOctets()
    let nextProto = next?.proto ?? 255
    let nextType = next?.etherType ?? 0x88b5
    switch self {
    case .ipv4(let source, let destination, let ttl, let tos, let id, let fragment, let options, let proto):
      let options = options.padded(to: 4)
      let headerLength = 20 + options.count
      octets.append(UInt8(0x40 | UInt8(truncatingIfNeeded: headerLength / 4) & 15))
      octets.append(tos)
      octets.append(UInt16(truncatingIfNeeded: headerLength + body.count))
      octets.append(id)
      octets.append(fragment)
      octets.append(ttl)
      octets.append(proto ?? nextProto)
      octets.append(UInt16(0))
      octets.append(source.rawValue)
      octets.append(destination.rawValue)
      octets.append(contentsOf: options)
      octets.set(checksum(octets.octets), at: 10)
    case .ipv6(let source, let destination, let hopLimit, let trafficClass, let flowLabel, let proto):
      octets.append(0x6000_0000 | UInt32(trafficClass) << 20 | flowLabel & 0xfffff)
      octets.append(UInt16(truncatingIfNeeded: body.count))
      octets.append(proto ?? nextProto)
      octets.append(hopLimit)
      octets.append(source.rawValue)
      octets.append(destination.rawValue)
    case .ipv6Options(_, let options, let proto):
      let content = options.paddedAsOptions()
      octets.append(proto ?? nextProto)
      octets.append(UInt8(truncatingIfNeeded: (content.count + 2) / 8 - 1))
      octets.append(contentsOf: content)
    case .ipv6Routing(let type, let segmentsLeft, let content, let proto):
      let content = ([0, 0, 0, 0] + content).padded(to: 8).dropFirst(4)
      octets.append(proto ?? nextProto)
      octets.append(UInt8(truncatingIfNeeded: (content.count + 4) / 8 - 1))
      octets.append(contentsOf: [type, segmentsLeft] + content)
    case .ipv6Fragment(let field, let id, let proto):
      octets.append(contentsOf: [proto ?? nextProto, 0])
      octets.append(field)
      octets.append(id)
    case .authentication(let spi, let sequence, let proto):
      octets.append(contentsOf: [proto ?? nextProto, 4, 0, 0])
      octets.append(spi)
      octets.append(sequence)
      octets.append(contentsOf: [UInt8](repeating: 0, count: 12))
    case .gre(let key, let etherType):
      octets.append(UInt16(key == nil ? 0 : 0x2000))
      octets.append(etherType ?? nextType)
      if let key { octets.append(key) }
    case .vxlan(let vni):
      octets.append(UInt32(0x0800_0000))
      octets.append(vni << 8)
    case .geneve(let vni, let options, let etherType):
      let options = options.padded(to: 4)
      octets.append(contentsOf: [UInt8(truncatingIfNeeded: options.count / 4) & 63, 0])
      octets.append(etherType ?? nextType)
      octets.append(vni << 8)
      octets.append(contentsOf: options)
    default: preconditionFailure("encoded(around:) sends network layers only")
    }
    return octets.octets + body
  }
}

// MARK: Transport layers

extension Layer {
  private func encodedTransport(around body: [UInt8], network: Layer?) -> [UInt8] {
    var octets = WireOctets()
    let checksumOffset: Int
    switch self {
    case .tcp(
      let source, let destination, let flags, let sequence, let acknowledgment, let window, let urgent, let options):
      let options = options.padded(to: 4)
      octets.append(source)
      octets.append(destination)
      octets.append(sequence)
      octets.append(acknowledgment)
      octets.append(UInt16(truncatingIfNeeded: (20 + options.count) / 4) << 12 | flags.rawValue & 0xfff)
      octets.append(window)
      octets.append(UInt16(0))
      octets.append(urgent)
      octets.append(contentsOf: options)
      checksumOffset = 16
    case .udp(let source, let destination):
      octets.append(source)
      octets.append(destination)
      octets.append(UInt16(truncatingIfNeeded: 8 + body.count))
      octets.append(UInt16(0))
      checksumOffset = 6
    case .icmp(let type, let code, let rest), .icmpv6(let type, let code, let rest):
      octets.append(contentsOf: [type, code, 0, 0])
      octets.append(rest)
      checksumOffset = 2
    case .sctp(let source, let destination, let tag):
      octets.append(source)
      octets.append(destination)
      octets.append(tag)
      octets.append(UInt32(0))
      octets.append(contentsOf: body)
      octets.set(crc32c(octets.octets).byteSwapped, at: 8)
      return octets.octets
    default: preconditionFailure("encoded(around:) sends transport layers only")
    }
    octets.append(contentsOf: body)
    var sum = checksum(pseudoHeader(length: octets.octets.count, network: network) + octets.octets)
    if sum == 0, case .udp = self { sum = 0xffff }
    octets.set(sum, at: checksumOffset)
    return octets.octets
  }

  /// The pseudo-header that a transport's checksum covers (RFC 9293 section 3.1, RFC 8200 section 8.1).
  private func pseudoHeader(length: Int, network: Layer?) -> [UInt8] {
    if case .icmp = self { return [] }
    var octets = WireOctets()
    switch network {
    case .ipv4(let source, let destination, _, _, _, _, _, _)?:
      octets.append(source.rawValue)
      octets.append(destination.rawValue)
    case .ipv6(let source, let destination, _, _, _, _)?:
      octets.append(source.rawValue)
      octets.append(destination.rawValue)
    default: return []
    }
    octets.append(UInt32(truncatingIfNeeded: length))
    octets.append(UInt32(proto))
    return octets.octets
  }
}

// MARK: Octets

/// Bytes in network byte order.
private struct WireOctets {
  private(set) var octets: [UInt8] = []

  mutating func append(contentsOf more: [UInt8]) { octets += more }

  mutating func append<Value: FixedWidthInteger>(_ value: Value) {
    for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
      octets.append(UInt8(truncatingIfNeeded: value >> Value(shift)))
    }
  }

  mutating func append(_ address: MACAddress) {
    append(UInt16(truncatingIfNeeded: address.rawValue >> 32))
    append(UInt32(truncatingIfNeeded: address.rawValue))
  }

  mutating func set<Value: FixedWidthInteger>(_ value: Value, at offset: Int) {
    for index in 0..<Value.bitWidth / 8 {
      octets[offset + index] = UInt8(truncatingIfNeeded: value >> Value(Value.bitWidth - 8 - 8 * index))
    }
  }
}

extension [UInt8] {
  /// The bytes with zeros appended up to a multiple of `unit`.
  fileprivate func padded(to unit: Int) -> [UInt8] {
    self + [UInt8](repeating: 0, count: (unit - count % unit) % unit)
  }

  /// IPv6 options followed by Pad1 or PadN, so that the length plus two bytes is a multiple of eight (RFC 8200 section 4.2).
  fileprivate func paddedAsOptions() -> [UInt8] {
    let missing = (8 - (count + 2) % 8) % 8
    switch missing {
    case 0: return self
    case 1: return self + [0]
    default: return self + [1, UInt8(missing - 2)] + [UInt8](repeating: 0, count: missing - 2)
    }
  }
}

/// The Internet checksum (RFC 1071).
private func checksum(_ octets: [UInt8]) -> UInt16 {
  var sum = InternetChecksum()
  // Safe: octets have no padding bytes, and the view ends before the array does.
  unsafe sum.add(PacketBytes(octets.span.bytes))
  return sum.value
}

/// CRC-32c (RFC 9260 appendix A), as a number whose least significant byte is the first on the wire.
private func crc32c(_ octets: [UInt8]) -> UInt32 {
  var crc: UInt32 = 0xffff_ffff
  for octet in octets {
    crc ^= UInt32(octet)
    for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82f6_3b78 }
  }
  return ~crc
}
