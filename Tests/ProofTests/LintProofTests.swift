import BPF
import Filter
import PacketCore
import Proof
import TestSupport
import Testing

/// The suggested rewrites mean what the findings claim, for all possible packets.
@Suite(.enabled(if: Subprocess.installed("z3") != nil, "z3 is not installed"))
struct LintProofTests {
  /// Expressions for which the rewrite of every finding is proved.
  static let expressions = [
    "(vlan and tcp) or tcp", "vlan 5 or vlan 6", "not vlan and ip", "ip and not tcp[100] = 1", "not ip[30:2] = 5",
    "not udp[8:4] = 7 and ip", "not ether[80] = 1", "tcp[tcpflags] & tcp-syn != 0", "udp[4:2] > 100 or arp",
    "not tcp[13] & 2 != 0", "not port 53", "udp port 53", "not (port 53 or port 123) and ip", "not portrange 5-9",
    "tcp or udp and host 192.0.2.1", "icmp and len > 99 or arp", "net 10", "src net 192.168 and tcp", "net 192.168.1.0",
    "not net 192.168.1.0", "tcp and len >= 0", "arp or ip[8] > 255", "tcp port 80 and tcp", "tcp and tcp port 80",
    "tcp or tcp port 80", "tcp port 80 or tcp", "net 10.0.0.0/8 and host 10.0.0.1", "arp or (icmp and not tcp)",
    "ip and not ip6", "not arp and ip", "ip or (ip and tcp[100] = 1)",
  ]

  /// The intended meaning of rewrites that do not mean the same as the expression: written with offsets, without the words in question.
  static let meanings: [String: String] = {
    let tag = "(ether[12:2] = 0x8100 or ether[12:2] = 0x88a8 or ether[12:2] = 0x9100)"
    let tcp6 = "(ether[24] = 6 or (ether[24] = 44 and ether[58] = 6))"
    return [
      "(vlan and tcp) or tcp":
        "tcp or (\(tag) and ((ether[16:2] = 0x0800 and ether[27] = 6) or (ether[16:2] = 0x86dd and \(tcp6))))",
      "vlan 5 or vlan 6": "\(tag) and (ether[14:2] & 0xfff = 5 or ether[14:2] & 0xfff = 6)",
      "not vlan and ip": "ether[12:2] = 0x0800",
    ]
  }()

  /// True only for packets that have every byte that the expressions above read.
  private static let whole = "link[199] >= 0 and "

  private static func program(_ expression: String) throws -> Program {
    do {
      return try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet, optimize: false))
    } catch {
      Issue.record("\(expression): \(error.message)")
      throw error
    }
  }

  @Test(arguments: expressions)
  func rewritesMeanWhatIsSaid(_ expression: String) throws {
    let findings = try FilterLint.findings(in: expression, CompileOptions(linkType: .ethernet))
    #expect(!findings.isEmpty)
    let prover = Prover()
    let original = try Self.program(expression)
    let wholeOriginal = try Self.program(Self.whole + "(\(expression))")
    for finding in findings {
      guard let text = finding.rewrite else { continue }
      let rewrite = try Self.program(text)
      let wholeRewrite = try Self.program(Self.whole + "(\(text))")
      switch finding.claim {
      case .same:
        #expect(try prover.areEqual(original, rewrite) == .proved, "\(text)")
      case .sameWhole:
        #expect(try prover.areEqual(wholeOriginal, wholeRewrite) == .proved, "\(text)")
      case .wider:
        #expect(try prover.implies(wholeOriginal, rewrite) == .proved, "\(text)")
        #expect(try prover.implies(rewrite, original) == .refuted, "\(text)")
      case .narrower:
        #expect(try prover.implies(wholeRewrite, original) == .proved, "\(text)")
        #expect(try prover.implies(original, rewrite) == .refuted, "\(text)")
      case .different:
        let meaning = try #require(Self.meanings[expression])
        let wholeMeaning = try Self.program(Self.whole + "(\(meaning))")
        #expect(try prover.areEqual(wholeRewrite, wholeMeaning) == .proved, "\(text)")
        #expect(try prover.areEqual(wholeOriginal, wholeMeaning) == .refuted, "\(text)")
      }
    }
  }
}
