import ArgumentParser

/// Where packets come from.
struct InputOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .customLong("interface")],
    help: .init("Capture on this interface, or number of -D; may be repeated.", valueName: "name"))
  var interfaces: [String] = []

  @Flag(
    name: .customLong("wait-interface"),
    help: "Wait for an interface that is missing, down or removed, now and later, and mark the gap.")
  var waitInterface = false

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
    name: .customLong("disorder"),
    help: .init(
      "With --from and --to: packets may be so many seconds out of order; all for any disorder (default: 10).",
      valueName: "seconds"))
  var disorder: String?

  @Flag(name: [.customShort("D"), .customLong("list-interfaces")], help: "List the interfaces and end.")
  var listInterfaces = false

  @Flag(
    name: [.customShort("L"), .customLong("list-data-link-types")], help: "List the interface's link types and end.")
  var listLinkTypes = false

  @Flag(name: [.customShort("J"), .customLong("list-time-stamp-types")], help: "List the interface's clocks and end.")
  var listTimestampTypes = false

  @Option(
    name: [.customShort("y"), .customLong("linktype")],
    help: .init("Link type to capture, or to compile for with -d.", valueName: "name"))
  var linkType: String?

  @Option(
    name: [.customShort("s"), .customLong("snapshot-length")],
    help: .init("Octets to capture of each packet; 0 for all.", valueName: "octets"))
  var snapshotLength: String?

  @Option(
    name: [.customShort("B"), .customLong("buffer-size")], help: .init("Size of the kernel's buffer.", valueName: "KiB")
  )
  var bufferSize: String?

  @Option(
    name: [.customShort("Q"), .customLong("direction")],
    help: .init("Capture what is received, sent, or both.", valueName: "in|out|inout"))
  var direction: String?

  @Option(
    name: [.customShort("j"), .customLong("time-stamp-type")],
    help: .init("Clock that stamps the packets.", valueName: "name"))
  var timestampType: String?

  @Flag(
    name: [.customShort("p"), .customLong("no-promiscuous-mode")], help: "Do not capture what is not for this host.")
  var noPromiscuousMode = false

  @Flag(name: [.customShort("I"), .customLong("monitor-mode")], help: "Capture in monitor mode (802.11).")
  var monitorMode = false

  @Flag(name: .customLong("immediate-mode"), help: "Deliver each packet at once.")
  var immediateMode = false
}
