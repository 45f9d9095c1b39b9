import Dissect
import PacketCore

/// A pair of endpoints and the protocol between them, regardless of which one sends. The endpoint that compares lower comes first.
struct ConversationKey: TallyKey {
  private let low: UInt128
  private let high: UInt128
  /// The port of `low` in the upper half, that of `high` in the lower half.
  private let ports: UInt32
  /// The family in the upper byte, the protocol in the middle, and in the lowest byte whether there are ports.
  private let kind: UInt32

  /// `isReverse` is set to true if the source is `high`.
  @inline(__always)
  init(_ endpoints: PacketEndpoints, protocol number: UInt16, isReverse: inout Bool) {
    let (source, destination) = (endpoints.source, endpoints.destination)
    let (sourcePort, destinationPort) = (UInt32(endpoints.sourcePort), UInt32(endpoints.destinationPort))
    isReverse = source == destination ? sourcePort > destinationPort : source > destination
    low = isReverse ? destination : source
    high = isReverse ? source : destination
    ports = isReverse ? destinationPort << 16 | sourcePort : sourcePort << 16 | destinationPort
    kind = UInt32(endpoints.family.rawValue) << 24 | UInt32(number) << 8 | (endpoints.hasPorts ? 1 : 0)
  }

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 {
    let addresses = mixed(low, seed) ^ mixed(high, seed &+ 0xd6e8_feb8_6659_fd93)
    return mixed(addresses ^ (UInt64(kind) << 32 | UInt64(ports)), seed | 1)
  }

  var family: PacketEndpoints.Family {
    PacketEndpoints.Family(rawValue: UInt8(truncatingIfNeeded: kind >> 24)) ?? .none
  }
  /// The protocol number of IP, if there is an IP header.
  var protocolNumber: UInt8 { UInt8(truncatingIfNeeded: kind >> 8) }
  /// The innermost layer, if there is no IP header.
  var layer: Layer.ID { Layer.ID(rawValue: UInt16(truncatingIfNeeded: kind >> 8)) }

  /// The value for a packet without layers.
  static let noLayer = Layer.ID(rawValue: .max)

  /// The address and port of the lower (`isHigh` false) or the higher endpoint.
  func endpoint(isHigh: Bool) -> (address: UInt128, port: UInt16?) {
    let port = UInt16(truncatingIfNeeded: isHigh ? ports : ports >> 16)
    return (isHigh ? high : low, kind & 1 != 0 ? port : nil)
  }
}

/// The packets between two endpoints. A is the sender of the first packet.
struct Conversation: Sendable, BitwiseCopyable {
  /// True if A is the higher endpoint of the key.
  let isReverse: Bool
  var fromA = Tally()
  var fromB = Tally()
  /// Nil if none of its packets has a time.
  var times: TimeSpan?

  var total: Tally { fromA + fromB }

  /// Adds later packets between the same endpoints.
  mutating func merge(_ later: Conversation) {
    let isSame = later.isReverse == isReverse
    fromA += isSame ? later.fromA : later.fromB
    fromB += isSame ? later.fromB : later.fromA
    guard let span = later.times else { return }
    var times = times ?? span
    times.include(span.first)
    times.include(span.last)
    self.times = times
  }
}

/// Conversations, up to a limit.
struct Conversations: Sendable {
  private(set) var table: TallyTable<ConversationKey, Conversation>
  /// Packets of conversations for which there was no row.
  private(set) var others = Tally()

  init(limit: Int) { table = TallyTable(limit: limit) }

  /// Counts a packet. Without an IP header, the innermost header is taken as the protocol.
  @inline(__always)
  mutating func add(
    _ endpoints: PacketEndpoints, _ layers: borrowing Span<Layer.ID>, _ length: UInt64, at time: Int128?
  ) {
    let number: UInt16
    switch endpoints.family {
    case .ipv4, .ipv6: number = UInt16(endpoints.ipProtocol)
    case .ethernet, .none:
      number = (layers.isEmpty ? ConversationKey.noLayer : layers[layers.count &- 1]).rawValue
    }
    var isReverse = false
    let key = ConversationKey(endpoints, protocol: number, isReverse: &isReverse)
    let new = Conversation(isReverse: isReverse, times: time.map { TimeSpan($0) })
    guard let row = table.row(of: key, new: new) else { return others.add(length) }
    if table[row].isReverse == isReverse { table[row].fromA.add(length) } else { table[row].fromB.add(length) }
    guard let time else { return }
    // Not modified in place: an access through the optional allocates.
    var times = table[row].times ?? TimeSpan(time)
    times.include(time)
    table[row].times = times
  }

  /// Adds a range of a part's rows.
  mutating func merge(_ part: borrowing Conversations, _ range: Range<Int>) {
    for index in range {
      let (key, other) = (part.table.rows[index].key, part.table.rows[index].value)
      guard let row = table.row(of: key, new: Conversation(isReverse: other.isReverse, times: other.times)) else {
        others += other.total
        continue
      }
      var value = table[row]
      value.merge(other)
      table[row] = value
    }
  }
}
