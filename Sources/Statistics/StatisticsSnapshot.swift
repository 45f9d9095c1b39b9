/// What had been counted at some time, row by row: rates since then follow from it.
struct StatisticsSnapshot: Sendable {
  var total = Tally()
  /// The time of the latest packet.
  var last: Int128?
  /// By node of the tree and by row of the tables, which only grow.
  var protocols: [Tally] = []
  var conversations: [Tally] = []
  var endpoints: [Tally] = []
  var ports: [Tally] = []
  var programs: [Tally] = []
  var sizes: [Tally] = []
}

/// What came since a snapshot, and in how many seconds.
struct RecentRates: Sendable {
  let snapshot: StatisticsSnapshot
  /// More than 0.
  let seconds: Double

  /// Of a row of a table what came since then. A row that is not in the table is new.
  func rates(_ now: Tally, since table: [Tally], row: Int) -> (packets: Double, bits: Double) {
    rates(now, since: row < table.count ? table[row] : Tally())
  }

  func rates(_ now: Tally, since before: Tally) -> (packets: Double, bits: Double) {
    let new = now - before
    return (Double(new.packets) / seconds, Double(new.octets) * 8 / seconds)
  }
}

extension Statistics {
  /// What has been counted so far.
  private var currentCounts: StatisticsSnapshot {
    StatisticsSnapshot(
      total: total, last: times?.last, protocols: protocols?.summed.nodes.map(\.tally) ?? [],
      conversations: conversations?.table.rows.map(\.value.total) ?? [],
      endpoints: endpoints?.table.rows.map(\.value.total) ?? [], ports: ports?.table.rows.map(\.value.total) ?? [],
      programs: programs?.table.rows.map(\.value.traffic.total) ?? [], sizes: sizes?.classes ?? [])
  }

  /// Keeps what has been counted so far: the next report tells the rates since then.
  public mutating func takeSnapshot() { snapshot = currentCounts }

  /// The rates since the snapshot; nil without one. `seconds` have passed; with `byPacketTimes`, as many as between the latest packets of
  /// then and now, unless they have the same time.
  func recentRates(after seconds: Double, byPacketTimes: Bool) -> RecentRates? {
    guard let snapshot else { return nil }
    var passed = seconds
    if byPacketTimes, let last = times?.last, let start = snapshot.last ?? times?.first, last > start {
      passed = Double(last &- start) / 1e9
    }
    return passed > 0 ? RecentRates(snapshot: snapshot, seconds: passed) : nil
  }
}
