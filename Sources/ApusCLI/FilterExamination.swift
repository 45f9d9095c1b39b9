import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore

/// The loop over packets that shows how the filter judges them: what it executes for each packet (`--trace`), and how often it
/// executes each instruction (`--profile`).
struct FilterExamination: PacketExaminer, ~Copyable {
  private let filter: FilterSource
  private let options: CompileOptions
  private let traces: Bool
  private let countsInstructions: Bool
  private let flushesEachPacket: Bool
  private let skip: UInt64
  /// The accepted packet after which to end.
  private let last: UInt64
  private let sampling: UInt64
  var printer: Printer
  /// One for each link type met so far.
  private var profiles: [(linkType: LinkType, profile: ExecutionProfile)]
  /// Which of them is that of the packet before.
  private var current = 0
  /// Packets judged.
  private var number: UInt64 = 0
  /// Packets that the filter has accepted.
  private(set) var accepted: UInt64 = 0

  /// Compiles the filter for the link type of `options`. Throws where it is refused.
  init(_ configuration: Configuration, _ options: CompileOptions) throws(FilterError) {
    filter = configuration.filter
    self.options = options
    traces = configuration.traces
    countsInstructions = configuration.profiles
    flushesEachPacket = configuration.flushesEachPacket
    skip = configuration.skip
    last = configuration.limit.map { $0 &+ min(configuration.skip, .max &- $0) } ?? .max
    sampling = configuration.sampling
    printer = Printer(options: configuration.printing)
    profiles = [(options.linkType, ExecutionProfile(try filter.compile(options)))]
  }

  var isFinished: Bool { accepted >= last }

  /// Writes the profile.
  mutating func finish() {
    if countsInstructions { writeProfiles() }
  }

  /// One packet; false where nobody reads the text any more.
  mutating func take(_ packet: borrowing Packet) throws(CommandError) -> Bool {
    if packet.linkType != profiles[current].linkType { try change(to: packet.linkType) }
    let octets = packet.bytes.rawSpan
    let len = UInt32(truncatingIfNeeded: packet.len)
    let verdict = profiles[current].profile.run(octets, len: len)
    number &+= 1
    if verdict != 0 { accepted &+= 1 }
    guard traces else { return true }
    writeHeading(packet, verdict)
    profiles[current].profile.program.trace(octets, len: len).write(caplen: packet.caplen, to: &printer.out)
    if verdict != 0, accepted > skip, sampling == 1 || accepted % sampling == 0 {
      printer.packet(packet, number: accepted)
    }
    return try flushesEachPacket || printer.out.count >= 1 << 16 ? flush() : true
  }

  private mutating func change(to linkType: LinkType) throws(CommandError) {
    if let known = profiles.firstIndex(where: { $0.linkType == linkType }) {
      current = known
      return
    }
    var options = options
    options.linkType = linkType
    do throws(FilterError) {
      profiles.append((linkType, ExecutionProfile(try filter.compile(options))))
    } catch {
      throw .filter(filter.expression, meansNothingFor: linkType, error)
    }
    current = profiles.count - 1
  }

  // MARK: Text

  private mutating func writeHeading(_ packet: borrowing Packet, _ verdict: UInt32) {
    printer.out.write("packet \(number): \(packet.caplen)")
    if packet.caplen != packet.len { printer.out.write(" of \(packet.len)") }
    printer.out.write(packet.len == 1 ? " octet, " : " octets, ")
    printer.out.write(verdict != 0 ? "accepted (\(verdict))\n" : "rejected\n")
  }

  private mutating func writeProfiles() {
    for (linkType, profile) in profiles {
      if profiles.count > 1 { printer.out.write("; link-type \(linkType.words)\n") }
      profile.write(to: &printer.out)
    }
  }
}

extension CommandError {
  /// The filter was compiled for other packets, and cannot be for this one.
  static func filter(_ expression: String, meansNothingFor linkType: LinkType, _ error: FilterError) -> CommandError {
    let words = "apus: the filter means nothing for a packet of link type \(linkType.words):\n"
    return CommandError(complete: words + error.rendered(expression: expression))
  }
}
