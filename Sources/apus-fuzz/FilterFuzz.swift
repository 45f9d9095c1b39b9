import BPF
import Filter
import PacketCore
import TestSupport

/// Random expressions on random packets: our optimised program, our unoptimised one and the system libpcap's unoptimised one must give
/// the same verdict, and both compilers must take the same expressions.
struct FilterFuzz {
  /// Expressions that use one of these are not compared with libpcap 1.10, only our two programs with each other.
  static let notComparable: [(word: String, why: String)] = [
    ("ip multicast", "class E is multicast to 1.10, to the next version class D alone is"),
    ("geneve", "1.10 reads scratch words that nothing has written where the packet is not in a tunnel"),
  ]

  /// Where the two may differ on packets for which a load of libpcap's program fails, and only on those.
  private static func mayDifferOnFailure(_ expression: String, _ linkType: LinkType) -> Bool {
    switch linkType {
    case .raw, .null, .loop, .ipv4, .ipv6:
      // A test that is always true or false on a link type takes with it what stands beside it, as in libpcap's next version; 1.10
      // asks that, and rejects a packet that is too short for it.
      true
    default:
      // 1.10 loads the octets behind an IPv6 prefix to compare no bit of them.
      RandomExpression.nets6.contains { expression.contains($0) }
    }
  }

  private let linkTypes = PacketBuilder.linkTypes
  private var expressions: RandomExpression
  private var packets: RandomPacket
  private static let packetsForEach = 100

  init(seed: UInt64) {
    expressions = RandomExpression(seed: seed)
    packets = RandomPacket(seed: seed &+ 0x9e37_79b9)
  }

  /// True where nothing disagreed in that many (expression, packet) pairs. Every disagreement is printed.
  mutating func run(pairs: Int) -> Bool {
    var (done, compiled, refused, compared, justified, disagreements) = (0, 0, 0, 0, 0, 0)
    var turn = 0
    while done < pairs, disagreements < 20 {
      let linkType = linkTypes[turn % linkTypes.count]
      turn += 1
      let expression = expressions.next(linkType)
      var options = CompileOptions(linkType: linkType, optimize: false)
      let plain = Self.compile(expression, options)
      options.optimize = true
      let best = Self.compile(expression, options)
      let isComparable = !Self.notComparable.contains { expression.contains($0.word) }
      let theirs = isComparable ? try? Libpcap.compile(expression, linkType: linkType, optimize: false) : nil
      guard let plain else {
        refused += 1
        if theirs != nil {
          disagreements += 1
          print("\(linkType.name ?? "?"): refused, but not by libpcap: \(expression)")
        }
        continue
      }
      if isComparable, theirs == nil {
        disagreements += 1
        print("\(linkType.name ?? "?"): refused by libpcap only: \(expression)")
        continue
      }
      compiled += 1
      if theirs != nil { compared += 1 }
      let machines = Machines(plain: Interpreter(plain), best: best.map { Interpreter($0) }, theirs: theirs)
      for _ in 0..<Self.packetsForEach {
        let (octets, length) = packets.next(linkType)
        done += 1
        let verdicts = machines.verdicts(octets, length)
        if verdicts.agree { continue }
        if verdicts.ours, Self.mayDifferOnFailure(expression, linkType), machines.theirsFails(octets, length) {
          justified += 1
          continue
        }
        disagreements += 1
        print("\(linkType.name ?? "?"): \(expression)")
        print("  \(verdicts), packet of \(length): \(Self.hex(octets))")
        break
      }
    }
    print(
      "\(done) pairs, \(compiled) expressions compiled (\(compared) of them by libpcap too), \(refused) refused, "
        + "\(justified) justified differences, \(disagreements) disagreements")
    return disagreements == 0
  }

  private static func compile(_ expression: String, _ options: CompileOptions) -> Program? {
    try? FilterCompiler.compile(expression, options)
  }

  private static func hex(_ octets: [UInt8]) -> String {
    octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
  }
}

/// The programs of one expression.
private struct Machines {
  let plain: Interpreter
  /// nil where the optimiser finds that nothing can match.
  let best: Interpreter?
  /// nil where libpcap is not asked.
  let theirs: [Instruction]?

  struct Verdicts: CustomStringConvertible {
    let plain, best: UInt32
    let theirs: UInt32?

    /// Our own two agree.
    var ours: Bool { plain == best }
    var agree: Bool { ours && (theirs ?? plain) == plain }
    var description: String {
      "unoptimised \(plain), optimised \(best)" + (theirs.map { ", libpcap \($0)" } ?? "")
    }
  }

  /// Whether libpcap's program ends where it cannot evaluate something, instead of at a return.
  func theirsFails(_ octets: [UInt8], _ length: UInt32) -> Bool {
    guard let theirs else { return false }
    let marked = theirs.map { $0.opcode == .retK ? Instruction(.retK, k: max($0.k, 1)) : $0 }
    return Libpcap.run(marked, octets, wirelen: length) == 0
  }

  func verdicts(_ octets: [UInt8], _ length: UInt32) -> Verdicts {
    // Safe: the span borrows the array for the call.
    let span = unsafe octets.span.bytes
    return Verdicts(
      plain: plain.run(span, len: length), best: best?.run(span, len: length) ?? 0,
      theirs: theirs.map { Libpcap.run($0, octets, wirelen: length) })
  }
}
