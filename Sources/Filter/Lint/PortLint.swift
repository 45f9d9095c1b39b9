import BPF
import Names

/// Tests of ports.
extension FilterLint {
  /// `portrange 90-80` is the range from 80 to 90.
  mutating func findBackwardRanges() {
    for node in tree.nodes.indices {
      guard case .identifier(let qualifiers, let identifier)? = primitive(node), qualifiers.kind == .portrange,
        case .name(let text) = identifier.value, let (first, last) = ends(of: text, qualifiers), first.port > last.port
      else { continue }
      let (rewrite, claim) = rewritten(.same) { writer in
        let words = writer.words(of: node).dropLast(identifier.text.count)
        writer.replacements[node] = "\(words)\(last.text)-\(first.text)"
      }
      add(
        LintFinding(
          .backwardRange, [identifier.range],
          "this range is backward: it means the ports from \(last.text) to \(first.text)", rewrite: rewrite, claim))
    }
  }

  /// The ports at both ends of a range, in the order of the text.
  private func ends(of text: String, _ qualifiers: Qualifiers) -> (
    first: (text: Substring, port: UInt32), last: (text: Substring, port: UInt32)
  )? {
    func port(_ text: Substring) -> UInt32? {
      if let number = UInt32(text) { return number }
      return Transport.allCases.lazy.compactMap { options.names.port(ofService: String(text), over: $0) }.first
        .map(UInt32.init)
    }
    for dash in text.indices where text[dash] == "-" {
      let (first, last) = (text[..<dash], text[text.index(after: dash)...])
      if let low = port(first), let high = port(last) { return ((first, low), (last, high)) }
    }
    return nil
  }

  /// Ports of IPv6 are only looked for directly after its header.
  mutating func findExtensionHeaders() {
    guard tree.nodes.indices.contains(where: { isAboutIPv6($0) }), lowered.order.terms.count <= 64 else { return }
    for node in lowered.order.terms {
      guard case .identifier(let qualifiers, _)? = primitive(node),
        qualifiers.kind == .port || qualifiers.kind == .portrange, lowered.constants[node] == nil
      else { continue }
      let isDenied = lowered.order.isDenied[node]
      // Only if the term is never tested for IPv4 packets, or makes no difference for them.
      guard
        matchesNothing(with: .ip, inPlaceOf: node, .answer(node, true))
          || matchesNothing(with: isDenied ? .ip6 : .ip, inPlaceOf: node, nil)
      else { continue }
      let protocols: [UInt8]
      if let number = qualifiers.proto?.ipProtocol { protocols = [number] } else { protocols = [6, 17, 132] }
      let chains = protocols.map { "(ip6 protochain \($0) and ip6[6] != \($0))" }.joined(separator: " or ")
      let (rewrite, claim) = rewritten(isDenied ? .narrower : .wider) { writer in
        writer.replacements[node] = "(\(writer.words(of: node)) or \(chains))"
      }
      add(
        LintFinding(
          .extensionHeaders, [tree.nodes[node].range],
          isDenied
            ? "ports after IPv6 extension headers are not seen: such packets pass this 'not'"
            : "ports after IPv6 extension headers are not seen: such packets do not match",
          rewrite: rewrite, claim, isWarning: isDenied))
    }
  }

  private func isAboutIPv6(_ node: Expression.Index) -> Bool {
    switch primitive(node) {
    case .abbreviation(.ip6)?, .cast(_, of: .ip6)?: return true
    case .identifier(let qualifiers, let identifier)?:
      switch identifier.value {
      case .ipv6, .ipv6Prefix: return true
      default: return qualifiers.proto == .ip6
      }
    default: return false
    }
  }
}
