package import Names
import PacketCore

extension Layer {
  static let udp = Layer(
    "udp", "User Datagram Protocol", "RFC 768"
  ) {
    [
      Field("source_port", .uint16, "Source port.", always: true),
      Field("destination_port", .uint16, "Destination port.", always: true),
      Field("payload_length", .length, "Bytes of data, as the header states."),
      Field("checksum", .uint16, "Checksum, as sent."),
      Field(
        "checksum_correct", .flag,
        "Whether it is right; left out where not all that it is over was captured, where the sender left it out, and with -K."
      ),
      Field("payload", .text, "Captured payload in the format of --json-payload: hexadecimal digits or base64."),
    ]
  }
}

extension Dissector {
  /// User Datagram Protocol, RFC 768.
  package static let udp = Dissector(name: "udp", claims: [.ipProtocol(IPProtocol.udp)], layers: [.udp]) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printUDP(bytes)
  }
}

///     0             2                  4        6
///     +-------------+------------------+--------+----------+
///     | source port | destination port | length | checksum |
///     +-------------+------------------+--------+----------+
private let headerLength = 8

extension Printer {
  /// Prints a UDP datagram and its payload.
  mutating func printUDP(_ bytes: PacketBytes) throws(DecodeError) {
    protocolName = "udp"
    guard bytes.count >= 4 else {
      // If extension headers precede UDP, the addresses have already been written.
      if network.headerProtocol == IPProtocol.udp { writeAddresses() }
      throw .truncated
    }
    let source = try bytes.u16(at: 0)
    let destination = try bytes.u16(at: 2)
    notePorts(source, destination)
    if enter(.udp) {
      fields.write("source_port", source)
      fields.write("destination_port", destination)
    }
    guard bytes.count >= headerLength, bytes.length >= headerLength else {
      writeEndpoints(source, destination, .udp)
      guard bytes.length < headerLength else { throw .truncated }
      out.write(" ")
      writeComparison("undersized-udp", bytes.length, .less, headerLength)
      writeFault(" (invalid)")
      return
    }
    let available = bytes.length &- headerLength
    var stated = Int(try bytes.u16(at: 4))
    if stated == 0, bytes.length > 0xffff {
      // A jumbogram, RFC 2675 section 4.
      stated = bytes.length
    }
    guard stated >= headerLength else {
      writeEndpoints(source, destination, .udp)
      out.write(" ")
      writeComparison("undersized-udplength", stated, .less, headerLength)
      writeFault(" (invalid)")
      return
    }
    stated &-= headerLength
    let payload = try bytes.dropping(headerLength).withLength(min(stated, available))
    if writesFields {
      fields.write("payload_length", stated)
      fields.write("checksum", try bytes.u16(at: 6))
      recordPayload(payload)
    }

    writeEndpoints(source, destination, .udp)
    let verdict = out.count
    if let type = options.payload {
      let index = registry.index(payloadType: type)
      if index != 0 {
        context.scope.datagram = (stated, payload.length, verdict)
        return try run(index, payload)
      }
    }
    if options.verbosity > 0, !options.skipChecksums, !network.isFragment {
      let isWhole = stated <= available
      if let isCorrect = try writeUDPChecksum(bytes.clamped(to: stated &+ headerLength)), isWhole {
        recordChecksum(isCorrect: isCorrect)
      }
    }
    if options.quiet {
      writeUDPLength(stated, available)
      return
    }
    let index = registry.index(udpSource: source, destination: destination)
    if index != 0 {
      context.scope.datagram = (stated, available, verdict)
      context.scope.ports = (source, destination)
      try run(index, payload)
      return
    }
    writeUDPLength(stated, available)
  }

  /// Writes the text of a datagram without a dissector; called by a dissector that finds another protocol on its port.
  package mutating func writeUDPLength() {
    writeUDPLength(context.scope.datagram.stated, context.scope.datagram.available)
  }

  /// Removes the text about the checksum; the calling dissector must not have written anything yet. tcpdump does not print that text for
  /// RPC.
  package mutating func removeUDPVerdict() { out.truncate(to: context.scope.datagram.verdict) }

  private mutating func writeUDPLength(_ stated: Int, _ available: Int) {
    if stated > available, !network.isFragment {
      writeFault("UDP, bad length ")
      out.write(decimal: stated)
      out.write(" > ")
      out.write(decimal: available)
    } else {
      out.write("UDP, length ")
      out.write(decimal: stated)
    }
  }

  /// Writes whether the checksum is right: over IPv4 it may be left out (zero), over IPv6 it may not (RFC 8200 section 8.1).
  private mutating func writeUDPChecksum(_ bytes: PacketBytes) throws(DecodeError) -> Bool? {
    guard options.verbosity > 1 || network.version == 6 else { return nil }
    let stored = try bytes.u16(at: 6)
    if stored == 0, network.version == 4 {
      out.write("[no cksum] ")
      return nil
    }
    guard bytes.count >= bytes.length else { return nil }
    var sum = network.pseudoHeader(ipProtocol: IPProtocol.udp, length: bytes.length)
    sum.add(bytes.clamped(to: bytes.length))
    if sum.value == 0 {
      out.write("[udp sum ok] ")
      return true
    } else {
      out.write("[bad udp cksum 0x")
      out.write(hex: stored, width: 4)
      out.write(" -> 0x")
      out.write(hex: InternetChecksum.correct(stored: stored, over: sum), width: 4)
      out.write("!] ")
      return false
    }
  }

  /// `A.port > B.port: `, or only the ports if extension headers precede the transport.
  @inline(__always)
  package mutating func writeEndpoints(_ source: UInt16, _ destination: UInt16, _ transport: Transport) {
    if out.isDiscarding { return }
    let isDirect = network.headerProtocol == transport.rawValue
    if isDirect {
      writeSource()
      out.write(byte: UInt8(ascii: "."))
    }
    writePort(source, transport)
    out.write(" > ")
    if isDirect {
      writeDestination()
      out.write(byte: UInt8(ascii: "."))
    }
    writePort(destination, transport)
    out.write(": ")
  }
}
