import BPF
import PacketCore

/// What single tests read, and what they miss.
extension FilterLint {
  // MARK: Networks without a length

  /// `net 10` is 10.0.0.0/8, and `net 192.0.2.0` is one address.
  mutating func findClassNetworks() {
    for node in lowered.order.terms {
      guard case .identifier(let qualifiers, let identifier)? = primitive(node), qualifiers.kind == .net else {
        continue
      }
      guard let (address, length) = Self.implicitNetwork(identifier) else { continue }
      let isAddress = length == 32
      let wanted = isAddress ? 24 : length
      let network = "\(FieldName.Form.ipv4.text(address.rawValue))/\(wanted)"
      let written = "'\(words(node))'"
      let (rewrite, claim) = rewritten(isAddress ? .wider : .same) { writer in
        writer.replacements[node] = writer.words(of: node).replacingLast(identifier.text, with: network)
      }
      add(
        LintFinding(
          .classNetwork, [tree.nodes[node].range],
          isAddress
            ? "\(written) is the single address \(identifier.text): a network needs its prefix length"
            : "\(written) means \(network): the number of bytes written sets its length",
          rewrite: rewrite, lowered.order.isDenied[node] && isAddress ? .narrower : claim))
    }
  }

  /// The network that the beginning of an address stands for; for a whole address that ends with 0, the address itself.
  private static func implicitNetwork(_ identifier: Identifier) -> (IPv4Address, length: Int)? {
    switch identifier.value {
    case .number(let number):
      var (value, length) = (number, 32)
      while value != 0, value & 0xff00_0000 == 0 {
        value <<= 8
        length -= 8
      }
      return length == 32 ? nil : (IPv4Address(rawValue: value), length)
    case .dotted:
      guard let (address, octets) = IPv4Address.parse(dotted: identifier.text.utf8) else { return nil }
      if octets == 4, address.rawValue & 0xff != 0 || address.rawValue == 0 { return nil }
      return (address, octets * 8)
    default: return nil
    }
  }

  // MARK: IPv4 only

  /// `tcp[…]` is never true for IPv6.
  mutating func findIPv4Only() {
    for node in lowered.order.terms {
      guard case .relation(let left, _, let right)? = primitive(node) else { continue }
      let fields = left.accessors + right.accessors
      guard let proto = fields.first?.proto, let number = proto.ipProtocol, [.tcp, .udp, .sctp].contains(proto),
        fields.allSatisfy({ $0.proto == proto })
      else { continue }
      let isDenied = lowered.order.isDenied[node]
      // Replace the term by a test for what it misses: if nothing gets through then, other terms already restrict the filter to IPv4.
      if excludes(isDenied ? .ip : .ip6, inPlaceOf: node) { continue }
      let (rewrite, claim) = rewritten(isDenied ? .narrower : .wider) { writer in
        let words = writer.words(of: node)
        let inner = words.replacingWord(proto.rawValue + "[", with: "ip6[40 + ")
        writer.replacements[node] = "(\(words) or (ip6[6] = \(number) and \(inner)))"
      }
      let effect = isDenied ? "lets all of IPv6 pass" : "never matches IPv6"
      add(
        LintFinding(
          .ipv4Only, [tree.nodes[node].range],
          "'\(proto.rawValue)[…]' looks at IPv4 only, so this \(isDenied ? "'not' " : "")\(effect)", rewrite: rewrite,
          claim)
      )
    }
  }

  /// True if nothing can match when a test for `proto` replaces the term.
  private func excludes(_ proto: ProtocolName, inPlaceOf node: Expression.Index) -> Bool {
    // First only with the terms before it, then with all of them.
    matchesNothing(with: proto, inPlaceOf: node, .answer(node, proto == .ip6))
      || matchesNothing(with: proto, inPlaceOf: node, nil)
  }

  /// True if the probe, or without one the expression, accepts nothing when a test for `proto` replaces the term.
  func matchesNothing(with proto: ProtocolName, inPlaceOf node: Expression.Index, _ probe: TermProbe?) -> Bool {
    var other = Expression()
    for (index, old) in tree.nodes.enumerated() {
      _ = other.add(index == node ? .primitive(.abbreviation(proto)) : old.kind, at: old.range)
    }
    guard var graph = try? Lowering.lowered(other, options, probe: probe).graph else { return true }
    Optimizer.optimize(&graph)
    return graph.rejectsAll
  }

  // MARK: Fragments

  /// Only the first fragment of a packet has ports.
  mutating func findFragments() {
    guard let root = tree.nodes.indices.last else { return }
    var open = [root]
    while let node = open.popLast() {
      if isPorts(node) {
        // A list of ports is reported as one.
        let first = firstTerm(node)
        let isDenied = lowered.order.isDenied[first]
        guard isDenied || isUDP(first) else { continue }
        let (rewrite, claim) = rewritten(isDenied ? .narrower : .wider) { writer in
          writer.replacements[node] = "(\(writer.words(row: node)) or ip[6:2] & 0x1fff != 0)"
        }
        add(
          LintFinding(
            .fragments, [tree.nodes[node].range],
            isDenied
              ? "only the first fragment of a packet has ports: all others pass this 'not'"
              : "only the first fragment of a packet has ports: the others do not match",
            rewrite: rewrite, claim, isWarning: isDenied))
        continue
      }
      switch tree.nodes[node].kind {
      case .and(let left, let right), .or(let left, let right): open += [right, left]
      case .not(let inner): open.append(inner)
      case .primitive: break
      }
    }
  }

  /// True for a test of ports that UDP may have, and for a list of them joined by `or`. TCP avoids fragmentation.
  private func isPorts(_ node: Expression.Index) -> Bool {
    let row = if case .or = tree.nodes[node].kind { operands(of: node) } else { [node] }
    return row.allSatisfy { operand in
      guard case .identifier(let qualifiers, _)? = primitive(operand) else { return false }
      return (qualifiers.kind == .port || qualifiers.kind == .portrange) && qualifiers.proto != .tcp
        && lowered.constants[operand] == nil && !onlyIPv6(operand)
    }
  }

  private func isUDP(_ node: Expression.Index) -> Bool {
    guard case .identifier(let qualifiers, _)? = primitive(node) else { return false }
    return qualifiers.proto == .udp
  }

  /// True if the headers of the term are always those of IPv6.
  private func onlyIPv6(_ node: Expression.Index) -> Bool {
    if case .always(EtherType.ipv6) = lowered.contexts[node].field { return true }
    return false
  }

  private func firstTerm(_ node: Expression.Index) -> Expression.Index {
    var node = node
    while case .or(let left, _) = tree.nodes[node].kind { node = left }
    return node
  }

  // MARK: Loads

  /// A failing load rejects the packet, even under `not`.
  mutating func findDeniedLoads() {
    for node in lowered.order.terms where lowered.order.isDenied[node] {
      guard case .relation(let left, _, let right)? = primitive(node) else { continue }
      let fields = left.accessors + right.accessors
      guard let far = fields.first(where: { Self.isBeyondHeader($0.proto, $0.index, $0.size) }) else { continue }
      let field = SourceExcerpt.words(far.range, of: text)
      var rewrite: (text: String?, claim: LintFinding.Claim) = (nil, .wider)
      if fields.count == 1, let guardText = guardText(node, far.proto, far.index, far.size) {
        rewrite = rewritten(.wider) { writer in
          writer.replacements[node] = "(\(guardText) and \(writer.words(of: node)))"
        }
      }
      add(
        LintFinding(
          .deniedLoad, [far.range],
          "a packet that is too short for \(field) is rejected, also under 'not'", rewrite: rewrite.text, rewrite.claim)
      )
    }
  }

  /// True if a packet of the protocol may end before these bytes.
  private static func isBeyondHeader(_ proto: ProtocolName, _ index: UInt32?, _ size: LoadSize) -> Bool {
    let lengths: [ProtocolName: UInt32] = [
      .link: 14, .ip: 20, .ip6: 40, .arp: 28, .rarp: 28, .tcp: 20, .udp: 8, .sctp: 12, .icmp: 8, .icmp6: 4, .igmp: 8,
    ]
    guard let length = lengths[proto] else { return true }
    guard let index else { return true }
    return UInt64(index) + UInt64(size.rawValue) > UInt64(length)
  }

  /// A test that the packet is long enough on the wire; nil if that cannot be expressed.
  private func guardText(
    _ node: Expression.Index, _ proto: ProtocolName, _ index: UInt32?, _ size: LoadSize
  ) -> String? {
    let layers = lowered.contexts[node]
    guard let index, layers.networkHeader.base == nil, layers.header.base == nil, index < 1 << 16 else { return nil }
    let end = index + UInt32(size.rawValue)
    switch proto {
    case .link: return "len >= \(layers.header.offset + end)"
    case .ip, .ip6, .arp, .rarp: return "len >= \(layers.networkHeader.offset + end)"
    case .icmp6: return "len >= \(layers.networkHeader.offset + 40 + end)"
    case .tcp, .udp, .sctp, .icmp, .igmp:
      return "(ip[0] & 0xf) * 4 + \(layers.networkHeader.offset + end) <= len"
    default: return nil
    }
  }

  /// Bytes past the end of what is captured can never be loaded.
  mutating func findLoadsBeyondSnaplen() {
    var ends: [SourceRange: UInt64] = [:]
    for block in lowered.questions {
      guard let range = block.source.hull else { continue }
      var open = block.terminator.values
      var seen: Set<ValueID> = []
      while let value = open.popLast() {
        guard seen.insert(value).inserted else { continue }
        if case .load(let size, _, let offset) = lowered.graph.values[value], offset < Ancillary.base {
          ends[range] = max(ends[range] ?? 0, UInt64(offset) + UInt64(size.rawValue))
        }
        open += lowered.graph.values[value].operands
      }
    }
    for (range, end) in ends.sorted(by: { $0.key.lowerBound < $1.key.lowerBound }) where end > UInt64(options.snaplen) {
      let words = SourceExcerpt.words(range, of: text, limit: 40)
      add(
        LintFinding(
          .beyondSnaplen, [range],
          "'\(words)' needs \(end) bytes and the snapshot length is \(options.snaplen): packets that get this far are rejected; "
            + "capture more with -s \(end)"))
    }
  }
}

extension String {
  /// The text with the last occurrence of `old` replaced.
  fileprivate func replacingLast(_ old: String, with new: String) -> String {
    guard hasSuffix(old) else { return replacing(text: old, with: new) }
    return dropLast(old.count) + new
  }

  /// The text with `word` replaced where it begins a word; blanks may precede its bracket.
  func replacingWord(_ word: String, with new: String) -> String {
    guard let bracket = word.last else { return self }
    let name = word.dropLast()
    var result = ""
    var rest = self[...]
    while let first = rest.first {
      let isStart = result.last.map { !$0.isLetter && !$0.isNumber && $0 != "_" } ?? true
      if isStart, rest.hasPrefix(name) {
        let behind = rest.dropFirst(name.count).drop { $0 == " " }
        if behind.first == bracket {
          result += new
          rest = behind.dropFirst()
          continue
        }
      }
      result.append(first)
      rest = rest.dropFirst()
    }
    return result
  }
}
