import ArgumentParser

/// The file that packets are written to.
struct OutputOptions: ParsableArguments {
  @Option(
    name: [.customShort("w"), .customLong("write-file")],
    help: .init("Write packets to this savefile; -: standard output.", valueName: "file"))
  var writeFile: String?

  @Option(
    name: [.customShort("C"), .customLong("file-size")],
    help: .init(
      "With -w: begin a new file when one has more than so many million octets; with k, m or g (KiB, MiB, GiB), units of 1024.",
      valueName: "size"))
  var fileSize: String?

  @Option(
    name: [.customShort("G"), .customLong("rotate-seconds")],
    help: .init(
      "With -w: begin a new file every so many seconds (or 1h) of the clock; % in the name as in strftime(3).",
      valueName: "seconds"))
  var rotateSeconds: String?

  @Option(
    name: [.customShort("W"), .customLong("file-count")],
    help: .init("With -C: a ring of so many files; -G: end after them.", valueName: "number"))
  var fileCount: String?

  @Option(
    name: [.customShort("z"), .customLong("postrotate-command")],
    help: .init("Run this program with the name of each full file.", valueName: "program"))
  var postRotate: String?

  @Option(
    name: [.customShort("a"), .customLong("autostop")],
    help: .init(
      "End after duration:SECONDS (or 1h), filesize:KB (or 10m), files:N or packets:N; may be repeated.",
      valueName: "condition"))
  var autostop: [String] = []

  @Option(
    name: .customLong("compress"),
    help: .init(
      "With -w: compress the file; without, where its name ends in .gz or .zst.", valueName: "gzip|zstd|none"))
  var compression: String?

  @Option(
    name: .customLong("format"),
    help: .init(
      "With -w: the format of the file; without, pcapng where its name ends in .pcapng.", valueName: "pcap|pcapng"))
  var format: String?

  @Flag(name: .customLong("sync"), help: "With -w: wait until the disk has each file.")
  var synchronize = false

  @Flag(name: [.customShort("U"), .customLong("packet-buffered")], help: "Write each packet to the savefile at once.")
  var packetBuffered = false
}
