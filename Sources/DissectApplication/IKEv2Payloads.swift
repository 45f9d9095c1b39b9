import Dissect
import PacketCore

extension Printer {
  /// The value of a payload of version 2 (RFC 7296 section 3); `rest` extends to the end of the message.
  mutating func printIKEv2Payload(
    _ type: UInt8, _ value: PacketBytes, _ rest: PacketBytes, _ isCritical: Bool, _ context: IKEContext
  ) throws(DecodeError) -> IKEEnding {
    switch type {
    case 33:
      writeTitle("sa", isCritical, value.length)
      var inner = context.inside(type)
      inner.isVersion2 = true
      return try printIKEPayloads(2, value, inner)
    case 34: try printKeyExchange(value, isCritical)
    case 35, 36: try printIdentification(type, value, isCritical)
    case 39: try printAuthentication(value, rest, isCritical)
    case 40:
      if writesFields { fields.write("data", hex: value) }
      writeTitle("nonce", isCritical, value.length)
      try writeSecret(" nonce=(", value, rest)
    case 41: try printNotification(value, rest, isCritical)
    case 43:
      if writesFields { fields.write("text", text: value) }
      writeTitle("v2vid", isCritical, value.length)
      out.write(" vid=")
      try writePrintable(value)
      if options.verbosity > 2 { write(" ", hexOf: value) }
    default:
      if writesFields { fields.write("data", hex: value) }
      writeTitle(IKENames.payloads[type] ?? "", isCritical, value.length)
      if options.verbosity > 2 { write(" ", hexOf: value) }
    }
    return .whole
  }

  /// `v2ke: len=20`, or `v2ke[C]: len=20`.
  private mutating func writeTitle(_ name: StaticString, _ isCritical: Bool, _ length: Int) {
    out.write(name)
    out.write(isCritical ? "[C]" : "")
    write(": len=", length)
  }

  /// An extract of random or signed data; with `-vvv` all of it, after its title.
  private mutating func writeSecret(
    _ title: StaticString, _ data: PacketBytes, _ rest: PacketBytes
  ) throws(DecodeError) {
    if options.verbosity > 2 {
      write(title, hexOf: data)
      out.write(") ")
    } else {
      out.write(" data=(")
      try writeIKEExtract(rest)
      out.write(")")
    }
  }

  ///     0      1          2           4
  ///     +------+----------+-----------+-----------
  ///     | type | reserved | transform | attributes      (RFC 7296 section 3.3.2)
  ///     +------+----------+-----------+-----------
  /// The number of a transform is not in the packet.
  mutating func printVersion2Transform(
    _ value: PacketBytes, _ rest: PacketBytes, number: Int
  ) throws(DecodeError) -> IKEEnding {
    try value.check(0, 4)
    let type = try value.u8(at: 0)
    let identifier = try value.u16(at: 2)
    let names = IKENames.transforms(ofType: type)
    if writesFields {
      fields.write("transform_type", type)
      fields.write("transform_id", identifier)
      if let name = names?[identifier] { fields.write("transform_name", name) }
    }
    write("t: #", number)
    write(" type=", type, as: .named(IKENames.transformTypes, unknown: .decimal("#")))
    if let names {
      write(" id=", identifier, as: .named(names, unknown: .decimal("#")))
    } else {
      write(" id=", identifier)
    }
    out.write(" ")
    return try printIKEAttributes(try value.dropping(4), try rest.dropping(4), IKENames.transformAttributes)
  }

  private mutating func printKeyExchange(_ value: PacketBytes, _ isCritical: Bool) throws(DecodeError) {
    try value.check(0, 4)
    let group = try value.u16(at: 0)
    let data = try value.dropping(4)
    if writesFields {
      fields.write("group_number", group, "group_name", IKENames.groups)
      fields.write("data", hex: data)
    }
    writeTitle("v2ke", isCritical, data.length)
    write(" group=", group, as: .named(IKENames.groups, unknown: .decimal("#")))
    if data.length > 0, options.verbosity > 2 { write(" ", hexOf: data) }
  }

  private mutating func printIdentification(
    _ payload: UInt8, _ value: PacketBytes, _ isCritical: Bool
  ) throws(DecodeError) {
    writeTitle(payload == 35 ? "v2IDi" : "v2IDr", isCritical, value.length)
    if options.verbosity > 2 { write(" ", hexOf: value) }
    guard value.length >= 4 else { return writeFault(" [payload too short]") }
    let type = try value.u8(at: 0)
    let data = try value.dropping(4)
    if writesFields { fields.write("identification_type", type) }
    guard let title = IKENames.identificationTitles[type] else { return }
    out.write(title)
    switch type {
    case 2, 3:
      if writesFields { fields.write("text", text: data) }
      try writePrintable(data)
    default:
      if writesFields { fields.write("data", hex: data) }
      out.write(hexOf: data.rawSpan)
    }
  }

  private mutating func printAuthentication(
    _ value: PacketBytes, _ rest: PacketBytes, _ isCritical: Bool
  ) throws(DecodeError) {
    try value.check(0, 4)
    let method = try value.u8(at: 0)
    let data = try value.dropping(4)
    if writesFields {
      fields.write("method", method, "method_name", IKENames.authenticationMethods)
      fields.write("data", hex: data)
    }
    writeTitle("v2auth", isCritical, value.length)
    write(" method=", method, as: .named(IKENames.authenticationMethods, unknown: .decimal("#")))
    try writeSecret(" authdata=(", data, try rest.dropping(4))
  }

  ///     0          1          2      4
  ///     +----------+----------+------+-----+------
  ///     | protocol | SPI size | type | SPI | data      (RFC 7296 section 3.10)
  ///     +----------+----------+------+-----+------
  private mutating func printNotification(
    _ value: PacketBytes, _ rest: PacketBytes, _ isCritical: Bool
  ) throws(DecodeError) {
    try value.check(0, 4)
    let protocolID = try value.u8(at: 0)
    let size = Int(try value.u8(at: 1))
    let type = try value.u16(at: 2)
    if writesFields {
      fields.write("protocol_id", protocolID, "protocol_name", IKENames.protocols)
      fields.write("notification", type)
      fields.write("notification_name", IKENames.notification(type))
    }
    out.write(isCritical ? "n[C]:" : "n:")
    write(" prot_id=", protocolID, as: .named(IKENames.protocols, unknown: .decimal("#")))
    write(" type=", type)
    out.write("(")
    out.write(IKENames.notification(type))
    out.write(")")
    guard value.has(4, size) else { return }
    if size > 0 { write(" spi=", "spi_octets", hex: try value.slice(at: 4, length: size)) }
    let data = try value.dropping(4 &+ size)
    if data.length == 0 { return }
    if writesFields { fields.write("data", hex: data) }
    if type == 16390 {
      // The data is a cookie.
      out.write(" data=(")
      try writeIKEExtract(try rest.dropping(4 &+ size))
      out.write(")")
    }
  }
}
