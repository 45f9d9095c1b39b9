package import PacketCore

extension Layer {
  package static let llc = Layer(
    "llc", "Logical link control", "IEEE 802.2 section 5", marks: ["cip"]
  ) {
    [
      Field("dsap", .uint8, "Destination service access point, without the group bit.", always: true),
      Field("dsap_group", .flag, "The destination is a group."),
      Field("ssap", .uint8, "Source service access point, without the response bit.", always: true),
      Field("response", .flag, "A response, not a command."),
      Field("control", .uint16, "Control field, of one byte in unnumbered PDUs and of two in others.", always: true),
      Field("format", .words(["information", "supervisory", "unnumbered"]), "Kind of PDU."),
      Field("send_sequence", .uint8, "N(S) of information PDUs."),
      Field("receive_sequence", .uint8, "N(R) of information and supervisory PDUs."),
      Field("poll_final", .flag, "Poll or final bit."),
      Field("xid_types", .uint8, "Types and classes in an exchange of identification."),
      Field("xid_window", .uint8, "Receive window in an exchange of identification."),
    ]
  }
}

///     0      1      2
///     +------+------+---------------+---------
///     | DSAP | SSAP | control (1,2) | payload
///     +------+------+---------------+---------
extension Printer {
  /// Prints a logical link control PDU (IEEE 802.2 section 5); returns the length of its header, including SNAP, or nil if no dissector
  /// prints the payload. The addresses are those of the frame, if it has any.
  package mutating func printLLC(
    _ bytes: PacketBytes, source: MACAddress?, destination: MACAddress?
  ) throws(DecodeError) -> Int? {
    protocolName = "llc"
    guard bytes.count >= 3, bytes.length >= 3 else { return stopTruncatedLLC(bytes) }
    let dsapField = try bytes.u8(at: 0)
    let ssapField = try bytes.u8(at: 1)
    let firstControl = try bytes.u8(at: 2)
    let isUnnumbered = firstControl & 3 == 3
    if !isUnnumbered, bytes.count < 4 || bytes.length < 4 { return stopTruncatedLLC(bytes) }
    let control = isUnnumbered ? UInt16(firstControl) : try bytes.u16le(at: 2)
    let headerLength = isUnnumbered ? 3 : 4
    if enter(.llc) { recordLLC(dsapField, ssapField, control, isUnnumbered) }

    if dsapField == LLC.global, ssapField == LLC.global {
      // Novell's "raw 802.3": an IPX packet without LLC, recognised by its checksum field, which is always ffff.
      if options.linkHeader { out.write("IPX 802.3: ") }
      return try printSAP(ServiceAccessPoint.ipx, bytes, isRaw: true) ? 0 : nil
    }
    let dsap = dsapField & ~1
    let ssap = ssapField & ~1
    if options.linkHeader { writeLLCHeader(dsapField, ssapField, control, isUnnumbered) }

    let payload = try bytes.dropping(headerLength)
    if dsap == ServiceAccessPoint.snap, ssap == ServiceAccessPoint.snap, control == LLC.unnumberedInformation {
      return try printSNAP(payload, source: source, destination: destination, bridgePad: 2).map { headerLength &+ $0 }
    }
    if dsap == ssap, control == LLC.unnumberedInformation, try printSAP(dsap, payload) { return headerLength }
    if !options.linkHeader { writeLLCEndpoints(dsap, ssap, source, destination) }
    if !isUnnumbered {
      writeNumberedControl(control, ssapField, length: bytes.length)
      // A supervisory PDU has no payload to dump.
      return control & 3 == 1 ? headerLength : nil
    }
    return try printUnnumbered(UInt8(truncatingIfNeeded: control), ssapField, payload, length: bytes.length)
      ? headerLength : nil
  }

  private mutating func recordLLC(_ dsap: UInt8, _ ssap: UInt8, _ control: UInt16, _ isUnnumbered: Bool) {
    fields.write("dsap", dsap & ~1)
    fields.write("dsap_group", dsap & 1 != 0)
    fields.write("ssap", ssap & ~1)
    fields.write("response", ssap & 1 != 0)
    fields.write("control", control)
    if isUnnumbered {
      fields.write("format", "unnumbered")
      fields.write("poll_final", control & UInt16(LLC.pollFinal) != 0)
      return
    }
    if control & 3 == 1 {
      fields.write("format", "supervisory")
    } else {
      fields.write("format", "information")
      fields.write("send_sequence", control >> 1 & 0x7f)
    }
    fields.write("receive_sequence", control >> 9)
    fields.write("poll_final", control & 0x0100 != 0)
  }

  /// Writes the truncation mark, and dumps what was captured; the caller dumps nothing more.
  private mutating func stopTruncatedLLC(_ bytes: PacketBytes) -> Int {
    writeTruncation()
    writeHexAndASCII(bytes)
    return 0
  }

  /// Prints the payload of a service access point that stands for one protocol; false if no dissector prints it.
  private mutating func printSAP(
    _ sap: UInt8, _ payload: PacketBytes, isRaw: Bool = false
  ) throws(DecodeError) -> Bool {
    if sap == ServiceAccessPoint.ipv4 {
      try run(.ipv4, payload)
      return true
    }
    let index = registry.index(sap: sap)
    if index == 0 {
      noteUndecoded(.sap, sap, payload)
      return false
    }
    if sap == ServiceAccessPoint.ipx, options.linkHeader, !isRaw { out.write("IPX 802.2: ") }
    try run(index, payload)
    return true
  }

  private mutating func writeLLCHeader(_ dsap: UInt8, _ ssap: UInt8, _ control: UInt16, _ isUnnumbered: Bool) {
    out.write("LLC, dsap ")
    write(LLC.names, dsap & ~1, unknown: "Unknown")
    out.write(" (0x")
    out.write(hex: dsap & ~1, width: 2)
    out.write(dsap & 1 == 0 ? ") Individual, ssap " : ") Group, ssap ")
    write(LLC.names, ssap & ~1, unknown: "Unknown")
    out.write(" (0x")
    out.write(hex: ssap & ~1, width: 2)
    out.write(ssap & 1 == 0 ? ") Command, ctrl 0x" : ") Response, ctrl 0x")
    out.write(hex: control, width: isUnnumbered ? 2 : 4)
    out.write(": ")
  }

  /// Sender and receiver, written if the link-layer header is not.
  private mutating func writeLLCEndpoints(
    _ dsap: UInt8, _ ssap: UInt8, _ source: MACAddress?, _ destination: MACAddress?
  ) {
    func write(_ name: StaticString, _ sap: UInt8, _ printer: inout Printer) {
      if let known = LLC.names[sap] {
        printer.out.write(known)
      } else {
        printer.out.write(name)
        printer.out.write(hex: sap, width: 2)
      }
    }
    if let source, let destination {
      writeMAC(source)
      if ssap != dsap {
        out.write(" ")
        write("Unknown SSAP 0x", ssap, &self)
      }
      out.write(" > ")
      writeMAC(destination)
      out.write(" ")
    } else if ssap != dsap {
      write("Unknown SSAP 0x", ssap, &self)
      out.write(" > ")
    }
    write("Unknown DSAP 0x", dsap, &self)
    out.write(" ")
  }

  /// Information and supervisory PDUs: they have sequence numbers of seven bits.
  private mutating func writeNumberedControl(_ control: UInt16, _ ssap: UInt8, length: Int) {
    if control & 3 == 1 {
      out.write("Supervisory, ")
      switch control >> 2 & 3 {
      case 0: out.write("Receiver Ready")
      case 1: out.write("Receiver not Ready")
      case 2: out.write("Reject")
      default: out.write("?")
      }
    } else {
      out.write("Information, send seq ")
      out.write(decimal: control >> 1 & 0x7f)
    }
    out.write(", rcv seq ")
    out.write(decimal: control >> 9)
    writeLLCFlags(ssap, poll: control & 0x0100 != 0, length: length)
  }

  private mutating func writeLLCFlags(_ ssap: UInt8, poll: Bool, length: Int) {
    out.write(", Flags [")
    if ssap & 1 == 0 {
      out.write(poll ? "Poll" : "Command")
    } else {
      out.write(poll ? "Final" : "Response")
    }
    out.write("], length ")
    out.write(decimal: length)
  }

  /// Unnumbered PDUs; false if the payload is to be dumped.
  private mutating func printUnnumbered(
    _ control: UInt8, _ ssap: UInt8, _ payload: PacketBytes, length: Int
  ) throws(DecodeError) -> Bool {
    let command = control & ~LLC.pollFinal
    out.write("Unnumbered, ")
    if let name = LLC.commands[command] {
      out.write(name)
    } else {
      out.write(hex: command, width: 2)
    }
    writeLLCFlags(ssap, poll: control & LLC.pollFinal != 0, length: length)
    guard command == LLC.exchangeIdentification else { return false }
    if payload.length == 0 { return true }
    guard try payload.u8(at: 0) == LLC.exchangeFormat else { return false }
    guard payload.count >= 3, payload.length >= 3 else {
      writeTruncation()
      writeHexAndASCII(payload)
      return true
    }
    if writesFields {
      fields.write("xid_types", try payload.u8(at: 1))
      fields.write("xid_window", try payload.u8(at: 2))
    }
    out.write(": ")
    out.write(hex: try payload.u8(at: 1), width: 2)
    out.write(" ")
    out.write(hex: try payload.u8(at: 2), width: 2)
    return true
  }
}

/// Service access points.
typealias ServiceAccessPoint = ServiceAccessPoints<UInt8>

/// Numbers of logical link control (IEEE 802.2).
enum LLC {
  static let global: UInt8 = 0xff
  static let unnumberedInformation: UInt16 = 0x03
  static let pollFinal: UInt8 = 0x10
  /// The command XID, and the format identifier that IEEE 802.2 section 5.4.1.1.2 assigns to its information field.
  static let exchangeIdentification: UInt8 = 0xaf
  static let exchangeFormat: UInt8 = 0x81

  static let names: ValueNames = [
    0x00: "Null", 0x02: "802.1B I", 0x04: "SNA", 0x06: "IP", 0x0e: "ProWay NM", 0x42: "STP", 0x4e: "RS511",
    0x7e: "ISO8208", 0x8e: "ProWay", 0xaa: "SNAP", 0xe0: "IPX", 0xf0: "NetBeui", 0xfe: "OSI",
  ]
  static let commands: ValueNames = [
    0x03: "ui", 0x0f: "dm", 0x43: "disc", 0x63: "ua", 0x6f: "sabme", 0x87: "frmr", 0xaf: "xid", 0xe3: "test",
  ]
}
