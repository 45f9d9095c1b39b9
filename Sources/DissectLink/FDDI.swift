package import Dissect
import PacketCore

extension Layer {
  static let fddi = Layer("fddi", "Fiber Distributed Data Interface", "ANSI X3.139, LINKTYPE_FDDI") {
    [
      Field("frame_control_byte", .uint8, "Frame control; 80 to 95 is LLC.", always: true),
      Field("source", .mac, "Source address.", always: true),
      Field("destination", .mac, "Destination address.", always: true),
    ]
  }
}

extension Dissector {
  package static let fddi = Dissector(name: "fddi", claims: [.linkType(.fddi)], layers: [.fddi], print: printFDDI)
}

private let headerLength = 13

/// Frame control: class (1), address length (1), format (2), control (4).
private enum FrameControl {
  static let formatMask: UInt8 = 0xf0
  static let management: UInt8 = 0x40
  static let llc: UInt8 = 0x50
  static let names: ValueNames = [
    0x40: "void", 0x41: "info", 0x4f: "nsa", 0x80: "nrt", 0xc0: "rt", 0xc2: "beacon", 0xc3: "claim",
  ]

  /// The name of a format, written before the control bits; nil if it has no name.
  static func prefix(_ control: UInt8) -> StaticString? {
    switch control & formatMask {
    case 0x40: "smt"
    case 0x50: "async"
    case 0x60: "imp_async"
    case 0xc0: "mac"
    case 0xd0: "sync"
    case 0xe0: "imp_sync"
    default: nil
    }
  }
}

///     0               1             7        13
///     +---------------+-------------+--------+---------
///     | frame control | destination | source | payload
///     +---------------+-------------+--------+---------
@Sendable
private func printFDDI(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let control = try bytes.u8(at: 0)
  let destination = try bytes.mac(at: 1)
  let source = try bytes.mac(at: 7)
  if printer.enter(.fddi) {
    printer.fields.write("frame_control_byte", control)
    printer.fields.write("source", source)
    printer.fields.write("destination", destination)
  }
  printer.context.linkHeaderLength = headerLength
  if printer.options.linkHeader { writeHeader(bytes, control, source, destination, &printer) }
  let payload = try bytes.dropping(headerLength)
  switch control & FrameControl.formatMask {
  case FrameControl.llc:
    if let length = try printer.printLLC(payload, source: source, destination: destination) {
      printer.context.linkHeaderLength = headerLength &+ length
      return
    }
  case FrameControl.management: return printer.out.write("<SMT printer not yet implemented>")
  default: if !printer.options.linkHeader { writeHeader(bytes, control, source, destination, &printer) }
  }
  printer.dumpUnknown(payload)
}

private func writeHeader(
  _ bytes: PacketBytes, _ control: UInt8, _ source: MACAddress, _ destination: MACAddress, _ printer: inout Printer
) {
  if !printer.options.quiet {
    if let name = FrameControl.names[control] {
      printer.out.write(name)
    } else if let prefix = FrameControl.prefix(control) {
      printer.write(prefix, control & ~FrameControl.formatMask, as: .hex(1))
    } else {
      printer.write("", control, as: .hex(2))
    }
    printer.out.write(" ")
  }
  printer.writeMAC(source)
  printer.out.write(" > ")
  printer.writeMAC(destination)
  printer.write(", length ", bytes.length)
  printer.out.write(": ")
}
