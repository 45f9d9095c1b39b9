/// Which savefiles to read, and how.
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
      "Read this capture file, compressed (gzip, zstd, LZ4) or not; - is standard input. May be repeated; files are read in turn."
    ) { $0.savefiles.readFiles.append($1) },
    Flag(
      .files, "V", "read-list", .file, "Read the capture files listed in this file, one per line; - is standard input."
    ) {
      $0.savefiles.readList = $1
    },
    Flag(.files, nil, "merge", "With several capture files: merge their packets by time.") {
      $0.savefiles.merge = true
    },
    Flag(
      .files, nil, "recover",
      "Skip damaged parts of a capture file, report what was skipped, and exit with status 2."
    ) { $0.savefiles.recover = true },
    Flag(.files, nil, "follow", "Keep reading a capture file that another program writes to, until Ctrl-C, -c or -a.") {
      $0.savefiles.follow = true
    },
    Flag(
      .files, nil, "from", .text("time"),
      "Read only packets of this time or later: RFC 3339, seconds since 1970, or HH:MM[:SS[.f]] on the day of the first packet."
    ) { $0.savefiles.from = $1 },
    Flag(.files, nil, "to", .text("time"), "Read only packets before this time.") { $0.savefiles.to = $1 },
    Flag(
      .files, nil, "last", .text("duration"),
      "Read only the last 5m (seconds, or with s, m, h, d) up to the last packet."
    ) { $0.savefiles.last = $1 },
    Flag(
      .files, nil, "disorder", .text("seconds"),
      "With --from, --to and --last: packets may be out of order by this many seconds (or 5m); all for any disorder (default: 10)."
    ) { $0.savefiles.disorder = $1 },
    Flag(
      .files, nil, "threads", .text("N"),
      "Read capture files with that many threads (default: the number of cores that the process may use)."
    ) { $0.savefiles.threads = $1 },
  ]
}
