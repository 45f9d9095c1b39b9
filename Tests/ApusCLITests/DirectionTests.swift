import Foundation
import TestSupport
import Testing

/// `inbound` and `outbound` on files: pcapng gives the direction of a packet, pcap does not.
@Suite(.waits) struct DirectionTests {
  @Test(arguments: [
    ("inbound", 3), ("outbound", 2), ("not inbound", 2), ("inbound and udp", 3), ("outbound and tcp", 0),
    ("(inbound and len < 46) or outbound", 4),
  ])
  func theFileTells(_ expression: String, _ count: Int) throws {
    let path = try Self.file(directions: [1, 2, 1, 2, 1])
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus("--count", "-r", path, expression)
    #expect(outcome.output == "\(count) packets\n" && outcome.status == 0, "\(outcome.errors)")
  }

  @Test func aPacketWithoutDirectionIsNoneOfBoth() throws {
    let path = try Self.file(directions: [1, 0, 1])
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus("-nn", "-t", "-r", path, "inbound or tcp")
    #expect(outcome.status == 0 && outcome.output.split(separator: "\n").count == 2, "\(outcome.output)")
    #expect(outcome.errors.contains("the file does not record the direction of these packets"), "\(outcome.errors)")
    // A filter that does not need the direction accepts the file.
    #expect(try Subprocess.apus("--count", "-r", path, "udp").output == "3 packets\n")
  }

  @Test func whatIsNotToldIsRefused() throws {
    let pcap = Fixture.capture("http.pcap")
    #expect(try Subprocess.apus("--count", "-r", pcap, "inbound").errors.contains("not a live capture"))
    let path = try Self.file(directions: [1])
    defer { Subprocess.remove(path) }
    #expect(try Subprocess.apus("--count", "-r", path, "ifindex 1").errors.contains("not a live capture"))
    // The direction known from one file does not apply to the next.
    let outcome = try Subprocess.apus("--count", "-r", path, "-r", pcap, "inbound")
    #expect(
      outcome.status == 0 && outcome.errors.contains("does not record the direction of these packets"),
      "\(outcome.errors)")
  }

  /// A pcapng file of UDP datagrams on Ethernet, of 43 bytes or more, with epb_flags (0: without).
  private static func file(directions: [UInt8]) throws -> String {
    func words(_ values: [UInt32]) -> [UInt8] {
      values.flatMap { unsafe withUnsafeBytes(of: $0.littleEndian) { unsafe Array($0) } }
    }
    func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
      let length = UInt32(12 + body.count)
      return words([type, length]) + body + words([length])
    }
    var octets = block(0x0a0d_0d0a, words([0x1a2b_3c4d, 0x0000_0001, .max, .max])) + block(1, words([1, 0]))
    for (index, direction) in directions.enumerated() {
      let udp: [UInt8] =
        [0x03, 0xe8, 0x00, 0x09, 0x00, UInt8(9 + index), 0, 0] + [UInt8](repeating: 0x2e, count: 1 + index)
      let ip: [UInt8] = [0x45, 0, 0, UInt8(20 + udp.count), 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
      let frame = [UInt8](repeating: 2, count: 12) + [8, 0] + ip + udp
      let padding = [UInt8](repeating: 0, count: (4 - frame.count % 4) % 4)
      let flags = direction == 0 ? [] : words([0x0004_0002, UInt32(direction), 0])
      octets += block(
        6, words([0, 0, UInt32(index), UInt32(frame.count), UInt32(frame.count)]) + frame + padding + flags)
    }
    return try Subprocess.temporaryFile(Data(octets), suffix: ".pcapng")
  }
}
