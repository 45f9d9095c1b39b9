/// The key of an interval: its number, counted from the epoch.
struct IntervalKey: TallyKey {
  let number: Int128

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 { mixed(UInt128(bitPattern: number), seed) }
}

/// Packets and bytes in equal intervals of time, which begin at multiples of their length since the epoch.
struct Rate: Sendable {
  /// Length of an interval in nanoseconds.
  private(set) var interval: Int64
  /// The intervals with packets, unordered.
  private var table: TallyTable<IntervalKey, Tally>
  /// Packets of intervals for which there was no row.
  private(set) var others = Tally()
  /// Packets without a known time.
  private(set) var timeless = Tally()
  /// Intervals are lengthened if there are too many.
  private let isAutomatic: Bool
  /// The interval of the previous packet, which most packets share: its row, start and end.
  private var latest = (row: 0, start: Int128.max, end: Int128.min)

  /// The maximum numbers of intervals of automatic length to keep, and to show.
  private static let mostKept = 4096
  private static let mostShown = 50

  /// `interval` is nil if the length is to be chosen to suit the packets.
  init(interval: Int64?, limit: Int) {
    isAutomatic = interval == nil
    self.interval = max(1, interval ?? Self.lengths[0])
    table = TallyTable(limit: isAutomatic ? Self.mostKept : limit)
  }

  /// An empty part for packets that come after those of `whole`. Its intervals have the current length of `whole`.
  init(partOf whole: Rate) {
    isAutomatic = false
    interval = whole.interval
    table = TallyTable(limit: .max)
  }

  @inline(__always)
  mutating func add(_ length: UInt64, at time: Int128) {
    if time >= latest.start, time < latest.end {
      table[latest.row].add(length)
    } else {
      addElsewhere(length, at: time)
    }
  }

  @inline(never)
  private mutating func addElsewhere(_ length: UInt64, at time: Int128) {
    add(Tally(packets: 1, octets: length), at: time)
  }

  /// Counts packets in the interval that contains a time.
  private mutating func add(_ tally: Tally, at time: Int128) {
    while true {
      let number = time.floorQuotient(Int128(interval))
      if let row = table.row(of: IntervalKey(number: number), new: Tally()) {
        table[row] += tally
        let start = start(number)
        latest = (row, start, start &+ Int128(interval))
        return
      }
      guard isAutomatic, let longer = Self.length(after: interval) else {
        others += tally
        return
      }
      self = self.with(interval: longer)
    }
  }

  /// The same packets in longer intervals, whose length is a multiple of the current one.
  private func with(interval longer: Int64) -> Rate {
    var copy = self
    copy.interval = longer
    copy.latest = (0, .max, .min)
    copy.table = TallyTable(limit: table.limit)
    for row in table.rows {
      let number = start(row.key.number).floorQuotient(Int128(longer))
      guard let place = copy.table.row(of: IntervalKey(number: number), new: Tally()) else {
        copy.others += row.value
        continue
      }
      copy.table[place] += row.value
    }
    return copy
  }

  /// The same packets in intervals for a report: if no length was requested, in ones long enough that there are not too many.
  func presentable(_ times: TimeSpan?) -> Rate {
    guard isAutomatic, let times else { return self }
    var length = interval
    while times.duration / Int128(length) >= Int128(Self.mostShown), let longer = Self.length(after: length) {
      length = longer
    }
    return length == interval ? self : with(interval: length)
  }

  /// The intervals with packets, in time order.
  var intervals: [(number: Int128, tally: Tally)] {
    table.rows.map { ($0.key.number, $0.value) }.sorted { $0.number < $1.number }
  }

  /// Number of intervals with packets.
  var rowCount: Int { table.rows.count }

  /// Adds a range of a part's intervals, each of which is within one of this table's.
  mutating func merge(_ part: borrowing Rate, _ range: Range<Int>) {
    for index in range {
      let row = part.table.rows[index]
      add(row.value, at: part.start(row.key.number))
    }
  }

  /// Adds a part's counts outside its intervals.
  mutating func merge(sumsOf part: borrowing Rate) { timeless += part.timeless }

  /// Counts a packet without a known time.
  mutating func addTimeless(_ length: UInt64) { timeless.add(length) }

  /// The start of an interval in nanoseconds since the epoch. It is not after any time in the interval, so it does not overflow.
  func start(_ number: Int128) -> Int128 { number &* Int128(interval) }

  /// The number of intervals from the first to the last packet, including those without packets.
  func count(_ times: TimeSpan) -> UInt64 {
    let interval = Int128(interval)
    return UInt64(clamping: times.last.floorQuotient(interval) &- times.first.floorQuotient(interval) &+ 1)
  }

  // MARK: Lengths

  /// Common interval lengths in nanoseconds; each is a multiple of the previous one.
  private static let lengths: [Int64] =
    [1, 5, 10, 50, 100, 500].map { $0 * 1_000_000 }
    + [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, 86_400, 604_800].map { $0 * 1_000_000_000 }

  /// The next common length, or else twice the length; nil if that overflows.
  private static func length(after interval: Int64) -> Int64? {
    if let next = lengths.first(where: { $0 > interval }) { return next }
    let (double, overflow) = interval.multipliedReportingOverflow(by: 2)
    return overflow ? nil : double
  }
}
