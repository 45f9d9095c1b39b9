import Dissect
import PacketCore

extension Layer {
  static let atmOAM = Layer("atm_oam", "Operation and maintenance cell of ATM", "ITU-T I.610", marks: ["oam"]) {
    [
      Field("vpi", .uint8, "Virtual path identifier.", always: true),
      Field("vci", .uint16, "Virtual channel identifier.", always: true),
      Field("payload_type", .uint8, "Payload type of the cell header.", always: true),
      Field("payload_type_name", .text, "Name of the payload type."),
      Field("cell_loss_priority", .flag, "The cell is discarded first.", always: true),
      Field("cell_type", .uint8, "What is managed.", always: true),
      Field("cell_type_name", .text, "Name of the cell type."),
      Field("function_type", .uint8, "What the cell does.", always: true),
      Field("function_type_name", .text, "Name of the function."),
      Field("loopback_request", .flag, "The cell is to be sent back; a reply has been."),
      Field("correlation_tag", .uint32, "Number by which a reply belongs to its request."),
      Field("failure_type", .uint8, "Kind of failure."),
      Field("location_id", .hex, "Where the cell is looped back, or where the failure is."),
      Field("source_id", .hex, "Node that requested the loopback."),
      Field("checksum", .uint16, "CRC of ten bits, as sent."),
      Field("checksum_correct", .flag, "Whether it is right."),
    ]
  }
}

/// Payload types (ITU-T I.361 section 2.2.4).
private let payloadTypes: ValueNames = [
  0: "user data, uncongested, SDU 0", 1: "user data, uncongested, SDU 1", 2: "user data, congested, SDU 0",
  3: "user data, congested, SDU 1", 4: "VCC OAM F5 flow segment", 5: "VCC OAM F5 flow end-to-end",
  6: "Traffic Control and resource Mgmt",
]

/// Channels of the F4 flow, which manages a path; F5 cells are sent on the channel that they manage.
private let pathChannels: ValueNames = [3: "F4 (segment)", 4: "F4 (end)"]

/// Cell types and their functions (ITU-T I.610 table 1).
private enum Cell {
  static let faultManagement: UInt8 = 1
  static let alarm: UInt8 = 0
  static let remoteDefect: UInt8 = 1
  static let loopback: UInt8 = 8
  static let types: ValueNames = [
    1: "Fault Management", 2: "Performance Management", 8: "activate/deactivate", 15: "System Management",
  ]
  static let faultFunctions: ValueNames = [0: "AIS", 1: "RDI", 4: "Continuity Check", 8: "Loopback"]
  static let performanceFunctions: ValueNames = [
    0: "Forward Monitoring", 1: "Backward Reporting", 2: "Monitoring and Reporting",
  ]
  static let activationFunctions: ValueNames = [0: "Performance Monitoring", 1: "Continuity Check"]
}

/// Length of a cell's payload in bytes; the CRC is in the last two.
private let payloadLength = 48

extension Printer {
  ///     4        12        28     31    32
  ///     +--------+---------+------+-----+----- … +-----------+----------+---- … +-----+
  ///     | VPI (8)| VCI (16)| PT(3)| CLP | (HEC)  | cell type | function |       | CRC |      after four bits of flow control
  ///     +--------+---------+------+-----+----- … +-----------+----------+---- … +-----+
  /// If the cell header has a checksum, it is read as if the checksum came first: this is the layout of Solaris's cells in captures.
  mutating func printOAMCell(_ bytes: PacketBytes, headerChecksum: Bool) throws(DecodeError) {
    protocolName = "oam"
    let start = headerChecksum ? 1 : 0
    let header = try bytes.u32(at: start)
    let payload = try bytes.dropping(start &+ 4)
    let types = try payload.u8(at: 0)
    let channel = UInt16(truncatingIfNeeded: header >> 4)
    let payloadType = header >> 1 & 7
    let (cellType, function) = (types >> 4, types & 15)
    let functions = functionNames(cellType)
    if enter(.atmOAM) {
      fields.write("vpi", header >> 20 & 0xff)
      fields.write("vci", channel)
      fields.write("payload_type", payloadType, "payload_type_name", payloadTypes)
      fields.write("cell_loss_priority", header & 1 != 0)
      fields.write("cell_type", cellType, "cell_type_name", Cell.types)
      fields.write("function_type", function)
      if let name = functions?[function] { fields.write("function_type_name", name) }
    }
    write("OAM ", channel, as: .named(pathChannels, unknown: "F5"))
    write(", vpi ", header >> 20 & 0xff)
    write(", vci ", channel)
    write(", payload [ ", payloadType, as: .named(payloadTypes, unknown: "Unknown"))
    write(" ], clp ", header & 1)
    write(", length ", bytes.length)
    guard options.verbosity > 0 else { return }
    write("\n\tcell-type ", cellType, as: .named(Cell.types, unknown: "unknown"))
    write(" (", cellType)
    if let functions {
      write("), func-type ", function, as: .named(functions, unknown: "none"))
    } else {
      out.write("), func-type unknown")
    }
    write(" (", function)
    out.write(")")
    switch (cellType, function) {
    case (Cell.faultManagement, Cell.loopback): try printLoopback(payload)
    case (Cell.faultManagement, Cell.alarm), (Cell.faultManagement, Cell.remoteDefect): try printFailure(payload)
    default: break
    }
    try printChecksum(payload)
  }

  ///     0       1           2                 6             18          30       46
  ///     +-------+-----------+-----------------+-------------+-----------+--------+
  ///     | types | indicator | correlation tag | location ID | source ID | unused |
  ///     +-------+-----------+-----------------+-------------+-----------+--------+
  private mutating func printLoopback(_ payload: PacketBytes) throws(DecodeError) {
    try payload.check(0, 46)
    let isRequest = try payload.u8(at: 1) & 1 != 0
    if writesFields { fields.write("loopback_request", isRequest) }
    out.write("\n\tLoopback-Indicator ")
    out.write(isRequest ? "Request" : "Reply")
    write(", Correlation-Tag 0x", "correlation_tag", try payload.u32(at: 2), as: .hex(8))
    writeIdentifier("\n\tLocation-ID", "location_id", try payload.slice(at: 6, length: 12))
    writeIdentifier("\n\tSource-ID  ", "source_id", try payload.slice(at: 18, length: 12))
  }

  ///     0       1              2                  18
  ///     +-------+--------------+------------------+
  ///     | types | failure type | failure location |
  ///     +-------+--------------+------------------+
  private mutating func printFailure(_ payload: PacketBytes) throws(DecodeError) {
    try payload.check(0, 18)
    write("\n\tFailure-type 0x", "failure_type", try payload.u8(at: 1), as: .hex(2))
    writeIdentifier("\n\tLocation-ID", "location_id", try payload.slice(at: 2, length: 16))
  }

  private mutating func writeIdentifier(_ title: StaticString, _ key: StaticString, _ bytes: PacketBytes) {
    if writesFields { fields.write(key, hex: bytes) }
    out.write(title)
    for index in 0..<bytes.count { write(" ", (try? bytes.u8(at: index)) ?? 0, as: .hex(2)) }
  }

  private mutating func printChecksum(_ payload: PacketBytes) throws(DecodeError) {
    let cell = try payload.slice(at: 0, length: payloadLength)
    let checksum = try cell.u16(at: payloadLength &- 2) & 0x3ff
    let isCorrect = try crc10(cell) == 0
    if !isCorrect { noteInvalid() }
    write("\n\tcksum 0x", "checksum", checksum, as: .hex(3))
    recordChecksum(isCorrect: isCorrect)
    out.write(isCorrect ? " (correct)" : " (incorrect)")
  }
}

/// The functions of a cell type; nil if it has none.
private func functionNames(_ cellType: UInt8) -> ValueNames? {
  switch cellType {
  case 1: Cell.faultFunctions
  case 2: Cell.performanceFunctions
  case 8: Cell.activationFunctions
  default: nil
  }
}

/// The remainder of division by x¹⁰ + x⁹ + x⁵ + x⁴ + x + 1; 0 for a payload whose last ten bits are correct.
private func crc10(_ cell: PacketBytes) throws(DecodeError) -> UInt16 {
  var remainder: UInt16 = 0
  for index in 0..<cell.count {
    remainder ^= UInt16(try cell.u8(at: index)) << 2
    for _ in 0..<8 { remainder = (remainder << 1 ^ (remainder & 0x200 == 0 ? 0 : 0x233)) & 0x3ff }
  }
  return remainder
}
