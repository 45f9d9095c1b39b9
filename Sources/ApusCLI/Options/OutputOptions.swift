/// The file to write packets to.
struct OutputOptions: Sendable {
  var writeFile: String?
  var fileSize: String?
  var rotateSeconds: String?
  var fileCount: String?
  var postRotate: String?
  var autostop: [String] = []
  var compression: String?
  var format: String?
  var synchronize = false
  var packetBuffered = false
}

extension Flag {
  static let output: [Flag] = [
    Flag(.output, "w", "write-file", .file, "Write packets to this file; -: standard output.") {
      $0.output.writeFile = $1
    },
    Flag(
      .output, "C", "file-size", .text("size"),
      "With -w: start a new file after this many million bytes (or k, m, g: units of 1024)."
    ) { $0.output.fileSize = $1 },
    Flag(
      .output, "G", "rotate-seconds", .text("seconds"),
      "With -w: start a new file at this interval (seconds, or 1h); % in the name as in strftime(3)."
    ) { $0.output.rotateSeconds = $1 },
    Flag(.output, "W", "file-count", .text("number"), "With -C: a ring of this many files; with -G: exit after them.") {
      $0.output.fileCount = $1
    },
    Flag(.output, "z", "postrotate-command", .program, "Run this program on each finished file.") {
      $0.output.postRotate = $1
    },
    Flag(
      .output, "a", "autostop",
      .beginning(
        [
          "duration:": "after this time", "filesize:": "when a file reaches this size",
          "files:": "after this many files",
          "packets:": "after this many packets",
        ], named: "condition"), repeats: true,
      "Exit after duration:SECONDS (or 1h), filesize:KB (or 10m), files:N or packets:N; may be repeated."
    ) { $0.output.autostop.append($1) },
    Flag(
      .output, nil, "compress", .oneOf(["gzip": "RFC 1952", "zstd": "RFC 8878", "none": "not compressed"]),
      "With -w: compress the file; default: if its name ends in .gz or .zst."
    ) { $0.output.compression = $1 },
    Flag(
      .output, nil, "format", .oneOf(["pcap": "the format of libpcap", "pcapng": "pcap next generation"]),
      "With -w: the file format; default: by its name."
    ) { $0.output.format = $1 },
    Flag(.output, nil, "sync", "With -w: wait until each file is on disk.") { $0.output.synchronize = true },
    Flag(.output, "U", "packet-buffered", "Write each packet to the capture file at once.") {
      $0.output.packetBuffered = true
    },
  ]
}
