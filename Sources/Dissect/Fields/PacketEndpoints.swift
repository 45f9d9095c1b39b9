import Names
public import PacketCore

/// Sender and receiver of a packet: the addresses of its outermost IP header, and the ports of the transport directly inside that header.
/// Headers inside a tunnel or an ICMP error are ignored. Without an IP header the addresses are those of the outermost Ethernet frame.
public struct PacketEndpoints: Sendable, BitwiseCopyable {
  /// The kind of the addresses.
  public enum Family: UInt8, Sendable, BitwiseCopyable {
    /// There are no addresses.
    case none
    case ethernet, ipv4, ipv6
  }

  public internal(set) var family = Family.none
  /// Addresses, in the lower bits if they have fewer than 128; 0 if there are none.
  public internal(set) var source: UInt128 = 0
  public internal(set) var destination: UInt128 = 0
  /// The protocol in the IP packet (IANA "Protocol Numbers"), after the extension headers of IPv6 as far as they were captured; 0 without
  /// an IP header.
  public internal(set) var ipProtocol: UInt8 = 0
  /// True if the ports are known: they are not in a fragment other than the first.
  public internal(set) var hasPorts = false
  public internal(set) var sourcePort: UInt16 = 0
  public internal(set) var destinationPort: UInt16 = 0
  /// Number of IP headers so far: nothing is recorded from the second one on.
  fileprivate var ipHeaders = 0
}

extension Printer {
  /// Parses a packet without keeping its text: the results are then in `layers`, and with `Recording.endpoints` in `endpoints`. A packet
  /// with impossible lengths has neither.
  public mutating func parse(_ packet: borrowing Packet) {
    if packet.bytes.hasPossibleLengths {
      out.discardWrites()
      _ = dissect(packet)
      out.holdWrites()
    } else {
      context.reset(recording)
      writesFields = false
    }
  }

  // MARK: What dissectors record

  /// Records the addresses of an Ethernet frame.
  @inline(__always)
  package mutating func noteAddresses(ofFrame frame: PacketBytes) throws(DecodeError) {
    if recording != .endpoints { return }
    guard context.endpoints.family == .none else { return }
    context.endpoints.source = UInt128(try frame.mac(at: 6).rawValue)
    context.endpoints.destination = UInt128(try frame.mac(at: 0).rawValue)
    context.endpoints.family = .ethernet
  }

  /// Records the addresses of the IP header in `network`.
  @inline(__always)
  package mutating func noteAddresses() {
    if recording != .endpoints { return }
    context.endpoints.ipHeaders &+= 1
    guard context.endpoints.ipHeaders == 1 else { return }
    context.endpoints.family = network.version == 4 ? .ipv4 : .ipv6
    context.endpoints.source = network.source
    context.endpoints.destination = network.destination
    context.endpoints.ipProtocol = network.headerProtocol
  }

  /// Records the protocol that follows an extension header of IPv6.
  @inline(__always)
  package mutating func noteProtocol(_ number: UInt8) {
    if recording != .endpoints { return }
    if context.endpoints.ipHeaders == 1 { context.endpoints.ipProtocol = number }
  }

  /// Records the ports of a transport.
  @inline(__always)
  package mutating func notePorts(_ source: UInt16, _ destination: UInt16) {
    if recording != .endpoints { return }
    guard context.endpoints.ipHeaders == 1, !context.endpoints.hasPorts else { return }
    context.endpoints.sourcePort = source
    context.endpoints.destinationPort = destination
    context.endpoints.hasPorts = true
  }

  // MARK: Text

  /// Appends an address: as a name if one is known and `-n` was not given, else as a number. Writes nothing if there is no address.
  public mutating func write(address: UInt128, of family: PacketEndpoints.Family) {
    switch family {
    case .none: break
    case .ethernet:
      let address = MACAddress(rawValue: UInt64(truncatingIfNeeded: address))
      if let name = names?.etherName(of: address) { out.write(name) } else { out.write(address) }
    case .ipv4: writeHost(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address)))
    case .ipv6: writeHost(IPv6Address(rawValue: address))
    }
  }

  /// Appends a port: as the name of a service if one is known and `-n` was not given, else as a number.
  public mutating func write(port: UInt16, ofProtocol number: UInt8) {
    if let transport = Transport(rawValue: number) { writePort(port, transport) } else { out.write(decimal: port) }
  }
}

extension TextBuffer {
  /// A protocol number of IP as its usual keyword, or as a number.
  public mutating func write(ipProtocol number: UInt8) {
    if let name = keywords[number] { write(name) } else { write(decimal: number) }
  }
}

private let keywords: ValueNames = [
  0: "hop_by_hop", 1: "icmp", 2: "igmp", 4: "ipv4", 6: "tcp", 8: "egp", 9: "igrp", 17: "udp", 33: "dccp", 41: "ipv6",
  43: "routing", 44: "fragment", 46: "rsvp", 47: "gre", 50: "esp", 51: "ah", 55: "mobile", 58: "icmpv6",
  59: "no_next_header", 60: "destination_options", 88: "eigrp", 89: "ospf", 103: "pim", 108: "ipcomp", 112: "vrrp",
  113: "pgm", 115: "l2tp", 132: "sctp", 135: "mobility", 136: "udplite", 137: "mpls", 143: "ethernet",
]
