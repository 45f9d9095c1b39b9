import ArgumentParser

/// Which savefiles are read, and how.
struct SavefileOptions: ParsableArguments {
  @Option(
    name: [.customShort("r"), .customLong("read-file")],
    help: .init(
      "Read this savefile, compressed (gzip, zstd, LZ4) or not; - is standard input. Several are read one after the other.",
      valueName: "file"))
  var readFiles: [String] = []

  @Option(
    name: [.customShort("V"), .customLong("read-list")],
    help: .init("Read the savefiles that this file names, one a line; - is standard input.", valueName: "file"))
  var readList: String?

  @Flag(name: .customLong("merge"), help: "With several savefiles: give their packets in the order of their time.")
  var merge = false

  @Flag(
    name: .customLong("recover"),
    help: "Where a savefile is damaged, go on behind the damage, say what was passed over, and end with status 2.")
  var recover = false

  @Flag(name: .customLong("follow"), help: "Go on reading a savefile that others write to, until Ctrl-C, -c or -a.")
  var follow = false

  @Option(
    name: .customLong("from"),
    help: .init(
      "Of savefiles, only packets of this time or later: RFC 3339, seconds since 1970, or HH:MM[:SS[.f]] on the day of the first packet.",
      valueName: "time"))
  var from: String?

  @Option(name: .customLong("to"), help: .init("Of savefiles, only packets before this time.", valueName: "time"))
  var to: String?

  @Option(
    name: .customLong("last"),
    help: .init(
      "Of savefiles, only packets of the last 5m (seconds, or with s, m, h, d) before their last packet.",
      valueName: "duration"))
  var last: String?

  @Option(
    name: .customLong("disorder"),
    help: .init(
      "With --from, --to and --last: packets may be so many seconds (or 5m) out of order; all for any disorder (default: 10).",
      valueName: "seconds"))
  var disorder: String?
}
