package import Dissect
import PacketCore

extension Layer {
  static let ssh = Layer(
    "ssh", "Secure Shell", "RFC 4253 section 4.2", note: "The first line of each side."
  ) {
    [
      Field("banner", .text, "Identification.", always: true)
    ]
  }
}

extension Dissector {
  /// Secure Shell, RFC 4253 section 4.2: all but the first line of each side is binary.
  package static let ssh = Dissector(
    name: "ssh", claims: [.tcpPort(22)], layers: [.ssh], standsAlone: true, print: printSSH)
}

@Sendable
private func printSSH(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  // "SSH-"; not all of its bytes need to be there.
  let start: (UInt8, UInt8, UInt8, UInt8) = (0x53, 0x53, 0x48, 0x2d)
  guard try bytes.u8(at: 0) == start.0 else { return }
  guard try bytes.u8(at: 1) == start.1 else { return }
  guard try bytes.u8(at: 2) == start.2 else { return }
  guard try bytes.u8(at: 3) == start.3 else { return }
  var end = 4
  while true {
    guard end < bytes.length else { return }
    let octet = try bytes.u8(at: end)
    if octet == UInt8(ascii: "\n") { break }
    if octet == UInt8(ascii: "\r") {
      guard end + 1 < bytes.length, try bytes.u8(at: end + 1) == UInt8(ascii: "\n") else { return }
      break
    }
    guard octet >= 0x20, octet < 0x7f else { return }
    end += 1
  }
  if printer.enter(.ssh) { printer.fields.write("banner", text: bytes.clamped(to: end)) }
  printer.out.write(": SSH: ")
  try printer.writeText(bytes, length: end)
}
