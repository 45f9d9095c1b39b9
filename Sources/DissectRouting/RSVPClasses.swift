import Dissect

/// Members of an object.
let rsvpObjectFields = [
  Field("class", .uint8, "Class.", always: true),
  Field("class_name", .text, "Name of the class."),
  Field("class_type", .uint8, "Type in the class.", always: true),
  Field("length", .uint16, "Bytes of the object, its header included.", always: true),
  Field("destination", .ip, "Destination of a session, or the end of its tunnel."),
  Field("protocol", .uint8, "IP protocol of a session."),
  Field("destination_port", .uint16, "Destination port of a session."),
  Field("tunnel_id", .uint16, "Number of a tunnel."),
  Field("extended_tunnel_id", .ip, "Number that makes the tunnel's unique: an address of its head."),
  Field("sender", .ip, "Sender of a flow."),
  Field("source_port", .uint16, "Source port of a flow."),
  Field("lsp_number", .uint16, "Number of the label switched path."),
  Field("hop", .ip, "Address of the interface that sent the message."),
  Field("logical_interface", .uint32, "The hop's number of its interface."),
  Field("refresh_milliseconds", .uint32, "Milliseconds between refreshes."),
  Field("error_node", .ip, "Node that found the error."),
  Field("error_code", .uint8, "Error code."),
  Field("error_value", .uint16, "Error value."),
  Field("labels", .array(.uint32), "Labels."),
  Field(
    "route_hops",
    .array(
      .object([
        Field("type", .uint8, "Type of the hop.", always: true),
        Field("type_name", .text, "Name of the type."),
        Field("is_loose", .flag, "Other hops may come before it.", always: true),
        Field("address", .ipv4, "Address of the hop."),
        Field("prefix_length", .uint8, "Bits of the address."),
        Field("label", .uint32, "Label."),
      ])), "Hops of a route.", each: "One hop."),
  Field("source_instance", .uint32, "Instance of the sender of a hello."),
  Field("destination_instance", .uint32, "Instance of the receiver of a hello."),
  Field("message_ids", .array(.uint32), "Identifiers of messages."),
  Field("session_name", .text, "Name of a session."),
  Field("setup_priority", .uint8, "Priority with which the session takes resources; 0 is the highest."),
  Field("holding_priority", .uint8, "Priority with which it keeps them."),
  Field("data", .hex, "Value of any other object."),
]

/// Classes of objects (IANA "Class Names, Class Numbers, and Class Types").
enum RSVPClass {
  static let session: UInt8 = 1
  static let hop: UInt8 = 3
  static let integrity: UInt8 = 4
  static let timeValues: UInt8 = 5
  static let errorSpec: UInt8 = 6
  static let style: UInt8 = 8
  static let flowspec: UInt8 = 9
  static let filterSpec: UInt8 = 10
  static let senderTemplate: UInt8 = 11
  static let senderTSpec: UInt8 = 12
  static let adspec: UInt8 = 13
  static let confirm: UInt8 = 15
  static let label: UInt8 = 16
  static let labelRequest: UInt8 = 19
  static let explicitRoute: UInt8 = 20
  static let recordRoute: UInt8 = 21
  static let hello: UInt8 = 22
  static let messageID: UInt8 = 23
  static let messageIDAck: UInt8 = 24
  static let messageIDList: UInt8 = 25
  static let recoveryLabel: UInt8 = 34
  static let upstreamLabel: UInt8 = 35
  static let labelSet: UInt8 = 36
  static let subLSP: UInt8 = 50
  static let detour: UInt8 = 63
  static let classType: UInt8 = 66
  static let oldClassType: UInt8 = 125
  static let suggestedLabel: UInt8 = 129
  static let restart: UInt8 = 131
  static let capability: UInt8 = 134
  static let notifyRequest: UInt8 = 195
  static let adminStatus: UInt8 = 196
  static let properties: UInt8 = 204
  static let fastReroute: UInt8 = 205
  static let sessionAttribute: UInt8 = 207
  static let generalizedUNI: UInt8 = 229

  static let names: ValueNames = [
    1: "Session", 3: "RSVP Hop", 4: "Integrity", 5: "Time Values", 6: "Error Spec", 7: "Scope", 8: "Style",
    9: "Flowspec", 10: "FilterSpec", 11: "Sender Template", 12: "Sender TSpec", 13: "Adspec", 14: "Policy Data",
    15: "Confirm", 16: "Label", 19: "Label Request", 20: "ERO", 21: "RRO", 22: "Hello", 23: "Message ID",
    24: "Message ID Ack", 25: "Message ID List", 34: "Recovery Label", 35: "Upstream Label", 36: "Label Set",
    37: "Protection", 50: "Sub-LSP to LSP", 63: "Detour", 66: "Class Type", 125: "Class Type (old)",
    129: "Suggested Label", 130: "Acceptable Label Set", 131: "Restart Capability", 134: "Capability",
    195: "Notify Request", 196: "Administrative Status", 204: "Properties", 205: "Fast Re-Route",
    207: "Session Attribute", 229: "Generalized UNI", 230: "Call-ID", 236: "Call Capability",
  ]

  /// The name of a type of a class; nil if it has no name.
  static func typeName(_ classNumber: UInt8, _ type: UInt8) -> StaticString? {
    typeNames[UInt32(classNumber) << 8 | UInt32(type)]
  }

  /// The class is in the upper byte of the key, the type in the lower.
  private static let typeNames: ValueNames = [
    0x0101: "IPv4", 0x0102: "IPv6", 0x0107: "Tunnel IPv4", 0x010b: "UNI IPv4", 0x010d: "IPv4 P2MP LSP Tunnel",
    0x010e: "IPv6 P2MP LSP Tunnel",
    0x0301: "IPv4", 0x0302: "IPv6", 0x0303: "IPv4 plus opt. TLVs", 0x0304: "IPv6 plus opt. TLVs",
    0x0501: "1",
    0x0601: "IPv4", 0x0602: "IPv6", 0x0603: "IPv4 plus opt. TLVs", 0x0604: "IPv6 plus opt. TLVs",
    0x0801: "1", 0x0901: "obsolete", 0x0902: "IntServ",
    0x0a01: "IPv4", 0x0a02: "IPv6", 0x0a03: "IPv6 Flow-label", 0x0a07: "Tunnel IPv4", 0x0a0c: "IPv4 P2MP LSP Tunnel",
    0x0a0d: "IPv6 P2MP LSP Tunnel",
    0x0b01: "IPv4", 0x0b02: "IPv6", 0x0b07: "Tunnel IPv4", 0x0b0c: "IPv4 P2MP LSP Tunnel",
    0x0b0d: "IPv6 P2MP LSP Tunnel",
    0x0c02: "IntServ", 0x0d02: "IntServ", 0x0f01: "IPv4", 0x0f02: "IPv6",
    0x1001: "Label", 0x1002: "Generalized Label", 0x1003: "Waveband Switching",
    0x1301: "without label range", 0x1302: "with ATM label range", 0x1303: "with FR label range",
    0x1304: "Generalized Label",
    0x1401: "IPv4", 0x1501: "IPv4", 0x1601: "Hello Request", 0x1602: "Hello Ack",
    0x1701: "1", 0x1801: "Message id ack", 0x1802: "Message id nack", 0x1901: "1",
    0x2201: "Label", 0x2202: "Generalized Label", 0x2203: "Waveband Switching",
    0x2301: "Label", 0x2302: "Generalized Label", 0x2303: "Waveband Switching",
    0x2401: "1", 0x3201: "IPv4 sub-LSP", 0x3202: "IPv6 sub-LSP", 0x3f07: "Tunnel IPv4",
    0x4201: "1", 0x7d01: "1",
    0x8101: "Label", 0x8102: "Generalized Label", 0x8103: "Waveband Switching",
    0x8301: "IPv4", 0x8601: "1", 0xc301: "IPv4", 0xc302: "IPv6", 0xc401: "1", 0xcc01: "1",
    0xcd01: "1", 0xcd07: "Tunnel IPv4", 0xcf07: "Tunnel IPv4", 0xe501: "1",
  ]
}
