import BPF
import Capture
import Dissect
import Filter
import PacketCore
import Processes
import Protocols

/// What `--explain` prints.
enum ExplanationDetail: String {
  /// Each packet, and the table.
  case packets
  /// Only the table.
  case summary

  /// The argument of the flag; nil if the flag is missing.
  init?(_ options: ExplanationOptions) throws(CommandError) {
    guard let name = options.explain else { return nil }
    guard let detail = Self(rawValue: name) else {
      throw CommandError("unknown detail '\(name)' of --explain: use packets or summary")
    }
    self = detail
  }
}

/// Explains for each packet which term of the filter accepted or rejected it, and why.
struct PacketExplanations: PacketExaminer, ~Copyable {
  /// The filter that decides; the explanations must agree with it.
  private var filter: PacketFilter
  private let detail: ExplanationDetail
  private let flushesEachPacket: Bool
  /// Accepted and rejected packets have different colours.
  private let isColored: Bool
  private let last: UInt64
  var printer: Printer
  var examination = ExaminationState()
  /// Indexed by the answers to the process tests, one bit each; nil if not needed so far.
  private var variants: [FilterVariants<FilterExplanation>?]
  private let makeVariants: (Int) throws(FilterError) -> FilterVariants<FilterExplanation>
  /// How to look up the processes of packets, and those of the current packet.
  private let processSource: ProcessSource
  private var processes = PacketProcesses()
  private var processCache = PacketProcessCache()
  private var table: TermTable
  /// Searches for the reason why no packet matches, until one does.
  private var search: NearMissSearch?

  /// Compiles the filter for the link type of `options`. Throws if it is refused.
  init(
    _ configuration: Configuration, _ filter: PacketFilter, _ detail: ExplanationDetail, _ options: CompileOptions,
    _ kinds: SourceKinds, _ processSource: ProcessSource
  ) throws(FilterError) {
    let source = configuration.filter
    let table = try TermTable(source.expression)
    let tests = filter.processFilter?.tests.count ?? 0
    let makeVariants = { (holding: Int) throws(FilterError) in
      let answers = (0..<tests).map { holding & 1 << $0 != 0 }
      return try FilterVariants(source, options, kinds, reports: false) { (options) throws(FilterError) in
        try FilterExplanation(source.expression, options, assuming: answers)
      }
    }
    var variants: [FilterVariants<FilterExplanation>?] = Array(repeating: nil, count: 1 << tests)
    variants[0] = try makeVariants(0)
    self.filter = filter
    self.variants = variants
    self.makeVariants = makeVariants
    self.processSource = filter.asksForProcesses || configuration.showsProcesses ? processSource : .none
    self.table = table
    self.detail = detail
    flushesEachPacket = configuration.flushesEachPacket
    isColored = configuration.printing.color
    last = configuration.limit ?? .max
    printer = Printer(options: configuration.printing)
    if configuration.givesHints, !source.acceptsAll, !filter.asksForProcesses {
      search = NearMissSearch(source.expression, options)
    }
  }

  /// Hints why no packet has matched; empty if one has, or if no reason was found.
  var hints: [String] { accepted == 0 ? search?.hints ?? [] : [] }

  var isFinished: Bool { table.accepted >= last }

  /// Packets that the filter has accepted.
  var accepted: UInt64 { table.accepted }

  mutating func examine(_ packet: borrowing Packet) throws(CommandError) -> Bool {
    processes = processSource.processes(of: packet, &processCache)
    if case .none = processSource {} else { printer.processes = processes }
    let isAccepted = filter.accepts(packet) && filter.accepts(packet, processes)
    let explanation = try explanation(of: packet)
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

  /// The explanation for a packet with the current processes; nil if the filter does not apply to it.
  private mutating func explanation(of packet: borrowing Packet) throws(CommandError) -> FilterExplanation? {
    let answers = filter.processFilter?.answers(for: processes) ?? 0
    do throws(FilterError) {
      if variants[answers] == nil { variants[answers] = try makeVariants(answers) }
    } catch {
      throw CommandError(complete: error.rendered(expression: filter.source.expression))
    }
    return variants[answers]?.judge(of: packet).judge
  }

  var isWatchingProcesses: Bool { if case .kernel = processSource { true } else { false } }

  func readProcesses() { if case .kernel(let tracker) = processSource { tracker.drain() } }

  private mutating func flushIfFull() throws(CommandError) -> Bool {
    try flushesEachPacket || printer.out.count >= 1 << 16 ? flush() : true
  }

  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError? {
    if let failure = filter.failure(interfaces) { return failure }
    guard case .file = processSource, let error = filter.processFilter?.missingProcesses else { return nil }
    return CommandError(complete: error.rendered(expression: filter.source.expression))
  }

  mutating func finish() {
    let start = printer.out.count
    table.write(to: &printer.out)
    if isColored { LineColors.terms.color(&printer.out, from: start) }
  }

  // MARK: Text

  /// The maximum number of terms to name besides the one that decided.
  private static let maximumOthers = 4

  /// The heading, beginning with a mark that distinguishes accepted packets from rejected ones.
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

  /// Writes the value that a term was compared with.
  private mutating func write(_ text: String, _ term: Int, _ explanation: FilterExplanation) {
    guard explanation.isProcessTest(term) else { return printer.out.write(visible: text) }
    printer.write(endsOf: processes)
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
    printer.out.write(": ")
    if case .term(let index) = reason.decision.subject {
      write(reason.text, index, explanation)
    } else {
      printer.out.write(visible: reason.text)
    }
    endHeading()
    if case .term(let index) = reason.decision.subject {
      let range = explanation.terms[index].range
      // For an accepted packet, all terms of the chain that accepted it are marked.
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
      printer.out.write(visible: "  \(conjunction) '\(words)': ")
      write(text, term, explanation)
      printer.out.write("\n")
    }
    let more = reason.others.count - Self.maximumOthers
    if more > 0 { printer.out.write("  \(conjunction) \(more) more term\(more == 1 ? "" : "s")\n") }
  }
}
