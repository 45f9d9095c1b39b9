import Dissect
import PacketCore

private let signalings: FlagNames = [0x01: "RSVP Supported", 0x02: "LDP Supported"]
private let linkTypes: ValueNames = [5: "SDH ITU-T G.707", 6: "SONET ANSI T1.105"]
private let sdhSignals: ValueNames = [
  5: "VC-3", 6: "VC-4", 7: "STM-0", 8: "STM-1", 9: "STM-4", 10: "STM-16", 11: "STM-64", 12: "STM-256",
]
private let sonetSignals: ValueNames = [
  5: "STS-1 SPE", 6: "STS-3c SPE", 7: "STS-1", 8: "STM-3", 9: "STM-12", 10: "STM-48", 11: "STM-192", 12: "STM-768",
]
private let overheads: FlagNames = [
  0x01: "Path/VC Overhead Transparency Supported", 0x02: "Line/MS Overhead Transparency Supported",
  0x04: "Section/RS Overhead Transparency Supported",
]
private let concatenations: FlagNames = [0x01: "Contiguous Concatenation Types Supported"]
private let transparencies: FlagNames = [
  0x01: "Standard SOH/RSOH Transparency Supported", 0x02: "Standard LOH/MSOH Transparency Supported",
]
private let monitorings: FlagNames = [0x01: "Transparent Tandem Connection Monitoring Supported"]
private let diversities: FlagNames = [
  0x01: "Node Diversity Supported", 0x02: "Link Diversity Supported", 0x04: "SRLG Diversity Supported",
]

/// An object of service discovery (OIF UNI 1.0 section 11): `type` is 1 to 4, and the contents have the length of that type.
func printLMPService(_ type: UInt8, _ contents: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if printer.writesFields { printer.fields.write("data", hex: contents) }
  switch type {
  case 1:
    ///     0 signaling protocols  1 version  2 reserved
    printer.out.write("\n\t Flags: ")
    printer.write(signalings, try contents.u8(at: 0))
    printer.write("\n\t  UNI Version: ", try contents.u8(at: 1))
  case 2: try printClientPort(contents, &printer)
  case 3:
    ///     0 transparency  4 monitoring of tandem connections
    printer.out.write("\n\t Transparency Flags: ")
    printer.write(transparencies, try contents.u32(at: 0))
    printer.out.write("\n\t TCM Monitoring Flags: ")
    printer.write(monitorings, try contents.u32(at: 4))
  default:
    ///     0 reserved  3 diversity
    printer.out.write("\n\t Diversity: Flags: ")
    printer.write(diversities, try contents.u8(at: 3))
  }
}

///     0 link type  1 signal type  2 transparency  3 concatenation  4 to 10 numbers of components  12 interface
private func printClientPort(_ contents: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try contents.u8(at: 0)
  printer.write("\n\t Link Type: ", type, as: .named(linkTypes, unknown: "Unknown"))
  printer.write(" (", type)
  printer.out.write(")")
  if linkTypes[type] != nil {
    let signal = try contents.u8(at: 1)
    printer.write("\n\t Signal Type: ", signal, as: .named(type == 5 ? sdhSignals : sonetSignals, unknown: "Unknown"))
    printer.write(" (", signal)
    printer.out.write(")")
  }
  printer.out.write("\n\t Transparency: ")
  printer.write(overheads, try contents.u8(at: 2))
  printer.out.write("\n\t Contiguous Concatenation Types: ")
  printer.write(concatenations, try contents.u8(at: 3))
  printer.write("\n\t Minimum NCC: ", try contents.u16(at: 4))
  printer.write("\n\t Maximum NCC: ", try contents.u16(at: 6))
  printer.write("\n\t Minimum NVC:", try contents.u16(at: 8))
  printer.write("\n\t Maximum NVC:", try contents.u16(at: 10))
  let interface = try contents.ipv4(at: 12)
  printer.write("\n\t    Local Interface ID: ", "address", interface)
  printer.write(" (0x", interface.rawValue, as: .hex(8))
  printer.out.write(")")
}
