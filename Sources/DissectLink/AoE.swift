package import Dissect
import PacketCore

extension Layer {
  static let aoe = Layer("aoe", "ATA over Ethernet", "AoEr11") {
    [
      Field("version", .uint8, "Version, 1."),
      Field("flag_bits", .uint8, "Flags, as bits: 8 response, 4 error."),
      Field("error_code", .uint8, "Error."),
      Field("error_name", .text, "Name of the error."),
      Field("major_address", .uint16, "Shelf."),
      Field("minor_address", .uint8, "Slot."),
      Field("command", .uint8, "Command."),
      Field("command_name", .text, "Name of the command."),
      Field("tag", .uint32, "Number that an answer repeats."),
      Field("ata_flag_bits", .uint8, "Flags of an ATA command, as bits."),
      Field("error_or_feature", .uint8, "Error or feature of an ATA command."),
      Field("sector_count", .uint8, "Sectors."),
      Field("command_or_status", .uint8, "ATA command or status."),
      Field("logical_block_address", .uint48, "Logical block."),
      Field("data_length", .uint32, "Bytes of data."),
      Field("buffer_count", .uint16, "Commands that the target takes at once."),
      Field("firmware_version", .uint16, "Version of the firmware."),
      Field("text", .text, "Configuration string."),
      Field("subcommand", .uint8, "What to do with the configuration, or a list."),
      Field("list_error", .uint8, "Error of a list."),
      Field("mac_addresses", .array(.mac), "Addresses of a list, in order."),
    ]
  }
}

extension Dissector {
  package static let aoe = Dissector(name: "aoe", claims: [.etherType(0x88a2)], layers: [.aoe], print: printAoE)
}

private enum Command {
  static let ata: UInt8 = 0
  static let query: UInt8 = 1
  static let macMask: UInt8 = 2
  static let reserve: UInt8 = 3
  static let names: ValueNames = [
    0: "Issue ATA Command", 1: "Query Config Information", 2: "MAC Mask List", 3: "Reserve/Release",
  ]
}

private let flagNames: FlagNames = [8: "Response", 4: "Error", 2: "MBZ-1", 1: "MBZ-0"]
private let errorFlag: UInt8 = 4
private let errors: ValueNames = [
  1: "Unrecognized command code", 2: "Bad argument parameter", 3: "Device unavailable", 4: "Config string present",
  5: "Unsupported version", 6: "Target is reserved",
]
private let ataFlags: FlagNames = [
  0x80: "MBZ-7", 0x40: "Ext48", 0x20: "MBZ-5", 0x10: "Device", 0x08: "MBZ-3", 0x04: "MBZ-2", 0x02: "Async",
  0x01: "Write",
]
private let configurationCommands: ValueNames = [
  0: "read config string", 1: "test config string", 2: "test config string prefix", 3: "set config string",
  4: "force set config string",
]
private let maskCommands: ValueNames = [0: "Read Mac Mask List", 1: "Edit Mac Mask List"]
private let maskErrors: ValueNames = [1: "Unspecified Error", 2: "Bad DCmd directive", 3: "Mask list full"]
private let directives: ValueNames = [
  0: "No Directive", 1: "Add mac address to mask list", 2: "Delete mac address from mask list",
]
private let reserveCommands: ValueNames = [
  0: "Read reserve list", 1: "Set reserve list", 2: "Force set reserve list",
]
private let unknownCommand: UnknownName = .hex("Unknown (0x", digits: 2, ")")

///     0                      1       2       4       5         6
///     +----------------------+-------+-------+-------+---------+-----+-----------
///     | version, flags (4,4) | error | major | minor | command | tag | arguments
///     +----------------------+-------+-------+-------+---------+-----+-----------
private let headerLength = 10
private let version: UInt8 = 1

@Sendable
private func printAoE(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("AoE length ", bytes.length)
  let writesFields = printer.enter(.aoe)
  if bytes.length < 1 { throw .invalid }
  let first = try bytes.u8(at: 0)
  printer.write(", Ver ", "version", first >> 4)
  guard first >> 4 == version else { return }
  if bytes.length < headerLength { throw .invalid }
  let flags = first & 15
  if writesFields { printer.fields.write("flag_bits", flags) }
  printer.out.write(", Flags: [")
  printer.write(flagNames, flags)
  printer.out.write("]")
  let isVerbose = printer.options.verbosity > 0
  if isVerbose {
    try printCommand(bytes, flags, &printer)
  } else if writesFields {
    printer.recordOnly(bytes) { (bytes, printer) throws(DecodeError) in try printCommand(bytes, flags, &printer) }
  }
}

private func printCommand(_ bytes: PacketBytes, _ flags: UInt8, _ printer: inout Printer) throws(DecodeError) {
  if flags & errorFlag != 0 {
    printer.write(
      "\n\tError: ", "error_code", try bytes.u8(at: 1),
      as: .named(errors, key: "error_name", unknown: .decimal("Invalid (", ")")))
  }
  printer.write("\n\tMajor: 0x", "major_address", try bytes.u16(at: 2), as: .hex(4))
  printer.write(", Minor: 0x", "minor_address", try bytes.u8(at: 4), as: .hex(2))
  let command = try bytes.u8(at: 5)
  printer.write(
    ", Command: ", "command", command, as: .named(Command.names, key: "command_name", unknown: unknownCommand))
  printer.write(", Tag: 0x", "tag", try bytes.u32(at: 6), as: .hex(8))
  let arguments = try bytes.dropping(headerLength)
  switch command {
  case Command.ata: try printATA(arguments, &printer)
  case Command.query: try printQuery(arguments, &printer)
  case Command.macMask: try printMask(arguments, &printer)
  case Command.reserve: try printReserve(arguments, &printer)
  default: break
  }
}

///     0       1               2         3                4           10         12
///     +-------+---------------+---------+----------------+-----------+----------+------
///     | flags | error/feature | sectors | command/status | LBA, LE   | reserved | data
///     +-------+---------------+---------+----------------+-----------+----------+------
private func printATA(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 12 { throw .invalid }
  let flags = try bytes.u8(at: 0)
  if printer.writesFields { printer.fields.write("ata_flag_bits", flags) }
  printer.out.write("\n\tAFlags: [")
  printer.write(ataFlags, flags)
  printer.out.write("]")
  printer.write(", Err/Feature: ", "error_or_feature", try bytes.u8(at: 1))
  printer.write(", Sector Count: ", "sector_count", try bytes.u8(at: 2))
  printer.write(", Cmd/Status: ", "command_or_status", try bytes.u8(at: 3))
  let titles: [StaticString] = ["\n\tlba0: ", ", lba1: ", ", lba2: ", ", lba3: ", ", lba4: ", ", lba5: "]
  var address: UInt64 = 0
  for (index, title) in titles.enumerated() {
    let byte = try bytes.u8(at: 4 &+ index)
    printer.write(title, byte)
    address |= UInt64(byte) << UInt64(8 * index)
  }
  if printer.writesFields { printer.fields.write("logical_block_address", address) }
  try bytes.check(10, 2)
  let length = bytes.length &- 12
  if length > 0 {
    printer.write("\n\tData: ", "data_length", length)
    printer.out.write(" bytes")
  }
}

private let greatestStringLength = 1024

///     0         2          4         5                   6        8
///     +---------+----------+---------+-------------------+--------+--------
///     | buffers | firmware | sectors | AoE, command (4,4)| length | string
///     +---------+----------+---------+-------------------+--------+--------
private func printQuery(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 8 { throw .invalid }
  printer.write("\n\tBuffer Count: ", "buffer_count", try bytes.u16(at: 0))
  printer.write(", Firmware Version: ", "firmware_version", try bytes.u16(at: 2))
  printer.write(", Sector Count: ", "sector_count", try bytes.u8(at: 4))
  let byte = try bytes.u8(at: 5)
  printer.write(", AoE: ", byte >> 4)
  printer.write(", CCmd: ", "subcommand", byte & 15, as: .named(configurationCommands, unknown: unknownCommand))
  let length = Int(try bytes.u16(at: 6))
  let text = try bytes.dropping(8)
  if length > greatestStringLength || length > text.length { throw .invalid }
  guard length > 0 else { return }
  printer.write("\n\tConfig String (length ", length)
  try printer.write("): ", "text", text: text.clamped(to: length))
}

///     0          1         2       3
///     +----------+---------+-------+-------+------------------------------------
///     | reserved | command | error | count | reserved (1), directive (1), MAC …
///     +----------+---------+-------+-------+------------------------------------
private func printMask(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 4 { throw .invalid }
  try bytes.check(0, 1)
  printer.write("\n\tMCmd: ", "subcommand", try bytes.u8(at: 1), as: .named(maskCommands, unknown: unknownCommand))
  printer.write(", MError: ", "list_error", try bytes.u8(at: 2), as: .named(maskErrors, unknown: unknownCommand))
  let count = Int(try bytes.u8(at: 3))
  printer.write(", Dir Count: ", count)
  let list = try bytes.dropping(4)
  if count &* 8 > list.length { throw .invalid }
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("mac_addresses") }
  for index in 0..<count {
    printer.write("\n\t DCmd: ", try list.u8(at: index &* 8 &+ 1), as: .named(directives, unknown: unknownCommand))
    printer.out.write(", Ethernet Address: ")
    write(try list.mac(at: index &* 8 &+ 2), &printer)
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}

private func printReserve(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  if bytes.length < 2 || (bytes.length &- 2) % 6 != 0 { throw .invalid }
  printer.write("\n\tRCmd: ", "subcommand", try bytes.u8(at: 0), as: .named(reserveCommands, unknown: unknownCommand))
  let count = Int(try bytes.u8(at: 1))
  printer.write(", NMacs: ", count)
  if count &* 6 &+ 2 != bytes.length { throw .invalid }
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("mac_addresses") }
  for index in 0..<count {
    printer.write("\n\tEthernet Address ", index)
    printer.out.write(": ")
    write(try bytes.mac(at: 2 &+ index &* 6), &printer)
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}

private func write(_ address: MACAddress, _ printer: inout Printer) {
  printer.writeMAC(address)
  if printer.writesFields { printer.fields.element(address) }
}
