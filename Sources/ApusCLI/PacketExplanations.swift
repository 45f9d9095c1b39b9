import BPF
import Capture
import Dissect
import Filter
import PacketCore
import Protocols

/// Output of `--explain`.
enum ExplanationDetail: String {
  /// Each packet, and the table.
  case packets
  /// Only the table.
  case summary

  /// What the flag asks for; nil where it is missing.
  init?(_ options: ExplanationOptions) throws(CommandError) {
    guard let name = options.explain else { return nil }
    guard let detail = Self(rawValue: name) else {
      throw CommandError("unknown detail '\(name)' of --explain: use packets or summary")
    }
    self = detail
  }
}

/// The loop over packets that says of each which term of the filter accepted or rejected it, and why.
struct PacketExplanations: PacketExaminer, ~Copyable {
  /// The judge; the explanations have to agree with it.
  private var filter: PacketFilter
  private let detail: ExplanationDetail
  private let flushesEachPacket: Bool
  /// Accepted and rejected packets have colours of their own.
  private let isColored: Bool
  private let last: UInt64
  var printer: Printer
  private var variants: FilterVariants<FilterExplanation>
  private var table: TermTable
  /// Why no packet matches, as long as none does.
  private var search: NearMissSearch?

  /// Compiles the filter for the link type of `options`. Throws where it is refused.
  init(
    _ configuration: Configuration, _ detail: ExplanationDetail, _ options: CompileOptions, _ kinds: SourceKinds
  ) throws(FilterError) {
    let source = configuration.filter
    let filter = try PacketFilter(source, options, kinds, usesNativeCode: configuration.usesNativeCode)
    let table = try TermTable(source.expression)
    let variants = try FilterVariants(source, options, kinds, reports: false) { (options) throws(FilterError) in
      try FilterExplanation(source.expression, options)
    }
    self.filter = filter
    self.variants = variants
    self.table = table
    self.detail = detail
    flushesEachPacket = configuration.flushesEachPacket
    isColored = configuration.printing.color
    last = configuration.limit ?? .max
    printer = Printer(options: configuration.printing)
    if configuration.givesHints, !source.acceptsAll { search = NearMissSearch(source.expression, options) }
  }

  /// Why no packet has matched; nothing where one has, or where the reason was not found.
  var hints: [String] { accepted == 0 ? search?.hints ?? [] : [] }

  var isFinished: Bool { table.accepted >= last }

  /// Packets that the filter has accepted.
  var accepted: UInt64 { table.accepted }

  mutating func take(_ packet: borrowing Packet) throws(CommandError) -> Bool {
    let isAccepted = filter.accepts(packet)
    let (_, explanation) = variants.judge(of: packet)
    guard let explanation else {
      if detail == .packets { writeWithoutMeaning(packet) }
      table.addWithoutMeaning()
      return try flushIfFull()
    }
    let octets = packet.bytes.rawSpan
    let len = UInt32(truncatingIfNeeded: packet.len)
    let decision: FilterExplanation.Decision
    if detail == .packets {
      let reason = explanation.explain(octets, len: len)
      decision = reason.decision
      write(packet, reason, explanation)
      printer.packet(packet, number: table.packets &+ 1)
    } else {
      decision = explanation.decide(octets, len: len)
    }
    table.add(decision)
    if decision.verdict != 0 { search = nil } else { search?.add(octets, len: len, packet.linkType) }
    guard (decision.verdict != 0) == isAccepted else {
      throw CommandError(
        "packet \(table.packets): the filter \(isAccepted ? "accepts" : "rejects") it, its explanation disagrees: please report this"
      )
    }
    return try flushIfFull()
  }

  private mutating func flushIfFull() throws(CommandError) -> Bool {
    try flushesEachPacket || printer.out.count >= 1 << 16 ? flush() : true
  }

  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError? { filter.failure(interfaces) }

  mutating func finish() {
    let start = printer.out.count
    table.write(to: &printer.out)
    if isColored { LineColors.terms.color(&printer.out, from: start) }
  }

  // MARK: Text

  /// Terms that are named besides the one that decided.
  private static let maximumOthers = 4

  /// A mark at the start of the line distinguishes accepted packets from rejected ones.
  private mutating func writeHeading(_ packet: borrowing Packet, isAccepted: Bool) {
    if isColored { printer.out.write((isAccepted ? TextStyle.green : .red).sequence) }
    printer.out.write(isAccepted ? "+ " : "- ")
    printer.out.write("packet \(table.packets &+ 1): \(packet.caplen)")
    if packet.caplen != packet.len { printer.out.write(" of \(packet.len)") }
    printer.out.write(packet.len == 1 ? " byte, " : " bytes, ")
  }

  private mutating func writeWithoutMeaning(_ packet: borrowing Packet) {
    writeHeading(packet, isAccepted: false)
    printer.out.write("rejected: the filter does not apply to link-type \(packet.linkType.words)")
    endHeading()
    printer.packet(packet, number: table.packets &+ 1)
  }

  private mutating func endHeading() {
    if isColored { printer.out.write(TextStyle.reset) }
    printer.out.write("\n")
  }

  private mutating func write(
    _ packet: borrowing Packet, _ reason: FilterExplanation.Reason, _ explanation: FilterExplanation
  ) {
    let isAccepted = reason.decision.verdict != 0
    writeHeading(packet, isAccepted: isAccepted)
    printer.out.write(isAccepted ? "accepted" : "rejected")
    printer.out.write(visible: ": \(reason.text)")
    endHeading()
    if case .term(let index) = reason.decision.subject {
      let range = explanation.terms[index].range
      // An accepted packet shows the whole chain of terms that made it so.
      let chain = isAccepted ? reason.others.map { explanation.terms[$0.term].range } : []
      let marked = (chain + [range]).sorted { $0.lowerBound < $1.lowerBound }
      let excerpt = SourceExcerpt(of: explanation.expression, around: marked.first ?? range, marking: marked)
      printer.out.write("  \(excerpt.line)\n  ")
      printer.out.write(excerpt.marks, in: isColored ? (isAccepted ? .green : .boldRed) : nil)
      printer.out.write("\n")
    }
    let conjunction = isAccepted ? "and" : "nor"
    for (term, text) in reason.others.prefix(Self.maximumOthers) {
      let words = SourceExcerpt.words(explanation.terms[term].range, of: explanation.expression)
      printer.out.write(visible: "  \(conjunction) '\(words)': \(text)\n")
    }
    let more = reason.others.count - Self.maximumOthers
    if more > 0 { printer.out.write("  \(conjunction) \(more) more term\(more == 1 ? "" : "s")\n") }
  }
}
