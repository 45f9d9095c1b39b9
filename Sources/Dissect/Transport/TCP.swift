import Names
import PacketCore

extension Layer {
  static let tcp = Layer(
    "tcp", "Transmission Control Protocol", "RFC 9293",
    marks: ["mptcp"], note: "Sequence numbers are absolute."
  ) {
    [
      Field("source_port", .uint16, "Source port.", always: true),
      Field("destination_port", .uint16, "Destination port.", always: true),
      Field("sequence", .uint32, "Sequence number."),
      Field("acknowledgment", .uint32, "Acknowledgment number."),
      Field("header_length", .uint8, "Bytes of the header."),
      Field(
        "flags",
        .object([
          Field("fin", .flag, "FIN.", always: true),
          Field("syn", .flag, "SYN.", always: true),
          Field("rst", .flag, "RST.", always: true),
          Field("psh", .flag, "PSH.", always: true),
          Field("ack", .flag, "ACK.", always: true),
          Field("urg", .flag, "URG.", always: true),
          Field("ece", .flag, "ECE.", always: true),
          Field("cwr", .flag, "CWR.", always: true),
          Field("ae", .flag, "AE.", always: true),
        ]), "Flags."),
      Field("window", .uint16, "Window, not scaled."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field(
        "checksum_correct", .flag,
        "Whether it is right; left out where not all that it is over was captured, and with -K."),
      Field("urgent_pointer", .uint16, "Urgent pointer."),
      Field("payload_length", .length, "Bytes of data; left out where the header's length cannot be."),
      Field("payload", .text, "Captured payload in the format of --json-payload: hexadecimal digits or base64."),
      Field(
        "options",
        .array(
          .object([
            Field("kind", .uint8, "Option kind.", always: true),
            Field("subtype", .uint8, "Subtype of Multipath TCP (RFC 8684)."),
            Field("mss", .uint16, "Maximum segment size."),
            Field("shift", .uint8, "Window scale."),
            Field("value", .uint32, "Timestamp value."),
            Field("echo_reply", .uint32, "Timestamp echo reply."),
            Field(
              "blocks",
              .array(
                .object([
                  Field("left", .uint32, "Left edge.", always: true),
                  Field("right", .uint32, "Right edge.", always: true),
                ])), "Selective acknowledgments.", each: "One block."),
            Field("data", .hex, "Value of any other option, or of one with an unexpected length."),
          ])), "Options, in order.", each: "One option; which members there are depends on its kind."),
    ]
  }
}

extension Dissector {
  /// Transmission Control Protocol, RFC 9293.
  package static let tcp = Dissector(name: "tcp", claims: [.ipProtocol(IPProtocol.tcp)], layers: [.tcp]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printTCP(bytes)
  }
}

/// The fixed header of a TCP segment (RFC 9293 section 3.1):
///
///     0     source port      2  destination port
///     4     sequence number
///     8     acknowledgment number
///     12    data offset (4 bits), flags (9)   14  window
///     16    checksum         18 urgent pointer
///     20    options
enum TCPFlags {
  static let fin: UInt16 = 0x001
  static let syn: UInt16 = 0x002
  static let reset: UInt16 = 0x004
  static let push: UInt16 = 0x008
  static let ack: UInt16 = 0x010
  static let urgent: UInt16 = 0x020
  static let all: UInt16 = 0x1ff
}

enum TCPHeader {
  /// Length of the fixed header, in bytes.
  static let minimumLength = 20
}

private let headerLength = TCPHeader.minimumLength

extension Printer {
  /// Prints a TCP segment and its payload.
  mutating func printTCP(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "tcp"
    guard bytes.count >= 4 else {
      writeSource()
      out.write(" > ")
      writeDestination()
      out.write(":")
      writeTruncation()
      return
    }
    let source = try bytes.u16(at: 0)
    let destination = try bytes.u16(at: 2)
    notePorts(source, destination)
    if enter(.tcp) {
      fields.write("source_port", source)
      fields.write("destination_port", destination)
    }
    writeEndpoints(source, destination, .tcp)
    let dataOffset = Int(try bytes.u8(at: 12) >> 4) &* 4
    if writesFields, bytes.has(0, headerLength) { try recordTCP(bytes, dataOffset) }
    if dataOffset < headerLength {
      writeTCPLength(" tcp ", bytes, dataOffset)
      out.write(" [bad hdr length ")
      out.write(decimal: dataOffset)
      writeFault(" - too short, < 20] (invalid)")
      return
    }
    try bytes.check(0, headerLength)
    let offsetAndFlags = try bytes.u16(at: 12)
    if options.quiet {
      writeTCPLength("tcp ", bytes, dataOffset)
      if dataOffset > bytes.length { writeHeaderTooLong(dataOffset, bytes.length) }
      return
    }
    let flags = offsetAndFlags & TCPFlags.all
    let acknowledgment = try bytes.u32(at: 8)
    var numbers = TCPSequence(sequence: try bytes.u32(at: 4), acknowledgment: acknowledgment)
    if !out.isDiscarding {
      out.write("Flags [")
      writeFlags(flags)
      out.write("]")
      if !options.absoluteSequence, flags & TCPFlags.ack != 0 {
        makeRelative(&numbers, source, destination, isSYN: flags & TCPFlags.syn != 0)
      }
    }
    if dataOffset > bytes.length {
      writeHeaderTooLong(dataOffset, bytes.length)
      return
    }
    if options.verbosity > 0, !options.skipChecksums, !network.isFragment { try writeTCPChecksum(bytes) }

    let length = bytes.length &- dataOffset
    if !wantsLayersAlone { try writeTCPNumbers(bytes, flags, numbers, length: length) }
    if dataOffset > headerLength, !wantsLayersAlone || !bytes.hasTimestampsAlone(dataOffset) {
      let isWhole = try printTCPOptions(
        try bytes.dropping(headerLength), length: dataOffset &- headerLength, numbers, flags)
      if !isWhole { return }
    }
    out.write(", length ")
    out.write(decimal: length)
    if length > 0 {
      if dataOffset > bytes.count {
        writeHeaderCut(bytes, dataOffset)
        throw .truncated
      }
      try printTCPPayload(try bytes.dropping(dataOffset), source, destination, isReset: flags & TCPFlags.reset != 0)
    }
  }

  /// `, seq 1:5, ack 1, win 512`, and anything that contradicts the flags.
  @inline(__always)
  private mutating func writeTCPNumbers(
    _ bytes: PacketBytes, _ flags: UInt16, _ numbers: TCPSequence, length: Int
  ) throws(DecodeError) {
    let acknowledgment = try bytes.u32(at: 8)
    let urgent = try bytes.u16(at: 18)
    if out.isDiscarding {
      let contradicts =
        flags & TCPFlags.ack == 0 && acknowledgment != 0 || flags & TCPFlags.urgent == 0 && urgent != 0
      if options.verbosity > 1, contradicts { noteInvalid() }
      return
    }
    let isControl = flags & (TCPFlags.fin | TCPFlags.syn | TCPFlags.reset) != 0
    if options.verbosity > 1 || length > 0 || isControl {
      out.write(", seq ")
      out.write(decimal: numbers.sequence)
      if length > 0 {
        out.write(byte: UInt8(ascii: ":"))
        out.write(decimal: numbers.sequence &+ UInt32(truncatingIfNeeded: length))
      }
    }
    if flags & TCPFlags.ack != 0 {
      out.write(", ack ")
      out.write(decimal: numbers.acknowledgment)
    } else if options.verbosity > 1, acknowledgment != 0 {
      writeFault(", [ack ")
      out.write(decimal: acknowledgment)
      out.write(" != 0 while ACK flag not set]")
    }
    out.write(", win ")
    out.write(decimal: try bytes.u16(at: 14))
    if flags & TCPFlags.urgent != 0 {
      out.write(", urg ")
      out.write(decimal: urgent)
    } else if options.verbosity > 1, urgent != 0 {
      writeFault(", [urg ")
      out.write(decimal: urgent)
      out.write(" != 0 while URG flag not set]")
    }
  }

  private mutating func recordTCP(_ bytes: PacketBytes, _ dataOffset: Int) throws(DecodeError) {
    let flags = try bytes.u16(at: 12) & TCPFlags.all
    fields.write("sequence", try bytes.u32(at: 4))
    fields.write("acknowledgment", try bytes.u32(at: 8))
    fields.write("header_length", dataOffset)
    recordTCPFlags(flags)
    fields.write("window", try bytes.u16(at: 14))
    fields.write("checksum", try bytes.u16(at: 16))
    fields.write("urgent_pointer", try bytes.u16(at: 18))
    guard dataOffset >= headerLength, dataOffset <= bytes.length else { return }
    fields.write("payload_length", bytes.length &- dataOffset)
    if dataOffset < bytes.count { recordPayload(try bytes.dropping(dataOffset)) }
  }

  /// Records the object of the flags. Few of the 512 combinations are common; each is formatted once and then copied.
  @inline(__always)
  private mutating func recordTCPFlags(_ flags: UInt16) {
    fields.write(key: "flags")
    if tcpFlagTexts.write(Int(flags), into: &fields.json) { return }
    let start = fields.json.count
    fields.needsComma = false
    fields.beginObject()
    fields.write("fin", flags & TCPFlags.fin != 0)
    fields.write("syn", flags & TCPFlags.syn != 0)
    fields.write("rst", flags & TCPFlags.reset != 0)
    fields.write("psh", flags & TCPFlags.push != 0)
    fields.write("ack", flags & TCPFlags.ack != 0)
    fields.write("urg", flags & TCPFlags.urgent != 0)
    fields.write("ece", flags & 0x040 != 0)
    fields.write("cwr", flags & 0x080 != 0)
    fields.write("ae", flags & 0x100 != 0)
    fields.end()
    tcpFlagTexts.keep(Int(flags), fields.json, from: start)
  }

  /// The length of the payload; an impossible one, below zero, is written as an unsigned number.
  private mutating func writeTCPLength(_ title: StaticString, _ bytes: PacketBytes, _ dataOffset: Int) {
    out.write(title)
    out.write(decimal: UInt32(truncatingIfNeeded: bytes.length &- dataOffset))
  }

  private mutating func writeHeaderTooLong(_ dataOffset: Int, _ length: Int) {
    writeFault(" [bad hdr length ")
    out.write(decimal: dataOffset)
    out.write(" - too long, > ")
    out.write(decimal: length)
    out.write("] (invalid)")
  }

  /// One letter for each flag; `none` if none is set.
  @inline(__always)
  private mutating func writeFlags(_ flags: UInt16) {
    switch flags {
    case TCPFlags.ack: out.write(byte: UInt8(ascii: "."))
    case TCPFlags.push | TCPFlags.ack: out.write("P.")
    case TCPFlags.syn: out.write(byte: UInt8(ascii: "S"))
    case 0: out.write("none")
    default:
      let letters: StaticString = "FSRP.UEWe"
      var bit = 0
      letters.withUTF8Buffer { buffer in
        for index in buffer.indices {
          if flags & (1 << UInt16(bit)) != 0 { out.write(byte: unsafe buffer[index]) }
          bit &+= 1
        }
      }
    }
  }

  private mutating func writeTCPChecksum(_ bytes: PacketBytes) throws(DecodeError) {
    guard bytes.count >= bytes.length else { return }
    let stored = try bytes.u16(at: 16)
    var sum = network.pseudoHeader(ipProtocol: IPProtocol.tcp, length: bytes.length)
    sum.add(bytes.clamped(to: bytes.length))
    recordChecksum(isCorrect: sum.value == 0)
    out.write(", cksum 0x")
    out.write(hex: stored, width: 4)
    if sum.value == 0 {
      out.write(" (correct)")
    } else {
      out.write(" (incorrect -> 0x")
      out.write(hex: InternetChecksum.correct(stored: stored, over: sum), width: 4)
      out.write(")")
    }
  }

  private mutating func printTCPPayload(
    _ payload: PacketBytes, _ source: UInt16, _ destination: UInt16, isReset: Bool
  ) throws(DecodeError) {
    if isReset {
      if options.verbosity > 0 { try writeResetData(payload) }
      return try payload.check(0, payload.length)
    }
    let index =
      options.payload.map { registry.index(tcpPayloadType: $0) }
      ?? registry.index(tcpSource: source, destination: destination)
    if index != 0 { try run(index, payload) }
  }

  /// Writes why a connection was reset: text (RFC 1122 section 4.2.2.12), or a code (draft-boucadair-tcpm-rst-diagnostic-payload).
  private mutating func writeResetData(_ payload: PacketBytes) throws(DecodeError) {
    out.write(" [RST")
    if payload.length == 8, try payload.u16(at: 0) == 0x33aa {
      let code = try payload.u16(at: 2)
      let enterprise = try payload.u32(at: 4)
      out.write(": ")
      if enterprise == 0, options.verbosity > 1, let reason = resetReasons[code] {
        out.write(reason)
      } else {
        out.write("code ")
        out.write(decimal: code)
        out.write(", pen ")
        out.write(decimal: enterprise)
      }
      out.write("]")
      return
    }
    let shown = min(payload.length, maximumResetText)
    if payload.length > maximumResetText { out.write("+") }
    out.write(" ")
    try writeText(payload, length: shown)
    out.write("]")
  }
}

extension PacketBytes {
  /// True if the options of a segment are two bytes of padding and a timestamps option, as most systems send them.
  fileprivate func hasTimestampsAlone(_ dataOffset: Int) -> Bool {
    guard dataOffset == headerLength &+ 12, has(headerLength, 12) else { return false }
    return (try? u32(at: headerLength)) == 0x0101_080a
  }
}

/// Maximum number of bytes printed of a reset's text.
private let maximumResetText = 30

/// Reasons of the registry "RST Diagnostic Payload CBOR Key Values", of enterprise number 0.
private let resetReasons: ValueNames = [
  0: "Reserved", 1: "Illegal option length", 2: "Desynchronized state", 3: "New data is received after CLOSE is called",
  4: "ABORT process", 5: "Unexpected ACK received by non-synchronized state connection",
  6: "Unexpected SYN in the window",
  7: "Unexpected security compartment", 8: "Malformed message", 9: "Not authorized", 10: "Resource exceeded",
  11: "Network failure", 12: "Reset received from the peer", 13: "Destination unreachable", 14: "Connection timeout",
  15: "Too much outstanding data", 16: "Unacceptable performance", 17: "Middlebox interference",
]
