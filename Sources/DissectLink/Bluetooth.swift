package import Dissect
import PacketCore

extension Layer {
  static let bluetooth = Layer(
    "bluetooth", "Bluetooth host controller interface", "LINKTYPE_BLUETOOTH_HCI_H4_WITH_PHDR"
  ) {
    [
      Field("frame_direction", .words(["in", "out"]), "To the host, or to the controller.", always: true),
      Field("packet_type", .uint16, "1 command, 2 and 3 data, 4 event."),
    ]
  }
}

extension Dissector {
  package static let bluetooth = Dissector(
    name: "bluetooth", claims: [.linkType(LinkType(rawValue: 201))], layers: [.bluetooth], print: printBluetooth)
}

///     0           4
///     +-----------+------+---------
///     | direction | type | packet
///     +-----------+------+---------
private let headerLength = 4
private let received: UInt32 = 1

@Sendable
private func printBluetooth(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.out.write("bluetooth")
  let isReceived = try bytes.u32(at: 0) & received != 0
  let packet = try bytes.dropping(headerLength)
  if printer.enter(.bluetooth) {
    printer.fields.write("frame_direction", isReceived ? "in" : "out")
    if packet.count > 0 { printer.fields.write("packet_type", try packet.u8(at: 0)) }
  }
  printer.context.linkHeaderLength = headerLength
  if printer.options.linkHeader {
    printer.write(", hci length ", packet.length)
    printer.out.write(isReceived ? ", direction in" : ", direction out")
  }
  printer.dumpUnknown(packet)
}
