import ArgumentParser

/// What Wireshark says to a program that captures for it: extcap(4).
struct ExtcapOptions: ParsableArguments {
  @Flag(name: .customLong("extcap-interfaces"), help: "List the interfaces for Wireshark and end.")
  var listInterfaces = false

  @Option(
    name: .customLong("extcap-version"),
    help: .init("Wireshark's version; alone, print that of apus.", valueName: "version"))
  var version: String?

  @Option(
    name: .customLong("extcap-interface"),
    help: .init("The interface that Wireshark means, as --extcap-interfaces calls it.", valueName: "name"))
  var interface: String?

  @Flag(name: .customLong("extcap-dlts"), help: "Print the interface's link type for Wireshark and end.")
  var listLinkTypes = false

  @Flag(name: .customLong("extcap-config"), help: "Print what can be set for the interface for Wireshark and end.")
  var listArguments = false

  @Option(
    name: .customLong("extcap-capture-filter"),
    help: .init(
      "With --capture: the filter; without, print what is wrong with it, or nothing, and end.",
      valueName: "expression"))
  var filter: String?

  @Flag(name: .customLong("capture"), help: "Capture for Wireshark on the interface, into the FIFO, as pcapng.")
  var captures = false

  @Option(
    name: .customLong("fifo"),
    help: .init("With --capture: where Wireshark reads the packets.", valueName: "file"))
  var fifo: String?

  @Option(
    name: .customLong("extcap-control-in"),
    help: .init("With --capture: where Wireshark tells of its toolbar.", valueName: "file"))
  var controlIn: String?

  @Option(
    name: .customLong("extcap-control-out"),
    help: .init("With --capture: where Wireshark reads what is said of the capture.", valueName: "file"))
  var controlOut: String?
}
