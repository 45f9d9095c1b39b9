public import PacketCore

/// Which earlier packets the text of a packet depends on.
public enum PacketDependence: Sendable, BitwiseCopyable {
  /// None.
  case nothing
  /// The text depends on the connection only for the relative sequence numbers of the TCP segment, given here.
  case sequence(TCPSequence)
  /// It may depend on more: a printer that has seen the earlier packets must print it.
  case earlierPackets
}

/// The packet times that relative timestamps count from (`-ttt`, `-ttttt`): those of the first and of the previous packet.
public struct TimeReferences: Sendable, BitwiseCopyable {
  var first: Timestamp?
  var previous: Timestamp?

  public init() {}
}

extension Printer {
  /// Which of the packets before the current one a printer has seen.
  enum History: BitwiseCopyable {
    /// All of them.
    case complete
    /// Some or none: these are the relative numbers of the segment, and nothing else may depend on other packets.
    case partial(TCPSequence?)
    /// Some or none; records whether a dissector has asked for state of earlier packets.
    case watched(isWanted: Bool)
  }

  /// False if `-T` sets what payloads are parsed as, so that several printers cannot share the work.
  public var canShareWork: Bool { options.payload == nil }

  /// Which earlier packets the text of the packet depends on. This printer then need not print the packet: it has recorded the packet's
  /// time and connection. For `.earlierPackets` it has recorded nothing, and must print the packet itself.
  public mutating func dependence(of packet: borrowing Packet) -> PacketDependence {
    guard packet.linkType == .ethernet, packet.bytes.hasPossibleLengths,
      let dependence = try? dependence(ofFrame: packet.bytes)
    else { return .earlierPackets }
    if case .earlierPackets = dependence { return dependence }
    noteTime(packet.timestamp)
    return dependence
  }

  /// Appends the text of a packet as `packet` does, given its dependence.
  public mutating func packet(_ packet: borrowing Packet, number: UInt64, given dependence: PacketDependence) {
    if case .sequence(let numbers) = dependence { history = .partial(numbers) } else { history = .partial(nil) }
    self.packet(packet, number: number)
  }

  /// The same for `json`.
  public mutating func json(
    _ packet: borrowing Packet, number: UInt64, interface: String?, base: Int = 0, given dependence: PacketDependence
  ) {
    history = .partial(nil)
    json(packet, number: number, interface: interface, base: base)
  }

  /// The packet times that relative timestamps count from.
  public var timeReferences: TimeReferences {
    get {
      var references = TimeReferences()
      (references.first, references.previous) = (clock.first, clock.previous)
      return references
    }
    set { (clock.first, clock.previous) = (newValue.first, newValue.previous) }
  }

  /// Records the time of a packet that another printer prints.
  private mutating func noteTime(_ time: Timestamp) {
    if clock.first == nil { clock.first = time }
    clock.previous = time
  }

  /// Parses a packet as `parse` does, without knowing the packets before it. Returns false if the result may depend on them: the packet
  /// must then be parsed again, by a printer that has seen all packets for which this returned false.
  public mutating func parseAlone(_ packet: borrowing Packet) -> Bool {
    history = .watched(isWanted: false)
    parse(packet)
    if case .watched(isWanted: true) = history { return false }
    return true
  }

  /// Called when a dissector reads its state of earlier packets. If the printer has not seen those packets, `dependence` should have
  /// returned `.earlierPackets`.
  mutating func noteDependence() {
    switch history {
    case .complete: break
    case .partial: assertionFailure("\(protocolName) depends on earlier packets")
    case .watched: history = .watched(isWanted: true)
    }
  }

  /// Makes the numbers of a segment between two ports relative to those of the first segment of its connection.
  @inline(__always)
  mutating func makeRelative(_ numbers: inout TCPSequence, _ source: UInt16, _ destination: UInt16, isSYN: Bool) {
    switch history {
    case .complete: break
    case .partial(.some(let known)):
      numbers = known
      return
    case .partial, .watched: return noteDependence()
    }
    tcpConnections.makeRelative(&numbers, network, source, destination, isSYN: isSYN)
  }

  // MARK: Headers

  /// Ethernet and VLAN tags. Throws if a header is truncated or unusual in any way: the dissectors handle such a packet.
  private mutating func dependence(ofFrame frame: PacketBytes) throws(DecodeError) -> PacketDependence {
    var start = 14
    var type = try frame.u16(at: 12)
    while EtherType.isVLAN(type), start < 30 {
      type = try frame.u16(at: start &+ 2)
      start &+= 4
    }
    switch type {
    case EtherType.ipv4: return try dependence(ofIPv4: try frame.dropping(start))
    case EtherType.ipv6: return try dependence(ofIPv6: try frame.dropping(start))
    case EtherType.arp: return .nothing
    default: return .earlierPackets
    }
  }

  private mutating func dependence(ofIPv4 bytes: PacketBytes) throws(DecodeError) -> PacketDependence {
    let header = IPv4Header(bytes)
    let (headerLength, length) = (try header.headerLength, try header.totalLength)
    guard try header.version == 4, headerLength >= IPv4Header.minimumLength, length >= headerLength,
      length <= bytes.length
    else { return .earlierPackets }
    let packet = bytes.clamped(to: length).withLength(length)
    guard packet.count >= headerLength else { return .earlierPackets }
    let number = try header.protocolNumber
    if try header.fragment & IPv4Header.offsetMask != 0 { return .nothing }
    let payload = try packet.dropping(headerLength)
    var network = NetworkHeader()
    network.version = 4
    network.source = UInt128(try header.source.rawValue)
    network.destination = UInt128(try header.destination.rawValue)
    switch number {
    case IPProtocol.tcp: return try dependence(ofTCP: payload, network)
    case IPProtocol.udp: return try dependence(ofUDP: payload)
    case IPProtocol.icmp:
      // Other messages quote packets.
      let type = try payload.u8(at: 0)
      return type == 0 || type == 8 ? .nothing : .earlierPackets
    default: return .earlierPackets
    }
  }

  private mutating func dependence(ofIPv6 bytes: PacketBytes) throws(DecodeError) -> PacketDependence {
    let header = IPv6Header(bytes)
    let length = try header.payloadLength &+ IPv6Header.length
    guard try header.version == 6, length > IPv6Header.length, length <= bytes.length else { return .earlierPackets }
    let payload = try bytes.clamped(to: length).withLength(length).dropping(IPv6Header.length)
    var network = NetworkHeader()
    network.version = 6
    network.source = try header.source.rawValue
    network.destination = try header.destination.rawValue
    switch try header.nextHeader {
    case IPProtocol.tcp: return try dependence(ofTCP: payload, network)
    case IPProtocol.udp: return try dependence(ofUDP: payload)
    case IPProtocol.icmp6:
      // Errors and redirects quote packets; echoes and the other messages of neighbour discovery do not.
      let type = try payload.u8(at: 0)
      return type == 128 || type == 129 || 133...136 ~= type ? .nothing : .earlierPackets
    default: return .earlierPackets
    }
  }

  private func dependence(ofUDP bytes: PacketBytes) throws(DecodeError) -> PacketDependence {
    let index = registry.index(udpSource: try bytes.u16(at: 0), destination: try bytes.u16(at: 2))
    return registry.standsAlone(index) ? .nothing : .earlierPackets
  }

  private mutating func dependence(
    ofTCP bytes: PacketBytes, _ network: NetworkHeader
  ) throws(DecodeError) -> PacketDependence {
    let (source, destination) = (try bytes.u16(at: 0), try bytes.u16(at: 2))
    guard registry.standsAlone(registry.index(tcpSource: source, destination: destination)) else {
      return .earlierPackets
    }
    try bytes.check(0, TCPHeader.minimumLength)
    let flags = try bytes.u16(at: 12)
    guard Int(flags >> 12) &* 4 >= TCPHeader.minimumLength else { return .earlierPackets }
    if recording == .fields || options.absoluteSequence || options.quiet || flags & TCPFlags.ack == 0 {
      return .nothing
    }
    var numbers = TCPSequence(sequence: try bytes.u32(at: 4), acknowledgment: try bytes.u32(at: 8))
    tcpConnections.makeRelative(&numbers, network, source, destination, isSYN: flags & TCPFlags.syn != 0)
    return .sequence(numbers)
  }
}
