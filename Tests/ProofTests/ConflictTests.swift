import BPF
import Filter
import PacketCore
import Proof
import TestSupport
import Testing

/// Terms that cannot be true together.
@Suite(.enabled(if: Subprocess.installed("z3") != nil, "z3 is not installed"))
struct ConflictTests {
  /// The words of the terms in the reported conflict.
  private static func conflict(_ expression: String) throws -> [String] {
    let options = CompileOptions(linkType: .ethernet)
    let error = try FilterCompiler.conflict(in: expression, options) { (program) throws(ProofError) in
      try Prover(timeLimit: 120).rejectsAll(program) == .proved
    }
    let text = Array(expression.utf8)
    return error?.ranges.map { String(decoding: text[$0.lowerBound..<$0.upperBound], as: UTF8.self) } ?? []
  }

  @Test(arguments: [
    ("ip and arp", ["ip", "arp"]),
    ("tcp and port 80 and arp and len > 60", ["tcp", "arp"]),
    ("len > 2 and vlan and len < 10", ["vlan", "len < 10"]),
    ("tcp and port 80", []),
    ("host 10.0.0.1 and (tcp and (port 80 and (udp and len > 3)))", ["tcp", "udp"]),
    (
      "not (ip or ip6 or not (host 10.0.0.1 and not arp and not rarp))", ["ip", "host 10.0.0.1", "not arp", "not rarp"]
    ),
    ("(ip and arp) or (len > 5 and tcp and arp)", ["ip", "arp", "tcp", "arp"]),
    ("len >= 0 and ip[0] & 1 = 2", ["ip[0] & 1 = 2"]),
    // A conflict that only the solver finds: three terms exclude each other, though no two of them do.
    (
      "ether[0] + ether[1] = 3 and ether[1] + ether[2] = 4 and ether[0] + ether[2] = 6 and udp",
      ["ether[0] + ether[1] = 3", "ether[1] + ether[2] = 4", "ether[0] + ether[2] = 6"]
    ),
  ])
  func terms(_ expression: String, _ expected: [String]) throws {
    #expect(try Self.conflict(expression) == expected)
  }

  /// When the terms joined by `and` conflict, leaving out any one of the reported terms lets something match.
  @Test func anyTermMayBeLeftOut() throws {
    let terms = ["len < 200", "tcp", "ip", "greater 100", "net 10", "udp[8] = 3", "less 99", "ip6", "not port 99"]
    var random = SeededRandom(seed: 7)
    for _ in 0..<6 {
      let chosen = Array(terms.shuffled(using: &random).prefix(6))
      let blamed = try Self.conflict(chosen.joined(separator: " and "))
      for left in blamed {
        let rest = blamed.filter { $0 != left }
        let program = try FilterCompiler.compile(
          rest.joined(separator: " and "), CompileOptions(linkType: .ethernet, optimize: false))
        #expect(try Prover(timeLimit: 120).rejectsAll(program) == .refuted, "\(chosen): \(rest)")
      }
      let together = try FilterCompiler.compile(
        blamed.joined(separator: " and "), CompileOptions(linkType: .ethernet, optimize: false))
      #expect(try blamed.isEmpty || Prover(timeLimit: 120).rejectsAll(together) == .proved, "\(blamed)")
    }
  }
}
