import Capture
import Glibc
import PacketCore
import Savefile

/// Which savefiles are read, and how.
struct Reading {
  /// In their order; `-` is standard input.
  var paths: [String]
  /// In the order of time, not one file after the other.
  var merges: Bool
  /// Damaged parts are passed over.
  var recovers: Bool
  /// The file may grow while it is read.
  var follows: Bool
  /// The first time that is wanted, and the first that is not.
  var start: TimeBound?
  var end: TimeBound?
  /// Seconds; nil for any.
  var disorder: Int64?

  /// What the flags ask for. Throws where they contradict each other, or the list of files cannot be read.
  init(_ options: SavefileOptions) throws(CommandError) {
    paths = options.readFiles
    if let list = options.readList {
      guard paths.isEmpty else { throw CommandError("-V and -r exclude each other") }
      paths = try Self.list(list)
    }
    merges = options.merge
    recovers = options.recover
    follows = options.follow
    start = try options.from.map { text throws(CommandError) in try TimeBound(text) }
    end = try options.to.map { text throws(CommandError) in try TimeBound(text) }
    disorder = TimeWindow.usualDisorder
    if let text = options.disorder {
      guard text == "all" || Int32(text).map({ $0 >= 0 }) ?? false else {
        throw CommandError("invalid disorder \(text): a number of seconds, or all")
      }
      disorder = Int64(text)
    }
    if paths.isEmpty {
      let flags = [
        ("--merge", merges), ("--recover", recovers), ("--follow", follows), ("--from", start != nil),
        ("--to", end != nil),
      ]
      if let flag = flags.first(where: \.1) { throw CommandError("\(flag.0) is about savefiles: -r or -V is missing") }
    }
    if paths.count(where: { $0 == "-" }) > 1 { throw CommandError("standard input can be read but once") }
    if follows, paths.count > 1 { throw CommandError("--follow reads one savefile") }
    if follows, recovers { throw CommandError("--follow and --recover exclude each other") }
  }

  /// The names in a file, one a line.
  private static func list(_ path: String) throws(CommandError) -> [String] {
    let octets = try FilterFile.octets(path)
    let names = octets.split(separator: UInt8(ascii: "\n")).map { line in
      String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
    }.filter { !$0.isEmpty }
    guard !names.isEmpty else { throw CommandError("\(path): no savefile is named there") }
    return names
  }

  var options: ReadingOptions {
    ReadingOptions(
      recovers: recovers, follows: follows, interrupt: StopSignal.descriptor, attention: StopSignal.attention)
  }

  /// True where not every packet is wanted.
  var hasTimeWindow: Bool { start != nil || end != nil }

  /// The packets that are wanted, in files whose first packet is of that time.
  func timeWindow(first: Timestamp) -> TimeWindow {
    let from = start?.time(onDayOf: first, notBefore: nil)
    return TimeWindow(start: from, end: end?.time(onDayOf: first, notBefore: from), disorder: disorder)
  }
}
