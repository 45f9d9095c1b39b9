public import PacketCore

/// For each term of a filter how many packets it rejected. The rejections and the accepted packets sum up to the packets.
public struct RejectionTable: Sendable {
  /// What rejected packets.
  public struct Row: Hashable, Sendable {
    /// Packets that it rejected.
    public internal(set) var rejected: UInt64 = 0
    /// Those among them that were too short for it.
    public internal(set) var failed: UInt64 = 0
  }

  /// By term, in the order of the text.
  public private(set) var terms: [Row]
  /// Packets that were too short for the headers in front of what the terms are about.
  public private(set) var linkHeader = Row()
  /// Packets of link types that the filter means nothing for.
  public private(set) var withoutMeaning: UInt64 = 0
  /// Packets that the filter accepted.
  public private(set) var accepted: UInt64 = 0
  /// All packets.
  public private(set) var packets: UInt64 = 0

  private let words: [String]

  /// Terms that rejected nothing are only listed up to this number of terms.
  private static let listed = 100

  /// The table of the filter `expression` before its first packet. Throws where the expression is wrong.
  public init(_ expression: String) throws(FilterError) {
    let list = FilterTerms(try Parser.parse(expression)).list
    terms = Array(repeating: Row(), count: list.count)
    words = list.map { SourceExcerpt.words($0.range, of: expression) }
  }

  /// Counts one more packet.
  public mutating func add(_ decision: FilterExplanation.Decision) {
    packets &+= 1
    guard decision.verdict == 0 else {
      accepted &+= 1
      return
    }
    switch decision.subject {
    case .term(let index):
      terms[index].rejected &+= 1
      if decision.hasFailed { terms[index].failed &+= 1 }
    case .linkHeader, .wholeExpression:
      linkHeader.rejected &+= 1
      if decision.hasFailed { linkHeader.failed &+= 1 }
    }
  }

  /// Counts one more packet, for which the filter means nothing.
  public mutating func addWithoutMeaning() {
    packets &+= 1
    withoutMeaning &+= 1
  }

  /// Writes a line for each term, and one that sums up.
  public func write(to out: inout TextBuffer) {
    if !terms.isEmpty { out.write("  rejected  too short  term\n") }
    var silent = 0
    for (index, row) in terms.enumerated() {
      if row.rejected == 0, terms.count > Self.listed {
        silent += 1
      } else {
        Self.write(row, words[index], to: &out)
      }
    }
    if silent > 0 { Self.write(Row(), "each of \(silent) other terms", to: &out) }
    if linkHeader.rejected > 0 { Self.write(linkHeader, "(headers before the terms)", to: &out) }
    if withoutMeaning > 0 {
      Self.write(Row(rejected: withoutMeaning, failed: 0), "(link types that the filter means nothing for)", to: &out)
    }
    out.write("\(packets) packet\(packets == 1 ? "" : "s"): \(accepted) accepted, \(packets &- accepted) rejected\n")
  }

  private static func write(_ row: Row, _ words: String, to out: inout TextBuffer) {
    out.write(decimal: row.rejected, width: 10, pad: UInt8(ascii: " "))
    out.write(decimal: row.failed, width: 11, pad: UInt8(ascii: " "))
    out.write("  ")
    out.write(words)
    out.write("\n")
  }
}
