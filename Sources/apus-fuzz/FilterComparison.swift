import BPF
import Filter
import PacketCore
import TestSupport

/// One expression of `RandomExpression`, compiled by apus, optimised and not, and by the system's libpcap: all three programs must have the
/// same verdict on packets.
struct FilterComparison {
  /// Why there is nothing to compare.
  enum Failure: Error {
    /// Both compilers refuse the expression.
    case refused
    /// One compiler accepts it, and the other does not.
    case disagreement(String)
  }

  /// The result for one packet.
  enum Outcome {
    case agreement
    /// libpcap 1.10 is known to differ here.
    case justified
    case disagreement(String)
  }

  /// Expressions with one of these words are not compared with libpcap 1.10; only apus's two programs are compared with each other.
  private static let notComparable: [(word: String, why: String)] = [
    ("ip multicast", "class E is multicast to 1.10, to the next version class D alone is"),
    ("geneve", "1.10 reads scratch words that nothing has written where the packet is not in a tunnel"),
  ]

  private let expression: String
  private let linkType: LinkType
  private let plain: Interpreter
  /// nil if the optimiser finds that nothing can match.
  private let best: Interpreter?
  /// nil if libpcap is not compared.
  private let theirs: [Instruction]?

  /// libpcap is compared as well.
  var isComparable: Bool { theirs != nil }

  init(_ expression: String, _ linkType: LinkType) throws(Failure) {
    self.expression = expression
    self.linkType = linkType
    var options = CompileOptions(linkType: linkType, optimize: false)
    options.ieee80211Layout = .libpcap
    let plain = try? FilterCompiler.compile(expression, options)
    options.optimize = true
    best = (try? FilterCompiler.compile(expression, options)).map { Interpreter($0) }
    let isComparable = !Self.notComparable.contains { expression.contains($0.word) }
    theirs = isComparable ? try? Libpcap.compile(expression, linkType: linkType, optimize: false) : nil
    let name = linkType.name ?? "?"
    guard let plain else {
      throw theirs == nil ? .refused : .disagreement("\(name): refused, but not by libpcap: \(expression)")
    }
    self.plain = Interpreter(plain)
    if isComparable, theirs == nil { throw .disagreement("\(name): refused by libpcap only: \(expression)") }
  }

  /// Compares the verdicts on one packet with that length on the wire.
  func compare(_ octets: [UInt8], _ length: UInt32) -> Outcome {
    // Safe: the span borrows the array for the call.
    let span = unsafe octets.span.bytes
    let (plain, best) = (plain.run(span, len: length), best?.run(span, len: length) ?? 0)
    let theirs = theirs.map { Libpcap.run($0, octets, wirelen: length) }
    if plain == best, (theirs ?? plain) == plain { return .agreement }
    if plain == best, mayDifferOnFailure, theirsFails(octets, length) { return .justified }
    let verdicts = "unoptimised \(plain), optimised \(best)" + (theirs.map { ", libpcap \($0)" } ?? "")
    let hex = octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    return .disagreement("\(linkType.name ?? "?"): \(expression)\n  \(verdicts), packet of \(length): \(hex)")
  }

  /// True if the two may differ on packets for which a load of libpcap's program fails, and only on those.
  private var mayDifferOnFailure: Bool {
    switch linkType {
    case .raw, .null, .loop, .ipv4, .ipv6:
      // A test that is always true or false on a link type removes adjacent tests, as in libpcap's next version; 1.10 executes these, and
      // rejects a packet that is too short for them.
      true
    default:
      // 1.10 loads the bytes after an IPv6 prefix without comparing any bit of them.
      RandomExpression.nets6.contains { expression.contains($0) }
    }
  }

  /// Whether libpcap's program ends at a load that fails, instead of at a return.
  private func theirsFails(_ octets: [UInt8], _ length: UInt32) -> Bool {
    guard let theirs else { return false }
    let marked = theirs.map { $0.opcode == .retK ? Instruction(.retK, k: max($0.k, 1)) : $0 }
    return Libpcap.run(marked, octets, wirelen: length) == 0
  }
}
