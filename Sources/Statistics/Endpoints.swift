import Dissect
import PacketCore

/// An address.
struct EndpointKey: TallyKey {
  let address: UInt128
  let family: PacketEndpoints.Family

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 { mixed(mixed(address, seed) ^ UInt64(family.rawValue), seed | 1) }
}

/// What an address has sent and received.
struct EndpointTallies: Sendable, BitwiseCopyable {
  var sent = Tally()
  var received = Tally()

  var total: Tally { sent + received }
}

/// Addresses, up to a number of them. Every packet is sent by one and received by one: packets without addresses by the one that is none.
struct Endpoints: Sendable {
  private(set) var table: TallyTable<EndpointKey, EndpointTallies>
  /// Those of addresses for which there was no row.
  private(set) var others = EndpointTallies()

  init(limit: Int) { table = TallyTable(limit: limit) }

  mutating func add(_ endpoints: PacketEndpoints, _ length: UInt64) {
    if let row = table.row(of: EndpointKey(address: endpoints.source, family: endpoints.family), new: EndpointTallies())
    {
      table[row].sent.add(length)
    } else {
      others.sent.add(length)
    }
    let destination = EndpointKey(address: endpoints.destination, family: endpoints.family)
    if let row = table.row(of: destination, new: EndpointTallies()) {
      table[row].received.add(length)
    } else {
      others.received.add(length)
    }
  }
}
