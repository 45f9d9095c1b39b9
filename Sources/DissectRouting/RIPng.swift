package import Dissect
import PacketCore

extension Layer {
  static let ripng = Layer("ripng", "Routing Information Protocol for IPv6", "RFC 2080") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("command", .uint8, "Kind of message.", always: true),
      Field("command_name", .text, "Name of the kind."),
      Field(
        "entries",
        .array(
          .object([
            Field(
              "prefix", .ipv6, "Network; or, where the metric is 255, the next hop of the entries after it."),
            Field("prefix_length", .uint8, "Bits of the prefix."),
            Field("tag", .uint16, "Route tag."),
            Field(
              "metric", .uint8, "Hops to the network; 16 is infinity, 255 makes the entry a next hop."),
          ])), "Entries of a request or response.", each: "One route."),
    ]
  }
}

extension Dissector {
  /// Routing Information Protocol next generation, RFC 2080.
  package static let ripng = Dissector(name: "ripng", claims: [.udpPort(521)], layers: [.ripng], print: printRIPng)
}

private enum Command {
  static let request: UInt8 = 1
  static let response: UInt8 = 2
  static let names: ValueNames = [1: "request", 2: "response"]
}

/// The metric of an unreachable network.
private let infinity: UInt8 = 16

///     0         1         2        4
///     +---------+---------+--------+-----------
///     | command | version | zero   | entries … of 20 bytes: prefix (16), tag (2), prefix length, metric
///     +---------+---------+--------+-----------
/// RFC 2080 section 2.
private let headerLength = 4
private let entryLength = 20

@Sendable
private func printRIPng(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let version = try bytes.u8(at: 1)
  let command = try bytes.u8(at: 0)
  if printer.enter(.ripng) {
    printer.fields.write("version", version)
    printer.fields.write("command", command, "command_name", Command.names)
  }
  guard version == 1 else {
    printer.write("ripng [version ", version)
    printer.out.write(", must be 1]")
    throw .invalid
  }
  let entries = try bytes.dropping(headerLength)
  switch command {
  case Command.request:
    if try asksForTable(entries) {
      printer.out.write("ripng-req dump")
      try recordEntries(entries, &printer)
    } else {
      printer.out.write("ripng-req")
      try printEntries(entries, command, &printer)
    }
  case Command.response:
    printer.out.write("ripng-resp")
    try printEntries(entries, command, &printer)
  default:
    printer.write("ripng-", command)
    printer.write(" ?? ", entries.length)
    throw .invalid
  }
}

/// A request with a single entry, which has no prefix and an infinite metric, asks for the whole table (section 2.4.1).
private func asksForTable(_ bytes: PacketBytes) throws(DecodeError) -> Bool {
  guard bytes.length == entryLength else { return false }
  let prefix = try bytes.ipv6(at: 0).rawValue
  let (length, metric) = (try bytes.u8(at: 18), try bytes.u8(at: 19))
  return prefix == 0 && length == 0 && metric == infinity
}

private func recordEntries(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var list = printer.openList(bytes, .elements(of: UInt16(entryLength)), objects: "entries")
  while let entry = try printer.next(&list) {
    if printer.writesFields { try record(entry.bytes, &printer) }
  }
}

private func record(_ entry: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.fields.write("prefix", try entry.ipv6(at: 0))
  printer.fields.write("prefix_length", try entry.u8(at: 18))
  printer.fields.write("tag", try entry.u16(at: 16))
  printer.fields.write("metric", try entry.u8(at: 19))
}

private func printEntries(
  _ bytes: PacketBytes, _ command: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.write(" ", bytes.length / entryLength)
  let surplus = bytes.length % entryLength
  if surplus == 0 {
    printer.out.write(":")
  } else {
    printer.write("[", surplus)
    printer.writeFault("]:")
  }
  var list = printer.openList(bytes, .elements(of: UInt16(entryLength)), objects: "entries")
  while let entry = try printer.next(&list) {
    try entry.bytes.check(0, entryLength)
    if printer.writesFields { try record(entry.bytes, &printer) }
    printer.out.write(printer.options.verbosity > 1 ? "\n\t" : " ")
    printer.writeHost(try entry.bytes.ipv6(at: 0))
    printer.write("/", try entry.bytes.u8(at: 18))
    let tag = try entry.bytes.u16(at: 16)
    if tag != 0 {
      printer.write(" [", tag)
      printer.out.write("]")
    }
    let metric = try entry.bytes.u8(at: 19)
    // Metrics in a request have no meaning.
    if command == Command.response {
      printer.write(" (", metric)
      printer.out.write(")")
    }
  }
  if surplus != 0 { throw .invalid }
}
