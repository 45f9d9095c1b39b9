/// Which savefiles are read, and how.
struct SavefileOptions: Sendable {
  var readFiles: [String] = []
  var readList: String?
  var merge = false
  var recover = false
  var follow = false
  var from: String?
  var to: String?
  var last: String?
  var disorder: String?
  var threads: String?
}

extension Flag {
  static let files: [Flag] = [
    Flag(
      .files, "r", "read-file", .file, repeats: true,
      "Read this savefile, compressed (gzip, zstd, LZ4) or not; - is standard input. Several are read one after the other."
    ) { $0.savefiles.readFiles.append($1) },
    Flag(.files, "V", "read-list", .file, "Read the savefiles that this file names, one a line; - is standard input.") {
      $0.savefiles.readList = $1
    },
    Flag(.files, nil, "merge", "With several savefiles: give their packets in the order of their time.") {
      $0.savefiles.merge = true
    },
    Flag(
      .files, nil, "recover",
      "Where a savefile is damaged, go on behind the damage, say what was passed over, and end with status 2."
    ) { $0.savefiles.recover = true },
    Flag(.files, nil, "follow", "Go on reading a savefile that others write to, until Ctrl-C, -c or -a.") {
      $0.savefiles.follow = true
    },
    Flag(
      .files, nil, "from", .text("time"),
      "Of savefiles, only packets of this time or later: RFC 3339, seconds since 1970, or HH:MM[:SS[.f]] on the day of the first packet."
    ) { $0.savefiles.from = $1 },
    Flag(.files, nil, "to", .text("time"), "Of savefiles, only packets before this time.") { $0.savefiles.to = $1 },
    Flag(
      .files, nil, "last", .text("duration"),
      "Of savefiles, only packets of the last 5m (seconds, or with s, m, h, d) before their last packet."
    ) { $0.savefiles.last = $1 },
    Flag(
      .files, nil, "disorder", .text("seconds"),
      "With --from, --to and --last: packets may be so many seconds (or 5m) out of order; all for any disorder (default: 10)."
    ) { $0.savefiles.disorder = $1 },
    Flag(
      .files, nil, "threads", .text("N"),
      "Read capture files with so many threads (default: the cores that this process may use)."
    ) { $0.savefiles.threads = $1 },
  ]
}
