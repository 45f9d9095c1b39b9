import Capture
import Dissect
import Glibc
import PacketCore
import Statistics

/// Which statistics to report, in which form and when: `--stats`, `--stats-interval`, `--stats-top`.
struct StatisticsReports {
  var settings: StatisticsSettings
  var isJSON: Bool
  /// Seconds between two reports; nil for one at the end only.
  var interval: Int64?
  private let color: ColorChoice
  /// `--process` is given, so `all` includes processes.
  private let hasProcesses: Bool
  /// Nothing else is written to the same terminal.
  private let isAlone: Bool
  /// Standard output, or standard error if standard output gets the packets themselves.
  let descriptor: CInt

  /// The settings of the flags; nil if no statistics are requested. `isJSON`: packets are printed as JSON objects; `isAlone`: packets are
  /// not printed; `hasProcesses`: their processes are wanted. Throws if a flag is wrong.
  init?(
    _ options: CountOptions, path: String?, isJSON: Bool, printing: PrintOptions, color: ColorChoice, isAlone: Bool,
    hasProcesses: Bool
  ) throws(CommandError) {
    guard !options.statistics.isEmpty else { return nil }
    self.isJSON = isJSON
    self.hasProcesses = hasProcesses
    settings = StatisticsSettings([], printing: printing)
    descriptor = path == "-" ? STDERR_FILENO : STDOUT_FILENO
    self.color = color
    self.isAlone = isAlone && options.ledger == nil
    for word in options.statistics.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
      try add(String(word))
    }
    guard !settings.kinds.isEmpty else { throw Self.unknown(options.statistics.joined(separator: ",")) }
    if settings.interval != nil, !settings.kinds.contains(.rate) {
      throw CommandError("an interval in --stats requires rate")
    }
    interval = try options.statisticsInterval.map { text throws(CommandError) in
      try Quantity.seconds(text, of: "statistics interval", in: 1...86_400)
    }
    if let name = options.statisticsSort { settings.sort = try sort(name) }
    if let text = options.statisticsTop {
      settings.top =
        text == "all"
        ? .max : Int(try Configuration.number(text, of: "number of rows", in: 1...UInt64(Int32.max), or: "all"))
    }
  }

  /// The current layout of the tables: the terminal may have been resized.
  var style: TableStyle { TableStyle(terminal: descriptor, color) }

  /// The screen on which reports replace each other; nil if each one follows the previous one.
  var screen: ReportScreen? { interval == nil || isJSON || !isAlone ? nil : ReportScreen(descriptor) }

  /// The argument of `--sort`. Throws if none of the requested tables can be sorted by it.
  private func sort(_ name: String) throws(CommandError) -> StatisticsSort {
    guard let key = StatisticsSort(rawValue: name) else {
      throw CommandError(
        "unknown sort key '\(name)': use \(Self.list(StatisticsSort.allCases.map(\.rawValue), "or"))")
    }
    let kinds = StatisticsKind.allCases.filter { $0.sortKeys.contains(key) }
    guard !settings.kinds.contains(where: kinds.contains) else { return key }
    let wanted = Self.list(settings.kinds.map(\.rawValue))
    throw CommandError("--sort \(name) sorts \(Self.list(kinds.map(\.rawValue))), not \(wanted)")
  }

  /// `a`, `a and b`, `a, b and c`.
  private static func list(_ words: [String], _ conjunction: String = "and") -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " \(conjunction) \(last)"
  }

  private mutating func add(_ word: String) throws(CommandError) {
    if let kind = StatisticsKind(rawValue: word) {
      if !settings.kinds.contains(kind) { settings.kinds.append(kind) }
      return
    }
    switch word {
    case "all":
      // Counting processes needs more than the bytes of packets.
      for kind in StatisticsKind.allCases where !settings.kinds.contains(kind) && (kind != .processes || hasProcesses) {
        settings.kinds.append(kind)
      }
    case "json": isJSON = true
    case "text": isJSON = false
    default:
      guard word.first?.isNumber ?? false else { throw Self.unknown(word) }
      guard let interval = Quantity.nanoseconds(word, takesPlain: false), interval >= 1000 else {
        throw CommandError(
          "invalid interval '\(word)' in --stats: numbers with the units us, ms, s, m, h or d (100ms, 1h30m), 1us or more"
        )
      }
      guard settings.interval == nil || settings.interval == interval else {
        throw CommandError("--stats has more than one interval")
      }
      settings.interval = interval
    }
  }

  private static func unknown(_ word: String) -> CommandError {
    let kinds = StatisticsKind.allCases.map(\.rawValue).joined(separator: ", ")
    return CommandError(
      "unknown statistics '\(word)': use \(kinds), all, json, text, or after rate an interval such as 100ms, 1s or 5min"
    )
  }
}

extension TableStyle {
  /// As wide as the terminal; without a width if the descriptor is not a terminal.
  fileprivate init(terminal descriptor: CInt, _ color: ColorChoice) {
    self.init()
    isColored = color.applies(to: descriptor)
    guard let size = Terminal.size(descriptor) else { return }
    width = size.columns
    hasBlocks = Terminal.isUTF8
  }
}

/// The statistics of a session's packets, and when they are reported.
struct SessionStatistics: ~Copyable {
  private var statistics: Statistics
  private let reports: StatisticsReports
  /// When the next report is due.
  private(set) var nextReport: Timestamp?
  private var hasReported = false
  /// The terminal on which each report replaces the previous one, showing the rates since then.
  private var screen: ReportScreen?
  /// Packets arrive live: rates are per second of the clock, not of packet times.
  private let isLive: Bool
  /// When the previous report was made.
  private var latestReport = MonotonicTime.now

  init(_ reports: StatisticsReports, isLive: Bool) {
    self.reports = reports
    self.isLive = isLive
    screen = reports.screen
    statistics = Statistics(reports.settings)
    if screen != nil { statistics.takeSnapshot() }
    nextReport = reports.interval.map { Timestamp.now.advanced(bySeconds: $0) }
  }

  @inline(__always)
  mutating func add(_ packet: borrowing Packet) { statistics.add(packet) }

  /// The state of the statistics from which a part for the next packets starts.
  var beginning: StatisticsBeginning { statistics.beginning }

  /// Adds the packets of the next part: `Statistics.merge`.
  mutating func merge(
    _ part: borrowing StatisticsPart, packet: (_ place: Int, (borrowing Packet) -> Void) -> Void
  ) {
    statistics.merge(part, packet: packet)
  }

  @inline(never)
  mutating func add(_ packet: borrowing Packet, _ processes: PacketProcesses) { statistics.add(packet, processes) }

  /// True if a report is due; schedules the next one an interval later.
  mutating func isReportDue(at now: Timestamp) -> Bool {
    guard let due = nextReport, let interval = reports.interval, now >= due else { return false }
    let next = due.advanced(bySeconds: interval)
    // After a long pause, one report is enough.
    nextReport = next > now ? next : now.advanced(bySeconds: interval)
    return true
  }

  /// Prints the counts so far, after all buffered text; returns the `errno` of a failed write to standard output.
  mutating func report(_ occasion: Ledger.ReportReason) -> CInt? {
    let failure = write(occasion)
    hasReported = true
    return reports.descriptor == STDOUT_FILENO ? failure : nil
  }

  private mutating func write(_ occasion: Ledger.ReportReason) -> CInt? {
    if screen != nil { return redraw(isLast: occasion == .end) }
    // As everywhere, a second Ctrl-C ends the wait for a reader.
    let destination = ReportDestination.descriptor(reports.descriptor) { StopSignal.isRepeated }
    return reports.isJSON
      ? statistics.writeJSON(occasion.rawValue, at: Timestamp.now, to: destination)
      : statistics.writeTables(reports.style, isContinued: hasReported, to: destination)
  }

  /// Replaces the previous report. The last report has totals only.
  private mutating func redraw(isLast: Bool) -> CInt? {
    guard !isLast else { return screen?.show(statistics.tables(reports.style), isLast: true) }
    let now = MonotonicTime.now
    let text = statistics.tables(
      reports.style, secondsSinceSnapshot: now.seconds(since: latestReport), byPacketTimes: !isLive)
    latestReport = now
    statistics.takeSnapshot()
    return screen?.show(text, isLast: false)
  }
}
