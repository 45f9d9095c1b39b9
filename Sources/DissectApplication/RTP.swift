package import Dissect
import PacketCore

extension Layer {
  static let rtp = Layer(
    "rtp", "Real-time Transport Protocol", "RFC 3550", note: "No port is claimed: it is printed with -T rtp."
  ) {
    [
      Field("version", .uint8, "Version."),
      Field("padding", .flag, "The payload ends in padding."),
      Field("extension", .flag, "A header extension follows the header."),
      Field("contributors", .uint8, "Contributing sources."),
      Field("marker", .flag, "Marker, whose meaning depends on the payload."),
      Field("payload_type", .uint8, "Kind of payload."),
      Field("sequence", .uint16, "Sequence number."),
      Field("timestamp", .uint32, "Time of the first byte, in the payload's own units."),
      Field("ssrc", .uint32, "Synchronization source."),
      Field("payload_length", .length, "Bytes after the fixed header."),
    ]
  }

  static let rtcp = Layer(
    "rtcp", "RTP Control Protocol", "RFC 3550", note: "One object for each packet of a compound; printed with -T rtcp."
  ) {
    [
      Field("type", .uint8, "Kind of packet."),
      Field("type_name", .text, "Name of the kind."),
      Field("length", .uint32, "Bytes of the packet."),
      Field("ssrc", .uint32, "Synchronization source that the packet is from."),
      Field("ntp_seconds", .uint32, "Seconds of the wall clock since 1900."),
      Field("ntp_fraction", .uint32, "Fraction of a second, in 2^-32 seconds."),
      Field("timestamp", .uint32, "The same time as RTP has it."),
      Field("packet_count", .uint32, "Packets that were sent."),
      Field("byte_count", .uint32, "Bytes of payload that were sent."),
      Field(
        "reports",
        .array(
          .object([
            Field("ssrc", .uint32, "Source that the report is about.", always: true),
            Field("lost", .uint32, "Packets that were lost.", always: true),
            Field("last_sequence", .uint32, "Highest sequence number that has arrived.", always: true),
            Field("jitter", .uint32, "Variation of the time between packets, in the payload's units.", always: true),
          ])), "Reception reports.", each: "One report."),
    ]
  }

  static let vat = Layer(
    "vat", "Visual Audio Tool of LBL", "", note: "Only the format of its packets is printed."
  ) {
    [Field("payload_length", .length, "Bytes after the header.")]
  }
}

extension Dissector {
  package static let rtp = Dissector(name: "rtp", claims: [.payloadType(.rtp)], layers: [.rtp], print: printRTP)
  package static let rtcp = Dissector(name: "rtcp", claims: [.payloadType(.rtcp)], layers: [.rtcp], print: printRTCP)
  package static let vat = Dissector(
    name: "vat", claims: [.udpPort(3456), .payloadType(.vat)], layers: [.vat], print: printVAT)
}

// MARK: RTP

///     0          1      2          4           8        12
///     +----------+------+----------+-----------+--------+---------
///     | V P X CC | M PT | sequence | timestamp | source | payload      (RFC 3550 section 5.1)
///     +----------+------+----------+-----------+--------+---------
/// Version (2 bits), padding, extension, number of contributing sources (4); marker, payload type (7). Version 1 has no source.
private let headerLength = 12
private let version1HeaderLength = 8
/// The payload type of H.261 video, of which two bytes are shown.
private let h261: UInt8 = 31

@Sendable
private func printRTP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("udp/rtp")
  guard !isTooShort(bytes, version1HeaderLength, &printer) else { return }
  let (first, second) = (try bytes.u8(at: 0), try bytes.u8(at: 1))
  let isVersion1 = first >> 6 == 1
  if !isVersion1, isTooShort(bytes, headerLength, &printer) { return }
  // In version 1 the type has six bits; the two bits before it say whether there are options, and are the marker.
  let type = isVersion1 ? second & 0x3f : second & 0x7f
  let hasExtension = isVersion1 ? second & 0x80 != 0 : first & 0x10 != 0
  let hasMarker = isVersion1 ? second & 0x40 != 0 : second & 0x80 != 0
  let sequence = try bytes.u16(at: 2)
  let timestamp = try bytes.u32(at: 4)
  let length = bytes.length &- (isVersion1 ? version1HeaderLength : headerLength)
  if printer.enter(.rtp) {
    printer.fields.write("version", first >> 6)
    if !isVersion1 {
      printer.fields.write("padding", first & 0x20 != 0)
      printer.fields.write("extension", hasExtension)
      printer.fields.write("contributors", first & 15)
      printer.fields.write("marker", hasMarker)
    }
    printer.fields.write("payload_type", type)
    printer.fields.write("sequence", sequence)
    printer.fields.write("timestamp", timestamp)
    if !isVersion1 { printer.fields.write("ssrc", try bytes.u32(at: 8)) }
    printer.fields.write("payload_length", length)
  }
  if isVersion1 { printer.out.write("v1") }
  printer.write(" ", length)
  printer.write(" c", type)
  printer.out.write(" ")
  if hasExtension { printer.out.write("+") }
  if hasMarker { printer.out.write("*") }
  printer.write(" ", sequence)
  printer.write(" ", timestamp)
  guard printer.options.verbosity > 0 else { return }
  printer.write(" ", try bytes.u32(at: 8))
  guard type == h261 else { return }
  let offset = isVersion1 ? version1HeaderLength : headerLength
  printer.write(" 0x", try bytes.u32(at: offset) >> 16, as: .hex(4))
}

/// `, length 4 < 8` for a packet without a complete header.
private func isTooShort(_ bytes: PacketBytes, _ minimum: Int, _ printer: inout Printer) -> Bool {
  guard bytes.length < minimum else { return false }
  printer.write(", length ", bytes.length)
  printer.write(" < ", minimum)
  printer.noteInvalid()
  return true
}

// MARK: RTCP

private enum Control {
  static let senderReport: UInt8 = 200
  static let receiverReport: UInt8 = 201
  static let description: UInt8 = 202
  static let bye: UInt8 = 203
  static let names: ValueNames = [200: "sr", 201: "rr", 202: "sdes", 203: "bye"]
}

///     0          1      2        4
///     +----------+------+--------+--------
///     | V P count| type | length | source, then by type      (RFC 3550 section 6.4)
///     +----------+------+--------+--------
/// The length counts words of four bytes, without the first word.
@Sendable
private func printRTCP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  var offset = 0
  while offset < bytes.length {
    let rest = try bytes.dropping(offset)
    guard rest.has(0, 4) else {
      printer.out.write(" ")
      return printer.writeTruncation(of: "rtcp")
    }
    let length = (Int(try rest.u16(at: 2)) &+ 1) &* 4
    try printControl(rest, length, &printer)
    offset &+= length
  }
}

private func printControl(_ bytes: PacketBytes, _ length: Int, _ printer: inout Printer) throws(DecodeError) {
  let count = Int(try bytes.u8(at: 0) & 0x1f)
  let type = try bytes.u8(at: 1)
  if printer.enter(.rtcp) {
    printer.fields.write("type", type, "type_name", Control.names)
    printer.fields.write("length", length)
  }
  printer.write(" ", type, as: .named(Control.names, unknown: .hex("type-0x")))
  let isReport = type == Control.senderReport || type == Control.receiverReport
  if !isReport { printer.write(" ", length) }
  guard Control.names[type] != nil else { return }
  if isReport, length > bytes.length {
    printer.write(" [", length)
    printer.writeFault("]")
  }
  guard bytes.has(4, 4) else { return }
  let source = try bytes.u32(at: 4)
  if printer.writesFields { printer.fields.write("ssrc", source) }
  if printer.options.verbosity > 0 { printer.write(" ", source) }
  guard isReport else { return }
  var offset = 8
  if type == Control.senderReport {
    try printSender(bytes, &printer)
    offset &+= 20
  }
  let level = printer.fields.level
  if printer.writesFields { printer.fields.beginArray("reports") }
  for _ in 0..<count {
    try printReport(try bytes.dropping(offset), &printer)
    offset &+= 24
  }
  if printer.writesFields { printer.fields.end(downTo: level) }
}

/// 8 seconds since 1900 (4)  12 fraction (4)  16 timestamp of RTP (4)  20 packets (4)  24 bytes (4)
private func printSender(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let (seconds, fraction) = (try bytes.u32(at: 8), try bytes.u32(at: 12))
  if printer.writesFields {
    printer.fields.write("ntp_seconds", seconds)
    printer.fields.write("ntp_fraction", fraction)
  }
  printer.out.write(" @")
  writeHundredths(UInt64(seconds) << 32 | UInt64(fraction), bits: 32, &printer)
  printer.write(" ", "timestamp", try bytes.u32(at: 16))
  printer.write(" ", "packet_count", try bytes.u32(at: 20))
  printer.write("p ", "byte_count", try bytes.u32(at: 24))
  printer.out.write("b")
}

///     0        4               5      8               12       16            20
///     +--------+---------------+------+---------------+--------+-------------+-------
///     | source | fraction lost | lost | last sequence | jitter | last report | delay since it
///     +--------+---------------+------+---------------+--------+-------------+-------
/// The last two in 2^-16 seconds.
private func printReport(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, 24)
  let (source, lost) = (try bytes.u32(at: 0), try bytes.u24(at: 5))
  let (last, jitter) = (try bytes.u32(at: 8), try bytes.u32(at: 12))
  if printer.writesFields {
    printer.fields.beginObject()
    printer.fields.write("ssrc", source)
    printer.fields.write("lost", lost)
    printer.fields.write("last_sequence", last)
    printer.fields.write("jitter", jitter)
    printer.fields.end()
  }
  if printer.options.verbosity > 0 { printer.write(" ", source) }
  printer.write(" ", lost)
  printer.write("l ", last)
  printer.write("s ", jitter)
  printer.out.write("j @")
  writeHundredths(UInt64(try bytes.u32(at: 16)), bits: 16, &printer)
  printer.out.write("+")
  writeHundredths(UInt64(try bytes.u32(at: 20)), bits: 16, &printer)
}

/// A number with a fraction of `bits` bits, rounded to hundredths.
private func writeHundredths(_ value: UInt64, bits: UInt64, _ printer: inout Printer) {
  let fraction = value & ((1 << bits) &- 1)
  let hundredths = (fraction &* 100 &+ (1 << (bits &- 1))) >> bits
  printer.out.write(decimal: (value >> bits) &+ hundredths / 100)
  printer.out.write(".")
  printer.out.write(decimal: hundredths % 100, width: 2)
}

// MARK: vat

/// 0 flags and audio format (2)  2 conference (2)  4 timestamp (4)  8 audio. An older form begins with a session time.
@Sendable
private func printVAT(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  guard bytes.length >= 8 else {
    printer.out.write("udp/vat")
    _ = isTooShort(bytes, 8, &printer)
    return
  }
  let first = try bytes.u16(at: 0)
  let isOld = first & 0xf060 != 0
  printer.out.write(isOld ? "udp/vt" : "udp/vat")
  if printer.enter(.vat) { printer.fields.write("payload_length", bytes.length &- 8) }
  if isOld {
    printer.write(" ", bytes.length)
    printer.write(" ", first & 0x3ff)
    printer.write(" / ", first >> 10)
    return
  }
  printer.write(" ", bytes.length &- 8)
  printer.write(" c", try bytes.u16(at: 2))
  printer.write(" ", try bytes.u32(at: 4))
  if first & 0x80 != 0 { printer.out.write("*") }
  if first & 0x1f != 0 { printer.write(" f", first & 0x1f) }
}
