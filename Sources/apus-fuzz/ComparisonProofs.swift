import BPF
import Filter
import Foundation
import Glibc
import PacketCore
import Proof
import TestSupport

/// Compares pairs of programs, recorded ones, random ones and ones that differ in one instruction: apus's proof must agree with that of an
/// independent prover, `prove_filters.py` of the conformance data.
struct ComparisonProofs {
  private struct Pair {
    let linkType: LinkType
    let what: String
    let first: Program
    let second: Program
  }

  private var random: SeededRandom
  private var expressions: RandomExpression
  /// Seconds of processor time from which on a comparison counts as slow, including the solver.
  private static let slowThreshold = 1.0

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    expressions = RandomExpression(seed: seed)
  }

  /// True if both provers agree about that many pairs, and every packet shows the difference that it is claimed to show. Prints every
  /// fault.
  mutating func run(pairs count: Int) -> Bool {
    guard let oracle = SharedData.file("filters/prove_filters.py"), let python = Subprocess.installed("python3"),
      let filters = try? RecordedFilter.all()
    else {
      print("left out: the conformance data or python3 is not there")
      return true
    }
    var pairs: [Pair] = []
    while pairs.count < count { if let pair = next(filters) { pairs.append(pair) } }
    guard let answers = Self.ask(oracle, python, pairs), answers.count == pairs.count else {
      print("prove_filters.py gives no answers")
      return false
    }
    var (counts, faults, slow, undecided, total) = ([String: Int](), 0, 0, 0, 0.0)
    for (pair, answer) in zip(pairs, answers) {
      let start = Self.processorTime
      let comparison = Result { try Prover(timeLimit: 120).compare(pair.first, pair.second, pair.linkType) }
      let time = Self.processorTime - start
      total += time
      if time > Self.slowThreshold {
        slow += 1
        print("\(time) s: \(pair.what)")
      }
      let (ours, fault) = Self.verdict(comparison, pair)
      counts[ours, default: 0] += 1
      if let fault {
        faults += 1
        print("\(pair.what): \(fault)")
      }
      if answer == "unknown" {
        undecided += 1
        print("\(pair.what): here \(ours), there not decided")
      } else if (ours == "equal") != (answer == "equal") {
        faults += 1
        print("\(pair.what): here \(ours), there \(answer)")
      }
    }
    let texts = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    print(
      "\(pairs.count) pairs: \(texts); \(faults) disagreements, \(undecided) not decided there; "
        + "\(Int(total * 1000) / max(1, pairs.count)) ms of processor time each, \(slow) took more than a second")
    return faults == 0
  }

  /// Seconds of processor time of this process and of its children that have ended.
  private static var processorTime: Double {
    [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, who in
      var usage = rusage()
      unsafe getrusage(who.rawValue, &usage)
      return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
    }
  }

  // MARK: Pairs

  private mutating func next(_ filters: [RecordedFilter]) -> Pair? {
    switch Int.random(in: 0..<4, using: &random) {
    case 0:
      // Two recorded filters for one link type.
      guard let (options, expression, program) = recorded(filters) else { return nil }
      let others = filters.filter { $0.dlt == options.linkType.name && $0.aliases[0] != expression }
      guard let other = others.randomElement(using: &random), let second = Self.compile(other.aliases[0], options)
      else { return nil }
      return Pair(
        linkType: options.linkType, what: "\(expression) | \(other.aliases[0])", first: program, second: second)
    case 1:
      // A random expression, optimised and not: the two are equal if the optimiser is correct.
      let expression = expressions.next(.ethernet)
      var options = CompileOptions(linkType: .ethernet)
      guard let first = Self.compile(expression, options) else { return nil }
      options.optimize = false
      guard let second = Self.compile(expression, options) else { return nil }
      return Pair(linkType: .ethernet, what: "\(expression), optimised or not", first: first, second: second)
    default:
      // The program with one instruction changed.
      guard let (options, expression, program) = recorded(filters) else { return nil }
      var instructions = program.instructions
      let index = Int.random(in: 0..<instructions.count, using: &random)
      guard let opcode = Opcode.allCases.randomElement(using: &random) else { return nil }
      if Bool.random(using: &random) {
        instructions[index].code = opcode.rawValue
      } else {
        instructions[index].k ^= 1 << UInt32.random(in: 0..<16, using: &random)
      }
      guard let mutant = try? Program(validating: instructions), mutant != program else { return nil }
      return Pair(
        linkType: options.linkType, what: "\(expression), instruction \(index) \(instructions[index])", first: program,
        second: mutant)
    }
  }

  private mutating func recorded(_ filters: [RecordedFilter]) -> (CompileOptions, String, Program)? {
    guard let filter = filters.randomElement(using: &random), let options = filter.options,
      options.target != .linuxKernel, let program = Self.compile(filter.aliases[0], options),
      // The other prover lets ancillary loads return anything, which this one does not.
      !program.instructions.contains(where: { Ancillary($0) != nil })
    else { return nil }
    return (options, filter.aliases[0], program)
  }

  private static func compile(_ expression: String, _ options: CompileOptions) -> Program? {
    try? FilterCompiler.compile(expression, options)
  }

  // MARK: Answers

  private static func ask(_ oracle: URL, _ python: String, _ pairs: [Pair]) -> [String]? {
    let script = """
      import json, sys
      sys.path.insert(0, sys.argv[1])
      import cbpf, prove_filters
      for first, second in json.load(sys.stdin):
          print(prove_filters.compare(cbpf.parse(first), cbpf.parse(second), 60)[0])
      """
    let texts = pairs.map { [text($0.first), text($0.second)] }
    guard let input = try? JSONSerialization.data(withJSONObject: texts),
      let outcome = try? Subprocess.run(
        python, ["-B", "-c", script, oracle.deletingLastPathComponent().path], stdin: input)
    else { return nil }
    if outcome.status != 0 { print(outcome.errors) }
    return outcome.output.split(separator: "\n").map(String.init)
  }

  private static func text(_ program: Program) -> String {
    var text = TextBuffer()
    program.write(.text, to: &text)
    return String(decoding: text.octets, as: UTF8.self)
  }

  /// apus's answer in one word, and any fault in its packets.
  private static func verdict(_ result: Result<Comparison, any Error>, _ pair: Pair) -> (String, String?) {
    /// The fault of a packet that only one program should accept.
    func fault(_ witness: Witness, only first: Program, not second: Program) -> String? {
      let verdicts = [first, second].map { Libpcap.run($0, witness.octets, wirelen: witness.len) != 0 }
      return verdicts == [true, false] ? nil : "for libpcap the packet is no difference: \(witness)"
    }
    switch result {
    case .failure(let error): return ("failed", "\(error)")
    case .success(.equal): return ("equal", nil)
    case .success(.equalUnlessCut(let one, let two)):
      // The oracle also counts packets that were cut.
      let faults = [
        one.flatMap { fault($0, only: pair.first, not: pair.second) },
        two.flatMap { fault($0, only: pair.second, not: pair.first) },
      ]
      let word = two == nil ? "first wider" : one == nil ? "second wider" : "neither"
      return (word, faults.compactMap { $0 }.first)
    case .success(.firstIsWider(let witness, true)):
      return ("neither", fault(witness, only: pair.first, not: pair.second))
    case .success(.secondIsWider(let witness, true)):
      return ("neither", fault(witness, only: pair.second, not: pair.first))
    case .success(.firstIsWider(let witness, false)):
      return ("first wider", fault(witness, only: pair.first, not: pair.second))
    case .success(.secondIsWider(let witness, false)):
      return ("second wider", fault(witness, only: pair.second, not: pair.first))
    case .success(.neither(let one, let two)):
      let faults = [
        fault(one, only: pair.first, not: pair.second), fault(two, only: pair.second, not: pair.first),
      ]
      return ("neither", faults.compactMap { $0 }.first)
    case .success(.unknown): return ("unknown", "not decided")
    }
  }
}
