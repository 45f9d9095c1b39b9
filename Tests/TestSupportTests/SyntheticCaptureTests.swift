import PacketCore
import TestSupport
import Testing

@Suite struct SyntheticCaptureTests {
  @Test func theSameSeedGivesTheSamePackets() {
    let one = Array(SyntheticCapture(seed: 7).prefix(500))
    #expect(one == Array(SyntheticCapture(seed: 7).prefix(500)))
    #expect(one != Array(SyntheticCapture(seed: 8).prefix(500)))
  }

  @Test(arguments: [
    "tcp", "udp", "icmp", "icmp6", "arp", "ip6 and tcp", "vlan", "tcp port 80", "tcp[tcpflags] & tcp-rst != 0",
    "vlan and tcp port 443", "ip6 and udp",
  ])
  func everyKindOfPacketIsInIt(_ filter: String) throws {
    let program = try Libpcap.compile(filter)
    let packets = SyntheticCapture().prefix(5000)
    #expect(packets.contains { Libpcap.run(program, $0.octets) != 0 })
  }

  @Test func portsThatAreDecodedAreNot() throws {
    let program = try Libpcap.compile("port 25 or port 53 or port 123")
    #expect(!SyntheticCapture().prefix(5000).contains { Libpcap.run(program, $0.octets) != 0 })
  }

  @Test(arguments: [
    "tcp port 80 and tcp[tcpflags] & tcp-push != 0", "udp src port 53", "udp dst port 53", "udp port 123",
  ])
  func applicationsAreInIt(_ filter: String) throws {
    let program = try Libpcap.compile(filter)
    let packets = SyntheticCapture(hasApplications: true).prefix(5000)
    #expect(packets.contains { Libpcap.run(program, $0.octets) != 0 })
  }

  @Test(.enabled(if: Subprocess.installed("tcpdump") != nil, "tcpdump is not installed"), arguments: [false, true])
  func tcpdumpFindsNothingWrong(_ hasApplications: Bool) throws {
    let tcpdump = try #require(Subprocess.installed("tcpdump"))
    let capture = SavedCapture(
      linkType: .ethernet, packets: Array(SyntheticCapture(hasApplications: hasApplications).prefix(3000)))
    let outcome = try Subprocess.run(tcpdump, ["-nnvvt", "-r", "-"], stdin: PcapFormat().file(capture))
    #expect(outcome.status == 0)
    for complaint in ["incorrect", "[bad", " bad ", "wrong", "invalid", "[|"] {
      #expect(!outcome.output.contains(complaint), "\(complaint)")
    }
  }
}
