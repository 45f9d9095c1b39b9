import PacketCore

extension Layer {
  static let mpls = Layer(
    "mpls", "A label stack of Multiprotocol Label Switching", "RFC 3032"
  ) {
    [
      Field(
        "entries",
        .array(
          .object([
            Field("label", .uint24, "Label, 20 bits.", always: true),
            Field("traffic_class", .uint8, "Traffic class.", always: true),
            Field("bottom_of_stack", .flag, "S bit.", always: true),
            Field("ttl", .uint8, "Time to live.", always: true),
          ])), "Entries, the top first.", each: "One entry.", always: true)
    ]
  }
}

extension Dissector {
  /// Multiprotocol Label Switching, RFC 3032.
  package static let mpls = Dissector(
    name: "mpls",
    claims: [
      .etherType(0x8847), .etherType(0x8848), Claim(.pppProtocol, 0x0281 as UInt16),
      Claim(.pppProtocol, 0x0283 as UInt16),
    ], layers: [.mpls],
    print: printMPLS)
  /// MPLS in UDP, RFC 7510.
  package static let mplsInUDP = Dissector(name: "mpls", claims: [.udpPort(6635)], layers: [.mpls], print: printMPLS)
  /// MPLS in IP, RFC 4023.
  package static let mplsInIP = Dissector(name: "mpls", claims: [.ipProtocol(137)], layers: [.mpls], print: printMPLS)
}

/// Labels with a special meaning (RFC 3032 section 2.1).
private let labelNames: ValueNames = [
  0: "IPv4 explicit NULL", 1: "router alert", 2: "IPv6 explicit NULL", 3: "implicit NULL",
]

private let bottomOfStack: UInt32 = 0x100

/// The protocol that the payload of a label stack is parsed as.
private enum LabelledPayload {
  case ipv4, ipv6, osi
}

///     label (20 bits), traffic class (3), bottom of stack (1), time to live (8)
@Sendable
private func printMPLS(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("MPLS")
  if printer.enter(.mpls) { printer.fields.beginArray("entries") }
  var rest = bytes
  var entries = 0
  var entry: UInt32 = 0
  while entry & bottomOfStack == 0 {
    guard rest.length >= 4 else { throw .invalid }
    entry = try rest.u32(at: 0)
    entries += 1
    if printer.writesFields {
      printer.fields.beginObject()
      printer.recordLabel(entry)
      printer.fields.end()
    }
    printer.out.write(entries > 1 && printer.options.verbosity > 0 ? "\n\t(label " : " (label ")
    writeEntry(entry, &printer)
    printer.out.write(")")
    rest = try rest.dropping(4)
  }
  if printer.writesFields { printer.fields.end() }
  let payload: LabelledPayload? =
    switch entry >> 12 {
    // Implicit NULL must never occur in a stack, but if it does, IPv4 is meant.
    case 0, 3: .ipv4
    case 2: .ipv6
    default: rest.length > 0 ? try guessedPayload(rest) : nil
    }
  guard let payload else {
    if rest.length == 0 { return }
    printer.dumpUnknown(rest)
    if rest.count < rest.length { throw .truncated }
    return
  }
  printer.out.write(printer.options.verbosity > 0 ? "\n\t" : " ")
  switch payload {
  case .ipv4: try printer.run(.ipv4, rest)
  case .ipv6: try printer.run(.ipv6, rest)
  case .osi: try printer.run(printer.registry.index(sap: ServiceAccessPoint.osi), rest)
  }
}

/// `100, tc 0, [S], ttl 1`.
private func writeEntry(_ entry: UInt32, _ printer: inout Printer) {
  let label = entry >> 12
  printer.out.write(decimal: label)
  if printer.options.verbosity > 0, label < 16 {
    printer.out.write(" (")
    printer.write(labelNames, label, unknown: "rsvd")
    printer.out.write(")")
  }
  printer.out.write(", tc ")
  printer.out.write(decimal: entry >> 9 & 7)
  if entry & bottomOfStack != 0 { printer.out.write(", [S]") }
  printer.out.write(", ttl ")
  printer.out.write(decimal: entry & 0xff)
}

/// Guesses the protocol of a payload from its first byte, since a label stack does not name it.
private func guessedPayload(_ bytes: PacketBytes) throws(DecodeError) -> LabelledPayload? {
  switch try bytes.u8(at: 0) {
  case 0x45...0x4f: .ipv4
  case 0x60...0x6f: .ipv6
  case 0x81...0x83: .osi
  default: nil
  }
}
