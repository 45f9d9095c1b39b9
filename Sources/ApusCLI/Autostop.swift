import Savefile

/// Conditions that end a capture, as `-a` states them.
struct Autostop {
  /// Seconds of the capture.
  var seconds: Int64?
  /// Octets of a file.
  var size: UInt64?
  /// Files that are full.
  var files: Int?
  /// Packets.
  var packets: UInt64?

  /// The words that a condition begins with, before its colon.
  static let conditions = ["duration", "filesize", "files", "packets"]

  /// Takes conditions apart, each a word, a colon and a number. Throws where one is none of them.
  init(_ conditions: [String]) throws(CommandError) {
    for condition in conditions {
      let parts = condition.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2 else { throw Self.unknown(condition) }
      let number = try Configuration.number(parts[1], of: "\(parts[0]) to end after", in: 1...UInt64(Int32.max))
      switch parts[0] {
      case "duration": seconds = Int64(number)
      case "filesize": size = number * 1000
      case "files": files = Int(number)
      case "packets": packets = number
      default: throw Self.unknown(condition)
      }
    }
  }

  private static func unknown(_ condition: String) -> CommandError {
    CommandError(
      "invalid condition \(condition): duration:, filesize:, files: and packets: are possible, with a number")
  }
}

extension Rotation {
  /// What `-C`, `-G`, `-W` and `-a` ask for.
  init(_ options: OutputOptions, _ autostop: Autostop) throws(CommandError) {
    self.init()
    if let text = options.fileSize { size = try Self.octets(text) }
    if let text = options.rotateSeconds {
      seconds = Int64(try Configuration.number(text, of: "rotation interval", in: 1...UInt64(Int32.max)))
    }
    if let text = options.fileCount {
      files = Int(try Configuration.number(text, of: "file count", in: 1...UInt64(Int32.max)))
    }
    limit = autostop.size
    lastFile = autostop.files
  }

  /// Millions of octets, as tcpdump has them; with one of its letters, or a unit written out, what that says.
  private static func octets(_ text: String) throws(CommandError) -> UInt64 {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = UInt64(digits), (1...UInt64(Int32.max)).contains(number) else {
      throw CommandError("invalid file size \(text)")
    }
    switch text.dropFirst(digits.count).lowercased() {
    case "", "mb": return number * 1_000_000
    case "b": return number
    case "kb": return number * 1000
    case "gb": return number * 1_000_000_000
    case "k", "kib": return number << 10
    case "m", "mib": return number << 20
    case "g", "gib": return number << 30
    default: throw CommandError("invalid file size \(text)")
    }
  }
}
