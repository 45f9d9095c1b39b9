import Dissect
import PacketCore

/// The key of an address.
struct EndpointKey: TallyKey {
  let address: UInt128
  let family: PacketEndpoints.Family

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 { mixed(mixed(address, seed) ^ UInt64(family.rawValue), seed | 1) }
}

/// The packets that an address or a port has sent and received.
struct SentAndReceived: Sendable, BitwiseCopyable {
  var sent = Tally()
  var received = Tally()
  /// Packets to itself, which are included in both of the above.
  var toSelf = Tally()

  /// All packets, each counted once.
  var total: Tally { sent + received - toSelf }

  static func += (sum: inout SentAndReceived, other: SentAndReceived) {
    sum.sent += other.sent
    sum.received += other.received
    sum.toSelf += other.toSelf
  }

  mutating func addToSelf(_ length: UInt64) {
    sent.add(length)
    received.add(length)
    toSelf.add(length)
  }
}

extension TallyTable where Value == SentAndReceived {
  /// Counts a packet as sent by a row, or in `others` if there is no row.
  mutating func addSent(_ key: Key, _ length: UInt64, _ others: inout SentAndReceived) {
    if let row = row(of: key, new: SentAndReceived()) { self[row].sent.add(length) } else { others.sent.add(length) }
  }

  /// Counts a packet as received by a row, or in `others` if there is no row.
  mutating func addReceived(_ key: Key, _ length: UInt64, _ others: inout SentAndReceived) {
    if let row = row(of: key, new: SentAndReceived()) {
      self[row].received.add(length)
    } else {
      others.received.add(length)
    }
  }

  /// Counts a packet from a row to itself.
  mutating func addToSelf(_ key: Key, _ length: UInt64, _ others: inout SentAndReceived) {
    if let row = row(of: key, new: SentAndReceived()) { self[row].addToSelf(length) } else { others.addToSelf(length) }
  }

  /// Adds a range of a part's rows, or adds them to `others` if there is no row.
  mutating func merge(_ part: borrowing Self, _ range: Range<Int>, _ others: inout SentAndReceived) {
    for index in range {
      let (key, value) = (part.rows[index].key, part.rows[index].value)
      if let row = row(of: key, new: SentAndReceived()) { self[row] += value } else { others += value }
    }
  }
}

/// Addresses, up to a limit. Every packet has a sender and a receiver: packets without addresses are counted under the empty address.
struct Endpoints: Sendable {
  private(set) var table: TallyTable<EndpointKey, SentAndReceived>
  /// Packets of addresses for which there was no row.
  private(set) var others = SentAndReceived()
  /// Packets from an address to itself, as on a loopback interface.
  private(set) var toSelf = Tally()

  init(limit: Int) { table = TallyTable(limit: limit) }

  mutating func add(_ endpoints: PacketEndpoints, _ length: UInt64) {
    let source = EndpointKey(address: endpoints.source, family: endpoints.family)
    let destination = EndpointKey(address: endpoints.destination, family: endpoints.family)
    guard source != destination else {
      toSelf.add(length)
      return table.addToSelf(source, length, &others)
    }
    table.addSent(source, length, &others)
    table.addReceived(destination, length, &others)
  }

  /// Adds a range of a part's rows.
  mutating func merge(_ part: borrowing Endpoints, _ range: Range<Int>) { table.merge(part.table, range, &others) }

  /// Adds a part's counts outside its rows.
  mutating func merge(sumsOf part: borrowing Endpoints) { toSelf += part.toSelf }

  /// The sum of all rows and others: a packet counts once for each of its addresses.
  func sum(_ total: Tally) -> Tally { total + total - toSelf }
}
