import PacketCore

/// The addresses that a socket sends or receives with, as in its packets on the wire.
struct SocketAddresses: Hashable, Sendable {
  /// 4 or 6.
  var version: UInt8
  /// The IP protocol number.
  var proto: UInt8
  var local: UInt128
  var remote: UInt128
  var localPort: UInt16
  var remotePort: UInt16

  /// False for loopback addresses, which mean another host in each network namespace.
  var leavesHost: Bool {
    func isLoopback(_ address: UInt128) -> Bool { version == 4 ? address >> 24 == 127 : address == 1 }
    return !isLoopback(local) && !isLoopback(remote)
  }
}

/// The addresses of a packet's outermost IP header.
struct PacketAddresses: Hashable, Sendable {
  var version: UInt8
  var proto: UInt8
  var source: UInt128
  var destination: UInt128
  var sourcePort: UInt16 = 0
  var destinationPort: UInt16 = 0
  /// For an ICMP reply, the type of the request: the reply goes to the process that sent the request.
  var requestType: UInt16?

  /// The addresses under which the sender's socket is recorded.
  var sender: SocketAddresses {
    SocketAddresses(
      version: version, proto: proto, local: source, remote: destination, localPort: sourcePort,
      remotePort: destinationPort)
  }

  /// The addresses under which the receiver's socket is recorded. Nil for ICMP that no process has requested.
  var receiver: SocketAddresses? {
    var (localPort, remotePort) = (destinationPort, sourcePort)
    if proto == IPProtocolNumber.icmp || proto == IPProtocolNumber.icmp6 {
      guard let requestType else { return nil }
      (localPort, remotePort) = (sourcePort, requestType)
    }
    return SocketAddresses(
      version: version, proto: proto, local: destination, remote: source, localPort: localPort, remotePort: remotePort)
  }
}

private enum IPProtocolNumber {
  static let icmp: UInt8 = 1
  static let icmp6: UInt8 = 58

  /// True for TCP, UDP, DCCP, SCTP and UDP-Lite, which begin with two ports.
  static func hasPorts(_ number: UInt8) -> Bool {
    switch number {
    case 6, 17, 33, 132, 136: true
    default: false
    }
  }
}

/// Types of ICMP messages that have an identifier.
private enum ICMPType {
  case request
  /// The reply to a request of that type.
  case reply(to: UInt16)

  init?(_ type: UInt8, proto: UInt8) {
    switch (proto, type) {
    case (IPProtocolNumber.icmp, 8), (IPProtocolNumber.icmp, 13), (IPProtocolNumber.icmp6, 128): self = .request
    case (IPProtocolNumber.icmp, 0): self = .reply(to: 8)
    case (IPProtocolNumber.icmp, 14): self = .reply(to: 13)
    case (IPProtocolNumber.icmp6, 129): self = .reply(to: 128)
    default: return nil
    }
  }
}

/// Finds the addresses of packets. Later fragments have those of the first.
struct AddressParser {
  /// Identifies the packet that fragments belong to.
  private struct FragmentKey: Hashable {
    let source: UInt128
    let destination: UInt128
    let identifier: UInt32
    let proto: UInt8
  }

  /// The ports of packets whose first fragment has been seen.
  private var ports: [FragmentKey: (source: UInt16, destination: UInt16)] = [:]

  private static let maximumFragments = 1024
  /// How many IPv6 extension headers are skipped at most.
  private static let maximumExtensions = 8
  private static let maximumTags = 4

  /// The addresses of a packet's outermost IP header; nil if it has none, or if it was not captured completely.
  mutating func addresses(of packet: borrowing Packet) -> PacketAddresses? {
    do throws(DecodeError) {
      guard let offset = try Self.networkOffset(of: packet) else { return nil }
      switch try packet.bytes.u8(at: offset) >> 4 {
      case 4: return try addresses4(packet.bytes, offset)
      case 6: return try addresses6(packet.bytes, offset)
      default: return nil
      }
    } catch {
      return nil
    }
  }

  /// Where the IP header begins.
  private static func networkOffset(of packet: borrowing Packet) throws(DecodeError) -> Int? {
    let bytes = packet.bytes
    switch packet.linkType {
    case .ethernet: return try networkOffset(bytes, etherTypeAt: 12)
    case .linuxSLL: return try networkOffset(bytes, etherTypeAt: 14)
    case .linuxSLL2:
      guard isIP(try bytes.u16(at: 0)) else { return nil }
      return 20
    case .raw, .ipv4, .ipv6: return 0
    case .null, .loop: return 4
    default: return nil
    }
  }

  private static func networkOffset(_ bytes: PacketBytes, etherTypeAt start: Int) throws(DecodeError) -> Int? {
    var position = start
    for _ in 0...maximumTags {
      let type = try bytes.u16(at: position)
      if isIP(type) { return position + 2 }
      guard type == 0x8100 || type == 0x88a8 || type == 0x9100 else { return nil }
      position += 4
    }
    return nil
  }

  private static func isIP(_ type: UInt16) -> Bool { type == 0x0800 || type == 0x86dd }

  private mutating func addresses4(_ bytes: PacketBytes, _ start: Int) throws(DecodeError) -> PacketAddresses? {
    var addresses = PacketAddresses(
      version: 4, proto: try bytes.u8(at: start + 9), source: UInt128(try bytes.u32(at: start + 12)),
      destination: UInt128(try bytes.u32(at: start + 16)))
    let headerLength = Int(try bytes.u8(at: start) & 15) * 4
    guard headerLength >= 20 else { return nil }
    let fragment = try bytes.u16(at: start + 6)
    try findPorts(
      &addresses, bytes, at: start + headerLength, isFirst: fragment & 0x1fff == 0,
      fragment: fragment & 0x3fff == 0 ? nil : UInt32(try bytes.u16(at: start + 4)))
    return addresses
  }

  private mutating func addresses6(_ bytes: PacketBytes, _ start: Int) throws(DecodeError) -> PacketAddresses? {
    var addresses = PacketAddresses(
      version: 6, proto: try bytes.u8(at: start + 6), source: try bytes.ipv6(at: start + 8).rawValue,
      destination: try bytes.ipv6(at: start + 24).rawValue)
    var position = start + 40
    var (isFirst, identifier): (Bool, UInt32?) = (true, nil)
    for _ in 0..<Self.maximumExtensions where isFirst {
      switch addresses.proto {
      case 0, 43, 60:
        addresses.proto = try bytes.u8(at: position)
        position += (Int(try bytes.u8(at: position + 1)) + 1) * 8
      case 44:
        addresses.proto = try bytes.u8(at: position)
        isFirst = try bytes.u16(at: position + 2) & 0xfff8 == 0
        identifier = try bytes.u32(at: position + 4)
        position += 8
      default: break
      }
    }
    try findPorts(&addresses, bytes, at: position, isFirst: isFirst, fragment: identifier)
    return addresses
  }

  /// Reads the ports from the transport header, or takes them from the first fragment.
  private mutating func findPorts(
    _ addresses: inout PacketAddresses, _ bytes: PacketBytes, at start: Int, isFirst: Bool, fragment: UInt32?
  ) throws(DecodeError) {
    let key = fragment.map {
      FragmentKey(
        source: addresses.source, destination: addresses.destination, identifier: $0, proto: addresses.proto)
    }
    guard isFirst else {
      guard let key, let known = ports[key] else { throw .truncated }
      (addresses.sourcePort, addresses.destinationPort) = known
      return
    }
    if IPProtocolNumber.hasPorts(addresses.proto) {
      addresses.sourcePort = try bytes.u16(at: start)
      addresses.destinationPort = try bytes.u16(at: start + 2)
      guard let key else { return }
      // Fragments of a packet follow each other closely, so older ones are useless.
      if ports.count >= Self.maximumFragments { ports.removeAll(keepingCapacity: true) }
      ports[key] = (addresses.sourcePort, addresses.destinationPort)
    } else if addresses.proto == IPProtocolNumber.icmp || addresses.proto == IPProtocolNumber.icmp6 {
      let type = try bytes.u8(at: start)
      addresses.destinationPort = UInt16(type)
      guard let message = ICMPType(type, proto: addresses.proto) else { return }
      addresses.sourcePort = try bytes.u16(at: start + 4)
      if case .reply(let request) = message { addresses.requestType = request }
    }
  }
}
