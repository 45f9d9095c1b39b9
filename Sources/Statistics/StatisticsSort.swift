import Dissect
import PacketCore
import Protocols

/// A sort key for the rows of a table.
public enum StatisticsSort: String, CaseIterable, Sendable {
  /// Most packets first.
  case packets
  /// Most bytes on the wire first.
  case bytes
  /// Names of protocols, addresses and ports, ascending.
  case name
  /// The earliest first packet first.
  case start
  /// The longest time from the first to the last packet first.
  case duration
  /// Most bits per second in that time first.
  case rate
  /// Most connections first.
  case connections
}

extension StatisticsKind {
  /// The keys that its rows can be sorted by, the default first; empty if they have a fixed order.
  public var sortKeys: [StatisticsSort] {
    switch self {
    case .protocols: [.packets, .bytes, .name]
    case .conversations: [.bytes, .packets, .name, .start, .duration, .rate]
    case .endpoints, .ports: [.bytes, .packets, .name]
    case .processes: [.bytes, .packets, .name, .connections]
    case .sizes, .rate: []
    }
  }
}

extension StatisticsSettings {
  /// The sort key of a table: the requested one if the table supports it, otherwise its default.
  func sortKey(of kind: StatisticsKind) -> StatisticsSort {
    if let sort, kind.sortKeys.contains(sort) { return sort }
    return kind.sortKeys.first ?? .bytes
  }
}

extension Tally {
  /// True if this has more of what the key counts.
  fileprivate func exceeds(_ other: Tally, by key: StatisticsSort) -> Bool {
    key == .packets ? packets > other.packets : octets > other.octets
  }
}

extension ProtocolTree {
  /// The children of a node, in that order; call it on `summed`.
  func children(of parent: Int, by key: StatisticsSort) -> [Int] {
    let children = children(of: parent)
    guard key == .name else {
      return children.sorted {
        let (first, second) = (nodes[$0].tally, nodes[$1].tally)
        return first.exceeds(second, by: key) || !second.exceeds(first, by: key) && $0 < $1
      }
    }
    return children.map { (name: nodes[$0].name, node: $0) }.sorted { ($0.name, $0.node) < ($1.name, $1.node) }
      .map(\.node)
  }
}

extension ProtocolTree.Node {
  /// The name of the innermost header.
  var name: String { "\(layer.flatMap { Registry.shared[$0] }?.name ?? "")" }
}

extension Conversations {
  typealias Row = TallyTable<ConversationKey, Conversation>.Row

  /// At most `count` rows in that order.
  func rows(_ count: Int, by key: StatisticsSort) -> [Int] {
    switch key {
    case .packets, .bytes, .connections: table.rows(count) { $0.value.total.exceeds($1.value.total, by: key) }
    case .name: table.rows(count, by: Self.haveNamesInOrder)
    case .start: table.rows(count) { ($0.value.times?.first ?? .max) < ($1.value.times?.first ?? .max) }
    case .duration: table.rows(count) { ($0.value.times?.duration ?? -1) > ($1.value.times?.duration ?? -1) }
    case .rate: table.rows(count) { ($0.value.bitsPerSecond ?? -1) > ($1.value.bitsPerSecond ?? -1) }
    }
  }

  /// Compares address and port of A, then of B, then the protocol.
  private static func haveNamesInOrder(_ first: Row, _ second: Row) -> Bool {
    for isB in [false, true] {
      let ends = (
        first.key.endpoint(isHigh: first.value.isReverse != isB),
        second.key.endpoint(isHigh: second.value.isReverse != isB)
      )
      let names = (
        (first.key.family.rawValue, ends.0.address, ends.0.port ?? 0),
        (second.key.family.rawValue, ends.1.address, ends.1.port ?? 0)
      )
      if names.0 != names.1 { return names.0 < names.1 }
    }
    return first.key.protocolNumber < second.key.protocolNumber
  }
}

extension Conversation {
  /// Bits on the wire per second between the first and the last packet; nil if no time has passed.
  var bitsPerSecond: Double? {
    guard let duration = times?.duration, duration > 0 else { return nil }
    return Double(total.octets) * 8 / (Double(duration) / 1e9)
  }
}

extension Endpoints {
  /// At most `count` rows in that order.
  func rows(_ count: Int, by key: StatisticsSort) -> [Int] {
    guard key == .name else { return table.rows(count) { $0.value.total.exceeds($1.value.total, by: key) } }
    return table.rows(count) {
      ($0.key.family.rawValue, $0.key.address) < ($1.key.family.rawValue, $1.key.address)
    }
  }
}

extension Ports {
  /// At most `count` rows in that order.
  func rows(_ count: Int, by key: StatisticsSort) -> [Int] {
    guard key == .name else { return table.rows(count) { $0.value.total.exceeds($1.value.total, by: key) } }
    return table.rows(count) { ($0.key.protocolNumber, $0.key.port) < ($1.key.protocolNumber, $1.key.port) }
  }
}

extension Programs {
  /// At most `count` rows in that order.
  func rows(_ count: Int, by key: StatisticsSort) -> [Int] {
    switch key {
    case .name: table.rows(count) { ($0.key.name.text, $0.key.process) < ($1.key.name.text, $1.key.process) }
    case .connections: table.rows(count) { $0.value.connections > $1.value.connections }
    case .packets, .bytes, .start, .duration, .rate:
      table.rows(count) { $0.value.traffic.total.exceeds($1.value.traffic.total, by: key) }
    }
  }
}
