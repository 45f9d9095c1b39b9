package import Dissect
import PacketCore

extension Layer {
  static let egp = Layer("egp", "Exterior Gateway Protocol", "RFC 904") {
    [
      Field("version", .uint8, "Version.", always: true),
      Field("type", .uint8, "Kind of message."),
      Field("type_name", .text, "Name of the kind."),
      Field("code", .uint8, "Code."),
      Field("code_name", .text, "Name of the code."),
      Field("status", .uint8, "Status."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field("as_number", .uint16, "Autonomous system of the sender."),
      Field("sequence", .uint16, "Sequence number."),
      Field("hello_interval_seconds", .uint16, "Shortest time between two hello messages."),
      Field("poll_interval_seconds", .uint16, "Shortest time between two poll messages."),
      Field("prefix", .ipv4, "Network of the request, or of the gateways."),
      Field("reason", .uint16, "What is wrong."),
      Field("reason_name", .text, "Its name."),
      Field(
        "gateways",
        .array(
          .object([
            Field("address", .ipv4, "Address of the gateway."),
            Field("is_exterior", .flag, "Whether it is in another autonomous system."),
            Field(
              "networks",
              .array(
                .object([
                  Field("metric", .uint8, "Distance."),
                  Field("prefix", .ipv4, "Network."),
                ])), "What can be reached by it.", each: "One network."),
          ])), "Gateways of an update.", each: "One gateway."),
    ]
  }
}

extension Dissector {
  /// Exterior Gateway Protocol, RFC 904.
  package static let egp = Dissector(name: "egp", claims: [.ipProtocol(8)], layers: [.egp], print: printEGP)
}

private enum Kind {
  static let update: UInt8 = 1
  static let poll: UInt8 = 2
  static let acquire: UInt8 = 3
  static let reach: UInt8 = 5
  static let error: UInt8 = 8
  static let names: ValueNames = [1: "update", 2: "poll", 3: "acquire", 5: "reach", 8: "error"]
}

private let acquireCodes: ValueNames = [0: "request", 1: "confirm", 2: "refuse", 3: "cease", 4: "cease_ack"]
private let reachCodes: ValueNames = [0: "hello", 1: "i-h-u"]
private let acquireStatus: ValueNames = [
  0: "unspecified", 1: "active_mode", 2: "passive_mode", 3: "insufficient_resources", 4: "administratively_prohibited",
  5: "going_down", 6: "parameter_violation", 7: "protocol_violation",
]
private let states: ValueNames = [0: "state:indeterminate", 1: "state:up", 2: "state:down"]
private let reasons: ValueNames = [
  0: "unspecified", 1: "bad_EGP_header_format", 2: "bad_EGP_data_field_format", 3: "reachability_info_unavailable",
  4: "excessive_polling_rate", 5: "no_response", 6: "unsupported_version",
]
/// The bit of an update's status that says that the update was not requested.
private let unsolicited: UInt8 = 0x80

///     0         1      2      3        4          6           8          10
///     +---------+------+------+--------+----------+-----------+----------+---------
///     | version | type | code | status | checksum | AS number | sequence | by type
///     +---------+------+------+--------+----------+-----------+----------+---------
/// RFC 904 appendix A.
private let headerLength = 10

@Sendable
private func printEGP(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let version = try payload.u8(at: 0)
  printer.out.write("EGP")
  if printer.enter(.egp) { printer.fields.write("version", version) }
  try printer.reject("version", Int(version), .notEqual, 2)
  try payload.check(0, headerLength)
  let (type, code, status) = (try payload.u8(at: 1), try payload.u8(at: 2), try payload.u8(at: 3))
  let (system, sequence) = (try payload.u16(at: 6), try payload.u16(at: 8))
  if printer.writesFields {
    printer.fields.write("type", type, "type_name", Kind.names)
    switch type {
    case Kind.acquire: printer.fields.write("code", code, "code_name", acquireCodes)
    case Kind.reach: printer.fields.write("code", code, "code_name", reachCodes)
    default: printer.fields.write("code", code)
    }
    printer.fields.write("status", status)
    printer.fields.write("checksum", try payload.u16(at: 4))
    printer.fields.write("as_number", system)
    printer.fields.write("sequence", sequence)
  }
  printer.write("v", version)
  guard printer.options.verbosity > 0 else {
    printer.write(", AS ", system)
    printer.write(", seq ", sequence)
    printer.write(", length ", payload.length)
    return try payload.check(0, payload.length)
  }
  printer.write(", length ", payload.length)
  switch type {
  case Kind.update:
    printer.out.write(" update")
    if status & unsolicited != 0 { printer.out.write(" unsolicited") }
    printState(status & ~unsolicited, &printer)
    try printUpdate(payload, &printer)
  case Kind.poll:
    printer.out.write(" poll")
    printState(status, &printer)
    printer.write(" net:", "prefix", try payload.ipv4(at: 12))
  case Kind.acquire: try printAcquire(payload, code, status, &printer)
  case Kind.reach:
    guard let name = reachCodes[code] else { return printer.write("[reach code ", code, "]") }
    printer.out.write(" ")
    printer.out.write(name)
    printState(status, &printer)
  case Kind.error:
    printer.out.write(" error")
    printState(status, &printer)
    let reason = try payload.u16(at: 10)
    if printer.writesFields { printer.fields.write("reason", reason, "reason_name", reasons) }
    if let name = reasons[reason] {
      printer.out.write(" ")
      printer.out.write(name)
    } else {
      printer.write(" [reason ", reason, "]")
    }
  default: printer.write("[type ", type, "]")
  }
  try payload.check(0, payload.length)
}

extension Printer {
  fileprivate mutating func write(
    _ title: StaticString, _ number: some FixedWidthInteger & UnsignedInteger, _ end: StaticString
  ) {
    out.write(title)
    out.write(decimal: number)
    out.write(end)
  }
}

private func printState(_ status: UInt8, _ printer: inout Printer) {
  printer.out.write(" ")
  if let name = states[status] {
    printer.out.write(name)
  } else {
    printer.write("[status ", status, "]")
  }
}

/// 10 interval of hello messages (2)  12 interval of poll messages (2); only in a request and its confirmation
private func printAcquire(
  _ payload: PacketBytes, _ code: UInt8, _ status: UInt8, _ printer: inout Printer
) throws(DecodeError) {
  printer.out.write(" acquire")
  guard let name = acquireCodes[code] else { return printer.write("[code ", code, "]") }
  printer.out.write(" ")
  printer.out.write(name)
  printer.out.write(" ")
  // Status 1 and 2 are the modes of a request and its confirmation; larger numbers belong to the other codes.
  if let name = acquireStatus[status], status == 0 || (status < 3) == (code < 2) {
    printer.out.write(name)
  } else {
    printer.write("[status ", status, "]")
  }
  guard code < 2 else { return }
  printer.write(" hello:", "hello_interval_seconds", try payload.u16(at: 10))
  printer.write(" poll:", "poll_interval_seconds", try payload.u16(at: 12))
}

///     10         11         12        16
///     +----------+----------+---------+----------
///     | interior | exterior | network | gateways
///     +----------+----------+---------+----------
/// A gateway is the part of its address after the network (1 to 3 bytes, by class), a number of distances (1), and for each distance: the
/// distance (1), a number of networks (1), and their numbers (1 to 3 bytes, by class).
private func printUpdate(_ payload: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let interior = try payload.u8(at: 10)
  let exterior = try payload.u8(at: 11)
  let network = try payload.ipv4(at: 12)
  printer.write(" ", "prefix", network)
  printer.write(" int ", interior)
  printer.write(" ext ", exterior)
  let width = 4 &- networkWidth(UInt8(truncatingIfNeeded: network.rawValue >> 24))
  if printer.writesFields { printer.fields.beginArray("gateways") }
  var offset = 16
  for index in 0..<Int(interior) &+ Int(exterior) {
    let isExterior = index >= Int(interior)
    let host = try payload.unsigned(at: offset, width: width)
    let address = IPv4Address(rawValue: network.rawValue & ~hostMask(width) | UInt32(truncatingIfNeeded: host))
    let distances = try payload.u8(at: offset &+ width)
    offset &+= width &+ 1
    if printer.writesFields { printer.fields.beginObject() }
    printer.write(isExterior ? " ext " : " int ", "address", address)
    if printer.writesFields {
      printer.fields.write("is_exterior", isExterior)
      printer.fields.beginArray("networks")
    }
    printer.out.write(" (")
    for index in 0..<distances {
      let distance = try payload.u8(at: offset)
      let count = try payload.u8(at: offset &+ 1)
      offset &+= 2
      printer.write(index == 0 ? "d" : ", d", distance)
      printer.out.write(":")
      for _ in 0..<count {
        let width = networkWidth(try payload.u8(at: offset))
        let number = try payload.unsigned(at: offset, width: width)
        let prefix = IPv4Address(rawValue: UInt32(truncatingIfNeeded: number) << UInt32((4 &- width) &* 8))
        if printer.writesFields {
          printer.fields.beginObject()
          printer.fields.write("metric", distance)
          printer.fields.write("prefix", prefix)
          printer.fields.end()
        }
        printer.out.write(" ")
        printer.writeHost(prefix)
        offset &+= width
      }
    }
    printer.out.write(")")
    if printer.writesFields {
      printer.fields.end()
      printer.fields.end()
    }
  }
  if printer.writesFields { printer.fields.end() }
}

/// Length in bytes of a network number of the class that its first byte determines: A, B or C.
private func networkWidth(_ first: UInt8) -> Int { first < 0x80 ? 1 : first < 0xc0 ? 2 : 3 }

private func hostMask(_ width: Int) -> UInt32 { UInt32.max >> UInt32((4 &- width) &* 8) }
