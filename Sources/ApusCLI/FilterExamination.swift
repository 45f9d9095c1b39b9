import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore
import Protocols

/// What to show of how the filter judges packets.
enum Examination {
  /// Which instructions are executed for each packet (`--trace`), how often each instruction is executed (`--profile`), or both.
  case execution(traces: Bool, profiles: Bool)
  /// Why it accepts or rejects them (`--explain`).
  case explanation(ExplanationDetail)

  /// The examination that the flags request; nil if they are missing.
  init?(_ options: ExplanationOptions) throws(CommandError) {
    if let detail = try ExplanationDetail(options) {
      self = .explanation(detail)
    } else if options.trace || options.profile {
      self = .execution(traces: options.trace, profiles: options.profile)
    } else {
      return nil
    }
  }

  /// The flags, for messages.
  var flags: String {
    switch self {
    case .execution: "--trace and --profile"
    case .explanation: "--explain"
    }
  }
}

/// Shows how the filter judges packets: what it executes for each packet (`--trace`), and how often it executes each instruction
/// (`--profile`).
struct FilterExamination: PacketExaminer, ~Copyable {
  private let options: CompileOptions
  private let traces: Bool
  private let countsInstructions: Bool
  private let flushesEachPacket: Bool
  private let isColored: Bool
  private let skip: UInt64
  /// The accepted packet after which to end.
  private let last: UInt64
  private let sampling: UInt64
  var printer: Printer
  var examination = ExaminationState()
  /// Execution counts of instructions, by kind of packet.
  private var variants: FilterVariants<Profile>
  /// The profiles of the kinds met so far.
  private var profiles: [(kind: PacketKind, profile: Profile)] = []
  /// Packets judged.
  private var number: UInt64 = 0
  /// Packets that the filter has accepted.
  private(set) var accepted: UInt64 = 0

  /// The program for one kind of packet, and its execution counts.
  private final class Profile {
    var execution: ExecutionProfile
    init(_ program: Program) { execution = ExecutionProfile(program) }
  }

  /// Compiles the filter for the link type of `options`. Throws if it is refused.
  init(
    _ configuration: Configuration, traces: Bool, profiles: Bool, _ options: CompileOptions, _ kinds: SourceKinds
  ) throws(FilterError) {
    let filter = configuration.filter
    let variants = try FilterVariants(filter, options, kinds) { (options) throws(FilterError) in
      Profile(try filter.compile(options))
    }
    self.variants = variants
    self.options = options
    self.traces = traces
    countsInstructions = profiles
    flushesEachPacket = configuration.flushesEachPacket
    isColored = configuration.printing.color
    skip = configuration.skip
    last = configuration.limit.map { $0 &+ min(configuration.skip, .max &- $0) } ?? .max
    sampling = configuration.sampling
    printer = Printer(options: configuration.printing)
  }

  var isFinished: Bool { accepted >= last }

  /// Writes the profile.
  mutating func finish() {
    guard countsInstructions else { return }
    let start = printer.out.count
    writeProfiles()
    if isColored { LineColors.program.color(&printer.out, from: start) }
  }

  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError? { variants.failure(interfaces) }

  /// Judges one packet; false if nobody reads the text any more.
  mutating func examine(_ packet: borrowing Packet) throws(CommandError) -> Bool {
    let octets = packet.bytes.rawSpan
    let len = UInt32(truncatingIfNeeded: packet.len)
    let (kind, profile) = variants.judge(of: packet)
    if let profile, !profiles.contains(where: { $0.kind == kind }) { profiles.append((kind, profile)) }
    let verdict = profile?.execution.run(octets, len: len) ?? 0
    number &+= 1
    if verdict != 0 { accepted &+= 1 }
    guard traces else { return true }
    let start = printer.out.count
    writeHeading(packet, verdict, meansNothing: profile == nil)
    profile?.execution.program.trace(octets, len: len).write(caplen: packet.caplen, to: &printer.out)
    if isColored { LineColors.program.color(&printer.out, from: start) }
    if verdict != 0, accepted > skip, sampling == 1 || accepted % sampling == 0 {
      printer.packet(packet, number: accepted)
    }
    return try flushesEachPacket || printer.out.count >= 1 << 16 ? flush() : true
  }

  // MARK: Text

  private mutating func writeHeading(_ packet: borrowing Packet, _ verdict: UInt32, meansNothing: Bool) {
    printer.out.write("packet \(number): \(packet.caplen)")
    if packet.caplen != packet.len { printer.out.write(" of \(packet.len)") }
    printer.out.write(packet.len == 1 ? " byte, " : " bytes, ")
    printer.out.write(verdict != 0 ? "accepted (\(verdict))" : "rejected")
    if meansNothing { printer.out.write(": the filter does not apply to link-type \(packet.linkType.words)") }
    printer.out.write("\n")
  }

  private mutating func writeProfiles() {
    let first = PacketKind(linkType: options.linkType)
    if profiles.isEmpty, let profile = variants.judge(first) { profiles.append((first, profile)) }
    for (kind, profile) in profiles {
      if profiles.count > 1 { printer.out.write("; link-type \(kind.linkType.words)\(kind.direction.words)\n") }
      profile.execution.write(to: &printer.out)
    }
  }
}

extension PacketDirection {
  /// The direction, to follow the name of a link type; empty if unknown.
  fileprivate var words: String {
    switch self {
    case .unknown: ""
    case .inbound: ", received"
    case .outbound: ", sent"
    }
  }
}
