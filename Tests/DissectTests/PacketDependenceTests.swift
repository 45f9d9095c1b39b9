import PacketCore
import Protocols
import TestSupport
import Testing

@testable import Dissect

/// The text of a packet depends only on known state: a printer that has seen no other packet prints it the same.
struct PacketDependenceTests {
  /// `-nnt`, `-nntvvv` and `-nntqS`.
  private static let forms: [PrintOptions] = {
    var plain = PrintOptions()
    (plain.numeric, plain.timestamp) = (2, .none)
    var (detailed, quiet) = (plain, plain)
    detailed.verbosity = 3
    (quiet.quiet, quiet.absoluteSequence) = (true, true)
    return [plain, detailed, quiet]
  }()

  @Test(arguments: PacketCaseFile.names)
  func textFollowsFromThePacket(_ name: String) throws {
    let file = try PacketCaseFile(name)
    for options in Self.forms {
      var all = Printer(options: options)
      var notes = Printer(options: options)
      for packet in file.packets {
        let text = all.text(packet)
        var alone = Printer(options: options)
        let octets = packet.octets
        let lent = Packet(
          bytes: PacketBytes(unsafe octets.span.bytes, length: packet.len),
          timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: packet.linkType)
        let dependence = notes.dependence(of: lent)
        if case .earlierPackets = dependence {
          notes.packet(lent, number: 1)
          continue
        }
        alone.packet(lent, number: 1, given: dependence)
        #expect(alone.out.string == text, "\(name), \(packet.title)")
      }
    }
  }
}
