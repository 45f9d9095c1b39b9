import PacketCore
import Protocols
import TestSupport
import Testing

@testable import ApusCLI
@testable import Dissect

/// What the text of a packet depends on is known: a printer that has seen no other packet prints it the same.
struct PacketDependenceTests {
  @Test(arguments: PacketCaseFile.names)
  func textFollowsFromThePacket(_ name: String) throws {
    let file = try PacketCaseFile(name)
    for flags in ["-nnt", "-nntvvv", "-nntqS"] {
      let words = ["--color", "never", "-r", "-"] + flags.split(separator: " ").map(String.init)
      let options = try Configuration(ApusCommandLine.options(words)).printing
      var (all, notes) = (Printer(options: options), Printer(options: options))
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
        #expect(alone.out.string == text, "\(name), \(packet.title), \(flags)")
      }
    }
  }
}
