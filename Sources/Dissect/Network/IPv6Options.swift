import PacketCore

extension Layer {
  static let hopByHop = Layer(
    "hop_by_hop", "Hop-by-hop options header of IPv6", "RFC 8200 section 4.3", marks: ["hbh"]
  ) { optionsHeaderFields }

  static let destinationOptions = Layer(
    "destination_options", "Destination options header of IPv6", "RFC 8200 section 4.6", marks: ["dstopt"]
  ) { optionsHeaderFields }
}

/// The fields of both headers.
private let optionsHeaderFields = [
  Field("next_header", .uint8, "Protocol of what follows.", always: true),
  Field("length", .uint16, "Bytes of the header.", always: true),
  Field(
    "options",
    .array(
      .object([
        Field("type", .uint8, "Option type.", always: true),
        Field("length", .uint16, "Bytes of the option, its type and length included; left out for Pad1."),
        Field("value", .uint16, "Value of a router alert."),
        Field("payload_length", .uint32, "Jumbo payload length."),
        Field("home_address", .ipv6, "Home address."),
        Field("data", .hex, "Value of any other option."),
      ])), "Options, in order.", each: "One option; its members depend on its type."),
]

/// Options of hop-by-hop and destination options headers (RFC 8200 section 4.2, IANA "Destination Options and Hop-by-Hop
/// Options").
private enum IPv6Option {
  static let pad1: UInt8 = 0
  static let padN: UInt8 = 1
  /// RFC 2711.
  static let routerAlert: UInt8 = 5
  /// RFC 2675.
  static let jumbo: UInt8 = 0xc2
  /// RFC 6275 section 6.3.
  static let homeAddress: UInt8 = 0xc9
}

/// The two headers that contain options.
enum IPv6OptionsHeader {
  case hopByHop, destination
}

extension Printer {
  ///     0             1        2
  ///     +-------------+--------+---------------------------
  ///     | next header | length | options (type, length, data)
  ///     +-------------+--------+---------------------------
  /// Prints an options header; returns its length in bytes, and the payload length that a jumbo payload option states.
  mutating func printOptionsHeader(
    _ kind: IPv6OptionsHeader, _ bytes: PacketBytes, payloadLengthIsZero: Bool
  ) throws(DecodeError) -> (length: Int, jumboPayloadLength: Int?) {
    protocolName = kind == .hopByHop ? "hbh" : "dstopt"
    let length = (Int(try bytes.u8(at: 1)) &+ 1) &* 8
    if enter(kind == .hopByHop ? .hopByHop : .destinationOptions) {
      fields.write("next_header", try bytes.u8(at: 0))
      fields.write("length", length)
    }
    try bytes.check(0, length)
    out.write(kind == .hopByHop ? "HBH " : "DSTOPT ")
    let list = try bytes.slice(at: 2, length: length &- 2)
    var jumbo: Int?
    if kind == .destination, options.verbosity == 0 {
      // The text does not show these options, not even invalid ones.
      recordOnly(list) { (list, printer) throws(DecodeError) in
        _ = try printer.printIPv6Options(list, kind, payloadLengthIsZero: payloadLengthIsZero)
      }
    } else {
      jumbo = try printIPv6Options(list, kind, payloadLengthIsZero: payloadLengthIsZero)
    }
    if options.verbosity > 0 { out.write(" ") }
    return (length, jumbo)
  }

  private mutating func printIPv6Options(
    _ bytes: PacketBytes, _ kind: IPv6OptionsHeader, payloadLengthIsZero: Bool
  ) throws(DecodeError) -> Int? {
    var jumbo: Int?
    let isVerbose = options.verbosity > 0
    let layout = OptionLayout(padding: IPv6Option.pad1, isTypeFirst: true)
    var list = openList(bytes.withLength(bytes.count), layout, objects: "options")
    while let entry = try next(&list) {
      let type = UInt8(truncatingIfNeeded: entry.type)
      if writesFields { fields.write("type", type) }
      if type == IPv6Option.pad1 {
        if isVerbose { out.write("(pad1)") }
        continue
      }
      try reject("remaining length", entry.rest, .less, 2)
      let optionLength = entry.size
      try reject("remaining length", entry.rest, .less, optionLength)
      let option = try entry.bytes.slice(at: 0, length: optionLength)
      if writesFields { fields.write("length", optionLength) }
      switch type {
      case IPv6Option.padN:
        if isVerbose { out.write("(padn)") }
      case IPv6Option.routerAlert:
        try reject("(rtalert) length", optionLength &- 2, .notEqual, 2)
        if writesFields { fields.write("value", try option.u16(at: 2)) }
        if isVerbose {
          out.write("(rtalert: 0x")
          out.write(hex: try option.u16(at: 2), width: 4)
          out.write(") ")
        }
      case IPv6Option.jumbo:
        try reject("(jumbo) length", optionLength &- 2, .notEqual, 4)
        let length = Int(try option.u32(at: 2))
        if writesFields { fields.write("payload_length", length) }
        writeJumbo(length, kind, isRepeated: jumbo != nil, payloadLengthIsZero: payloadLengthIsZero)
        if jumbo == nil, kind == .hopByHop, payloadLengthIsZero, length >= 65536 { jumbo = length }
      case IPv6Option.homeAddress:
        try reject("(homeaddr) remaining length", entry.rest, .less, 18)
        try reject("(homeaddr) length", optionLength &- 2, .less, 16)
        let home = try option.ipv6(at: 2)
        // Checksums cover the home address instead of the source address (RFC 6275 section 6.3).
        if kind == .destination { network.checksumSource = home.rawValue }
        if writesFields { fields.write("home_address", home) }
        if isVerbose {
          write("(homeaddr: ", home)
          if optionLength > 18 { try writeSuboptions(try option.dropping(18)) }
          out.write(")")
        }
      default:
        if writesFields, optionLength > 2 { fields.write("data", hex: try option.dropping(2)) }
        if isVerbose {
          write("(unknown opt-type 0x", type, as: .hex(2))
          write(" len=", optionLength &- 2)
          out.write(")")
        }
      }
    }
    return jumbo
  }

  private mutating func writeJumbo(
    _ length: Int, _ kind: IPv6OptionsHeader, isRepeated: Bool, payloadLengthIsZero: Bool
  ) {
    guard options.verbosity > 0 else { return }
    write("(jumbo: ", length)
    if kind != .hopByHop {
      writeFault(" - not a hop-by-hop option")
    } else if isRepeated {
      writeFault(" - already seen")
    } else if !payloadLengthIsZero {
      writeFault(" - payload len != 0")
    } else if length < 65536 {
      writeFault(" - < 65536")
    }
    out.write(") ")
  }

  /// The sub-options of a home address option: padding or unknown.
  private mutating func writeSuboptions(_ bytes: PacketBytes) throws(DecodeError) {
    let layout = OptionLayout(padding: IPv6Option.pad1, isTypeFirst: true)
    var list = openList(bytes.withLength(bytes.count), layout)
    while let option = try next(&list) {
      try option.checkHeader()
      switch UInt8(truncatingIfNeeded: option.type) {
      case IPv6Option.pad1: out.write("(pad1)")
      case IPv6Option.padN: out.write("(padn)")
      case let type:
        write("(type 0x", type, as: .hex(2))
        write(": len=", option.length)
        out.write(")")
      }
    }
  }
}
