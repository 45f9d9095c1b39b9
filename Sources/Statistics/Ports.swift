import Dissect

/// The key of a transport protocol's port.
struct PortKey: TallyKey {
  /// The protocol number of IP.
  let protocolNumber: UInt8
  let port: UInt16

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 { mixed(UInt64(protocolNumber) << 16 | UInt64(port) ^ seed, seed | 1) }
}

/// The packets that ports have sent and received, over all hosts.
struct Ports: Sendable {
  private(set) var table: TallyTable<PortKey, SentAndReceived>
  /// Packets of ports for which there was no row.
  private(set) var others = SentAndReceived()
  /// Packets without ports: of other protocols, and fragments that are not the first.
  private(set) var withoutPorts = Tally()
  /// Packets from a port to the same one.
  private(set) var toSelf = Tally()

  init(limit: Int) { table = TallyTable(limit: limit) }

  mutating func add(_ endpoints: PacketEndpoints, _ length: UInt64) {
    guard endpoints.hasPorts else { return withoutPorts.add(length) }
    let source = PortKey(protocolNumber: endpoints.ipProtocol, port: endpoints.sourcePort)
    let destination = PortKey(protocolNumber: endpoints.ipProtocol, port: endpoints.destinationPort)
    guard source != destination else {
      toSelf.add(length)
      return table.addToSelf(source, length, &others)
    }
    // A connection begins with a packet to the service's port, so of two ports with equal counts that one comes first.
    table.addReceived(destination, length, &others)
    table.addSent(source, length, &others)
  }

  /// Adds a range of a part's rows.
  mutating func merge(_ part: borrowing Ports, _ range: Range<Int>) { table.merge(part.table, range, &others) }

  /// Adds a part's counts outside its rows.
  mutating func merge(sumsOf part: borrowing Ports) {
    withoutPorts += part.withoutPorts
    toSelf += part.toSelf
  }

  /// The sum of all rows and others: a packet counts once for each of its ports.
  func sum(_ total: Tally) -> Tally {
    let withPorts = total - withoutPorts
    return withPorts + withPorts - toSelf
  }
}
