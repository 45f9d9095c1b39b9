package import Dissect
import PacketCore

extension Layer {
  static let frameRelay = Layer(
    "frame_relay", "Frame Relay", "ITU-T Q.922, RFC 2427, LINKTYPE_FRELAY", marks: ["fr"]
  ) {
    [
      Field("dlci", .uint32, "Data link connection identifier."),
      Field("address_length", .uint16, "Bytes of the address, 2 to 4."),
      Field("discard_eligible", .flag, "DE."),
      Field("backward_congestion", .flag, "BECN."),
      Field("forward_congestion", .flag, "FECN."),
      Field("ethertype", .uint16, "EtherType, in the encapsulation of Cisco."),
      Field("nlpid", .uint8, "Network layer protocol identifier, in the encapsulation of RFC 2427."),
    ]
  }
}

extension Dissector {
  package static let frameRelay = Dissector(
    name: "fr", claims: [.linkType(.frameRelay)], layers: [.frameRelay]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    printer.context.linkHeaderLength = try printer.printFrameRelay(bytes)
  }
}

///     8   7   6   5   4   3   2   1
///     +-----------------------+----+----+
///     | DLCI (6)              |C/R | EA |
///     +---------------+----+----+----+--+
///     | DLCI (4)      |FECN|BECN| DE |EA|     then, while EA is 0: seven bits of DLCI, and in the last byte six and D/C
///     +---------------+----+----+----+--+
private struct Address {
  let length: Int
  let identifier: UInt32
  /// The flags of the second byte, with C/R of the first byte in the bit above them, and D/C in the lowest bit.
  let flags: UInt32

  /// Returns nil if no byte marks the end of the address.
  init?(_ bytes: PacketBytes) throws(DecodeError) {
    let (first, second) = (UInt32(try bytes.u8(at: 0)), UInt32(try bytes.u8(at: 1)))
    var identifier = (first >> 2) << 4 | second >> 4
    var flags = second & 0x0e | (first & 0x02) << 3
    if first & 1 != 0 { return nil }
    if second & 1 != 0 {
      length = 2
    } else {
      let third = UInt32(try bytes.u8(at: 2))
      let last: UInt32
      if third & 1 != 0 {
        length = 3
        last = third
      } else {
        last = UInt32(try bytes.u8(at: 3))
        if last & 1 == 0 { return nil }
        length = 4
        identifier = identifier << 7 | third >> 1
      }
      identifier = identifier << 6 | last >> 2
      if last & 2 != 0 { flags |= 1 }
    }
    self.identifier = identifier
    self.flags = flags
  }

  static let flagNames: FlagNames = [0x10: "C!", 0x02: "DE", 0x04: "BECN", 0x08: "FECN", 0x01: "sdlcore"]
}

/// The control field of unnumbered information.
private let unnumberedInformation: UInt8 = 0x03

extension Printer {
  /// Prints a frame; returns the length of its header, including SNAP.
  ///
  ///     0         2 to 4
  ///     +---------+------------------+---------------------------+----------------
  ///     | address | control          | padding, where it is even | NLPID, payload     (RFC 2427 section 3)
  ///     |         | EtherType, payload                                                (Cisco)
  ///     +---------+------------------+---------------------------+----------------
  fileprivate mutating func printFrameRelay(_ frame: PacketBytes) throws(DecodeError) -> Int {
    try frame.check(0, 4)
    let writesLayer = enter(.frameRelay)
    guard let address = try Address(frame) else {
      out.write("Q.922, invalid address")
      noteInvalid()
      return 0
    }
    var length = address.length
    try frame.check(length, 1)
    if writesLayer { record(address) }
    let control = try frame.u8(at: length)
    if control != unnumberedInformation, address.identifier != 0 {
      // Cisco writes an EtherType here.
      if frame.has(length, 2) {
        let type = try frame.u16(at: length)
        if options.linkHeader { write(address, address.length, type, frame.length) }
        if registry.prints(etherType: type) {
          if writesFields { fields.write("ethertype", type) }
          _ = try printEtherType(type, try frame.dropping(length &+ 2))
          return length &+ 2
        }
      }
      write("UI ", control, as: .hex(2))
      writeFault("! ")
    }
    length &+= 1
    if try frame.u8(at: length) == 0 {
      // Padding is present if the header would otherwise end at an odd offset.
      if address.length != 3 { writeFault("Pad! ") }
      length &+= 1
    } else if address.length == 3 {
      writeFault("No pad! ")
    }
    let identifier = try frame.u8(at: length)
    length &+= 1
    if writesFields { fields.write("nlpid", identifier) }
    if options.linkHeader { write(address, address.length, UInt16(identifier), frame.length) }
    let payload = try frame.dropping(length)
    return try printPayload(identifier, payload, address, frame, length)
  }

  /// Prints the payload of a network layer protocol identifier; returns the length of all headers.
  private mutating func printPayload(
    _ identifier: UInt8, _ payload: PacketBytes, _ address: Address, _ frame: PacketBytes, _ length: Int
  ) throws(DecodeError) -> Int {
    switch identifier {
    case NLPID.ipv4: try run(.ipv4, payload)
    case NLPID.ipv6: try run(.ipv6, payload)
    case NLPID.ppp: try run(.ppp, payload)
    case NLPID.snap:
      if let snapLength = try printSNAP(payload, source: nil, destination: nil, bridgePad: 0) {
        return length &+ snapLength
      }
      if !options.linkHeader { write(address, length, UInt16(identifier), frame.length) }
      if options.suppressesUnknownDump { return 0 }
      dumpUnknown(frame)
      try frame.check(0, frame.length)
      return 0
    case 0x81...0x83 where registry.index(sap: 0xfe) != 0:
      // The OSI dissectors read the identifier themselves.
      try run(registry.index(sap: 0xfe), try frame.dropping(length &- 1))
    default:
      let index = registry.index(.nlpid, identifier)
      if index != 0 {
        try run(index, payload)
        return length
      }
      noteUndecoded(.nlpid, identifier, payload)
      if !options.linkHeader { write(address, address.length, UInt16(identifier), frame.length) }
      dumpFrame(payload)
      try payload.check(0, payload.length)
    }
    return length
  }

  /// Dumps bytes that no dissector reads, even with `-q`.
  private mutating func dumpFrame(_ bytes: PacketBytes) {
    switch options.dump {
    case .none, .ascii: writeHexAndASCII(bytes)
    case .hex, .hexAndASCII: break
    }
  }

  private mutating func record(_ address: Address) {
    fields.write("dlci", address.identifier)
    fields.write("address_length", address.length)
    fields.write("discard_eligible", address.flags & 2 != 0)
    fields.write("backward_congestion", address.flags & 4 != 0)
    fields.write("forward_congestion", address.flags & 8 != 0)
  }

  /// `Q.922, hdr-len 2, DLCI 100, Flags [none], NLPID IPv4 (0xcc), length 32: `; a number above 255 is an EtherType.
  private mutating func write(_ address: Address, _ headerLength: Int, _ type: UInt16, _ length: Int) {
    if options.quiet {
      write("Q.922, DLCI ", address.identifier)
    } else {
      write("Q.922, hdr-len ", headerLength)
      write(", DLCI ", address.identifier)
      out.write(", Flags [")
      write(Address.flagNames, address.flags)
      if type > 0xff {
        write("], cisco-ethertype ", type, as: .named(etherTypeNames, unknown: "unknown"))
        write(" (0x", type, as: .hex(4))
      } else {
        write("], NLPID ", type, as: .named(NLPID.names, unknown: "unknown"))
        write(" (0x", type, as: .hex(2))
      }
      out.write(")")
    }
    write(", length ", length)
    out.write(": ")
  }
}
