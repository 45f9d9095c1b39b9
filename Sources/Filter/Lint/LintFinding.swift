public import BPF

/// Something in a filter expression that may not be meant.
public struct LintFinding: Hashable, Sendable {
  /// What is looked for.
  public enum Rule: String, CaseIterable, Sendable {
    /// A test after `vlan`, `mpls`, … that is also asked of packets without that header.
    case encapsulationOrder = "encapsulation-order"
    /// A load under `not` that packets may be too short for.
    case deniedLoad = "load-under-not"
    /// `tcp[…]` and the like, which only look at IPv4.
    case ipv4Only = "ipv4-only"
    /// Ports, which only first fragments have.
    case fragments
    /// Ports of IPv6, which are not looked for after extension headers.
    case extensionHeaders = "extension-headers"
    /// A range of ports from the greater to the smaller one.
    case backwardRange = "backward-range"
    /// `not` before a list without parentheses.
    case negatedList = "not-before-list"
    /// `or` between tests with `not`.
    case negatedAlternatives = "not-or-not"
    /// `and` and `or` in a row without parentheses.
    case mixedOperators = "mixed-operators"
    /// A network without its length.
    case classNetwork = "class-network"
    /// A term that is true for every packet.
    case alwaysTrue = "always-true"
    /// A term that is false for every packet.
    case alwaysFalse = "always-false"
    /// A term that others decide.
    case implied
    /// Octets that are not captured.
    case beyondSnaplen = "beyond-snaplen"
    /// More instructions than the kernel takes.
    case tooLong = "too-long"
  }

  /// What is promised of a rewrite, compared with the expression as it is.
  public enum Claim: String, Sendable {
    /// It accepts the same packets.
    case same = "means the same"
    /// It accepts the same packets among those that have every octet that either asks for.
    case sameWhole = "means the same for packets that are not cut short"
    /// It accepts more packets, and among those that are not cut short all that were accepted.
    case wider = "accepts more"
    /// It accepts fewer packets, and among those that are not cut short none that was not.
    case narrower = "accepts fewer"
    /// It has the meaning that the message says, which is another one.
    case different = "means something else, as said above"
  }

  public let rule: Rule
  /// The words that are meant, in the order of the text; none where it is the expression as a whole.
  public let ranges: [SourceRange]
  /// What may not be meant, without full stop.
  public let message: String
  /// The expression as it could be written instead.
  public let rewrite: String?
  public let claim: Claim
  /// False for a hint about something that is often meant so.
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

  /// The text for a person, in lines that end with a newline: the message with its place, the line of the expression with carets under the
  /// words that are meant, and the rewrite with what is promised of it.
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
