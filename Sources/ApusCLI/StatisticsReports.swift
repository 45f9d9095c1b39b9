import Capture
import Dissect
import Glibc
import PacketCore
import Statistics

/// Which statistics are wanted, in what form and when: `--stats`, `--stats-interval`, `--stats-top`.
struct StatisticsReports {
  var settings: StatisticsSettings
  var isJSON: Bool
  /// Seconds between two reports; nil for one at the end only.
  var interval: Int64?
  let style: TableStyle
  /// Standard output, or standard error where the packets themselves go to standard output.
  let descriptor: CInt

  /// What the flags ask for; nil where they ask for nothing. `isJSON`: packets are to be objects of JSON. Throws where a flag is wrong.
  init?(_ options: CountOptions, path: String?, isJSON: Bool, printing: PrintOptions) throws(CommandError) {
    guard !options.statistics.isEmpty else { return nil }
    self.isJSON = isJSON
    settings = StatisticsSettings([], printing: printing)
    descriptor = path == "-" ? STDERR_FILENO : STDOUT_FILENO
    style = TableStyle(terminal: descriptor)
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
    if let text = options.statisticsTop {
      settings.top =
        text == "all"
        ? .max : Int(try Configuration.number(text, of: "number of rows", in: 1...UInt64(Int32.max), or: "all"))
    }
  }

  private mutating func add(_ word: String) throws(CommandError) {
    if let kind = StatisticsKind(rawValue: word) {
      if !settings.kinds.contains(kind) { settings.kinds.append(kind) }
      return
    }
    switch word {
    case "all":
      for kind in StatisticsKind.allCases where !settings.kinds.contains(kind) { settings.kinds.append(kind) }
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
  /// Bars as wide as the terminal allows; none where the descriptor is no terminal.
  fileprivate init(terminal descriptor: CInt) {
    self.init()
    guard isatty(descriptor) == 1 else { return }
    var size = winsize()
    // Safe: the request fills in the structure that is given.
    let isKnown = unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    width = isKnown ? Int(size.ws_col) : 80
    // The first of these that is set and not empty says what characters there are (locale(7)).
    for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
      // Safe: the environment is not changed while the program runs.
      guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { continue }
      let locale = unsafe String(cString: value).lowercased()
      hasBlocks = locale.hasSuffix("utf-8") || locale.hasSuffix("utf8")
      return
    }
  }
}

/// Statistics over the packets of a session, and when they are reported.
struct SessionStatistics: ~Copyable {
  private var statistics: Statistics
  private let reports: StatisticsReports
  /// When the next report is due.
  private(set) var nextReport: Timestamp?
  private var hasReported = false

  init(_ reports: StatisticsReports) {
    self.reports = reports
    statistics = Statistics(reports.settings)
    nextReport = reports.interval.map { Timestamp.now.advanced(bySeconds: $0) }
  }

  @inline(__always)
  mutating func add(_ packet: borrowing Packet) { statistics.add(packet) }

  /// True where a report is due; the next one is an interval later.
  mutating func isReportDue(at now: Timestamp) -> Bool {
    guard let due = nextReport, let interval = reports.interval, now >= due else { return false }
    let next = due.advanced(bySeconds: interval)
    // After a long pause one report is enough.
    nextReport = next > now ? next : now.advanced(bySeconds: interval)
    return true
  }

  /// Prints what has been counted so far, after all text that is held; gives the `errno` of a write to standard output that has failed.
  mutating func report(_ occasion: Ledger.Occasion) -> CInt? {
    // As everywhere, a second Ctrl-C ends the wait for a reader.
    let destination = ReportDestination.descriptor(reports.descriptor) { StopSignal.isRepeated }
    let failure =
      reports.isJSON
      ? statistics.writeJSON(occasion.rawValue, at: Timestamp.now, to: destination)
      : statistics.writeTables(reports.style, isContinued: hasReported, to: destination)
    hasReported = true
    return reports.descriptor == STDOUT_FILENO ? failure : nil
  }
}
