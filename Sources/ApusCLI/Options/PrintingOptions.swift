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

  @Flag(
    name: .customShort("t"),
    help: "No time; -tt seconds, -ttt since the previous packet, -tttt with date, -ttttt since the first.")
  var time: Int

  @Option(
    name: .customLong("time"),
    help: .init(
      "Form of the time: local is that of -tttt, epoch of -tt, delta of -ttt.",
      valueName: "rfc3339|utc|local|epoch|delta"))
  var timeForm: String?

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

  @Flag(
    name: [.customShort("S"), .customLong("absolute-tcp-sequence-numbers")],
    help: "Print absolute TCP sequence numbers.")
  var absoluteSequence = false

  @Flag(name: [.customShort("K"), .customLong("dont-verify-checksums")], help: "Verify no checksums.")
  var skipChecksums = false

  @Flag(name: [.customShort("g"), .customLong("ip-oneline")], help: "No line break after the IP header with -v.")
  var oneLine = false

  @Option(
    name: [.customShort("T"), .customLong("payload-type")],
    help: .init("Take every payload for this protocol.", valueName: "payload-type"))
  var payloadType: String?

  @Flag(name: .customShort("N"), help: "Host names without their domain.")
  var omitDomain = false

  @Flag(name: .customShort("f"), help: "Numbers for foreign IPv4 addresses.")
  var foreignNumeric = false

  @Flag(name: .customShort("b"), help: "BGP AS numbers in dotted notation.")
  var dottedAS = false

  @Flag(name: .customShort("H"), help: "Look for 802.11s draft mesh headers.")
  var mesh = false

  @Flag(name: .customShort("u"), help: "NFS file handles undecoded.")
  var rawHandles = false

  @Option(
    name: .customLong("time-stamp-precision"),
    help: .init("Digits of the time, printed and written.", valueName: "micro|nano"))
  var precision: String?

  @Flag(name: .customLong("micro"), help: "Microseconds.")
  var micro = false

  @Flag(name: .customLong("nano"), help: "Nanoseconds.")
  var nano = false
}
