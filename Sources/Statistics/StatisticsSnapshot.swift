/// The counts at some time, row by row, from which rates since then are computed.
struct StatisticsSnapshot: Sendable {
  var total = Tally()
  /// The time of the latest packet.
  var last: Int128?
  /// Indexed by node of the tree and by row of the tables, which only grow.
  var protocols: [Tally] = []
  var conversations: [Tally] = []
  var endpoints: [Tally] = []
  var ports: [Tally] = []
  var programs: [Tally] = []
  var sizes: [Tally] = []
}

/// The packets since a snapshot, and the elapsed seconds.
struct RecentRates: Sendable {
  let snapshot: StatisticsSnapshot
  /// More than 0.
  let seconds: Double

  /// The rates of a table's row since then. A row that is not in the snapshot's table is new.
  func rates(_ now: Tally, since table: [Tally], row: Int) -> (packets: Double, bits: Double) {
    rates(now, since: row < table.count ? table[row] : Tally())
  }

  func rates(_ now: Tally, since before: Tally) -> (packets: Double, bits: Double) {
    let new = now - before
    return (Double(new.packets) / seconds, Double(new.octets) * 8 / seconds)
  }
}

extension Statistics {
  /// The counts so far.
  private var currentCounts: StatisticsSnapshot {
    StatisticsSnapshot(
      total: total, last: times?.last, protocols: protocols?.summed.nodes.map(\.tally) ?? [],
      conversations: conversations?.table.rows.map(\.value.total) ?? [],
      endpoints: endpoints?.table.rows.map(\.value.total) ?? [], ports: ports?.table.rows.map(\.value.total) ?? [],
      programs: programs?.table.rows.map(\.value.traffic.total) ?? [], sizes: sizes?.classes ?? [])
  }

  /// Stores the counts so far, so that the next report has the rates since then.
  public mutating func takeSnapshot() { snapshot = currentCounts }

  /// The rates since the snapshot; nil without one. `seconds` have passed; with `byPacketTimes`, the time between the latest packets of
  /// then and now is used instead, unless they have the same time.
  func recentRates(after seconds: Double, byPacketTimes: Bool) -> RecentRates? {
    guard let snapshot else { return nil }
    var passed = seconds
    if byPacketTimes, let last = times?.last, let start = snapshot.last ?? times?.first, last > start {
      passed = Double(last &- start) / 1e9
    }
    return passed > 0 ? RecentRates(snapshot: snapshot, seconds: passed) : nil
  }
}
