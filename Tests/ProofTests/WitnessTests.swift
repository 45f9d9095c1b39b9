import BPF
import Filter
import PacketCore
import TestSupport
import Testing

@testable import Proof

/// Packets that the solver finds.
@Suite(.enabled(if: Subprocess.installed("z3") != nil, "z3 is not installed"))
struct WitnessTests {
  @Test(arguments: [
    ("", 14), ("arp", 42), ("ip", 34), ("ip6", 54), ("tcp", 54), ("udp", 42), ("icmp", 42), ("icmp6", 62),
    ("port 80", 42), ("tcp port 80", 54), ("ip6 and tcp", 74), ("vlan 5", 18), ("vlan 5 and ip", 38), ("mpls 100", 38),
    ("tcp[20:4] = 0x47455420", 58), ("len > 99", 100), ("greater 60 and arp", 60), ("len = 3", 3), ("llc", 17),
    ("tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-ack", 54), ("ip[6:2] & 0x3fff != 0", 34), ("pppoes and ip6", 62),
    ("vxlan 7 and tcp", 104), ("ether proto 0x1234", 14), ("host 10.1.2.3 and not ip", 42),
  ])
  func lengths(_ expression: String, _ length: Int) throws {
    let program = try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet))
    guard case .found(let witness) = try Prover(timeLimit: 120).witness(of: program, .ethernet) else {
      Issue.record("nothing found")
      return
    }
    #expect(witness.octets.count == length && witness.len == length)
    #expect(WitnessGoal(program).isMet(by: witness.octets, len: witness.len))
    #expect(Libpcap.run(program, witness.octets) != 0)
    if length > 0, var kernel = KernelMachine(program) { #expect(kernel.run(witness.octets) ?? 1 != 0) }
  }

  /// Fields that a filter does not test have the usual values, checksums included: the packet equals that of the tests' own builder.
  @Test func theRestIsUsual() throws {
    let program = try FilterCompiler.compile(
      "tcp dst port 443 and src host 10.1.2.3", CompileOptions(linkType: .ethernet))
    let expected = PacketBuilder().ethernet().ipv4("10.1.2.3", "192.0.2.2").tcp(0xc000, 443, flags: .syn).octets
    guard case .found(let witness) = try Prover(timeLimit: 120).witness(of: program, .ethernet) else {
      Issue.record("nothing found")
      return
    }
    var (found, wanted) = (witness.octets, expected)
    // Identifications, windows and sequence numbers are arbitrary, and so are the checksums over them.
    for field in [18..<20, 24..<26, 38..<46, 48..<52] {
      found.replaceSubrange(field, with: field.map { _ in 0 })
      wanted.replaceSubrange(field, with: field.map { _ in 0 })
    }
    #expect(found == wanted)
    var summed = witness.octets
    ChecksumField(offset: 50, start: 34, pseudoHeader: .ipv4(at: 14, proto: 6)).set(in: &summed)
    #expect(summed == witness.octets)
  }

  /// A checksum that a filter tests has the value that the filter wants.
  @Test func aChecksumThatIsAskedFor() throws {
    let program = try FilterCompiler.compile("tcp[16:2] = 0x1234", CompileOptions(linkType: .ethernet))
    guard case .found(let witness) = try Prover(timeLimit: 120).witness(of: program, .ethernet) else {
      Issue.record("nothing found")
      return
    }
    #expect(Array(witness.octets[50..<52]) == [0x12, 0x34])
  }

  @Test func packetsThatWereCut() throws {
    let program = try FilterCompiler.compile("len > 300000 and ether[3] = 7", CompileOptions(linkType: .ethernet))
    #expect(
      try Prover(timeLimit: 120).witness(of: program, .ethernet) == .found(Witness(octets: [0, 0, 0, 7], len: 300_001)))
  }

  @Test func thereIsNone() throws {
    let options = CompileOptions(linkType: .ethernet, optimize: false)
    let program = try FilterCompiler.compile("ip and arp", options)
    #expect(try Prover(timeLimit: 120).witness(of: program, .ethernet) == .none)
  }

  /// For every link type some packet is found.
  @Test(arguments: ["RAW", "IPV4", "IPV6", "NULL", "LOOP", "LINUX_SLL", "LINUX_SLL2", "PPP", "IEEE802_11_RADIO", "ENC"])
  func otherLinkTypes(_ name: String) throws {
    let linkType = try #require(LinkType(name: name))
    let expression = linkType == .ipv6 ? "ip6 and udp" : "ip and udp"
    let program = try FilterCompiler.compile(expression, CompileOptions(linkType: linkType))
    guard case .found(let witness) = try Prover(timeLimit: 120).witness(of: program, linkType) else {
      Issue.record("nothing found")
      return
    }
    #expect(WitnessGoal(program).isMet(by: witness.octets, len: witness.len))
  }

  @Test func comparisons() throws {
    func program(_ expression: String) throws -> Program {
      try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet))
    }
    let (tcp, port) = (try program("tcp"), try program("tcp port 80"))
    let prover = Prover(timeLimit: 120)
    #expect(try prover.compare(tcp, tcp, .ethernet) == .equal)
    #expect(try prover.compare(program("len > 5"), program("len >= 6"), .ethernet) == .equal)
    guard case .firstIsWider(let one, unlessCut: false) = try prover.compare(tcp, port, .ethernet) else {
      Issue.record("not the first")
      return
    }
    #expect(WitnessGoal(tcp).isMet(by: one.octets, len: one.len))
    #expect(WitnessGoal(port, accepts: false).isMet(by: one.octets, len: one.len))
    guard case .secondIsWider(let other, unlessCut: false) = try prover.compare(port, tcp, .ethernet) else {
      Issue.record("not the second")
      return
    }
    // It need not be the same packet: the search for the most ordinary packet has a time limit.
    #expect(WitnessGoal(tcp).isMet(by: other.octets, len: other.len))
    #expect(WitnessGoal(port, accepts: false).isMet(by: other.octets, len: other.len))
    let (source, destination) = (try program("tcp src port 80"), try program("tcp dst port 80"))
    guard case .neither(let first, let second) = try prover.compare(source, destination, .ethernet) else {
      Issue.record("not different")
      return
    }
    #expect(WitnessGoal(source).isMet(by: first.octets, len: first.len))
    #expect(WitnessGoal(destination).isMet(by: second.octets, len: second.len))
  }
}
