public import Dissect
public import PacketCore
import Protocols

/// A kind of statistics.
public enum StatisticsKind: String, CaseIterable, Sendable {
  /// Nested headers.
  case protocols
  /// Packets between pairs of endpoints.
  case conversations
  /// Packets that each address has sent and received.
  case endpoints
  /// Packets that each port of a transport protocol has sent and received.
  case ports
  /// Packets that each program has sent and received, if the processes of packets are known.
  case processes
  /// Packet lengths.
  case sizes
  /// Packets and bytes over time.
  case rate
}

/// What to count, and how many rows to keep.
public struct StatisticsSettings: Sendable {
  public var kinds: [StatisticsKind]
  /// Interval length of `.rate` in nanoseconds; nil for a length that suits the packets.
  public var interval: Int64?
  /// The sort key of rows, for tables that support it; nil for each table's default order.
  public var sort: StatisticsSort?
  /// The number of rows for conversations, endpoints, ports and programs in a report; nil for all of them in JSON, and the first 20 in
  /// tables.
  public var top: Int?
  /// The maximum number of rows to keep, for each of conversations, endpoints, ports, programs, their connections, and intervals of a
  /// requested length.
  public var maximumRows = 1 << 20
  /// The maximum number of combinations of nested headers to keep.
  public var maximumProtocols = 4096
  /// How tables write names and times, and which payload types are forced.
  public var printing: PrintOptions

  public init(_ kinds: [StatisticsKind], printing: PrintOptions = PrintOptions()) {
    self.kinds = kinds
    self.printing = printing
  }
}

/// Statistics over packets, counted from the same parser as their text, in a limited amount of memory.
///
/// Bytes are those on the wire (`len`), times those of the packets. A packet counts once in each kind of statistics, in a row or, if there
/// was no row, among the others, so that rows and others add up to all packets. In the statistics of endpoints, ports and programs it
/// counts once for its source and once for its destination, but only once if both are the same.
public struct Statistics: ~Copyable {
  /// The settings of the printers that parse packets.
  struct Form: Sendable {
    let options: PrintOptions
    let recording: Recording

    init(_ settings: StatisticsSettings) {
      var options = PrintOptions().forLayers
      options.payload = settings.printing.payload
      // Only the protocol tree needs to know what transport protocols carry.
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
  /// Parses packets; its text is discarded.
  private var printer: Printer
  private let needsParse: Bool
  var counts: StatisticsCounts
  /// The counts at the previous report, if rates since then are wanted.
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

  /// Counts a packet whose processes were looked up, known or not.
  public mutating func add(_ packet: borrowing Packet, _ processes: PacketProcesses) {
    add(packet)
    counts.programs?.add(processes, printer.endpoints, UInt64(truncatingIfNeeded: packet.len))
  }

  /// Counts a packet, except in the statistics of programs.
  public mutating func add(_ packet: borrowing Packet) {
    if needsParse { printer.parse(packet) }
    counts.add(packet, parsedBy: printer, needsParse)
  }
}
