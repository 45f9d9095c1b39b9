import BPF
public import Names

/// A variant of a filter that matched nothing, and the reason why it may match where the original did not.
public struct FilterAlternative: Hashable, Sendable {
  /// Why the intended packets may not have matched.
  public enum Reason: Hashable, Sendable {
    case tagged, doubleTagged, untagged
    case mpls, pppoe, geneve, vxlan, gre, ipInIP
    case fragments
    case ipv4, ipv6
    case otherDirection
    case extensionHeaders
    case otherLinkHeader
  }

  public let reason: Reason
  /// What to type.
  public let expression: String

  /// The longest expression, in bytes, and the largest number of terms for which alternatives are made.
  private static let maximumLength = 4096
  private static let maximumTerms = 64

  /// The alternatives to `expression`, likely ones first; none if it is too long or invalid. Some may not compile for a given link type.
  public static func all(for expression: String, names: any NameResolver) -> [FilterAlternative] {
    guard expression.utf8.count <= maximumLength, let tree = try? Parser.parse(expression), !tree.nodes.isEmpty,
      tree.nodes.count <= 2 * maximumTerms
    else { return [] }
    var seen: Set<String> = []
    return FilterRewriter(tree, expression, names).alternatives.filter { seen.insert($0.expression).inserted }
  }
}

/// Rewrites an expression with a different meaning.
struct FilterRewriter {
  let tree: Expression
  let text: String
  let names: any NameResolver
  /// By node: true below an odd number of `not`.
  let isDenied: [Bool]

  init(_ tree: Expression, _ text: String, _ names: any NameResolver) {
    self.tree = tree
    self.text = text
    self.names = names
    var isDenied = [Bool](repeating: false, count: tree.nodes.count)
    for index in tree.nodes.indices.reversed() {
      switch tree.nodes[index].kind {
      case .and(let left, let right), .or(let left, let right):
        isDenied[left] = isDenied[index]
        isDenied[right] = isDenied[index]
      case .not(let inner): isDenied[inner] = !isDenied[index]
      case .primitive: break
      }
    }
    self.isDenied = isDenied
  }

  var alternatives: [FilterAlternative] {
    var result = behindHeaders
    func add(_ reason: FilterAlternative.Reason, _ expression: String?) {
      if let expression, !expression.isEmpty {
        result.append(FilterAlternative(reason: reason, expression: expression))
      }
    }
    result += insideTunnels
    add(.untagged, replacing(asUntagged))
    add(.otherDirection, replacing(swapped))
    let directed = tree.nodes.indices.filter { node in primitive(node).flatMap { swapped($0, node) } != nil }
    if directed.count > 1 {
      for wanted in directed.prefix(4) {
        add(.otherDirection, replacing { use, node in node == wanted ? swapped(use, node) : nil })
      }
    }
    add(.ipv6, replacing(inIPv6))
    if let other = replacing(inIPv6) {
      add(.tagged, tree.nodes.count == 1 ? "vlan and \(other)" : "vlan and (\(other))")
    }
    // A user who filters for IPv6 alone wants to know whether there is any.
    if tree.nodes.count > 1 { add(.ipv4, replacing(inIPv4)) }
    add(.fragments, replacing(asFragments))
    add(.extensionHeaders, replacing(behindOneExtensionHeader))
    add(.extensionHeaders, replacing(behindExtensionHeaders))
    add(.otherLinkHeader, replacing(withoutLinkOffsets))
    return result
  }

  private func primitive(_ node: Expression.Index) -> PrimitiveUse? {
    if case .primitive(let use) = tree.nodes[node].kind { return use }
    return nil
  }

  // MARK: Encapsulation headers

  /// The whole expression, preceded by each encapsulation header of the filter language.
  private var behindHeaders: [FilterAlternative] {
    let reasons: [(FilterAlternative.Reason, String)] = [
      (.tagged, "vlan"), (.doubleTagged, "vlan and vlan"), (.mpls, "mpls"), (.mpls, "mpls and mpls"),
      (.mpls, "vlan and mpls"), (.pppoe, "pppoes"), (.pppoe, "vlan and pppoes"), (.geneve, "geneve"),
      (.geneve, "vlan and geneve"), (.vxlan, "vxlan"), (.vxlan, "vlan and vxlan"),
    ]
    let trimmed = SourceExcerpt.words(tree.nodes.last?.range ?? SourceRange(0, 0), of: text, limit: text.utf8.count)
    // A comment would hide what follows on its line.
    let whole = text.utf8.contains(UInt8(ascii: "#")) ? ExpressionWriter(tree, text).whole : trimmed
    let inner = tree.nodes.count == 1 ? whole : "(\(whole))"
    return reasons.map { FilterAlternative(reason: $0.0, expression: "\($0.1) and \(inner)") }
  }

  // MARK: Terms

  /// The words of a node.
  private func words(_ node: Expression.Index) -> String {
    let range = tree.nodes[node].range
    return String(decoding: Array(text.utf8)[range.lowerBound..<range.upperBound], as: UTF8.self)
  }

  /// The expression with every term replaced for which `replacement` returns a text; nil if it does so for none.
  private func replacing(_ replacement: (PrimitiveUse, Expression.Index) -> String?) -> String? {
    var writer = ExpressionWriter(tree, text)
    for index in tree.nodes.indices where !isDenied[index] {
      guard let use = primitive(index), let words = replacement(use, index) else { continue }
      writer.replacements[index] = words
    }
    return writer.replacements.isEmpty ? nil : writer.whole
  }

  private func asUntagged(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    guard case .word(let primitive, _) = use, primitive.keywords[0] == "vlan" else { return nil }
    return ""
  }

  /// Swaps source and destination.
  private func swapped(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    guard case .identifier(var qualifiers, let identifier) = use else { return nil }
    switch qualifiers.direction {
    case .source: qualifiers.direction = .destination
    case .destination: qualifiers.direction = .source
    default: return nil
    }
    return ExpressionWriter.words(.identifier(qualifiers, identifier))
  }

  private func inIPv6(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    switch use {
    case .abbreviation(.ip): return "ip6"
    case .abbreviation(.icmp): return "icmp6"
    case .cast(.multicast, of: .ip): return "ip6 multicast"
    case .identifier(var qualifiers, let identifier)
    where qualifiers.proto == .ip && (qualifiers.kind == .proto || qualifiers.kind == .protochain):
      qualifiers.proto = .ip6
      return ExpressionWriter.words(.identifier(qualifiers, identifier))
    case .relation(let left, _, let right):
      let fields = left.accessors + right.accessors
      guard let proto = fields.first?.proto, let number = proto.ipProtocol, [.tcp, .udp, .sctp].contains(proto),
        fields.allSatisfy({ $0.proto == proto })
      else { return nil }
      return "(ip6[6] = \(number) and \(words(node).replacingWord(proto.rawValue + "[", with: "ip6[40 + ")))"
    default: return nil
    }
  }

  private func inIPv4(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    switch use {
    case .abbreviation(.ip6): return "ip"
    case .abbreviation(.icmp6): return "icmp"
    case .cast(.multicast, of: .ip6): return "ip multicast"
    case .identifier(var qualifiers, let identifier)
    where qualifiers.proto == .ip6 && (qualifiers.kind == .proto || qualifiers.kind == .protochain):
      qualifiers.proto = .ip
      return ExpressionWriter.words(.identifier(qualifiers, identifier))
    default: return nil
    }
  }

  /// Matches the fragments without a transport header instead.
  private func asFragments(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    let proto: ProtocolName?
    switch use {
    case .identifier(let qualifiers, _) where qualifiers.kind == .port || qualifiers.kind == .portrange:
      proto = qualifiers.proto
    case .relation(let left, _, let right):
      guard let field = (left.accessors + right.accessors).first(where: { [.tcp, .udp, .sctp].contains($0.proto) })
      else {
        return nil
      }
      proto = field.proto
    default: return nil
    }
    return "(\(proto.map { "\($0.rawValue) and " } ?? "")ip[6:2] & 0x1fff != 0)"
  }

  // MARK: Extension headers of IPv6 (RFC 8200 section 4)

  /// Ports after one options or routing header, or after the fragment header of a first fragment.
  private func behindOneExtensionHeader(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    guard case .identifier(let qualifiers, let identifier) = use, let ports = ports(qualifiers, identifier) else {
      return nil
    }
    let header = "(ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 60 or (ip6[6] = 44 and ip6[42:2] & 0xfff8 = 0))"
    let numbers: [UInt8]
    if let number = qualifiers.proto?.ipProtocol { numbers = [number] } else { numbers = [6, 17, 132] }
    let protocols = numbers.map { "ip6[40] = \($0)" }
    let sides = sides(of: qualifiers.direction).map { side in
      let field = "ip6[\(side) + ip6[41] * 8:2]"
      guard ports.count > 1 else { return "\(field) = \(ports.lowerBound)" }
      return "(\(field) >= \(ports.lowerBound) and \(field) <= \(ports.upperBound))"
    }
    func alternatives(_ tests: [String], _ sign: String = "or") -> String {
      tests.count == 1 ? tests[0] : "(\(tests.joined(separator: " \(sign) ")))"
    }
    let sign = qualifiers.direction == .sourceAndDestination ? "and" : "or"
    return "(\(header) and \(alternatives(protocols)) and \(alternatives(sides, sign)))"
  }

  /// The offsets of the ports after an extension header of eight bytes.
  private func sides(of direction: Qualifiers.Direction?) -> [Int] {
    switch direction {
    case .source: [48]
    case .destination: [50]
    default: [48, 50]
    }
  }

  func ports(_ qualifiers: Qualifiers, _ identifier: Identifier) -> ClosedRange<UInt32>? {
    func port(_ text: some StringProtocol) -> UInt32? {
      if let number = UInt32(text) { return number }
      return Transport.allCases.lazy.compactMap { names.port(ofService: String(text), over: $0) }.first.map(UInt32.init)
    }
    switch (qualifiers.kind, identifier.value) {
    case (.port?, .number(let number)): return number...number
    case (.port?, .name(let name)): return port(name).map { $0...$0 }
    case (.portrange?, .name(let text)):
      for dash in text.indices where text[dash] == "-" {
        guard let first = port(text[..<dash]), let last = port(text[text.index(after: dash)...]) else { continue }
        return min(first, last)...max(first, last)
      }
      return nil
    default: return nil
    }
  }

  /// A protocol after any number of extension headers; of a port test, only its protocol.
  private func behindExtensionHeaders(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    switch use {
    case .abbreviation(let proto):
      guard let number = proto.ipProtocol, ![.icmp, .igmp, .igrp, .vrrp, .carp].contains(proto) else { return nil }
      return "ip6 protochain \(number)"
    case .identifier(var qualifiers, let identifier):
      switch qualifiers.kind {
      case .proto where qualifiers.proto == nil || qualifiers.proto == .ip6:
        qualifiers.proto = .ip6
        qualifiers.kind = .protochain
        return ExpressionWriter.words(.identifier(qualifiers, identifier))
      case .port, .portrange:
        guard let number = qualifiers.proto?.ipProtocol else { return nil }
        return "(ip6 protochain \(number) and ip6[6] != \(number))"
      default: return nil
      }
    default: return nil
    }
  }

  // MARK: Offsets from the link-layer header

  /// Translates offsets into an Ethernet frame for other link types.
  private func withoutLinkOffsets(_ use: PrimitiveUse, _ node: Expression.Index) -> String? {
    guard case .relation(let left, let sign, let right) = use else { return nil }
    let fields = left.accessors + right.accessors
    guard let field = fields.first, fields.count == 1, field.proto == .link, let index = field.index else { return nil }
    if index == 12, field.size == .half, case .equal = sign, case .number(let type) = right {
      return "ether proto \(type)"
    }
    let range = tree.nodes[node].range
    let octets = Array(words(node).utf8)
    let (start, end) = (field.range.lowerBound - range.lowerBound, field.range.upperBound - range.lowerBound)
    guard index >= 14, start >= 0, start < end, end <= octets.count else { return nil }
    let size = field.size == .byte ? "" : ":\(field.size.rawValue)"
    return String(decoding: octets.prefix(start), as: UTF8.self) + "ip[\(index - 14)\(size)]"
      + String(decoding: octets.dropFirst(end), as: UTF8.self)
  }
}
