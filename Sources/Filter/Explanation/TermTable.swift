public import PacketCore

/// For each term of a filter: how often it was tested, with what results, and how many packets it decided.
public struct TermTable: Sendable {
  /// The results of a term.
  public struct Row: Hashable, Sendable {
    /// Packets for which it was true.
    public internal(set) var isTrue: UInt64 = 0
    /// Packets for which it was false.
    public internal(set) var isFalse: UInt64 = 0
    /// Packets that were too short for it.
    public internal(set) var failed: UInt64 = 0
    /// Packets that it accepted or rejected as the last term tested.
    public internal(set) var decided: UInt64 = 0

    /// Packets for which it was tested.
    public var asked: UInt64 { isTrue &+ isFalse &+ failed }

    fileprivate mutating func add(_ answer: FilterExplanation.Answer) {
      switch answer {
      case .isTrue: isTrue &+= 1
      case .isFalse: isFalse &+= 1
      case .failed: failed &+= 1
      }
    }
  }

  /// By term, in the order of the text.
  public private(set) var terms: [Row]
  /// Packets that were decided without a term: they were too short for the headers before those that the terms test, or all packets of the
  /// link type have the same result.
  public private(set) var elsewhere = Row()
  /// Packets of link types that the filter cannot be used on.
  public private(set) var withoutMeaning: UInt64 = 0
  /// Packets that the filter accepted.
  public private(set) var accepted: UInt64 = 0
  /// All packets.
  public private(set) var packets: UInt64 = 0

  private let words: [String]

  /// Terms that were never tested are only listed if there are at most this many terms.
  private static let listed = 100

  /// The table of the filter `expression` before its first packet. Throws if the expression is wrong.
  public init(_ expression: String) throws(FilterError) {
    let list = FilterTerms(try Parser.parse(expression)).list
    terms = Array(repeating: Row(), count: list.count)
    words = list.map { SourceExcerpt.words($0.range, of: expression) }
  }

  /// Counts one more packet.
  public mutating func add(_ decision: FilterExplanation.Decision) {
    packets &+= 1
    if decision.verdict != 0 { accepted &+= 1 }
    for asked in decision.asked { terms[asked.term].add(asked.answer) }
    switch decision.subject {
    case .term(let index): terms[index].decided &+= 1
    case .linkHeader, .wholeExpression:
      elsewhere.decided &+= 1
      if decision.hasFailed { elsewhere.failed &+= 1 }
    }
  }

  /// Counts one more packet, of a link type that the filter cannot be used on.
  public mutating func addWithoutMeaning() {
    packets &+= 1
    withoutMeaning &+= 1
  }

  /// Writes a line for each term, and a summary line.
  public func write(to out: inout TextBuffer) {
    if !terms.isEmpty { out.write("    tested      true     false  too short   decided  term\n") }
    var silent = 0
    for (index, row) in terms.enumerated() {
      if row == Row(), terms.count > Self.listed {
        silent += 1
      } else {
        Self.write(row, words[index], to: &out)
      }
    }
    if silent > 0 { Self.write(Row(), "each of \(silent) other terms", to: &out) }
    if elsewhere.failed > 0 {
      Self.write(Row(failed: elsewhere.failed, decided: elsewhere.failed), "(headers before the terms)", to: &out)
    }
    if elsewhere.decided > elsewhere.failed {
      Self.write(
        Row(decided: elsewhere.decided &- elsewhere.failed), "(no term: the same answer for all packets)", to: &out)
    }
    if withoutMeaning > 0 {
      Self.write(Row(decided: withoutMeaning), "(link types that the filter does not apply to)", to: &out)
    }
    out.write("\(packets) packet\(packets == 1 ? "" : "s"): \(accepted) accepted, \(packets &- accepted) rejected\n")
  }

  private static func write(_ row: Row, _ words: String, to out: inout TextBuffer) {
    for (number, width) in [(row.asked, 10), (row.isTrue, 10), (row.isFalse, 10), (row.failed, 11), (row.decided, 10)] {
      out.write(decimal: number, width: width, pad: UInt8(ascii: " "))
    }
    out.write("  ")
    out.write(words)
    out.write("\n")
  }
}
