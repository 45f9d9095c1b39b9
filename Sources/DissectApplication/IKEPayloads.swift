import Dissect
import PacketCore

/// The position of a payload in a message.
struct IKEContext {
  /// Nesting depth of the payload.
  var depth = 0
  /// The protocol of the enclosing proposal, in version 1.
  var protocolID: UInt8 = 0
  /// True inside a security association of version 2.
  var isVersion2 = false
  /// The enclosing payload, which truncation marks name.
  var outerType: UInt8?

  func inside(_ type: UInt8) -> IKEContext {
    var context = self
    context.depth += 1
    context.outerType = type
    return context
  }
}

private enum PayloadType {
  static let none: UInt8 = 0
  static let association: UInt8 = 1
  static let proposal: UInt8 = 2
  static let transform: UInt8 = 3
  static let encrypted: UInt8 = 46
}

/// How printing a list of payloads ended.
enum IKEEnding {
  /// All payloads were printed.
  case whole
  /// A payload was not captured whole, or is impossible: nothing after it is printed.
  case cut
  /// Something inside the last payload was not captured whole: the payload after it is marked as truncated, too.
  case innerCut
  /// The packet ends inside the last payload.
  case packetCut
}

extension Printer {
  ///     0              1          2        4
  ///     +--------------+----------+--------+-------
  ///     | next payload | reserved | length | value     the length counts the header (RFC 2408 section 3.2, RFC 7296 section 3.2)
  ///     +--------------+----------+--------+-------
  /// Prints payloads, each in parentheses on its own line.
  mutating func printIKEPayloads(
    _ first: UInt8, _ bytes: PacketBytes, _ context: IKEContext
  ) throws(DecodeError) -> IKEEnding {
    guard context.depth < 8 else { return .cut }
    let level = fields.level
    if writesFields { fields.beginArray("payloads") }
    var type = first
    var offset = 0
    var number = 0
    var ending = IKEEnding.whole
    // Every iteration advances by at least five bytes.
    while type != PayloadType.none {
      guard bytes.has(offset, 4), bytes.has(offset, Int(try bytes.u16(at: offset &+ 2))) else {
        writeIKETruncation(context.isVersion2 ? context.outerType ?? type : type)
        ending = context.isVersion2 ? .innerCut : .cut
        break
      }
      let length = Int(try bytes.u16(at: offset &+ 2))
      out.write("\n    ")
      out.write(repeating: UInt8(ascii: " "), count: 4 &* context.depth)
      out.write("(")
      guard length > 4 else {
        out.write(")")
        ending = .cut
        break
      }
      let isCritical = try bytes.u8(at: offset &+ 1) & 0x80 != 0
      if writesFields {
        fields.beginObject()
        fields.write("type", type, "type_name", IKENames.payloads)
        fields.write("length", length)
        if isCritical, type > 32 { fields.write("critical", true) }
      }
      number &+= 1
      let value = try bytes.slice(at: offset &+ 4, length: length &- 4)
      let rest = try bytes.dropping(offset &+ 4)
      do throws(DecodeError) {
        ending = try printIKEPayload(type, value, rest, isCritical, context, number)
      } catch {
        if error == .truncated { writeIKETruncation(type) } else { noteInvalid() }
        ending = .cut
      }
      if ending == .packetCut { break }
      out.write(")")
      fields.end(downTo: writesFields ? level &+ 1 : fields.level)
      // The payloads after this one are encrypted.
      if type == PayloadType.encrypted { break }
      type = try bytes.u8(at: offset)
      offset &+= length
      if ending == .innerCut, type != PayloadType.none {
        writeIKETruncation(type)
        ending = .cut
      }
      if ending != .whole { break }
    }
    if writesFields { fields.end(downTo: level) }
    return ending
  }

  /// ` [|ke]`, or ` [|#99]` for a payload without a name.
  private mutating func writeIKETruncation(_ type: UInt8) {
    out.write(" ")
    if let name = IKENames.payloads[type] { return writeTruncation(of: name) }
    noteTruncation(of: "isakmp")
    write("[|#", type)
    out.write("]")
  }

  /// The value of a payload, the `number`-th at its level; `rest` begins with the value and extends to the end of the message.
  private mutating func printIKEPayload(
    _ type: UInt8, _ value: PacketBytes, _ rest: PacketBytes, _ isCritical: Bool, _ context: IKEContext, _ number: Int
  ) throws(DecodeError) -> IKEEnding {
    switch type {
    case PayloadType.association: return try printAssociation(value, context)
    case PayloadType.proposal: return try printProposal(value, context)
    case PayloadType.transform:
      return context.isVersion2
        ? try printVersion2Transform(value, rest, number: number) : try printTransform(value, rest, context)
    case 4: writeIKEData("ke: key len=", value)
    case 5: try printIdentification(value)
    case 6: try printCertificate("cert: len=", value)
    case 7: try printCertificate("cr: len=", value)
    case 8: writeIKEData("hash: len=", value)
    case 9: writeIKEData("sig: len=", value)
    case 10: writeIKEData("nonce: n len=", value)
    case 11: try printNotification(value, rest)
    case 12: try printDeletion(value)
    case 13: writeIKEData("vid: len=", value)
    case 33...48 where !context.isVersion2: return try printIKEv2Payload(type, value, rest, isCritical, context)
    default:
      if writesFields { fields.write("data", hex: value) }
      write("", type, as: .named(IKENames.payloads, unknown: .decimal("#")))
    }
    return .whole
  }

  /// A title, the length of a value, and with `-vvv` the value.
  mutating func writeIKEData(_ title: StaticString, _ value: PacketBytes) {
    if writesFields { fields.write("data", hex: value) }
    write(title, value.length)
    if options.verbosity > 2 { write(" ", hexOf: value) }
  }

  mutating func write(_ title: StaticString, hexOf bytes: PacketBytes) {
    out.write(title)
    out.write(hexOf: bytes.rawSpan)
  }

  /// Writes an extract of `rest`: the first ten bytes, three dots, and the last twenty bytes of the message; all bytes if there are fewer
  /// than thirty.
  mutating func writeIKEExtract(_ rest: PacketBytes) throws(DecodeError) {
    guard rest.count >= 30 else { return out.write(hexOf: rest.rawSpan) }
    out.write(hexOf: try rest.slice(at: 0, length: 10).rawSpan)
    out.write("...")
    out.write(hexOf: try rest.dropping(rest.count &- 20).rawSpan)
  }

  // MARK: Version 1

  ///     0     4           8
  ///     +-----+-----------+-------------------------+-----------
  ///     | DOI | situation | identifier of the domain| proposals     the identifier in other situations than identity alone
  ///     +-----+-----------+-------------------------+-----------
  private mutating func printAssociation(_ value: PacketBytes, _ context: IKEContext) throws(DecodeError) -> IKEEnding {
    out.write("sa: ")
    try value.check(0, 8)
    let interpretation = try value.u32(at: 0)
    let situation = try value.u32(at: 4)
    if writesFields {
      fields.write("doi", interpretation)
      fields.write("situation", situation)
    }
    guard interpretation == Interpretation.ipsec else {
      write("doi=", interpretation)
      write(" situation=", situation)
      return .whole
    }
    out.write("doi=ipsec situation=")
    write(Interpretation.situations, situation, separator: "+", none: "")
    var offset = 8
    if situation != 1 {
      write(" ident=", try value.u32(at: 8))
      offset = 12
    }
    return try printIKEPayloads(
      PayloadType.proposal, try value.dropping(offset), context.inside(PayloadType.association))
  }

  ///     0        1          2          3              4
  ///     +--------+----------+----------+--------------+-----+------------
  ///     | number | protocol | SPI size | # transforms | SPI | transforms
  ///     +--------+----------+----------+--------------+-----+------------
  private mutating func printProposal(_ value: PacketBytes, _ context: IKEContext) throws(DecodeError) -> IKEEnding {
    try value.check(0, 4)
    let protocolID = try value.u8(at: 1)
    let size = Int(try value.u8(at: 2))
    write("p: #", "number", try value.u8(at: 0))
    if writesFields { fields.write("protocol_id", protocolID, "protocol_name", IKENames.protocols) }
    write(" protoid=", protocolID, as: .named(IKENames.protocols, unknown: .decimal("#")))
    write(" transform=", try value.u8(at: 3))
    if context.isVersion2 { write(" len=", value.length &+ 4) }
    if size > 0 {
      out.write(" spi=")
      let index = try value.slice(at: 4, length: size)
      if writesFields { fields.write("spi_octets", hex: index) }
      out.write(hexOf: index.rawSpan)
    }
    var inner = context.inside(PayloadType.proposal)
    inner.protocolID = protocolID
    return try printIKEPayloads(PayloadType.transform, try value.dropping(4 &+ size), inner)
  }

  ///     0        1           2          4
  ///     +--------+-----------+----------+-----------
  ///     | number | transform | reserved | attributes
  ///     +--------+-----------+----------+-----------
  private mutating func printTransform(
    _ value: PacketBytes, _ rest: PacketBytes, _ context: IKEContext
  ) throws(DecodeError) -> IKEEnding {
    try value.check(0, 4)
    let identifier = try value.u8(at: 1)
    write("t: #", "number", try value.u8(at: 0))
    let names = IKENames.transforms(ofProtocol: context.protocolID)
    if writesFields {
      fields.write("transform_id", identifier)
      if let name = names?[identifier] { fields.write("transform_name", name) }
    }
    if let names {
      write(" id=", identifier, as: .named(names, unknown: .decimal("#")))
    } else {
      write(" id=", identifier)
    }
    out.write(" ")
    return try printIKEAttributes(
      try value.dropping(4), try rest.dropping(4), attributes(ofProtocol: context.protocolID))
  }

  private func attributes(ofProtocol number: UInt8) -> [UInt16: IKENames.Attribute] {
    switch number {
    case 1: IKENames.keyExchangeAttributes
    case 2...4: IKENames.associationAttributes
    default: [:]
    }
  }

  ///     0                    2                  4
  ///     +--------------------+------------------+-------
  ///     | 0, type (15 bits)  | length           | value
  ///     | 1, type            | value |
  ///     +--------------------+------------------+-------
  /// Attributes (RFC 2408 section 3.3, RFC 7296 section 3.3.5), each in parentheses. If the header of an attribute does not fit into the
  /// `rest` of the packet, the packet ends.
  mutating func printIKEAttributes(
    _ bytes: PacketBytes, _ rest: PacketBytes, _ names: [UInt16: IKENames.Attribute]
  ) throws(DecodeError) -> IKEEnding {
    let level = fields.level
    if writesFields { fields.beginArray("attributes") }
    var offset = 0
    // Every iteration advances by at least four bytes.
    while offset < bytes.length {
      let isShort = bytes.has(offset, 4) ? try bytes.u8(at: offset) & 0x80 != 0 : false
      let length = bytes.has(offset, 4) ? Int(try bytes.u16(at: offset &+ 2)) : 0
      guard bytes.has(offset, 4), isShort || bytes.has(offset &+ 4, length) else {
        if writesFields { fields.end(downTo: level) }
        guard rest.has(offset, 4) else { return .packetCut }
        writeTruncation(of: "attr")
        return .innerCut
      }
      let type = try bytes.u16(at: offset) & 0x7fff
      let attribute = names[type]
      if writesFields {
        fields.beginObject()
        fields.write("type", type)
        if let attribute { fields.write("name", attribute.name) }
      }
      out.write("(type=")
      if let attribute { out.write(attribute.name) } else { write("#", type) }
      if isShort {
        let number = try bytes.u16(at: offset &+ 2)
        if writesFields {
          fields.write("number", number)
          if let name = attribute?.values?[number] { fields.write("number_name", name) }
        }
        out.write(" value=")
        if let name = attribute?.values?[number] { out.write(name) } else { out.write(hex: number, width: 4) }
        offset &+= 4
      } else {
        write(" len=", length)
        write(" value=", "data", hex: try bytes.slice(at: offset &+ 4, length: length))
        offset &+= 4 &+ length
      }
      out.write(")")
      if writesFields { fields.end() }
    }
    if writesFields { fields.end(downTo: level) }
    return .whole
  }

  ///     0      1          2      4
  ///     +------+----------+------+-----------------
  ///     | type | protocol | port | identification      (RFC 2407 section 4.6.2)
  ///     +------+----------+------+-----------------
  private mutating func printIdentification(_ value: PacketBytes) throws(DecodeError) {
    try value.check(0, 4)
    let type = try value.u8(at: 0)
    let data = try value.dropping(4)
    write("id: idtype=", "identification_type", type, as: .named(IKENames.identifications, unknown: .decimal("#")))
    write(" protoid=", try value.u8(at: 1))
    write(" port=", try value.u16(at: 2))
    write(" len=", data.length)
    switch type {
    case 1:
      if isTooShort(data, 4) { return }
      write(" ", "address", try data.ipv4(at: 0))
    case 2, 3:
      if data.length > 0 { try write(" ", "text", text: data) }
    case 4:
      if isTooShort(data, 8) { return }
      write(" ", "address", try data.ipv4(at: 0))
      write("/", try data.ipv4(at: 4))
    case 5:
      if isTooShort(data, 16) { return }
      write(" ", "address", try data.ipv6(at: 0))
    case 6:
      if isTooShort(data, 32) { return }
      write(" ", "address", try data.ipv6(at: 0))
      write("/0x", hexOf: try data.slice(at: 16, length: 16))
    case 7:
      if isTooShort(data, 8) { return }
      write(" ", "address", try data.ipv4(at: 0))
      write("-", try data.ipv4(at: 4))
    case 8:
      if isTooShort(data, 32) { return }
      write(" ", "address", try data.ipv6(at: 0))
      write("-", try data.ipv6(at: 16))
    default:
      if writesFields { fields.write("data", hex: data) }
    }
  }

  private mutating func isTooShort(_ data: PacketBytes, _ minimum: Int) -> Bool {
    guard data.length < minimum else { return false }
    write(" [bad: < ", minimum)
    writeFault("]")
    return true
  }

  private mutating func printCertificate(_ title: StaticString, _ value: PacketBytes) throws(DecodeError) {
    let encoding = try value.u8(at: 0)
    if writesFields {
      fields.write("method", encoding, "method_name", IKENames.certificates)
      fields.write("data", hex: try value.dropping(1))
    }
    write(title, value.length)
    write(" type=", encoding, as: .named(IKENames.certificates, unknown: .decimal("#")))
    if options.verbosity > 2 { write(" ", hexOf: value) }
  }

  ///     0     4          5          6      8
  ///     +-----+----------+----------+------+-----+------
  ///     | DOI | protocol | SPI size | type | SPI | data      (RFC 2408 section 3.14)
  ///     +-----+----------+----------+------+-----+------
  private mutating func printNotification(_ value: PacketBytes, _ rest: PacketBytes) throws(DecodeError) {
    try value.check(0, 8)
    let interpretation = try value.u32(at: 0)
    let isIPsec = interpretation == Interpretation.ipsec
    let protocolID = try value.u8(at: 4)
    let size = Int(try value.u8(at: 5))
    let type = try value.u16(at: 6)
    let name = IKENames.notifications[type] ?? (isIPsec ? IKENames.associationNotifications[type] : nil)
    if writesFields {
      fields.write("doi", interpretation)
      fields.write("protocol_id", protocolID, "protocol_name", IKENames.protocols)
      fields.write("notification", type)
      if let name { fields.write("notification_name", name) }
    }
    writeInterpretation("n: doi=", interpretation, protocolID)
    out.write(" type=")
    if let name { out.write(name) } else { write("#", type) }
    if size > 0 {
      out.write(" spi=")
      let index = try value.slice(at: 8, length: size)
      if writesFields { fields.write("spi_octets", hex: index) }
      out.write(hexOf: index.rawSpan)
    }
    let data = try value.dropping(8 &+ size)
    guard isIPsec else {
      if writesFields, data.length > 0 { fields.write("data", hex: data) }
      return
    }
    switch type {
    case Interpretation.responderLifetime where data.length > 0:
      out.write(" attrs=(")
      _ = try printIKEAttributes(data, data, attributes(ofProtocol: protocolID))
      out.write(")")
    case Interpretation.replayStatus where data.length > 0:
      let status = try data.u32(at: 0)
      if writesFields { fields.write("number", status) }
      out.write(status != 0 ? " status=(replay detection enabled)" : " status=(replay detection disabled)")
    default:
      if writesFields, data.length > 0 { fields.write("data", hex: data) }
      // The rest of the message is shown, even if this payload has no data.
      let shown = try rest.dropping(8 &+ size)
      guard !shown.isEmpty else { return }
      out.write(" data=(")
      try writeIKEExtract(shown)
      out.write(")")
    }
  }

  ///     0     4          5          6       8
  ///     +-----+----------+----------+-------+-----+-----
  ///     | DOI | protocol | SPI size | # SPIs| SPI | …        (RFC 2408 section 3.15)
  ///     +-----+----------+----------+-------+-----+-----
  private mutating func printDeletion(_ value: PacketBytes) throws(DecodeError) {
    try value.check(0, 8)
    let interpretation = try value.u32(at: 0)
    let protocolID = try value.u8(at: 4)
    let size = Int(try value.u8(at: 5))
    let count = Int(try value.u16(at: 6))
    if writesFields {
      fields.write("doi", interpretation)
      fields.write("protocol_id", protocolID, "protocol_name", IKENames.protocols)
      fields.write("spi_octets", hex: try value.dropping(8))
    }
    writeInterpretation("d: doi=", interpretation, protocolID)
    write(" spilen=", size)
    write(" nspi=", count)
    out.write(" spi=")
    guard size > 0 else { return }
    for index in 0..<count {
      if index > 0 { out.write(",") }
      out.write(hexOf: try value.slice(at: 8 &+ index &* size, length: size).rawSpan)
    }
  }

  private mutating func writeInterpretation(_ title: StaticString, _ interpretation: UInt32, _ protocolID: UInt8) {
    if interpretation == Interpretation.ipsec {
      out.write(title)
      write("ipsec proto=", protocolID, as: .named(IKENames.protocols, unknown: .decimal("#")))
    } else {
      write(title, interpretation)
      write(" proto=", protocolID)
    }
  }
}

/// The IPsec domain of interpretation (RFC 2407).
private enum Interpretation {
  static let ipsec: UInt32 = 1
  static let situations: FlagNames = [1: "identity", 2: "secrecy", 4: "integrity"]
  static let responderLifetime: UInt16 = 24576
  static let replayStatus: UInt16 = 24577
}
