/// How to capture packets.
struct InputOptions: Sendable {
  var interfaces: [String] = []
  var waitInterface = false
  var namespace: String?
  var engine: String?
  var listInterfaces = false
  var listLinkTypes = false
  var listTimestampTypes = false
  var linkType: String?
  var snapshotLength: String?
  var bufferSize: String?
  var direction: String?
  var timestampType: String?
  var noPromiscuousMode = false
  var monitorMode = false
  var immediateMode = false
}

extension Flag {
  static let capture: [Flag] = [
    Flag(.capture, "i", "interface", .interface, repeats: true, "Interface, or its number in -D; may be repeated.") {
      $0.input.interfaces.append($1)
    },
    Flag(.capture, nil, "wait-interface", "Wait for interfaces that are missing or disappear.") {
      $0.input.waitInterface = true
    },
    Flag(.capture, nil, "netns", .text("namespace"), "Network namespace: a name, process or file.") {
      $0.input.namespace = $1
    },
    Flag(
      .capture, nil, "engine",
      .oneOf(
        ["auto": "the packet ring where possible, else libpcap", "libpcap": "libpcap only"], named: "engine"),
      "Capture and read with libpcap only, or auto."
    ) { $0.input.engine = $1 },
    Flag(.capture, "D", "list-interfaces", "List the interfaces and exit.") { $0.input.listInterfaces = true },
    Flag(.capture, "L", "list-data-link-types", "List the interface's link types and exit.") {
      $0.input.listLinkTypes = true
    },
    Flag(.capture, "J", "list-time-stamp-types", "List the interface's clocks and exit.") {
      $0.input.listTimestampTypes = true
    },
    Flag(.capture, "y", "linktype", .linkType, "Link type to capture, or to compile for with -d.") {
      $0.input.linkType = $1
    },
    Flag(.capture, "s", "snapshot-length", .text("bytes"), "Bytes to capture of each packet; 0 for all.") {
      $0.input.snapshotLength = $1
    },
    Flag(.capture, "B", "buffer-size", .text("KiB"), "Kernel buffer size (or 16m).") {
      $0.input.bufferSize = $1
    },
    Flag(
      .capture, "Q", "direction", .oneOf(["in": "received packets", "out": "sent packets", "inout": "both"]),
      "Capture received packets, sent packets, or both."
    ) { $0.input.direction = $1 },
    Flag(.capture, "j", "time-stamp-type", .clock, "Clock that stamps the packets.") { $0.input.timestampType = $1 },
    Flag(.capture, "p", "no-promiscuous-mode", "Do not put the interface into promiscuous mode.") {
      $0.input.noPromiscuousMode = true
    },
    Flag(.capture, "I", "monitor-mode", "Capture in monitor mode (802.11).") { $0.input.monitorMode = true },
    Flag(.capture, nil, "immediate-mode", "Deliver each packet at once.") { $0.input.immediateMode = true },
  ]
}
