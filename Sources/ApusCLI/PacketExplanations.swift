import BPF
import Capture
import Dissect
import Filter
import PacketCore
import Protocols

/// What `--explain` tells.
enum ExplanationDetail: String {
  /// Each packet, and the table.
  case packets
  /// Only the table.
  case summary

  /// What the flag asks for; nil where it is missing.
  init?(_ options: ExplanationOptions) throws(CommandError) {
    guard let name = options.explain else { return nil }
    guard let detail = Self(rawValue: name) else {
      throw CommandError("unknown detail '\(name)' of --explain: packets and summary are possible")
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
  private let last: UInt64
  var printer: Printer
  private var variants: FilterVariants<FilterExplanation>
  private var table: RejectionTable

  /// Compiles the filter for the link type of `options`. Throws where it is refused.
  init(
    _ configuration: Configuration, _ detail: ExplanationDetail, _ options: CompileOptions, _ kinds: SourceKinds
  ) throws(FilterError) {
    let source = configuration.filter
    let filter = try PacketFilter(source, options, kinds, usesNativeCode: configuration.usesNativeCode)
    let table = try RejectionTable(source.expression)
    let variants = try FilterVariants(source, options, kinds, reports: false) { (options) throws(FilterError) in
      try FilterExplanation(source.expression, options)
    }
    self.filter = filter
    self.variants = variants
    self.table = table
    self.detail = detail
    flushesEachPacket = configuration.flushesEachPacket
    last = configuration.limit ?? .max
    printer = Printer(options: configuration.printing)
  }

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
    guard (decision.verdict != 0) == isAccepted else {
      throw CommandError(
        "packet \(table.packets): the filter \(isAccepted ? "accepts" : "rejects") it, its explanation says otherwise: please report this"
      )
    }
    return try flushIfFull()
  }

  private mutating func flushIfFull() throws(CommandError) -> Bool {
    try flushesEachPacket || printer.out.count >= 1 << 16 ? flush() : true
  }

  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError? { filter.failure(interfaces) }

  mutating func finish() { table.write(to: &printer.out) }

  // MARK: Text

  /// Alternatives that are told of besides the term that decided.
  private static let mostAlternatives = 4

  private mutating func writeHeading(_ packet: borrowing Packet) {
    printer.out.write("packet \(table.packets &+ 1): \(packet.caplen)")
    if packet.caplen != packet.len { printer.out.write(" of \(packet.len)") }
    printer.out.write(packet.len == 1 ? " octet, " : " octets, ")
  }

  private mutating func writeWithoutMeaning(_ packet: borrowing Packet) {
    writeHeading(packet)
    printer.out.write("rejected: the filter means nothing for link-type \(packet.linkType.words)\n")
    printer.packet(packet, number: table.packets &+ 1)
  }

  private mutating func write(
    _ packet: borrowing Packet, _ reason: FilterExplanation.Reason, _ explanation: FilterExplanation
  ) {
    writeHeading(packet)
    printer.out.write(reason.decision.verdict != 0 ? "accepted" : "rejected")
    printer.out.write(visible: ": \(reason.text)\n")
    if case .term(let index) = reason.decision.subject {
      let range = explanation.terms[index].range
      let excerpt = SourceExcerpt(of: explanation.expression, around: range, marking: [range])
      printer.out.write("  \(excerpt.line)\n  \(excerpt.marks)\n")
    }
    for (term, text) in reason.alternatives.prefix(Self.mostAlternatives) {
      let words = SourceExcerpt.words(explanation.terms[term].range, of: explanation.expression)
      printer.out.write(visible: "  nor '\(words)': \(text)\n")
    }
    let more = reason.alternatives.count - Self.mostAlternatives
    if more > 0 { printer.out.write("  nor \(more) more term\(more == 1 ? "" : "s")\n") }
  }
}
