import PacketCore
import TestSupport

/// Filter expressions generated from the grammar of pcap-filter(7). Addresses and numbers come from a small pool, from which `RandomPacket`
/// also takes its fields, so that expressions match packets.
struct RandomExpression {
  static let hosts = ["10.1.1.1", "10.1.2.3", "192.168.5.7", "224.0.0.5", "10.1.1.255"]
  static let hosts6 = ["2001:db8::1", "fe80::2:3", "ff02::1"]
  static let nets = ["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/28", "192.168", "10.1.1.0 mask 255.255.255.0", "0.0.0.0/1"]
  static let nets6 = ["2001:db8::/64", "fe80::/128", "2001:db8::/96"]
  static let macs = ["02:00:00:00:00:01", "02:00:00:00:00:02", "ff:ff:ff:ff:ff:ff"]
  static let ports = [22, 53, 80, 443, 8080, 40000]

  private var random: any RandomNumberGenerator
  /// The number of primitives that this expression may still get.
  private var left = 0

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// Random choices are taken from bytes, one each.
  init(choices: Choices) { random = choices }

  /// The next expression for a link type.
  mutating func next(_ linkType: LinkType) -> String {
    if chance(8) { return list(linkType) }
    left = Int.random(in: 1...7, using: &random)
    return expression(linkType, depth: 0)
  }

  private mutating func pick<T>(_ list: [T]) -> T { list[Int.random(in: 0..<list.count, using: &random)] }
  private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

  private mutating func expression(_ linkType: LinkType, depth: Int) -> String {
    var text = term(linkType, depth: depth)
    while left > 0, chance(75) {
      text += pick([" and ", " or ", " && ", " || "]) + term(linkType, depth: depth)
    }
    return text
  }

  private mutating func term(_ linkType: LinkType, depth: Int) -> String {
    let negation = chance(20) ? pick(["not ", "! "]) : ""
    if depth < 4, left > 1, chance(30) { return negation + "(" + expression(linkType, depth: depth + 1) + ")" }
    left -= 1
    return negation + primitive(linkType)
  }

  /// Dozens of alternatives, or dozens of negated terms, for which the compiler builds tables.
  private mutating func list(_ linkType: LinkType) -> String {
    let directions = ["", "src ", "dst ", "src or dst "]
    var kinds = [
      "host", "host", "net", "port", "port", "portrange", "tcp port", "udp port", "host6", "net6", "arp host",
      "ip host",
    ]
    if linkType == .ethernet { kinds += ["ether host", "ether host"] }
    let used = (0..<Int.random(in: 1...4, using: &random)).map { _ in (pick(directions), pick(kinds)) }
    let isDenied = chance(30)
    var terms: [String] = []
    for _ in 0..<Int.random(in: 25...70, using: &random) {
      let (direction, kind) = chance(4) ? (pick(directions), pick(kinds)) : pick(used)
      var term = alternative(direction, kind)
      if chance(1) { term = primitive(linkType) }
      if chance(2) { term = "(\(term) and \(primitive(linkType)))" }
      terms.append(isDenied && !chance(2) ? "not \(term)" : term)
    }
    let text = terms.joined(separator: isDenied ? " and " : " or ")
    switch Int.random(in: 0..<6, using: &random) {
    case 0: return "not (\(text))"
    case 1: return "\(primitive(linkType)) and (\(text))"
    case 2: return "(\(text)) and not \(primitive(linkType))"
    case 3: return "\(primitive(linkType)) or \(text)"
    default: return text
    }
  }

  /// A term of such a list; most terms are for numbers that no packet has.
  private mutating func alternative(_ direction: String, _ kind: String) -> String {
    let known = chance(15)
    let number = Int.random(in: 0..<64, using: &random)
    switch kind {
    case "port", "tcp port", "udp port":
      let proto = kind.dropLast(4)
      return "\(proto)\(direction)port \(known ? pick(Self.ports) : 20 + number)"
    case "portrange": return "\(direction)portrange \(number * 13)-\(number * 13 + number % 5)"
    case "host6":
      let prefix = pick(["2001:db8::", "fe80::2:", "2001:db8:0:1::"])
      return "\(direction)host \(known ? pick(Self.hosts6) : prefix + String(number, radix: 16))"
    case "net6": return "\(direction)net \(known ? pick(Self.nets6) : "2001:db8:\(number)::/48")"
    case "net":
      let mask = pick(["10.\(number).0.0/16", "10.1.\(number).0/24", "10.1.1.\(number)/32", "10.1.\(number * 4).0/22"])
      return "\(direction)net \(known ? pick(Self.nets) : mask)"
    case "ether host":
      return "ether \(direction)host \(known ? pick(Self.macs) : "02:00:00:00:0\(number & 1):\(10 + number)")"
    default:
      let proto = kind.dropLast(4)
      return "\(proto)\(direction)host \(known ? pick(Self.hosts) : "10.1.\(number & 3).\(number)")"
    }
  }

  private mutating func primitive(_ linkType: LinkType) -> String {
    let direction = pick(["", "", "src ", "dst ", "src or dst ", "src and dst "])
    switch Int.random(in: 0..<14, using: &random) {
    case 0:
      return pick([
        "ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "esp", "ah", "pim", "vrrp",
      ])
    case 1: return pick(["", "ip ", "arp "]) + direction + "host " + pick(Self.hosts)
    case 2: return pick(["", "ip6 "]) + direction + "host " + pick(Self.hosts6)
    case 3: return pick(["", "ip ", "arp "]) + direction + "net " + pick(Self.nets)
    case 4: return direction + "net " + pick(Self.nets6)
    case 5, 6: return pick(["", "tcp ", "udp ", "sctp "]) + direction + "port \(pick(Self.ports))"
    case 7:
      let ends = [pick(Self.ports), pick(Self.ports)]
      return pick(["", "tcp ", "udp "]) + direction + "portrange \(ends[0])-\(ends[1])"
    case 8: return pick(["ip proto ", "ip6 proto ", "proto "]) + "\(pick([1, 6, 17, 44, 58, 132]))"
    case 9: return pick(["less ", "greater "]) + "\(pick([0, 40, 60, 64, 100]))"
    case 10, 11:
      return arithmetic(depth: 0) + pick([" = ", " != ", " > ", " >= ", " < ", " <= ", " == "]) + arithmetic(depth: 0)
    case 12 where linkType == .ethernet:
      return pick([
        "ether " + direction + "host " + pick(Self.macs), "ether broadcast", "ether multicast", "vlan", "vlan 5",
        "mpls", "mpls 1024",
        "pppoes", "pppoes 5", "geneve", "geneve 7", "ether proto 0x0800", "ether proto 5", "stp", "ipx", "iso", "atalk",
        "aarp", "llc",
        "llc s", "isis", "l1", "decnet src 1.5", "decnet dst 1.5", "netbeui",
      ])
    default:
      return pick(["ip6 multicast", "ether proto 0x86dd", "len > 60", "ip proto 6", "atalk", "iso proto 0x83", "arp"])
    }
  }

  private mutating func arithmetic(depth: Int) -> String {
    if depth < 3, chance(35) {
      let operation = pick(["+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"])
      let left = arithmetic(depth: depth + 1)
      // A literal zero or a shift of 32 is refused.
      let right =
        switch operation {
        case "/", "%", "<<", ">>": "\(pick([1, 2, 3, 7, 16, 31]))"
        default: arithmetic(depth: depth + 1)
        }
      return chance(50) ? "(\(left) \(operation) \(right))" : "\(left) \(operation) \(right)"
    }
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return "len"
    case 1, 2, 3: return "\(pick([0, 1, 2, 4, 5, 6, 13, 17, 20, 64, 80, 255, 0x0800, 0x1fff, 0x45, 0xffff]))"
    case 4: return pick(["tcp-syn", "icmp-echo", "tcp-ack"])
    default:
      let proto = pick(["ip", "ip6", "tcp", "udp", "icmp", "ether", "arp", "icmp6"])
      let index =
        depth < 2 && chance(15) ? arithmetic(depth: depth + 1) : "\(pick([0, 1, 2, 6, 8, 9, 12, 13, 16, 40, 100]))"
      return "\(proto)[\(index)\(pick(["", ":1", ":2", ":4"]))]"
    }
  }
}
