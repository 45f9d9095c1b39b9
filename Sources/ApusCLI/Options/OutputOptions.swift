import ArgumentParser

/// Where packets go, and how many.
struct OutputOptions: ParsableArguments {
  @Option(
    name: [.customShort("w"), .customLong("write-file")],
    help: .init("Write the packets to this savefile; - is standard output.", valueName: "file"))
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
      "With -w: begin a new file every so many seconds of the clock; % in the name as in strftime(3).",
      valueName: "seconds"))
  var rotateSeconds: String?

  @Option(
    name: [.customShort("W"), .customLong("file-count")],
    help: .init("With -C: a ring of so many files. With -G: end after so many.", valueName: "number"))
  var fileCount: String?

  @Option(
    name: [.customShort("z"), .customLong("postrotate-command")],
    help: .init("Run this program with the name of each file that has given way to another.", valueName: "program"))
  var postRotate: String?

  @Option(
    name: [.customShort("a"), .customLong("autostop")],
    help: .init(
      "End after duration:SECONDS, filesize:KB, files:NUMBER or packets:NUMBER; may be repeated.",
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

  @Flag(name: .customLong("sync"), help: "With -w: wait until the disk has each file before it counts as written.")
  var synchronize = false

  @Option(
    name: .customLong("ledger"),
    help: .init(
      "While capturing: print the account of all packets every N seconds (0: at the end only), as text or as JSON.",
      valueName: "N[,json]"))
  var ledger: String?

  @Option(
    name: .customLong("stats"),
    help: .init(
      "Print statistics, several between commas; rate,1s states its interval, and json makes it a line of JSON.",
      valueName: "protocols|conversations|endpoints|sizes|rate|all"))
  var statistics: [String] = []

  @Option(
    name: .customLong("stats-interval"),
    help: .init("With --stats: print them every so many seconds, too.", valueName: "seconds"))
  var statisticsInterval: String?

  @Option(
    name: .customLong("stats-top"),
    help: .init(
      "With --stats: so many rows of conversations and endpoints, or all (default: 20, in JSON all).", valueName: "rows"
    ))
  var statisticsTop: String?

  @Flag(name: .customLong("print"), help: "With -w, --count or --stats: print them, too.")
  var alsoPrint = false

  @Flag(name: .customLong("count"), help: "Print only how many packets there are.")
  var countOnly = false

  @Option(
    name: [.customShort("c"), .customLong("packet-count")],
    help: .init("End after so many packets.", valueName: "number"))
  var packetCount: String?

  @Option(name: .customLong("skip"), help: .init("Pass over the first packets.", valueName: "number"))
  var skip: String?

  @Option(name: .customLong("print-sampling"), help: .init("Print every n-th packet only.", valueName: "n"))
  var printSampling: String?

  @Flag(name: .customShort("l"), help: "Write each packet's text at once.")
  var lineBuffered = false

  @Flag(name: [.customShort("U"), .customLong("packet-buffered")], help: "Write each packet to the savefile at once.")
  var packetBuffered = false
}
