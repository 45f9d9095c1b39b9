package import Dissect
import PacketCore

extension Layer {
  static let vsock = Layer("vsock", "Sockets between a virtual machine and its host", "LINKTYPE_VSOCK") {
    [
      Field("source_cid", .uint64, "Context of the sender: 2 is the host.", always: true),
      Field("destination_cid", .uint64, "Context of the receiver.", always: true),
      Field("source_port", .uint32, "Port of the sender.", always: true),
      Field("destination_port", .uint32, "Port of the receiver.", always: true),
      Field("operation", .uint16, "1 connect, 2 disconnect, 3 control, 4 payload.", always: true),
      Field("transport", .uint16, "1 without, 2 with a header of virtio.", always: true),
      Field("transport_length", .uint16, "Bytes of the transport's header.", always: true),
      Field("virtio_operation", .uint16, "Operation in the header of virtio."),
      Field("virtio_operation_name", .text, "Its name."),
      Field("payload_length", .uint32, "Bytes of payload, as the header of virtio states."),
      Field("flag_bits", .uint32, "Flags in the header of virtio, as bits: 1 no more is received, 2 no more is sent."),
      Field("buffer_size", .uint32, "Bytes for which the sender has room."),
      Field("forwarded_count", .uint32, "Bytes that its socket has taken."),
    ]
  }
}

extension Dissector {
  package static let vsock = Dissector(
    name: "vsock", claims: [.linkType(LinkType(rawValue: 271))], layers: [.vsock], print: printVSock)
}

private let headerLength = 32
private let virtioHeaderLength = 44

private enum Transport {
  static let unknown: UInt16 = 0
  static let noInformation: UInt16 = 1
  static let virtio: UInt16 = 2
  static let names: ValueNames = [0: "UNKNOWN", 1: "NO_INFO", 2: "VIRTIO"]
}

private let payloadOperation: UInt16 = 4
private let operations: ValueNames = [0: "UNKNOWN", 1: "CONNECT", 2: "DISCONNECT", 3: "CONTROL", 4: "PAYLOAD"]
private let virtioTypes: ValueNames = [1: "STREAM"]
private let virtioOperations: ValueNames = [
  0: "INVALID", 1: "REQUEST", 2: "RESPONSE", 3: "RST", 4: "SHUTDOWN", 5: "RW", 6: "CREDIT UPDATE", 7: "CREDIT REQUEST",
]

///     0            8                 16            20                 24          26          28               32
///     +------------+-----------------+-------------+------------------+-----------+-----------+----------------+---
///     | source CID | destination CID | source port | destination port | operation | transport | length         |
///     +------------+-----------------+-------------+------------------+-----------+-----------+----------------+---
/// All fields are little-endian; the header of the transport follows, then the payload.
@Sendable
private func printVSock(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let transport = try bytes.u16le(at: 26)
  let length = Int(try bytes.u16le(at: 28))
  if printer.enter(.vsock) {
    printer.fields.write("source_cid", try bytes.u64le(at: 0))
    printer.fields.write("destination_cid", try bytes.u64le(at: 8))
    printer.fields.write("source_port", try bytes.u32le(at: 16))
    printer.fields.write("destination_port", try bytes.u32le(at: 20))
    printer.fields.write("operation", try bytes.u16le(at: 24))
    printer.fields.write("transport", transport)
    printer.fields.write("transport_length", UInt16(truncatingIfNeeded: length))
  }
  printer.write("", transport, as: .named(Transport.names, unknown: .decimal("Invalid transport (", ")")))
  guard printer.options.verbosity > 0 else {
    printer.out.write(" ")
    return try writeEndpoints(bytes, &printer)
  }
  let header = try bytes.dropping(headerLength)
  if transport == Transport.virtio {
    guard header.has(0, virtioHeaderLength) else {
      try writeEndpoints(bytes, &printer)
      throw .truncated
    }
    printer.out.write(" (")
    try printVirtio(header, &printer)
    printer.out.write(")")
  }
  printer.out.write("\n\t")
  try writeEndpoints(bytes, &printer)
  let transportLength = transport == Transport.virtio ? virtioHeaderLength : 0
  let payload = try header.dropping(transportLength)
  if printer.options.verbosity > 1, try bytes.u16le(at: 24) == payloadOperation, payload.count > 0 {
    printer.out.write("\n")
    printer.writeHex(payload, indent: "\t")
  }
}

/// `3.1024 > 2.1234 CONNECT, length 76`.
private func writeEndpoints(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("", try bytes.u64le(at: 0))
  printer.write(".", try bytes.u32le(at: 16))
  printer.write(" > ", try bytes.u64le(at: 8))
  printer.write(".", try bytes.u32le(at: 20))
  printer.write(" ", try bytes.u16le(at: 24), as: .named(operations, unknown: .decimal(" invalid op (", ")")))
  printer.write(", length ", bytes.length)
}

///     24       28     30          32      36                40
///     +--------+------+-----------+-------+-----------------+-----------------+
///     | length | type | operation | flags | buffer size     | forwarded count |      after CIDs and ports
///     +--------+------+-----------+-------+-----------------+-----------------+
private func printVirtio(_ header: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("len ", "payload_length", try header.u32le(at: 24))
  printer.write(", type ", try header.u16le(at: 28), as: .named(virtioTypes, unknown: .decimal("Invalid type (", ")")))
  printer.write(
    ", op ", "virtio_operation", try header.u16le(at: 30),
    as: .named(virtioOperations, key: "virtio_operation_name", unknown: .decimal("Invalid op (", ")")))
  let flags = try header.u32le(at: 32)
  if printer.writesFields { printer.fields.write("flag_bits", flags) }
  printer.write(", flags ", flags, as: .hex(1))
  printer.write(", buf_alloc ", "buffer_size", try header.u32le(at: 36))
  printer.write(", fwd_cnt ", "forwarded_count", try header.u32le(at: 40))
}
