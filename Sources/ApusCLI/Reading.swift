import Capture
import Dissect
import Glibc
import PacketCore
import Protocols
import Savefile

/// Which savefiles are read, and how.
struct Reading {
  /// In the order of the arguments; `-` is standard input.
  var paths: [String]
  /// In the order of time, instead of one file after the other.
  var merges: Bool
  /// Damaged parts are skipped.
  var recovers: Bool
  /// The file may grow while it is read.
  var follows: Bool
  /// The start of the time window, and its end, which is exclusive.
  var start: TimeBound?
  var end: TimeBound?
  /// Length in nanoseconds of a time window that ends at the last packet of the files.
  var last: Int64?
  /// By how many seconds packets may be out of order; nil for any.
  var disorder: Int64?

  /// The settings of the flags. Throws if one is wrong, or the list of files cannot be read.
  init(_ options: SavefileOptions) throws(CommandError) {
    paths = options.readFiles
    if let list = options.readList {
      paths = try Self.list(list)
    }
    merges = options.merge
    recovers = options.recover
    follows = options.follow
    start = try options.from.map { text throws(CommandError) in try TimeBound(text) }
    end = try options.to.map { text throws(CommandError) in try TimeBound(text) }
    disorder = TimeWindow.defaultDisorder
    if let text = options.disorder {
      disorder =
        text == "all"
        ? nil : try Quantity.secondsRoundedUp(text, of: "disorder", in: 0...Int64(Int32.max), also: "all")
    }
    if let text = options.last {
      guard let duration = Quantity.nanoseconds(text, takesPlain: true) else {
        throw CommandError(
          "invalid duration \(text) of --last: seconds (90), or numbers with the units us, ms, s, m, h or d (90s, 1h30m)"
        )
      }
      last = duration
    }
    if paths.count(where: { $0 == "-" }) > 1 { throw CommandError("standard input can be read only once") }
    if follows, paths.count > 1 { throw CommandError("--follow reads one capture file") }
  }

  /// The names in a file, one per line.
  private static func list(_ path: String) throws(CommandError) -> [String] {
    // The list says which files to open, so it is read before privileges are dropped.
    let octets = try FilterFile(path).octets("the list of files")
    var names: [String] = []
    var start = octets.startIndex
    while start < octets.endIndex {
      let end = octets[start...].firstIndex(of: UInt8(ascii: "\n")) ?? octets.endIndex
      let isReturn = end > start && octets[end - 1] == UInt8(ascii: "\r")
      let name = octets[start..<(isReturn ? end - 1 : end)]
      if !name.isEmpty { names.append(String(decoding: name, as: UTF8.self)) }
      start = end + 1
    }
    guard !names.isEmpty else { throw CommandError("\(path): names no capture file") }
    return names
  }

  var options: ReadingOptions {
    ReadingOptions(
      recovers: recovers, follows: follows, interrupt: StopSignal.descriptor,
      wakeupDescriptor: StopSignal.wakeupDescriptor)
  }

  /// True if the time of the first packet determines the time window.
  var hasTimeWindow: Bool { start != nil || end != nil }

  /// The time window for files whose first packet has that time. `isNextDay` is set if the end is a time of day before the start, and so on
  /// the next day.
  func timeWindow(first: Timestamp) -> (window: TimeWindow, isNextDay: Bool) {
    let from = start?.time(onDayOf: first, notBefore: nil)
    let to = end?.time(onDayOf: first, notBefore: from)
    let sameDay = end?.time(onDayOf: first, notBefore: nil)
    return (TimeWindow(start: from, end: to, disorder: disorder), to != sameDay)
  }

  /// The time window for files whose last packet has that time.
  func timeWindow(last: Timestamp, _ duration: Int64) -> TimeWindow {
    TimeWindow(start: last.advanced(by: -duration), end: nil, disorder: disorder)
  }
}

extension Timestamp {
  /// Date and time of day in the local time zone, as printed in messages.
  var inWords: String {
    var options = PrintOptions()
    options.timestamp = .date
    options.precision = nanoseconds % 1000 == 0 ? .microseconds : .nanoseconds
    var printer = Printer(options: options)
    printer.write(time: self)
    return printer.out.string
  }
}
