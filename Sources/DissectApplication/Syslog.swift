package import Dissect
import PacketCore

extension Layer {
  static let syslog = Layer("syslog", "Syslog", "RFC 3164, RFC 5424, RFC 5426") {
    [
      Field("facility", .uint8, "Facility that the message is about.", always: true),
      Field("facility_name", .text, "Name of the facility."),
      Field("severity", .uint8, "Severity, 0 the highest.", always: true),
      Field("severity_name", .text, "Name of the severity."),
      Field("message", .text, "Text after the priority."),
    ]
  }
}

extension Dissector {
  /// Syslog over UDP.
  package static let syslog = Dissector(
    name: "syslog", claims: [.udpPort(514)], layers: [.syslog], standsAlone: true, print: printSyslog)
}

/// Facilities and severities (RFC 5424 section 6.2.1), by the names of syslog.conf(5).
private let facilities: ValueNames = [
  0: "kernel", 1: "user", 2: "mail", 3: "daemon", 4: "auth", 5: "syslog", 6: "lpr", 7: "news", 8: "uucp", 9: "cron",
  10: "authpriv", 11: "ftp", 12: "ntp", 13: "security", 14: "console", 15: "cron", 16: "local0", 17: "local1",
  18: "local2", 19: "local3", 20: "local4", 21: "local5", 22: "local6", 23: "local7",
]
private let severities: ValueNames = [
  0: "emergency", 1: "alert", 2: "critical", 3: "error", 4: "warning", 5: "notice", 6: "info", 7: "debug",
]

/// Maximum number of digits of a priority.
private let maximumDigits = 3

/// A message: `<30>` and text. The priority in angle brackets is eight times the facility plus the severity.
@Sendable
private func printSyslog(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard try bytes.u8(at: 0) == UInt8(ascii: "<") else { throw .invalid }
  var priority: UInt32 = 0
  var offset = 1
  while true {
    let octet = try bytes.u8(at: offset)
    offset &+= 1
    if octet == UInt8(ascii: ">") { break }
    guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet), offset <= maximumDigits &+ 1 else {
      throw .invalid
    }
    priority = priority &* 10 &+ UInt32(octet &- UInt8(ascii: "0"))
  }
  let facility = priority >> 3
  let severity = priority & 7
  if printer.enter(.syslog) {
    printer.fields.write("facility", facility, "facility_name", facilities)
    printer.fields.write("severity", severity, "severity_name", severities)
  }
  guard printer.options.verbosity > 0 else {
    printer.write("SYSLOG ", facility, as: .named(facilities, unknown: .decimal("unknown (", ")")))
    printer.write(".", severity, as: .named(severities, unknown: .decimal("unknown (", ")")))
    return printer.write(", length: ", bytes.length)
  }
  printer.write("SYSLOG, length: ", bytes.length)
  printer.write("\n\tFacility ", facility, as: .named(facilities, unknown: .decimal("unknown (", ")")))
  printer.write(" (", facility)
  printer.write("), Severity ", severity, as: .named(severities, unknown: .decimal("unknown (", ")")))
  printer.write(" (", severity)
  printer.out.write(")\n\tMsg: ")
  let text = try bytes.dropping(offset)
  if printer.writesFields { printer.fields.write("message", text: text.clamped(to: text.length)) }
  try printer.writeText(text, length: text.length)
  if printer.options.verbosity > 1 { printer.writeHex(bytes, indent: "\n\t") }
}
