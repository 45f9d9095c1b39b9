import Dissect
import PacketCore
import TestSupport
import Testing

/// The text of one packet.
func text(
  _ octets: [UInt8], _ linkType: LinkType = .ethernet, len: Int? = nil, _ options: PrintOptions = .numbers
) -> String {
  var printer = Printer(options: options)
  return append(octets, linkType, len: len, to: &printer)
}

/// The text that a printer appends for one packet.
func append(_ octets: [UInt8], _ linkType: LinkType, len: Int?, to printer: inout Printer) -> String {
  printer.out.removeAll()
  printer.packet(
    Packet(
      bytes: PacketBytes(unsafe octets.span.bytes, length: len ?? octets.count),
      timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: linkType), number: 1)
  return unsafe printer.out.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
}

extension PrintOptions {
  /// `-nnt`, and what else the test sets.
  static func numbers(_ set: (inout PrintOptions) -> Void = { _ in }) -> PrintOptions {
    var options = PrintOptions()
    options.numeric = 2
    options.timestamp = .none
    set(&options)
    return options
  }
  static var numbers: PrintOptions { numbers() }
}

@Test func tcpSegment() {
  let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
  #expect(text(packet).hasPrefix("IP 192.0.2.1.40000 > 192.0.2.2.80: Flags [S], seq "))
}
