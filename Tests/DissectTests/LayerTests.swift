import PacketCore
import Protocols
import TestSupport
import Testing

@testable import Dissect

/// Statistics count the same layers that structured output has, except that several messages in a row count as one.
struct LayerTests {
  /// The names of a packet's layers in structured output and in statistics.
  private struct Comparison: ~Copyable {
    private var fields = Printer(options: PrintOptions().forFields, recording: .fields)
    private var layers = Printer(options: PrintOptions().forLayers, recording: .layers)

    mutating func compare(_ packet: borrowing Packet, _ name: String) {
      // Packets with impossible lengths are not parsed.
      guard packet.bytes.hasPossibleLengths else { return }
      fields.out.removeAll()
      fields.json(packet, number: 1, interface: nil)
      layers.parse(packet)
      let (wanted, counted) = (Self.names(fields), Self.names(layers))
      #expect(counted == wanted, "\(name)")
      let written = layers.out.count
      #expect(written == 0, "\(name)")
    }

    private static func names(_ printer: borrowing Printer) -> [String] {
      var names: [String] = []
      let layers = printer.layers
      for index in layers.indices {
        let name = printer.registry[layers[index]].map { "\($0.name)" } ?? "?"
        if names.last != name { names.append(name) }
      }
      return names
    }
  }

  @Test(arguments: SavefileList.all)
  func ofCaptures(_ file: SavefileList.Entry) throws {
    var comparison = Comparison()
    try file.forEachPacket { packet, number, _ in
      // Later packets of a large file are more of the same.
      if number <= 200 { comparison.compare(packet, "\(file) \(number)") }
    }
  }

  @Test(arguments: PacketCaseFile.names)
  func ofCases(_ name: String) throws {
    var comparison = Comparison()
    for packet in try PacketCaseFile(name).packets {
      comparison.compare(
        Packet(
          bytes: PacketBytes(unsafe packet.octets.span.bytes, length: packet.len),
          timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: packet.linkType), "\(name).txt, \(packet.title)")
    }
  }
}
