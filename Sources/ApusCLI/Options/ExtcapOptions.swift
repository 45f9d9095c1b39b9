/// The options that Wireshark passes to an external capture program: extcap(4).
struct ExtcapOptions: Sendable {
  var listInterfaces = false
  var version: String?
  var interface: String?
  var listLinkTypes = false
  var listArguments = false
  var filter: String?
  var captures = false
  var fifo: String?
  var controlIn: String?
  var controlOut: String?
}

extension Flag {
  static let extcap: [Flag] = [
    Flag(.wireshark, nil, "extcap-interfaces", "List the interfaces for Wireshark and exit.") {
      $0.extcap.listInterfaces = true
    },
    Flag(
      .wireshark, nil, "extcap-version", .text("version").orDefault("any"),
      "Wireshark's version; alone, print the version of apus."
    ) { $0.extcap.version = $1 },
    Flag(
      .wireshark, nil, "extcap-interface", .text("name"),
      "The interface, by its name in --extcap-interfaces."
    ) { $0.extcap.interface = $1 },
    Flag(.wireshark, nil, "extcap-dlts", "Print the interface's link type for Wireshark and exit.") {
      $0.extcap.listLinkTypes = true
    },
    Flag(.wireshark, nil, "extcap-config", "Print the interface's settings for Wireshark and exit.") {
      $0.extcap.listArguments = true
    },
    Flag(
      .wireshark, nil, "extcap-capture-filter", .text("expression").orEmpty,
      "With --capture: the filter; otherwise print what is wrong with it, or nothing, and exit."
    ) { $0.extcap.filter = $1 },
    Flag(.wireshark, nil, "capture", "Capture on the interface for Wireshark, into the FIFO, as pcapng.") {
      $0.extcap.captures = true
    },
    Flag(.wireshark, nil, "fifo", .file, "With --capture: the FIFO from which Wireshark reads packets.") {
      $0.extcap.fifo = $1
    },
    Flag(.wireshark, nil, "extcap-control-in", .file, "With --capture: the FIFO for commands of Wireshark's toolbar.") {
      $0.extcap.controlIn = $1
    },
    Flag(
      .wireshark, nil, "extcap-control-out", .file, "With --capture: the FIFO for messages about the capture."
    ) { $0.extcap.controlOut = $1 },
  ]
}
