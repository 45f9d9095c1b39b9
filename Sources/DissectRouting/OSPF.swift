package import Dissect
import PacketCore

extension Layer {
  static let ospf = Layer(
    "ospf", "Open Shortest Path First", "RFC 2328, RFC 5340, RFC 3630, RFC 7770", marks: ["ospf2", "ospf3"]
  ) {
    [
      Field("version", .uint8, "Version: 2 over IPv4, 3 over IPv6.", always: true),
      Field("type", .uint8, "Kind of packet.", always: true),
      Field("type_name", .text, "Name of the kind."),
      Field("length", .uint16, "Bytes of the packet, as it states."),
      Field("router_id", .ipv4, "Router identifier of the sender."),
      Field("area_id", .ipv4, "Area; 0.0.0.0 is the backbone."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("instance_id", .uint8, "Instance, in version 3."),
      Field("authentication_type", .uint16, "How the packet is authenticated, in version 2."),
      Field("authentication_type_name", .text, "Its name."),
      Field("password", .text, "Password, as clear text."),
      Field("key_id", .uint8, "Key identifier."),
      Field("sequence", .uint32, "Sequence number of a database description."),
      Field("authentication_sequence", .uint32, "Sequence number of the authentication."),
      Field("option_bits", .uint24, "Options of the sender."),
      Field("network_mask", .ipv4, "Mask of the sender's network, in version 2."),
      Field("interface_number", .uint32, "The sender's number for its interface, in version 3."),
      Field("hello_interval_seconds", .uint16, "Seconds between hello packets."),
      Field("dead_interval_seconds", .uint32, "Seconds after which a silent neighbor counts as down."),
      Field("priority", .uint8, "Priority in the election of the designated router."),
      Field("designated_router", .ipv4, "Designated router; 0.0.0.0 for none."),
      Field("backup_designated_router", .ipv4, "Backup designated router; 0.0.0.0 for none."),
      Field("neighbors", .array(.ipv4), "Routers that the sender has heard of."),
      Field("mtu", .uint16, "Largest packet of the interface."),
      Field("flag_bits", .uint8, "Flags of a database description: 1 master, 2 more, 4 init, 8 resynchronization."),
      Field(
        "requests",
        .array(
          .object([
            Field("type", .uint32, "Type of the link state advertisement."),
            Field("type_name", .text, "Name of the type."),
            Field("link_state_id", .ipv4, "Its link state identifier."),
            Field("advertising_router", .ipv4, "Router that it is from."),
          ])), "Link state advertisements that are requested.", each: "One request."),
      Field(
        "lsas", .array(.object(advertisement)), "Link state advertisements, or their headers.", each: "One of them."),
    ]
  }

  private static let advertisement = [
    Field("age_seconds", .uint16, "Seconds since it was sent first."),
    Field("type", .uint16, "Type, in version 3 with the bits of its scope."),
    Field("type_name", .text, "Name of the type."),
    Field("opaque_type", .uint8, "Application of an opaque one."),
    Field("opaque_type_name", .text, "Name of the application."),
    Field("link_state_id", .ipv4, "Link state identifier."),
    Field("advertising_router", .ipv4, "Router that it is from."),
    Field("sequence", .uint32, "Sequence number."),
    Field("length", .uint16, "Bytes of it, with its header."),
    Field("option_bits", .uint24, "Options of its sender."),
    Field(
      "flag_bits", .uint8, "Flags of a router: 1 border of areas, 2 border of the system, 4 end of a virtual link."),
    Field(
      "links",
      .array(
        .object([
          Field("type", .uint8, "1 to a router, 2 to a transit network, 3 to a stub network, 4 virtual."),
          Field("link_id", .ipv4, "The neighbor or network, in version 2."),
          Field("link_data", .ipv4, "Address of the interface, or mask of the network, in version 2."),
          Field("interface_number", .uint32, "The sender's number for its interface, in version 3."),
          Field("neighbor_interface_id", .uint32, "The neighbor's number for its interface, in version 3."),
          Field("neighbor_router_id", .ipv4, "Router identifier of the neighbor, in version 3."),
          Field("metric", .uint16, "Cost."),
        ])), "Links of a router.", each: "One link."),
    Field("network_mask", .ipv4, "Mask of a network."),
    Field("attached_routers", .array(.ipv4), "Routers of a network."),
    Field("metric", .uint24, "Cost of a summary or an external route."),
    Field("metric_type", .uint8, "1 or 2, of an external route."),
    Field("forwarding_address", .ip, "Where packets for an external route go."),
    Field("route_tag", .uint32, "Tag of an external route."),
    Field("priority", .uint8, "Priority in the election of the designated router."),
    Field("link_local_address", .ipv6, "Address of the sender's interface."),
    Field("destination_router_id", .ipv4, "Router at the border of the system."),
    Field(
      "prefixes",
      .array(
        .object([
          Field("prefix", .ipv6, "Prefix."),
          Field("prefix_length", .uint8, "Bits of the prefix."),
          Field("option_bits", .uint8, "Options of the prefix."),
          Field("metric", .uint16, "Cost."),
        ])), "Prefixes, in version 3.", each: "One prefix."),
  ]
}

extension Dissector {
  /// Open Shortest Path First: version 2 (RFC 2328) over IPv4 and version 3 (RFC 5340) over IPv6.
  package static let ospf = Dissector(name: "ospf2", claims: [.ipProtocol(89)], layers: [.ospf]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    if printer.network.version == 6 {
      try printOSPF3(bytes, &printer)
    } else {
      try printOSPF2(bytes, &printer)
    }
  }
}

/// Kinds of packets, the same in both versions.
enum OSPFPacket {
  static let hello: UInt8 = 1
  static let databaseDescription: UInt8 = 2
  static let request: UInt8 = 3
  static let update: UInt8 = 4
  static let acknowledgment: UInt8 = 5
  static let names: ValueNames = [
    1: "Hello", 2: "Database Description", 3: "LS-Request", 4: "LS-Update", 5: "LS-Ack",
  ]
}

/// Flags of a database description, RFC 2328 section A.3.3 and RFC 4811.
let ospfDescriptionFlags: FlagNames = [
  0x04: "Init", 0x02: "More", 0x01: "Master", 0x08: "OOBResync",
]

extension Printer {
  /// A list of options or flags in brackets.
  mutating func writeOSPFFlags(
    _ title: StaticString, _ names: FlagNames, _ bits: some FixedWidthInteger & UnsignedInteger
  ) {
    out.write(title)
    write(names, bits)
    out.write("]")
  }

  /// `, Backbone Area` or `, Area 0.0.0.1`.
  mutating func writeOSPFArea(_ area: IPv4Address) {
    if writesFields { fields.write("area_id", area) }
    if area.rawValue == 0 { return out.write(", Backbone Area") }
    write(", Area ", area)
  }

  /// Routers of four bytes each up to the end of `bytes`, each on its own line.
  mutating func writeOSPFRouters(
    _ bytes: PacketBytes, at start: Int, _ title: StaticString, key: StaticString
  ) throws(DecodeError) {
    var list = openList(bytes, at: start, .elements(of: 4, lastIsCut: true), array: key)
    while let router = try next(&list) {
      let address = try router.bytes.ipv4(at: 0)
      writeElement(title, address)
    }
  }
}
