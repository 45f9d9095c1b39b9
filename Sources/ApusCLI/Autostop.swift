import Savefile

/// The conditions of `-a` that end a capture.
struct Autostop {
  /// Duration of the capture in seconds.
  var seconds: Int64?
  /// Size of a file in bytes.
  var size: UInt64?
  /// Number of complete files.
  var files: Int?
  /// Number of packets.
  var packets: UInt64?

  /// The keywords of conditions, which precede the colon.
  static let conditions = ["duration", "filesize", "files", "packets"]

  /// Parses conditions, each of them a keyword, a colon and a number; a duration with a unit needs no keyword. Throws if one is invalid.
  init(_ conditions: [String]) throws(CommandError) {
    for condition in conditions {
      let parts = condition.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if parts.count == 1, Quantity.isDuration(condition) {
        seconds = try Self.duration(condition)
        continue
      }
      guard parts.count == 2 else { throw Self.unknown(condition) }
      switch parts[0] {
      case "duration": seconds = try Self.duration(parts[1])
      case "filesize":
        size = try Quantity.octets(
          parts[1], of: "filesize to end after", plainUnit: 1000, plainName: "units of 1000 bytes", in: 1...1 << 62)
      case "files": files = Int(try Self.count(parts))
      case "packets": packets = try Self.count(parts)
      default: throw Self.unknown(condition)
      }
    }
  }

  private static func duration(_ text: String) throws(CommandError) -> Int64 {
    try Quantity.seconds(text, of: "duration to end after", in: 1...Int64(Int32.max))
  }

  private static func count(_ parts: [String]) throws(CommandError) -> UInt64 {
    try Configuration.number(parts[1], of: "\(parts[0]) to end after", in: 1...UInt64(Int32.max))
  }

  private static func unknown(_ condition: String) -> CommandError {
    CommandError(
      "invalid condition \(condition): use duration:, filesize:, files: or packets: with a number, or a duration "
        + "with its unit (90s, 1h30m)")
  }
}

extension Rotation {
  /// What `-C`, `-G`, `-W` and `-a` ask for.
  init(_ options: OutputOptions, _ autostop: Autostop) throws(CommandError) {
    self.init()
    if let text = options.fileSize {
      size = try Quantity.octets(
        text, of: "file size", plainUnit: 1_000_000, plainName: "units of 1000000 bytes", in: 1...1 << 62)
    }
    if let text = options.rotateSeconds {
      seconds = try Quantity.seconds(text, of: "rotation interval", in: 1...Int64(Int32.max))
    }
    if let text = options.fileCount {
      files = Int(try Configuration.number(text, of: "file count", in: 1...UInt64(Int32.max)))
    }
    limit = autostop.size
    lastFile = autostop.files
  }
}
