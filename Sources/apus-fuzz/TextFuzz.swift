import BPF
import Filter
import PacketCore
import TestSupport

/// Text that is rarely a valid expression: random bytes, words of the language in any order, and modified expressions. Each must be
/// compiled, or refused with ranges within the text; if it compiles, the optimised and the unoptimised program must have the same verdict.
struct TextFuzz {
  private static let words = [
    "ip", "ip6", "tcp", "udp", "arp", "host", "net", "port", "portrange", "src", "dst", "and", "or", "not", "(", ")",
    "[", "]", ":", "mask", "gateway", "proto", "protochain", "vlan", "mpls", "pppoes", "geneve", "vxlan", "ether",
    "less",
    "greater", "len", "=", "!=", "<", ">=", "&", "|", "<<", "*", "/", "%", "0", "1", "80", "0xffffffff", "4294967296",
    "10.1.1.1", "10.1.0.0/16", "2001:db8::1", "::", "fe80::/10", "02:00:00:00:00:01", "$5", "\\tcp", "tcpflags",
    "tcp-syn",
    "type", "subtype", "mgt", "inbound", "ifname", "vpi", "llc", "iso", "isis", "atalk", "broadcast", "multicast", "é",
    "\"",
  ]

  private var random: SeededRandom
  private var expressions: RandomExpression
  private var packets: RandomPacket

  init(seed: UInt64) {
    random = SeededRandom(seed: seed)
    expressions = RandomExpression(seed: seed &+ 1)
    packets = RandomPacket(seed: seed &+ 2)
  }

  /// True if there was no fault with that many texts. Prints every fault.
  mutating func run(texts: Int) -> Bool {
    var (compiled, refused, faults) = (0, 0, 0)
    for turn in 0..<texts where faults < 20 {
      let linkType = PacketBuilder.linkTypes[turn % PacketBuilder.linkTypes.count]
      let text = next(linkType)
      let packets = (0..<5).map { _ in self.packets.next(linkType) }
      switch Self.check(text, linkType, packets) {
      case .compiled: compiled += 1
      case .refused: refused += 1
      case .fault(let what):
        faults += 1
        print("\(linkType.name ?? "?"): \(what): \(text.debugDescription)")
      }
    }
    print("\(compiled) texts compiled, \(refused) refused, \(faults) faults")
    return faults == 0
  }

  private enum Outcome {
    case compiled, refused
    case fault(String)
  }

  private static func check(_ text: String, _ linkType: LinkType, _ packets: [(octets: [UInt8], len: UInt32)])
    -> Outcome
  {
    var options = CompileOptions(linkType: linkType, optimize: false)
    let plain: Program
    do throws(FilterError) {
      plain = try FilterCompiler.compile(text, options)
    } catch {
      for range in error.ranges where range.upperBound > text.utf8.count {
        return .fault("a range ends at \(range.upperBound) of \(text.utf8.count)")
      }
      let lines = error.rendered(expression: text)
      return lines.hasPrefix("apus: ") && lines.hasSuffix("\n") ? .refused : .fault("message \(lines.debugDescription)")
    }
    options.optimize = true
    let best = try? FilterCompiler.compile(text, options)
    for (octets, len) in packets {
      // Safe: the span borrows the array for the call.
      let span = unsafe octets.span.bytes
      let expected = Interpreter(plain).run(span, len: len)
      let found = best.map { Interpreter($0).run(span, len: len) } ?? 0
      if expected != found { return .fault("\(found) optimised, \(expected) not") }
    }
    return .compiled
  }

  private mutating func next(_ linkType: LinkType) -> String {
    switch Int.random(in: 0..<8, using: &random) {
    case 0:
      let octets = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      return String(decoding: octets, as: UTF8.self)
    case 1, 2:
      let count = Int.random(in: 1...12, using: &random)
      return (0..<count).map { _ in pick(Self.words) }.joined(separator: pick(["", " ", " "]))
    case 3:
      // Deeply nested and long.
      let depth = Int.random(in: 1...600, using: &random)
      let part = pick(["(", "not ", "!", "-", "ip[", "( not ", "1+(", "tcp or ("])
      return String(repeating: part, count: depth) + pick(Self.words)
        + String(repeating: pick([")", "]"]), count: depth)
    default:
      return changed(expressions.next(linkType))
    }
  }

  /// An expression with a few characters or words inserted, removed or doubled.
  private mutating func changed(_ expression: String) -> String {
    var octets = Array(expression.utf8)
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let place = Int.random(in: 0...octets.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: octets.insert(contentsOf: " \(pick(Self.words)) ".utf8, at: place)
      case 1: octets.insert(UInt8.random(in: 0x20...0x7e, using: &random), at: place)
      case 2:
        let end = min(octets.count, place + Int.random(in: 1...6, using: &random))
        octets.removeSubrange(place..<end)
      default:
        let end = min(octets.count, place + Int.random(in: 1...20, using: &random))
        octets.insert(contentsOf: octets[place..<end], at: end)
      }
    }
    return String(decoding: octets, as: UTF8.self)
  }

  private mutating func pick(_ list: [String]) -> String { list[Int.random(in: 0..<list.count, using: &random)] }
}
