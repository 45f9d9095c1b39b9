import ArgumentParser

/// How packets are captured.
struct InputOptions: ParsableArguments {
  @Option(
    name: [.customShort("i"), .customLong("interface")],
    help: .init("Interface, or its number in -D; may be repeated.", valueName: "interface"))
  var interfaces: [String] = []

  @Flag(
    name: .customLong("wait-interface"),
    help: "Wait for interfaces that are missing or go away.")
  var waitInterface = false

  @Option(
    name: .customLong("netns"),
    help: .init("In that network namespace: a name, process or file.", valueName: "namespace"))
  var namespace: String?

  @Option(
    name: .customLong("engine"),
    help: .init("Capture and read through libpcap alone, or auto.", valueName: "engine"))
  var engine: String?

  @Flag(name: [.customShort("D"), .customLong("list-interfaces")], help: "List the interfaces and end.")
  var listInterfaces = false

  @Flag(
    name: [.customShort("L"), .customLong("list-data-link-types")], help: "List the interface's link types and end.")
  var listLinkTypes = false

  @Flag(name: [.customShort("J"), .customLong("list-time-stamp-types")], help: "List the interface's clocks and end.")
  var listTimestampTypes = false

  @Option(
    name: [.customShort("y"), .customLong("linktype")],
    help: .init("Link type to capture, or to compile for with -d.", valueName: "link-type"))
  var linkType: String?

  @Option(
    name: [.customShort("s"), .customLong("snapshot-length")],
    help: .init("Octets to capture of each packet; 0 for all.", valueName: "octets"))
  var snapshotLength: String?

  @Option(
    name: [.customShort("B"), .customLong("buffer-size")],
    help: .init("Size of the kernel's buffer (or 16m).", valueName: "KiB")
  )
  var bufferSize: String?

  @Option(
    name: [.customShort("Q"), .customLong("direction")],
    help: .init("Capture what is received, sent, or both.", valueName: "in|out|inout"))
  var direction: String?

  @Option(
    name: [.customShort("j"), .customLong("time-stamp-type")],
    help: .init("Clock that stamps the packets.", valueName: "clock"))
  var timestampType: String?

  @Flag(
    name: [.customShort("p"), .customLong("no-promiscuous-mode")], help: "Do not capture what is not for this host.")
  var noPromiscuousMode = false

  @Flag(name: [.customShort("I"), .customLong("monitor-mode")], help: "Capture in monitor mode (802.11).")
  var monitorMode = false

  @Flag(name: .customLong("immediate-mode"), help: "Deliver each packet at once.")
  var immediateMode = false
}
