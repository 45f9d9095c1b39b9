/// The number of an interval, counted from the epoch.
struct IntervalKey: TallyKey {
  let number: Int128

  @inline(__always)
  func hash(_ seed: UInt64) -> UInt64 { mixed(UInt128(bitPattern: number), seed) }
}

/// Packets and octets in equal intervals of time, which begin at multiples of their length since the epoch.
struct Rate: Sendable {
  /// Nanoseconds of an interval.
  private(set) var interval: Int64
  /// The intervals with packets, in no order.
  private var table: TallyTable<IntervalKey, Tally>
  /// Packets of intervals for which there was no row.
  private(set) var others = Tally()
  /// Packets whose time is not known.
  private(set) var timeless = Tally()
  /// Intervals become longer where there are too many.
  private let isAutomatic: Bool
  /// The interval of the packet before, which most packets share: its row, start and end.
  private var latest = (row: 0, start: Int128.max, end: Int128.min)

  /// Intervals of an automatic length that are kept, and shown.
  private static let mostKept = 4096
  private static let mostShown = 50

  /// `interval` is nil where a length is to be found that suits the packets.
  init(interval: Int64?, limit: Int) {
    isAutomatic = interval == nil
    self.interval = max(1, interval ?? Self.lengths[0])
    table = TallyTable(limit: isAutomatic ? Self.mostKept : limit)
  }

  /// No packets yet of a part of those that come after the packets of `whole`: intervals stay as long as they are there, or begin with.
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

  /// Counts packets of the interval that a time lies in.
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

  /// The same packets in intervals of a length that is a multiple of this one's.
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

  /// The same packets in intervals of which not too many are shown, where no length was requested.
  func presentable(_ times: TimeSpan?) -> Rate {
    guard isAutomatic, let times else { return self }
    var length = interval
    while times.duration / Int128(length) >= Int128(Self.mostShown), let longer = Self.length(after: length) {
      length = longer
    }
    return length == interval ? self : with(interval: length)
  }

  /// The intervals with packets, the earliest first.
  var intervals: [(number: Int128, tally: Tally)] {
    table.rows.map { ($0.key.number, $0.value) }.sorted { $0.number < $1.number }
  }

  /// Intervals with packets.
  var rowCount: Int { table.rows.count }

  /// Adds the intervals of a part with these numbers, each of which lies in one of this one's.
  mutating func merge(_ part: borrowing Rate, _ range: Range<Int>) {
    for index in range {
      let row = part.table.rows[index]
      add(row.value, at: part.start(row.key.number))
    }
  }

  /// Adds what a part counts beside its intervals.
  mutating func merge(sumsOf part: borrowing Rate) { timeless += part.timeless }

  /// Counts a packet whose time is not known.
  mutating func addTimeless(_ length: UInt64) { timeless.add(length) }

  /// When the interval of a number begins, in nanoseconds since the epoch: no later than a time in it, so that it does not overflow.
  func start(_ number: Int128) -> Int128 { number &* Int128(interval) }

  /// How many intervals there are from the first to the last packet, those without packets included.
  func count(_ times: TimeSpan) -> UInt64 {
    let interval = Int128(interval)
    return UInt64(clamping: times.last.floorQuotient(interval) &- times.first.floorQuotient(interval) &+ 1)
  }

  // MARK: Lengths

  /// Lengths of intervals that people use, in nanoseconds; each is a multiple of the one before.
  private static let lengths: [Int64] =
    [1, 5, 10, 50, 100, 500].map { $0 * 1_000_000 }
    + [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, 86_400, 604_800].map { $0 * 1_000_000_000 }

  /// The next one; twice as long where there is none. Nil where that is more than a time can be.
  private static func length(after interval: Int64) -> Int64? {
    if let next = lengths.first(where: { $0 > interval }) { return next }
    let (double, overflow) = interval.multipliedReportingOverflow(by: 2)
    return overflow ? nil : double
  }
}
