package import Dissect
import PacketCore

extension SharedObject {
  /// One path attribute; an attribute set contains others.
  fileprivate static let pathAttribute: SharedObject = SharedObject("bgp_path_attribute", "A path attribute of BGP.") {
    [
      Field("type", .uint8, "Attribute type."),
      Field("type_name", .text, "Name of the type."),
      Field("flag_bits", .uint8, "0x80 optional, 0x40 transitive, 0x20 partial, 0x10 a length of two bytes."),
      Field("length", .uint16, "Bytes of the value."),
      Field("origin", .words(["IGP", "EGP", "Incomplete"]), "Where the route is from."),
      Field(
        "as_path",
        .array(
          .object([
            Field("type", .uint8, "1 a set, 2 a sequence, 3 a sequence and 4 a set of a confederation."),
            Field("as_numbers", .array(.uint32), "Numbers of the autonomous systems."),
          ])), "Segments of the path through autonomous systems.", each: "One segment."),
      Field("next_hop", .ipv4, "Next hop."),
      Field("metric", .uint32, "Multi-exit discriminator."),
      Field("local_preference", .uint32, "Local preference."),
      Field("accumulated_metric", .uint64, "Accumulated IGP metric."),
      Field(
        "as_number", .uint32,
        "The autonomous system that has aggregated routes, or whose customers alone may have the route."),
      Field("router_id", .ipv4, "The router that has aggregated routes, or where a reflected route is from."),
      Field("cluster_ids", .array(.ipv4), "Clusters of route reflectors on the way."),
      Field("communities", .array(.text), "Communities, and large ones: numbers with colons between them."),
      Field(
        "extended_communities",
        .array(
          .object([
            Field("type", .uint16, "Type."),
            Field("type_name", .text, "Name of the type."),
            Field("community", .text, "The community as text."),
          ])), "Extended communities.", each: "One community."),
      Field("address_family", .uint16, "Address family of routes."),
      Field(
        "subsequent_address_family", .uint8, "What the routes are for: 1 unicast, 2 multicast, 4 labeled, 128 VPN."),
      Field("next_hops", .array(.text), "Next hops of routes."),
      Field("announced", .array(.object(route)), "Routes that are announced.", each: "One route."),
      Field("withdrawn", .array(.object(route)), "Routes that are withdrawn.", each: "One route."),
      Field("attributes", .array(.shared(.pathAttribute)), "Attributes of a set, in order."),
      Field("data", .hex, "Value of any other attribute."),
    ]
  }

  fileprivate static let route: [Field] = [
    Field("route", .text, "A prefix; all that there is to a route of other families, as text."),
    Field("route_distinguisher", .text, "Distinguishes equal prefixes of different VPNs."),
    Field("label", .uint32, "Label that MPLS packets to the prefix have."),
    Field("path_id", .uint32, "Distinguishes paths to the same prefix."),
  ]
}

extension Layer {
  static let bgp = Layer(
    "bgp", "Border Gateway Protocol", "RFC 4271, RFC 4760",
    marks: [
      "BGP Open", "BGP Update", "BGP Notification", "BGP Keepalive", "BGP Route Refresh", "BGP Unknown Message Type",
    ],
    note: "One object for each message."
  ) {
    [
      Field("type", .uint8, "Message type."),
      Field("type_name", .text, "Name of the type."),
      Field("length", .uint16, "Bytes of the message."),
      Field("version", .uint8, "Version of an open message."),
      Field("as_number", .uint16, "Autonomous system of an open message; 23456 where it needs more bits."),
      Field("hold_time_seconds", .uint16, "Seconds after which a silent connection is closed."),
      Field("router_id", .ipv4, "Identifier of the sender."),
      Field(
        "session_capabilities",
        .array(
          .object([
            Field("type", .uint8, "Capability."),
            Field("type_name", .text, "Its name."),
            Field("length", .uint8, "Bytes of the value."),
            Field("address_family", .uint16, "Address family that is spoken."),
            Field("subsequent_address_family", .uint8, "What its routes are for."),
            Field("as_number", .uint32, "Autonomous system of the sender."),
            Field("restart_time_seconds", .uint16, "Seconds that a restart takes."),
            Field("role", .uint8, "Role of the sender."),
          ])), "Capabilities of an open message.", each: "One capability."),
      Field("error_code", .uint8, "Error of a notification."),
      Field("error_code_name", .text, "Its name."),
      Field("error_subcode", .uint8, "Subcode of the error."),
      Field("error_subcode_name", .text, "Its name."),
      Field("shutdown_communication", .text, "Why a session ends, in words."),
      Field("withdrawn", .array(.object(SharedObject.route)), "IPv4 routes that are withdrawn.", each: "One route."),
      Field("attributes", .array(.shared(.pathAttribute)), "Path attributes of an update, in order."),
      Field("announced", .array(.object(SharedObject.route)), "IPv4 routes that are announced.", each: "One route."),
      Field("address_family", .uint16, "Address family of a route refresh."),
      Field("subsequent_address_family", .uint8, "What the routes to refresh are for."),
      Field("subtype", .uint8, "Kind of a route refresh."),
    ]
  }
}

extension Dissector {
  /// Border Gateway Protocol version 4, RFC 4271.
  package static let bgp = Dissector(name: "bgp", claims: [.tcpPort(179)], layers: [.bgp], print: printBGP)
}

private enum MessageType {
  static let open: UInt8 = 1
  static let update: UInt8 = 2
  static let notification: UInt8 = 3
  static let keepalive: UInt8 = 4
  static let refresh: UInt8 = 5
  static let names: ValueNames = [
    1: "Open", 2: "Update", 3: "Notification", 4: "Keepalive", 5: "Route Refresh",
  ]
  /// The names in truncation marks, written if the rest of a message is in the next segment.
  static let marks: ValueNames = [
    1: "BGP Open", 2: "BGP Update", 3: "BGP Notification", 4: "BGP Keepalive", 5: "BGP Route Refresh",
  ]
}

///     0                 16       18
///     +-----------------+--------+------+---------
///     | marker, all ff  | length | type | by type
///     +-----------------+--------+------+---------
/// RFC 4271 section 4.1; the length includes the header.
private let headerLength = 19
private let markerLength = 16

@Sendable
private func printBGP(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write(": BGP")
  // Without `-v` nothing of a message is printed.
  guard printer.options.verbosity > 0 else { return }
  let bytes = payload.clamped(to: payload.length)
  var offset = 0
  var end = 0
  while offset < bytes.count {
    guard try bytes.u8(at: offset) == 0xff else {
      offset &+= 1
      continue
    }
    // A possible start of a marker at the end is ignored.
    guard bytes.has(offset, markerLength) else { return }
    guard isMarker(bytes, at: offset) else {
      offset &+= 1
      continue
    }
    if offset != end { printer.writeMark() }
    guard bytes.has(offset, headerLength) else { throw .truncated }
    let length = Int(try bytes.u16(at: offset &+ 16))
    let type = try bytes.u8(at: offset &+ 18)
    if length < headerLength {
      printer.write("\nmessage length ", length)
      printer.out.write(" < 19")
      throw .invalid
    }
    guard bytes.has(offset, length) else {
      printer.out.write("\n")
      return printer.writeTruncation(of: MessageType.marks[type] ?? "BGP Unknown Message Type")
    }
    try printMessage(
      try bytes.slice(at: offset, length: length), type, capture: try bytes.dropping(offset), &printer)
    if printer.wantsLayersAlone { return }
    offset &+= length
    end = offset
  }
}

/// True if there is a marker: sixteen bytes of ff.
private func isMarker(_ bytes: PacketBytes, at offset: Int) -> Bool {
  guard let high = try? bytes.u64(at: offset), let low = try? bytes.u64(at: offset &+ 8) else { return false }
  return high & low == .max
}

extension Printer {
  /// Marks a part that extends beyond the part that contains it; the next message is still printed.
  fileprivate mutating func writeMark() {
    out.write(" ")
    writeTruncation(of: "bgp")
  }

  /// The number of an autonomous system; with `-b` its two halves separated by a dot if it needs both (RFC 5396).
  mutating func writeAS(_ number: UInt32) {
    guard options.dottedAS, number > 0xffff else { return out.write(decimal: number) }
    out.write(decimal: number >> 16)
    out.write(".")
    out.write(decimal: number & 0xffff)
  }

  /// `AFI IPv4 (1), SAFI Unicast (1)`.
  mutating func writeBGPFamily(_ title: StaticString, _ family: UInt16, _ subsequent: UInt8) {
    if writesFields {
      fields.write("address_family", family)
      fields.write("subsequent_address_family", subsequent)
    }
    writeBGPFamilyText(title, family, subsequent)
  }

  fileprivate mutating func writeBGPFamilyText(_ title: StaticString, _ family: UInt16, _ subsequent: UInt8) {
    write(title, family, as: .named(AddressFamily.names, unknown: "Unknown"))
    write(" (", family)
    write("), SAFI ", subsequent, as: .named(BGPFamily.names, unknown: "Unknown"))
    write(" (", subsequent)
    out.write(")")
  }
}

/// Prints a message that was captured whole. If something extends beyond its end, a mark is written, and the next message follows.
/// `capture` begins with the message and extends to the end of the packet.
private func printMessage(
  _ message: PacketBytes, _ type: UInt8, capture: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  if printer.enter(.bgp) {
    printer.fields.write("type", type, "type_name", MessageType.names)
    printer.fields.write("length", message.length)
  }
  if printer.wantsLayersAlone { return }
  let level = printer.fields.level
  let (start, isDiscarding) = (printer.out.count, printer.out.isDiscarding)
  printer.write("\n\t", type, as: .named(MessageType.names, unknown: "Unknown"))
  printer.write(" Message (", type)
  printer.write("), length: ", message.length)
  do throws(DecodeError) {
    switch type {
    case MessageType.open: try printOpen(message, &printer)
    case MessageType.update:
      try printBGPUpdate(
        try message.dropping(headerLength), capture: try capture.dropping(headerLength), &printer)
    case MessageType.notification:
      try message.check(0, 21)
      printer.out.write(", ")
      try printNotification(try message.dropping(headerLength), isNested: false, &printer)
    case MessageType.keepalive: break
    case MessageType.refresh: try printRefresh(message, &printer)
    default:
      printer.write("\n\t  no Message ", type)
      printer.out.write(" decoder")
      printer.writeHex(message, indent: "\n\t  ")
    }
  } catch {
    if isDiscarding {
      // A route's text may have been held when the error was thrown.
      printer.out.truncate(to: start)
      printer.out.discardWrites()
    }
    if error == .truncated {
      printer.writeMark()
    } else {
      printer.writeFault(" (invalid)")
    }
    if printer.writesFields { printer.fields.end(downTo: level) }
  }
}

// MARK: Open

///     19        20            22          24           28                29
///     +---------+-------------+-----------+------------+-----------------+---------
///     | version | my AS number| hold time | identifier | options' length | options
///     +---------+-------------+-----------+------------+-----------------+---------
/// RFC 4271 section 4.2. If the length and the first type are 255, the length has two bytes, and so have the lengths of options (RFC 9072).
private func printOpen(_ message: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try message.check(0, 29)
  printer.write("\n\t  Version ", "version", try message.u8(at: 19))
  let number = try message.u16(at: 20)
  if printer.writesFields { printer.fields.write("as_number", number) }
  printer.out.write(", my AS ")
  printer.writeAS(UInt32(number))
  printer.write(", Holdtime ", "hold_time_seconds", try message.u16(at: 22))
  printer.write("s, ID ", "router_id", try message.ipv4(at: 24))
  var length = Int(try message.u8(at: 28))
  var offset = 29
  let isExtended = length == 255 && message.has(29, 3) ? try message.u8(at: 29) == 255 : false
  if isExtended {
    length = Int(try message.u16(at: 30))
    offset = 32
  }
  printer.write(
    isExtended ? "\n\t  Optional parameters (Extended), length: " : "\n\t  Optional parameters, length: ", length)
  let end = offset &+ length
  if printer.writesFields { printer.fields.beginArray("session_capabilities") }
  while offset < end {
    let type = try message.u8(at: offset)
    let size = Int(isExtended ? try message.u16(at: offset &+ 1) : UInt16(try message.u8(at: offset &+ 1)))
    offset &+= isExtended ? 3 : 2
    if offset &+ size > end {
      printer.write("\n\t     Option ", type)
      printer.write(", length: ", size)
      printer.writeFault(", goes past the end of the options")
      break
    }
    printer.write("\n\t    Option ", type, as: .named(openOptions, unknown: "Unknown"))
    printer.write(" (", type)
    printer.write("), length: ", size)
    if type == capabilitiesOption {
      try printBGPCapabilities(message, at: offset, size, &printer)
    } else {
      printer.write("\n\t      no decoder for option ", type)
    }
    offset &+= size
  }
  if printer.writesFields { printer.fields.end() }
}

private let openOptions: ValueNames = [1: "Authentication Information", 2: "Capabilities Advertisement"]
private let capabilitiesOption: UInt8 = 2

// MARK: Notification

private enum ErrorCode {
  static let finiteStateMachine: UInt8 = 5
  static let cease: UInt8 = 6
  static let refresh: UInt8 = 7
  static let names: ValueNames = [
    1: "Message Header Error", 2: "OPEN Message Error", 3: "UPDATE Message Error", 4: "Hold Timer Expired",
    5: "Finite State Machine Error", 6: "Cease", 7: "ROUTE-REFRESH Message Error",
  ]

  static func subcodes(_ code: UInt8) -> ValueNames? {
    switch code {
    case 1: headerErrors
    case 2: openErrors
    case 3: updateErrors
    case finiteStateMachine: stateErrors
    case cease: ceaseReasons
    case refresh: refreshErrors
    default: nil
    }
  }
}

private let headerErrors: ValueNames = [
  1: "Connection Not Synchronized", 2: "Bad Message Length", 3: "Bad Message Type",
]
private let openErrors: ValueNames = [
  1: "Unsupported Version Number", 2: "Bad Peer AS", 3: "Bad BGP Identifier", 4: "Unsupported Optional Parameter",
  5: "Authentication Failure", 6: "Unacceptable Hold Time", 7: "Capability Message Error", 11: "Role Mismatch",
]
private let updateErrors: ValueNames = [
  1: "Malformed Attribute List", 2: "Unrecognized Well-known Attribute", 3: "Missing Well-known Attribute",
  4: "Attribute Flags Error", 5: "Attribute Length Error", 6: "Invalid ORIGIN Attribute", 7: "AS Routing Loop",
  8: "Invalid NEXT_HOP Attribute", 9: "Optional Attribute Error", 10: "Invalid Network Field",
  11: "Malformed AS_PATH",
]
private let stateErrors: ValueNames = [
  0: "Unspecified Error", 1: "In OpenSent State", 2: "In OpenConfirm State", 3: "In Established State",
]
private let ceaseReasons: ValueNames = [
  1: "Maximum Number of Prefixes Reached", 2: "Administrative Shutdown", 3: "Peer Unconfigured",
  4: "Administrative Reset", 5: "Connection Rejected", 6: "Other Configuration Change",
  7: "Connection Collision Resolution", 8: "Out of Resources", 9: "Hard Reset", 10: "BFD Down",
]
private let refreshErrors: ValueNames = [1: "Invalid Message Length"]

///     0      1         2
///     +------+---------+------
///     | code | subcode | data
///     +------+---------+------
/// RFC 4271 section 4.5. A hard reset contains the notification of its cause (RFC 8538 section 3.1).
private func printNotification(
  _ bytes: PacketBytes, isNested: Bool, _ printer: inout Printer
) throws(DecodeError) {
  let code = try bytes.u8(at: 0)
  let subcode = try bytes.u8(at: 1)
  let names = ErrorCode.subcodes(code)
  if printer.writesFields, !isNested {
    printer.fields.write("error_code", code, "error_code_name", ErrorCode.names)
    printer.fields.write("error_subcode", subcode)
    if let name = names?[subcode] { printer.fields.write("error_subcode_name", name) }
  }
  printer.write("", code, as: .named(ErrorCode.names, unknown: "Unknown Error"))
  printer.write(" (", code)
  printer.out.write(")")
  guard let names else { return }
  let isApart = code != ErrorCode.finiteStateMachine && code != ErrorCode.refresh
  printer.write(isApart ? ", subcode " : " subcode ", subcode, as: .named(names, unknown: "Unknown"))
  printer.write(" (", subcode)
  printer.out.write(")")
  guard code == ErrorCode.cease else { return }
  let data = try bytes.dropping(2)
  switch subcode {
  case 1 where data.length >= 7:
    printer.writeBGPFamilyText(", AFI ", try data.u16(at: 0), try data.u8(at: 2))
    printer.write(", Max Prefixes: ", try data.u32(at: 3))
  case 2 where data.length > 0, 4 where data.length > 0: try printCommunication(data, &printer)
  case 9 where data.length >= 2 && !isNested:
    printer.out.write(", ")
    try printNotification(data, isNested: true, &printer)
  default: break
  }
}

/// A length (1 byte) and text, RFC 9003.
private func printCommunication(_ data: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let length = Int(try data.u8(at: 0))
  var rest = data
  if length == 0 {
    printer.out.write(", empty Shutdown Communication")
    rest = try data.dropping(1)
  } else if length > 128 || length > data.length &- 1 {
    printer.writeFault(", invalid Shutdown Communication length")
  } else {
    printer.write(", Shutdown Communication (length: ", length)
    printer.out.write("): \"")
    let text = try data.slice(at: 1, length: length)
    if printer.writesFields { printer.fields.write("shutdown_communication", text: text) }
    printer.out.write(escaped: text)
    printer.out.write("\"")
    rest = try data.dropping(1 &+ length)
  }
  guard rest.length > 0 else { return }
  printer.write(", Data: (length: ", rest.length)
  printer.out.write(")")
  printer.writeHex(rest, indent: "\n\t\t")
}

// MARK: Route refresh

private let refreshSubtypes: ValueNames = [
  0: "Normal route refresh request", 1: "Demarcation of the beginning of a route refresh",
  2: "Demarcation of the ending of a route refresh",
]
private let filterTimes: ValueNames = [1: "Immediate", 2: "Defer"]
private let filterTypes: ValueNames = [
  64: "Address Prefix ORF", 65: "CP-ORF", 128: "Address Prefix ORF (Cisco)",
]

///     19 address family (2)  21 subtype (1)  22 subsequent address family (1)
///       23 filters: 0 when to refresh (1)  1 type (1)  2 length (2)  4 entries
/// RFC 2918, RFC 7313 section 3.2, RFC 5291 section 4.
private func printRefresh(_ message: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard message.length >= 23 else { return }
  try message.check(0, 23)
  let subtype = try message.u8(at: 21)
  printer.writeBGPFamily("\n\t  AFI ", try message.u16(at: 19), try message.u8(at: 22))
  printer.write(", Subtype ", "subtype", subtype, as: .named(refreshSubtypes, unknown: "Unknown"))
  printer.write(" (", subtype)
  printer.out.write(")")
  guard message.length > 23 else { return }
  let time = try message.u8(at: 23)
  let type = try message.u8(at: 24)
  let length = try message.u16(at: 25)
  printer.write("\n\t  ORF refresh ", time, as: .named(filterTimes, unknown: "Unknown"))
  printer.write(" (", time)
  printer.write("), ORF type ", type, as: .named(filterTypes, unknown: "Unknown"))
  printer.write(" (", type)
  printer.write("), ORF length ", length)
}
