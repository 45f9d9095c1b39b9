package import Dissect
import PacketCore

extension Layer {
  static let dhcp = Layer(
    "dhcp", "Dynamic Host Configuration Protocol, Bootstrap Protocol", "RFC 2131, RFC 951", marks: ["bootp"]
  ) {
    [
      Field("operation", .uint8, "1 request, 2 reply."),
      Field("hardware_type", .uint8, "Hardware type."),
      Field("hardware_length", .uint8, "Bytes of a hardware address."),
      Field("hops", .uint8, "Hops."),
      Field("transaction_id", .uint32, "Transaction identifier."),
      Field("seconds", .uint16, "Seconds elapsed."),
      Field("broadcast", .flag, "B flag."),
      Field("client_address", .ipv4, "Client's address."),
      Field("your_address", .ipv4, "Address for the client."),
      Field("server_address", .ipv4, "Next server."),
      Field("gateway_address", .ipv4, "Relay agent."),
      Field("client_hardware_address", .linkAddress, "Client's hardware address."),
      Field("server_name", .text, "Server's name."),
      Field("boot_file", .text, "Boot file."),
      Field("cookie", .uint32, "Magic cookie other than 0."),
      Field("vendor_data", .hex, "Vendor's area of Carnegie Mellon University."),
      Field(
        "options", .array(.shared(dhcpOption)), "Options, in order, without padding and end.",
        each: "One option; which members there are depends on its form."),
      Field(
        "boot_file_options", .array(.shared(dhcpOption)),
        "Options in the field of the boot file, where an option says so (RFC 2132 section 9.3).", each: "One option."),
      Field(
        "server_name_options", .array(.shared(dhcpOption)),
        "Options in the field of the server's name, where an option says so.", each: "One option."),
    ]
  }
}

/// One option of DHCP.
private let dhcpOption = SharedObject("dhcp_option", "An option of DHCP.") {
  [
    Field("code", .uint8, "Option code.", always: true),
    Field("name", .text, "Name of the option."),
    Field("length", .uint8, "Bytes of the value.", always: true),
    Field("message_type", .uint8, "DHCP message type."),
    Field("message_type_name", .text, "Name of the type."),
    Field("addresses", .array(.ipv4), "Addresses."),
    Field(
      "address_pairs",
      .array(
        .object([
          Field("first", .ipv4, "Address or network.", always: true),
          Field("second", .ipv4, "Mask or router.", always: true),
        ])), "Pairs of addresses.", each: "One pair."),
    Field("values", .array(.integer(-2147483648...4294967295)), "Numbers."),
    Field("value", .uint8, "A number."),
    Field("booleans", .array(.flag), "Flags."),
    Field("text", .text, "Text."),
    Field("texts", .array(.text), "Texts."),
    Field("hardware_type", .uint8, "Type of a client identifier."),
    Field("flag_bits", .uint8, "Flags of a client's name."),
    Field(
      "routes",
      .array(
        .object([
          Field("network", .ipv4, "Network.", always: true),
          Field("prefix_length", .uint8, "Bits of the network.", always: true),
          Field("router", .ipv4, "Router.", always: true),
        ])), "Classless routes.", each: "One route."),
    Field(
      "suboptions",
      .array(
        .object([
          Field("code", .uint8, "Code.", always: true),
          Field("name", .text, "Its name."),
          Field("data", .hex, "Value.", always: true),
        ])), "Suboptions.", each: "One suboption."),
    Field("data", .hex, "Value of any other option."),
  ]
}

extension Dissector {
  /// Bootstrap Protocol, RFC 951, and Dynamic Host Configuration Protocol, RFC 2131.
  package static let bootp = Dissector(
    name: "bootp", claims: [.udpPort(67), .udpPort(68)], layers: [.dhcp], standsAlone: true
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printBOOTP(bytes)
  }
}

///     0   operation  1 hardware type  2 hardware length  3 hops
///     4   transaction identifier
///     8   seconds    10 flags
///     12  client     16 your          20 server          24 gateway address
///     28  client hardware address (16)
///     44  server name (64)   108 boot file (128)         236 vendor's area
private enum Offset {
  static let hardwareAddress = 28
  static let serverName = 44
  static let bootFile = 108
  static let vendor = 236
}

private let ethernetType: UInt8 = 1
private let ethernetLength: UInt8 = 6
private let broadcastFlag: UInt16 = 0x8000
/// The magic cookies of RFC 1048 and of Carnegie Mellon University.
private let standardCookie: UInt32 = 0x6382_5363
private let carnegieMellonCookie: UInt32 = 0x434d_5500

extension Printer {
  mutating func printBOOTP(_ bytes: PacketBytes) throws(DecodeError) {
    let operation = try bytes.u8(at: 0)
    if enter(.dhcp) { try? recordBOOTP(bytes) }
    if wantsLayersAlone { return }
    out.write("BOOTP/DHCP, ")
    switch operation {
    case 1: out.write("Request")
    case 2: out.write("Reply")
    default:
      write("unknown (0x", operation, as: .hex(2))
      out.write(")")
    }
    let hardwareType = try bytes.u8(at: 1)
    let hardwareLength = try bytes.u8(at: 2)
    let isEthernet = hardwareType == ethernetType && hardwareLength == ethernetLength
    if isEthernet, operation == 1 {
      let client = try bytes.mac(at: Offset.hardwareAddress)
      out.write(" from ")
      writeMAC(client)
    }
    write(", length ", bytes.length)
    guard options.verbosity > 0 else { return }
    let seconds = try bytes.u16(at: 8)
    if hardwareType != ethernetType {
      write(", htype ", hardwareType)
    }
    if hardwareType != ethernetType || hardwareLength != ethernetLength {
      write(", hlen ", hardwareLength)
    }
    let hops = try bytes.u8(at: 3)
    if hops != 0 {
      write(", hops ", hops)
    }
    let transaction = try bytes.u32(at: 4)
    if transaction != 0 {
      write(", xid 0x", transaction, as: .hex(1))
    }
    if seconds != 0 {
      write(", secs ", seconds)
    }
    let flags = try bytes.u16(at: 10)
    out.write(flags & broadcastFlag != 0 ? ", Flags [Broadcast]" : ", Flags [none]")
    if options.verbosity > 1 {
      write(" (0x", flags, as: .hex(4))
      out.write(")")
    }
    try writeAddress("\n\t  Client-IP ", bytes, at: 12)
    try writeAddress("\n\t  Your-IP ", bytes, at: 16)
    try writeAddress("\n\t  Server-IP ", bytes, at: 20)
    try writeAddress("\n\t  Gateway-IP ", bytes, at: 24)
    if isEthernet {
      let client = try bytes.mac(at: Offset.hardwareAddress)
      out.write("\n\t  Client-Ethernet-Address ")
      writeMAC(client)
    }
    // An option may say that these two fields hold options instead (RFC 2131 section 4.1): the text shows them as text even then, as
    // tcpdump does.
    let overload = writesFields ? overloadedFields(bytes) : []
    try writeName(
      overload.contains(.serverName) ? nil : "server_name", "\n\t  sname \"", bytes, at: Offset.serverName,
      Offset.bootFile)
    try writeName(
      overload.contains(.bootFile) ? nil : "boot_file", "\n\t  file \"", bytes, at: Offset.bootFile, Offset.vendor)
    try printVendorArea(bytes)
    if overload.contains(.bootFile) {
      recordOptions("boot_file_options", try bytes.slice(at: Offset.bootFile, length: Offset.vendor &- Offset.bootFile))
    }
    if overload.contains(.serverName) {
      recordOptions(
        "server_name_options", try bytes.slice(at: Offset.serverName, length: Offset.bootFile &- Offset.serverName))
    }
  }

  /// The fields that hold options, according to the option overload (RFC 2132 section 9.3).
  private mutating func overloadedFields(_ bytes: PacketBytes) -> OverloadedFields {
    guard let area = try? bytes.dropping(Offset.vendor), (try? area.u32(at: 0)) == standardCookie,
      let value = try? area.dropping(4).withLength(area.count &- 4).dhcpOption(DHCPOption.overload)?.u8(at: 0)
    else { return [] }
    return OverloadedFields(rawValue: value)
  }

  private mutating func recordOptions(_ key: StaticString, _ field: PacketBytes) {
    recordOnly(field) { (field, printer) throws(DecodeError) in
      try printer.printDHCPOptions(field, end: field.length, key: key)
    }
  }

  private mutating func recordBOOTP(_ bytes: PacketBytes) throws(DecodeError) {
    let hardwareLength = try bytes.u8(at: 2)
    fields.write("operation", try bytes.u8(at: 0))
    fields.write("hardware_type", try bytes.u8(at: 1))
    fields.write("hardware_length", hardwareLength)
    fields.write("hops", try bytes.u8(at: 3))
    fields.write("transaction_id", try bytes.u32(at: 4))
    fields.write("seconds", try bytes.u16(at: 8))
    fields.write("broadcast", try bytes.u16(at: 10) & broadcastFlag != 0)
    fields.write("client_address", try bytes.ipv4(at: 12))
    fields.write("your_address", try bytes.ipv4(at: 16))
    fields.write("server_address", try bytes.ipv4(at: 20))
    fields.write("gateway_address", try bytes.ipv4(at: 24))
    if hardwareLength > 0 {
      recordLinkAddress(
        "client_hardware_address", try bytes.slice(at: Offset.hardwareAddress, length: min(16, Int(hardwareLength))))
    }
  }

  private mutating func writeAddress(_ title: StaticString, _ bytes: PacketBytes, at offset: Int) throws(DecodeError) {
    let address = try bytes.ipv4(at: offset)
    guard address.rawValue != 0 else { return }
    out.write(title)
    writeHost(address)
  }

  private mutating func writeName(
    _ key: StaticString?, _ title: StaticString, _ bytes: PacketBytes, at start: Int, _ end: Int
  ) throws(DecodeError) {
    guard try bytes.u8(at: start) != 0 else { return }
    out.write(title)
    let field = try bytes.dropping(start).clamped(to: end &- start)
    let length = try field.withLength(field.count).lengthToNUL()
    if writesFields, let key { fields.write(key, text: field.clamped(to: length)) }
    out.write(escaped: field.clamped(to: length))
    out.write("\"")
    if length == field.count, length < end &- start { throw .truncated }
  }

  private mutating func printVendorArea(_ bytes: PacketBytes) throws(DecodeError) {
    let area = try bytes.dropping(Offset.vendor)
    let cookie = try area.u32(at: 0)
    if writesFields, cookie != 0 { fields.write("cookie", cookie) }
    switch cookie {
    case standardCookie:
      out.write("\n\t  Vendor-rfc1048 Extensions")
      write("\n\t    Magic Cookie 0x", cookie, as: .hex(8))
      try printDHCPOptions(try area.dropping(4), end: area.length &- 4)
    case carnegieMellonCookie: try printCarnegieMellon(area)
    case 0: break
    default:
      write("\n\t  Vendor-#0x", cookie, as: .hex(1))
    }
  }

  /// Prints the vendor area of Carnegie Mellon University.
  private mutating func printCarnegieMellon(_ area: PacketBytes) throws(DecodeError) {
    out.write(" vend-cmu")
    if writesFields, area.count > 4 { fields.write("vendor_data", hex: try area.dropping(4)) }
    try writeCMUAddress(" DG:", area, at: 12)
    try writeCMUAddress(" SM:", area, at: 8)
    try writeCMUAddress(" NS1:", area, at: 16)
    try writeCMUAddress(" NS2:", area, at: 20)
    try writeCMUAddress(" IEN1:", area, at: 24)
    try writeCMUAddress(" IEN2:", area, at: 28)
    try writeCMUAddress(" TS1:", area, at: 32)
    try writeCMUAddress(" TS2:", area, at: 36)
  }

  private mutating func writeCMUAddress(
    _ name: StaticString, _ area: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    let address = try area.ipv4(at: offset)
    guard address.rawValue != 0 else { return }
    out.write(name)
    writeHost(address)
  }
}

/// The fields of the fixed part that can hold options.
private struct OverloadedFields: OptionSet {
  let rawValue: UInt8
  static let bootFile = OverloadedFields(rawValue: 1)
  static let serverName = OverloadedFields(rawValue: 2)
}

extension PacketBytes {
  /// The value of the first option with this code, if the bytes are DHCP options.
  @_lifetime(copy self)
  fileprivate func dhcpOption(_ code: UInt8) -> PacketBytes? {
    var offset = 0
    while let type = try? u8(at: offset), type != DHCPOption.end {
      if type == DHCPOption.pad {
        offset &+= 1
        continue
      }
      guard let size = try? u8(at: offset &+ 1) else { return nil }
      if type == code { return try? slice(at: offset &+ 2, length: Int(size)) }
      offset &+= 2 &+ Int(size)
    }
    return nil
  }
}
