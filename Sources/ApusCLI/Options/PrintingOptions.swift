import ArgumentParser

/// What is printed of a packet.
struct PrintingOptions: ParsableArguments {
  @Flag(name: .customShort("n"), help: "Print numbers, not names.")
  var numeric: Int

  @Flag(name: .customShort("v"), help: "Print more; -vv and -vvv still more.")
  var verbose: Int

  @Flag(name: .customShort("q"), help: "Print less.")
  var quiet = false

  @Flag(name: .customShort("e"), help: "Print the link-layer header.")
  var linkHeader = false

  @Flag(name: [.customShort("#"), .customLong("number")], help: "Print the packet's number.")
  var number = false

  @Flag(name: .customLong("lengths"), help: "Print the captured and the original length.")
  var lengths = false

  @Option(
    name: .customLong("color"),
    help: .init("Colours; auto is on a terminal.", valueName: "auto|always|never"))
  var color: String?

  @Flag(name: .customLong("json"), help: "Print every packet as an object of JSON, on a line of its own.")
  var json = false

  @Option(
    name: .customLong("json-payload"),
    help: .init("Add what TCP and UDP carry to the objects.", valueName: "hex|base64"))
  var jsonPayload: String?

  @Flag(name: .customShort("x"), help: "Print the octets in hex; -xx with the link-layer header.")
  var hex: Int

  @Flag(name: .customShort("X"), help: "Print the octets in hex and ASCII; -XX with the link-layer header.")
  var hexAndASCII: Int

  @Flag(name: .customShort("A"), help: "Print the octets in ASCII; -AA with the link-layer header.")
  var ascii: Int

  @Flag(name: .customShort("l"), help: "Write each packet's text at once.")
  var lineBuffered = false
}
