import ArgumentParser
import Dissect
import Protocols

/// In which form times, names and numbers are printed.
struct FormOptions: ParsableArguments {
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
    name: .customLong("time-stamp-precision"),
    help: .init("Digits of the time, printed and written.", valueName: "micro|nano"))
  var precision: String?

  @Flag(name: .customLong("micro"), help: "Microseconds.")
  var micro = false

  @Flag(name: .customLong("nano"), help: "Nanoseconds.")
  var nano = false

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
    help: .init("Take payloads for: \(PayloadType.printedNames).", valueName: "payload-type"))
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
}

extension PayloadType {
  /// What `-T` takes, between commas.
  static var printedNames: String { allCases.filter(\.isPrinted).map(\.rawValue).sorted().joined(separator: ", ") }
}
