import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore
import Protocols

/// How to print the program for people.
enum ListingForm {
  /// Instructions, each with the words of the expression that it implements.
  case annotated
  case graph(GraphFormat)

  /// The formats of a control-flow graph.
  enum GraphFormat: String, CaseIterable {
    case dot, svg, png, ascii
  }

  /// The format that `dot` has to draw; nil if `dot` is not needed.
  var drawnFormat: String? {
    switch self {
    case .graph(.svg): "svg"
    case .graph(.png): "png"
    case .graph(.dot), .graph(.ascii), .annotated: nil
    }
  }

  /// The form that the flags request; nil if they are missing.
  init?(_ options: ExplanationOptions) throws(CommandError) {
    if let name = options.graph {
      guard let format = GraphFormat(rawValue: name) else {
        throw CommandError("unknown format '\(name)' of --graph: use dot, svg, png or ascii")
      }
      self = .graph(format)
    } else if options.annotate {
      self = .annotated
    } else {
      return nil
    }
  }
}

/// Counts how often each instruction is executed for packets of one link type.
struct InstructionCounts: PacketExaminer, ~Copyable {
  private let linkType: LinkType
  private let last: UInt64
  var printer: Printer
  var examination = ExaminationState()
  private(set) var profile: ExecutionProfile
  /// Packets of other link types, for which the filter compiles to another program.
  private(set) var others: UInt64 = 0

  init(_ program: Program, _ linkType: LinkType, _ configuration: Configuration) {
    self.linkType = linkType
    last = configuration.limit ?? .max
    printer = Printer(options: configuration.printing)
    profile = ExecutionProfile(program)
  }

  var isFinished: Bool { profile.accepted >= last }

  mutating func examine(_ packet: borrowing Packet) throws(CommandError) -> Bool {
    if packet.linkType == linkType {
      profile.run(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len))
    } else {
      others &+= 1
    }
    return true
  }

  mutating func finish() {}
  func failure(_ interfaces: InterfaceTable?) -> CommandError? { nil }
}

extension Command {
  /// Prints the program for people.
  func list(_ form: ListingForm, _ options: CompileOptions) throws(CommandError) {
    let listing = try listing(options)
    try list(listing, nil, form, try graphviz(form))
  }

  /// Counts how often each instruction is executed for the packets of a source, and prints the program with these counts.
  func list<Source: PacketSource & ~Copyable>(
    _ source: inout Source, _ form: ListingForm, _ options: CompileOptions
  ) throws(CommandError) {
    let listing = try listing(options)
    let graphviz = try graphviz(form)
    var counts = InstructionCounts(listing.program, options.linkType, configuration)
    try counts.run(&source)
    if counts.others > 0 {
      Diagnostics.note("apus: \(counts.others) packets are not \(options.linkType.words), and are not counted")
    }
    try list(listing, counts.profile, form, graphviz)
  }

  private func listing(_ options: CompileOptions) throws(CommandError) -> FilterListing {
    switch configuration.filter {
    case .bytecode(let bytecode, _): return FilterListing(bytecode.program)
    case .expression(let words):
      do throws(FilterError) {
        return try FilterListing(words, options)
      } catch {
        throw CommandError(complete: error.rendered(expression: words))
      }
    }
  }

  private func graphviz(_ form: ListingForm) throws(CommandError) -> Graphviz? {
    guard let format = form.drawnFormat else { return nil }
    if format == "png", isatty(STDOUT_FILENO) == 1 {
      throw CommandError("--graph png writes an image to standard output, which is a terminal: send it to a file")
    }
    return try Graphviz(format)
  }

  private func list(
    _ listing: FilterListing, _ profile: ExecutionProfile?, _ form: ListingForm, _ graphviz: Graphviz?
  ) throws(CommandError) {
    switch form {
    case .annotated: try write(in: .program) { listing.writeAnnotated(profile, to: &$0) }
    case .graph(.dot): try write { FilterGraph(listing).writeDOT(profile, to: &$0) }
    case .graph(.ascii): try write { FilterGraph(listing).writeASCII(profile, to: &$0) }
    case .graph(.svg), .graph(.png):
      var text = TextBuffer()
      FilterGraph(listing).writeDOT(profile, to: &text)
      try graphviz?.draw(text)
    }
  }
}
