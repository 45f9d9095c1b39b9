import BPF
import Filter
import PacketCore
import TestSupport
import Testing

@testable import Proof

private func program(_ expression: String, _ linkType: LinkType = .ethernet, optimize: Bool = true) throws -> Program {
  try FilterCompiler.compile(expression, CompileOptions(linkType: linkType, optimize: optimize))
}

/// Queries to the solver with known results.
@Suite(.enabled(if: Subprocess.installed("z3") != nil, "z3 is not installed"))
struct ProverTests {
  struct Pair: Sendable, CustomTestStringConvertible {
    let first: String
    let second: String
    let areEqual: Prover.Verdict
    let firstImpliesSecond: Prover.Verdict
    let secondImpliesFirst: Prover.Verdict
    var testDescription: String { "\(first) | \(second)" }

    init(_ first: String, _ second: String, _ equal: Prover.Verdict, _ forth: Prover.Verdict, _ back: Prover.Verdict) {
      (self.first, self.second) = (first, second)
      (areEqual, firstImpliesSecond, secondImpliesFirst) = (equal, forth, back)
    }
  }

  static let pairs: [Pair] = [
    Pair("tcp", "tcp", .proved, .proved, .proved),
    Pair("ip and tcp", "ip proto 6", .proved, .proved, .proved),
    Pair("not (ip or arp)", "not ip and not arp", .proved, .proved, .proved),
    Pair("tcp port 80", "tcp", .refuted, .proved, .refuted),
    Pair("tcp src port 80", "tcp dst port 80", .refuted, .refuted, .refuted),
    Pair("len > 5", "len >= 6", .proved, .proved, .proved),
    Pair("len > 5", "len >= 7", .refuted, .refuted, .proved),
    // An indirect load, and the effect of a short packet on it.
    Pair("ip and tcp[0:2] = 80", "tcp src port 80 and ip", .proved, .proved, .proved),
    Pair("tcp[100] = 1 or tcp", "tcp", .refuted, .proved, .refuted),
    Pair("ether[0:4] * 2 = 6 and ether[0] < 128", "ether[0:4] = 3", .proved, .proved, .proved),
    Pair("ether[0] / ether[1] = 1 and ether[1] = 0", "ether[0] = 1", .refuted, .proved, .refuted),
    Pair("vlan 5", "vlan", .refuted, .proved, .refuted),
  ]

  @Test(arguments: pairs)
  func relations(_ pair: Pair) throws {
    let prover = Prover(timeLimit: 120)
    for optimize in [true, false] {
      let (first, second) = (
        try program(pair.first, optimize: false), try program(pair.second, optimize: optimize)
      )
      #expect(try prover.areEqual(first, second) == pair.areEqual)
      #expect(try prover.implies(first, second) == pair.firstImpliesSecond)
      #expect(try prover.implies(second, first) == pair.secondImpliesFirst)
    }
  }

  /// A chain of 64 headers, compared with a test of the first header only: the proof goes case by case.
  @Test(arguments: [
    ("ip6 proto 6", "ip6 protochain 6", true), ("ip6 proto 17", "ip6 protochain 17", true),
    ("ip proto 6", "ip protochain 6", false), ("ip proto 17", "ip protochain 17", false),
  ])
  func chains(_ one: String, _ chain: String, _ isCutDifferent: Bool) throws {
    let (first, second) = (try program(one), try program(chain))
    let prover = Prover(timeLimit: 60)
    #expect(try prover.impliesInCases(first, second, whereLoadsSucceed: true))
    #expect(try prover.impliesInCases(first, second) != isCutDifferent)
    #expect(try !prover.impliesInCases(second, first, whereLoadsSucceed: true))
    guard case .secondIsWider(let packet, let unlessCut) = try prover.compare(first, second, .ethernet) else {
      Issue.record("\(chain) is wider")
      return
    }
    #expect(unlessCut == isCutDifferent)
    #expect(WitnessGoal(second).isMet(by: packet.octets, len: packet.len))
    #expect(WitnessGoal(first, accepts: false).isMet(by: packet.octets, len: packet.len))
  }

  @Test func nothingIsAccepted() throws {
    let prover = Prover(timeLimit: 120)
    #expect(try prover.rejectsAll(program("tcp and udp", optimize: false)) == .proved)
    #expect(try prover.rejectsAll(program("tcp or udp", optimize: false)) == .refuted)
    #expect(try prover.rejectsAll(program("ip and arp", optimize: false)) == .proved)
    #expect(try prover.rejectsAll(program("ip[0] & 1 = 2", optimize: false)) == .proved)
    #expect(try prover.rejectsAll(program("ether[262143] = 1")) == .refuted)
    #expect(try prover.rejectsAll(program("ether[262144] = 1", optimize: false)) == .proved)
  }

  @Test func metadata() throws {
    let tagged = try Program(validating: [
      Instruction(.ldbAbs, k: Ancillary.vlanp.offset), Instruction(.retA),
    ])
    #expect(try Prover(timeLimit: 120).rejectsAll(tagged) == .proved)
    #expect(try Prover(metadata: .isKnown).rejectsAll(tagged) == .refuted)
    let other = try Program(validating: [
      Instruction(.ldAbs, k: Ancillary.vlanp.offset), Instruction(.jeqK, k: 0, jt: 0, jf: 1), Instruction(.retK, k: 0),
      Instruction(.retK, k: 9),
    ])
    #expect(try Prover(metadata: .isKnown).areEqual(tagged, other) == .proved)
  }

  /// A query that exceeds the time limit ends without a decision.
  @Test func theTimeLimitHolds() throws {
    let product =
      "ether[0:4] * ether[4:4] * ether[8:4] = 0x7654321 and ether[0:4] > 0xfffff and ether[4:4] > 0xfffff"
      + " and ether[8:4] > ether[4:4] and ether[4:4] % 1000003 = 77 and ether[0:4] % 999983 = ether[8:4] % 999979"
    let start = ContinuousClock.now
    let verdict = try? Prover(timeLimit: 0.2).rejectsAll(program(product))
    #expect(verdict != .proved)
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  /// The time limit includes the work on the programs, however long they are.
  @Test func theTimeLimitHoldsForLongPrograms() throws {
    func program(_ seed: UInt32) throws -> Program {
      var instructions: [Instruction] = []
      for index in 0..<UInt32(100_000) {
        instructions.append(Instruction(.ldAbs, k: (index &* 4 &+ seed) % 60))
        instructions.append(Instruction(.jeqK, k: index, jt: 0, jf: 1))
      }
      instructions += [Instruction(.retK, k: 1), Instruction(.retK, k: 0)]
      return try Program(validating: instructions)
    }
    let (first, second) = (try program(0), try program(4))
    let start = ContinuousClock.now
    let prover = Prover(timeLimit: 120, until: MonotonicTime.now.advanced(bySeconds: 1))
    #expect(try prover.areEqual(first, second) == .unknown)
    #expect(try prover.implies(first, second) == .unknown)
    #expect(try prover.rejectsAll(first) == .unknown)
    #expect(try prover.witness(of: first, .ethernet) == .unknown)
    #expect(try prover.compare(first, second, .ethernet) == .unknown(onlyFirst: nil, onlySecond: nil))
    #expect(ContinuousClock.now - start < .seconds(30))
  }
}
