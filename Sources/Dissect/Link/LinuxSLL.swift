import PacketCore

extension Layer {
  static let sll = Layer(
    "sll", "Linux cooked capture, version 1", "LINKTYPE_LINUX_SLL"
  ) {
    [
      Field("packet_type", .uint16, "0 to us, 1 broadcast, 2 multicast, 3 to another, 4 from us.", always: true),
      Field("hardware_type", .uint16, "ARPHRD number of the device.", always: true),
      Field("address_length", .uint16, "Bytes of the sender's address."),
      Field("address", .linkAddress, "Sender's address, eight bytes at most."),
      Field("protocol", .uint16, "EtherType, or a number of Linux below 1536."),
    ]
  }

  static let sll2 = Layer(
    "sll2", "Linux cooked capture, version 2", "LINKTYPE_LINUX_SLL2"
  ) {
    [
      Field("interface_index", .uint32, "Index of the interface."),
      Field("packet_type", .uint16, "0 to us, 1 broadcast, 2 multicast, 3 to another, 4 from us.", always: true),
      Field("hardware_type", .uint16, "ARPHRD number of the device.", always: true),
      Field("address_length", .uint16, "Bytes of the sender's address."),
      Field("address", .linkAddress, "Sender's address, eight bytes at most."),
      Field("protocol", .uint16, "EtherType, or a number of Linux below 1536."),
    ]
  }
}

extension Dissector {
  /// Linux cooked capture, version 1 (LINKTYPE_LINUX_SLL).
  package static let linuxSLL = Dissector(name: "sll", claims: [.linkType(.linuxSLL)], layers: [.sll]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printCooked(.version1, bytes)
  }
  /// Linux cooked capture, version 2 (LINKTYPE_LINUX_SLL2).
  package static let linuxSLL2 = Dissector(name: "sll2", claims: [.linkType(.linuxSLL2)], layers: [.sll2]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printCooked(.version2, bytes)
  }
}

/// The two headers of Linux cooked captures:
///
///     version 1: 0 packet type (2)  2 ARPHRD (2)  4 address length (2)  6 address (8)  14 protocol (2)
///     version 2: 0 protocol (2)  2 zero (2)  4 interface index (4)  8 ARPHRD (2)  10 packet type (1)
///                11 address length (1)  12 address (8)
private enum CookedVersion {
  case version1, version2
}

/// Values of the protocol field that are not EtherTypes (Linux's `if_ether.h`).
private enum LinuxProtocol {
  static let raw8023: UInt16 = 0x0001
  static let llc8022: UInt16 = 0x0004
}

/// The hardware type of devices whose packets have a radiotap header (Linux's `if_arp.h`).
private let radiotapHardware: UInt16 = 803

/// Cache of the names of this machine's interfaces.
private let interfaceNames = ProtocolState { InterfaceNames() }

private let packetTypes: ValueNames = [0: "In", 1: "B", 2: "M", 3: "P", 4: "Out"]

extension Printer {
  fileprivate mutating func printCooked(_ version: CookedVersion, _ bytes: PacketBytes) throws(DecodeError) {
    let headerLength = version == .version1 ? 16 : 20
    try bytes.check(0, headerLength)
    let ownType = try bytes.u16(at: version == .version1 ? 14 : 0)
    context.linkHeaderLength = headerLength
    if enter(version == .version1 ? .sll : .sll2) { try recordCooked(version, bytes, ownType) }
    if version == .version2 { try writeInterface(bytes) }
    if options.linkHeader { try writeCookedHeader(version, bytes, ownType) }
    var payload = try bytes.dropping(headerLength)
    if try bytes.u16(at: version == .version1 ? 2 : 8) == radiotapHardware {
      let index = registry.index(linkType: .radiotap)
      if index != 0 { return try run(index, payload) }
    }
    var type = ownType
    var tagsLength = 0
    while true {
      if Int(type) <= 1500 {
        // After a tag the number is a length, followed by LLC.
        try printCookedLength(tagsLength > 0 ? LinuxProtocol.llc8022 : type, payload)
        return
      }
      guard type == EtherType.vlan else { break }
      guard payload.count >= 4 else {
        protocolName = "vlan"
        writeTruncation()
        context.linkHeaderLength = bytes.count
        return
      }
      if enter(.vlan) { recordVLANTag(try payload.u16(at: 0), type: try payload.u16(at: 2)) }
      if options.linkHeader {
        writeVLANTag(try payload.u16(at: 0))
        out.write(", ")
      }
      type = try payload.u16(at: 2)
      if !options.quiet {
        out.write("ethertype ")
        write(EtherType.names, type, unknown: "Unknown")
        out.write(", ")
      }
      payload = try payload.dropping(4)
      context.linkHeaderLength &+= 4
      tagsLength &+= 4
    }
    if try printEtherType(type, payload) { return }
    if !options.linkHeader {
      try writeCookedHeader(version, bytes.withLength(bytes.length &- tagsLength), ownType)
    }
    dumpUnknown(payload)
  }

  private mutating func recordCooked(
    _ version: CookedVersion, _ bytes: PacketBytes, _ type: UInt16
  ) throws(DecodeError) {
    let addressOffset: Int
    let addressLength: Int
    switch version {
    case .version1:
      fields.write("packet_type", try bytes.u16(at: 0))
      fields.write("hardware_type", try bytes.u16(at: 2))
      addressOffset = 6
      addressLength = Int(try bytes.u16(at: 4))
    case .version2:
      fields.write("interface_index", try bytes.u32(at: 4))
      fields.write("packet_type", try bytes.u8(at: 10))
      fields.write("hardware_type", try bytes.u16(at: 8))
      addressOffset = 12
      addressLength = Int(try bytes.u8(at: 11))
    }
    fields.write("address_length", addressLength)
    if addressLength > 0 {
      recordLinkAddress("address", try bytes.slice(at: addressOffset, length: min(addressLength, 8)))
    }
    fields.write("protocol", type)
  }

  /// Prints payloads that no EtherType identifies.
  private mutating func printCookedLength(_ type: UInt16, _ payload: PacketBytes) throws(DecodeError) {
    switch type {
    case LinuxProtocol.raw8023:
      let index = registry.index(sap: ServiceAccessPoint.ipx)
      if index != 0 {
        try run(index, payload)
        return
      }
    case LinuxProtocol.llc8022:
      if let length = try printLLC(payload, source: nil, destination: nil) {
        context.linkHeaderLength &+= length
        return
      }
    default: break
    }
    dumpUnknown(payload)
  }

  /// Version 2: the interface, by the name that this machine has for its index, and the direction.
  private mutating func writeInterface(_ bytes: PacketBytes) throws(DecodeError) {
    let start = out.count
    out.write(state(interfaceNames).name(of: try bytes.u32(at: 4)))
    out.write(repeating: UInt8(ascii: " "), count: 5 - (out.count - start))
    out.write(" ")
    let direction = packetTypes[UInt16(try bytes.u8(at: 10))] ?? "?"
    out.write(direction)
    out.write(repeating: UInt8(ascii: " "), count: 3 - direction.utf8CodeUnitCount)
    out.write(" ")
  }

  private mutating func writeCookedHeader(
    _ version: CookedVersion, _ bytes: PacketBytes, _ type: UInt16
  ) throws(DecodeError) {
    let isFirst = version == .version1
    let packetType = isFirst ? try bytes.u16(at: 0) : 0
    let addressLength = isFirst ? try bytes.u16(at: 4) : UInt16(try bytes.u8(at: 11))
    let addressOffset = isFirst ? 6 : 12
    if !isFirst {
      out.write("ifindex ")
      out.write(decimal: try bytes.u32(at: 4))
      out.write(" ")
    }
    if isFirst {
      let name = packetTypes[packetType] ?? "?"
      out.write(repeating: UInt8(ascii: " "), count: 3 - name.utf8CodeUnitCount)
      out.write(name)
      out.write(" ")
    }
    if addressLength == 6 {
      writeMAC(try bytes.mac(at: addressOffset))
      out.write(" ")
    }
    guard !options.quiet else { return }
    if type <= 1500 {
      switch type {
      case LinuxProtocol.raw8023: out.write("802.3")
      case LinuxProtocol.llc8022: out.write("802.2")
      default:
        out.write("ethertype Unknown (0x")
        out.write(hex: type, width: 4)
        out.write(")")
      }
    } else {
      writeEtherType(type)
    }
    out.write(", length ")
    out.write(decimal: bytes.length)
    out.write(": ")
  }
}
