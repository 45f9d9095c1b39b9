public import Dissect
public import PacketCore
import Protocols

/// What is counted of packets.
public enum StatisticsKind: String, CaseIterable, Sendable {
  /// Which headers are inside one another.
  case protocols
  /// Who has sent what to whom.
  case conversations
  /// What each address has sent and received.
  case endpoints
  /// What each port of a transport protocol has sent and received.
  case ports
  /// What each program has sent and received, where the processes of packets are known.
  case processes
  /// How long packets are.
  case sizes
  /// Packets and octets over time.
  case rate
}

/// What is to be counted, and how much of it may be kept.
public struct StatisticsSettings: Sendable {
  public var kinds: [StatisticsKind]
  /// Nanoseconds of the intervals of `.rate`; nil for a length that suits the packets.
  public var interval: Int64?
  /// What rows are sorted by, where their table can be; nil for each table's own order.
  public var sort: StatisticsSort?
  /// Rows of conversations, endpoints, ports and programs that a report has; nil for all of them in JSON, and the first 20 in tables.
  public var top: Int?
  /// Conversations, endpoints, ports, programs, their connections, and intervals of a stated length that are kept.
  public var maximumRows = 1 << 20
  /// Kinds of headers inside one another that are kept.
  public var maximumProtocols = 4096
  /// How names and times are written in tables, and which payloads are taken for what.
  public var printing: PrintOptions

  public init(_ kinds: [StatisticsKind], printing: PrintOptions = PrintOptions()) {
    self.kinds = kinds
    self.printing = printing
  }
}

/// Statistics over packets: counted from the same parse as their text, in a bounded amount of memory.
///
/// Octets are those on the wire (`len`), times those of the packets. A packet counts once in each kind of statistics, in a row or among
/// the others for which there was no row, so that rows and others add up to all packets; in those of endpoints and ports once for its
/// source and once for its destination, and once only where both are the same; in those of programs likewise.
public struct Statistics: ~Copyable {
  /// What printers are made from that parse packets.
  struct Form: Sendable {
    let options: PrintOptions
    let recording: Recording

    init(_ settings: StatisticsSettings) {
      var options = PrintOptions().forLayers
      options.payload = settings.printing.payload
      // Only the tree of protocols asks what transports carry.
      options.quiet = !settings.kinds.contains(.protocols)
      self.options = options
      let needsEndpoints = settings.kinds.contains {
        switch $0 {
        case .conversations, .endpoints, .ports, .processes: true
        case .protocols, .sizes, .rate: false
        }
      }
      recording = needsEndpoints ? .endpoints : .layers
    }

    func printer() -> Printer { Printer(options: options, recording: recording) }
  }

  let settings: StatisticsSettings
  let form: Form
  /// Parses packets; its text is thrown away.
  private var printer: Printer
  private let needsParse: Bool
  var counts: StatisticsCounts
  /// What had been counted when the report before was made, where rates since then are wanted.
  var snapshot: StatisticsSnapshot?

  /// All packets.
  public var total: Tally { counts.total }
  var times: TimeSpan? { counts.times }
  var protocols: ProtocolTree? { counts.protocols }
  var conversations: Conversations? { counts.conversations }
  var endpoints: Endpoints? { counts.endpoints }
  var ports: Ports? { counts.ports }
  var programs: Programs? { counts.programs }
  var sizes: Sizes? { counts.sizes }
  var rate: Rate? { counts.rate }

  public init(_ settings: StatisticsSettings) {
    self.settings = settings
    form = Form(settings)
    printer = form.printer()
    counts = StatisticsCounts(settings)
    needsParse = counts.needsParse
  }

  /// Counts a packet whose processes are known, or would be where they are not.
  public mutating func add(_ packet: borrowing Packet, _ processes: PacketProcesses) {
    add(packet)
    counts.programs?.add(processes, printer.endpoints, UInt64(truncatingIfNeeded: packet.len))
  }

  /// Counts a packet, but not among programs.
  public mutating func add(_ packet: borrowing Packet) {
    if needsParse { printer.parse(packet) }
    counts.add(packet, parsedBy: printer, needsParse)
  }
}
