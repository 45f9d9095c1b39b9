import PacketCore
import Testing

@testable import ApusCLI

/// Looks up the processes of packets one after another.
@Suite struct PacketProcessCacheTests {
  private static func processes(_ number: UInt32) -> PacketProcesses {
    PacketProcesses(
      sender: ProcessOwner(
        process: number, thread: 0, user: 0, controlGroup: ControlGroup("/a"), name: ProcessName("x".utf8),
        evidence: .event))
  }

  @Test func answersAreThoseOfTheOptions() {
    var (writer, reader) = (PacketProcessCache(), PacketProcessCache())
    for number in (1...UInt32(40)).flatMap({ [$0, $0 % 7 + 1] }) {
      for direction in [PacketDirection.outbound, .inbound] {
        let options = writer.options(of: Self.processes(number), direction)
        var plain: [UInt8] = []
        Self.processes(number).appendOptions(direction, to: &plain)
        #expect(options == plain)
        let packet = Packet(
          bytes: PacketBytes(RawSpan()), timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: .ethernet,
          interface: 0, direction: direction, options: PacketOptions(unsafe options.span.bytes, isByteSwapped: false))
        #expect(reader.processes(of: packet) == Self.processes(number))
      }
    }
    let bare = Packet(
      bytes: PacketBytes(RawSpan()), timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: .ethernet)
    #expect(reader.processes(of: bare).isEmpty)
  }
}
