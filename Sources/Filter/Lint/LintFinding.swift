public import BPF

/// A likely mistake in a filter expression.
public struct LintFinding: Hashable, Sendable {
  /// What to look for.
  public enum Rule: String, CaseIterable, Sendable {
    /// A test after `vlan`, `mpls`, … that is also made for packets without that header.
    case encapsulationOrder = "encapsulation-order"
    /// A load under `not` that packets may be too short for.
    case deniedLoad = "load-under-not"
    /// `tcp[…]` and the like, which only work for IPv4.
    case ipv4Only = "ipv4-only"
    /// Ports, which only first fragments have.
    case fragments
    /// Ports of IPv6, which are not found after extension headers.
    case extensionHeaders = "extension-headers"
    /// A port range from the greater to the smaller number.
    case backwardRange = "backward-range"
    /// `not` before a list without parentheses.
    case negatedList = "not-before-list"
    /// `or` between tests with `not`.
    case negatedAlternatives = "not-or-not"
    /// A chain of `and` and `or` without parentheses.
    case mixedOperators = "mixed-operators"
    /// A network without its length.
    case classNetwork = "class-network"
    /// A term that is true for every packet.
    case alwaysTrue = "always-true"
    /// A term that is false for every packet.
    case alwaysFalse = "always-false"
    /// A term whose result other terms determine.
    case implied
    /// Bytes that are not captured.
    case beyondSnaplen = "beyond-snaplen"
    /// More instructions than the kernel accepts.
    case tooLong = "too-long"
  }

  /// What is claimed about a rewrite, compared with the original expression.
  public enum Claim: String, Sendable {
    /// It accepts the same packets.
    case same = "means the same"
    /// It accepts the same packets among those that have every byte that either expression reads.
    case sameWhole = "means the same for packets that are not cut short"
    /// It accepts more packets; of those that are not truncated, it accepts all that were accepted before.
    case wider = "accepts more"
    /// It accepts fewer packets; of those that are not truncated, it accepts none that was rejected before.
    case narrower = "accepts fewer"
    /// It means something else, as the message says.
    case different = "means something else, as said above"
  }

  public let rule: Rule
  /// The words to mark, in the order of the text; none where it is the expression as a whole.
  public let ranges: [SourceRange]
  /// What may be wrong, without full stop.
  public let message: String
  /// The suggested replacement for the expression.
  public let rewrite: String?
  public let claim: Claim
  /// False for a note about something that is often intended.
  public let isWarning: Bool

  init(
    _ rule: Rule, _ ranges: [SourceRange], _ message: String, rewrite: String? = nil, _ claim: Claim = .same,
    isWarning: Bool = true
  ) {
    self.rule = rule
    self.ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }
    self.message = message
    self.rewrite = rewrite
    self.claim = claim
    self.isWarning = isWarning
  }

  /// The text to show to the user, in lines that end with a newline: the message with its position, the line of the expression with carets
  /// under the marked words, and the rewrite with what is claimed about it.
  public func rendered(expression: String) -> String {
    let kind = isWarning ? "warning" : "note"
    let message = SourceExcerpt.printable(message)
    var text: String
    if let first = ranges.first {
      let excerpt = SourceExcerpt(of: expression, around: first, marking: ranges)
      text = "\(kind): \(message) (\(excerpt.position)) [\(rule.rawValue)]\n  \(excerpt.line)\n  \(excerpt.marks)\n"
    } else {
      text = "\(kind): \(message) [\(rule.rawValue)]\n"
    }
    if let rewrite = rewrite.map(SourceExcerpt.printable) {
      text += "  rewrite: \(rewrite.isEmpty ? "(no expression)" : rewrite)\n  which \(claim.rawValue)\n"
    }
    return text
  }
}
