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
  let settings: StatisticsSettings
  /// Parses packets; its text is thrown away.
  private var printer: Printer
  private let needsParse: Bool

  /// All packets.
  public private(set) var total = Tally()
  private(set) var times: TimeSpan?
  private(set) var protocols: ProtocolTree?
  private(set) var conversations: Conversations?
  private(set) var endpoints: Endpoints?
  private(set) var ports: Ports?
  private(set) var programs: Programs?
  private(set) var sizes: Sizes?
  private(set) var rate: Rate?
  /// What had been counted when the report before was made, where rates since then are wanted.
  var snapshot: StatisticsSnapshot?

  public init(_ settings: StatisticsSettings) {
    self.settings = settings
    var options = PrintOptions().forLayers
    options.payload = settings.printing.payload
    // Only the tree of protocols asks what transports carry.
    options.quiet = !settings.kinds.contains(.protocols)
    let needsEndpoints = settings.kinds.contains {
      switch $0 {
      case .conversations, .endpoints, .ports, .processes: true
      case .protocols, .sizes, .rate: false
      }
    }
    printer = Printer(options: options, recording: needsEndpoints ? .endpoints : .layers)
    needsParse = needsEndpoints || settings.kinds.contains(.protocols)
    for kind in settings.kinds {
      switch kind {
      case .protocols: protocols = ProtocolTree(limit: settings.maximumProtocols)
      case .conversations: conversations = Conversations(limit: settings.maximumRows)
      case .endpoints: endpoints = Endpoints(limit: settings.maximumRows)
      case .ports: ports = Ports(limit: settings.maximumRows)
      case .processes: programs = Programs(limit: settings.maximumRows)
      case .sizes: sizes = Sizes()
      case .rate: rate = Rate(interval: settings.interval, limit: settings.maximumRows)
      }
    }
  }

  /// Counts a packet whose processes are known, or would be where they are not.
  public mutating func add(_ packet: borrowing Packet, _ processes: PacketProcesses) {
    add(packet)
    programs?.add(processes, printer.endpoints, UInt64(truncatingIfNeeded: packet.len))
  }

  /// Counts a packet, but not among programs.
  public mutating func add(_ packet: borrowing Packet) {
    let length = UInt64(truncatingIfNeeded: packet.len)
    let time = packet.hasTime ? packet.timestamp.sinceEpoch : nil
    total.add(length)
    sizes?.add(length)
    if let time {
      if times == nil { times = TimeSpan(time) } else { times?.include(time) }
      rate?.add(length, at: time)
    } else {
      rate?.addTimeless(length)
    }
    guard needsParse else { return }
    printer.parse(packet)
    protocols?.add(printer.layers, length)
    conversations?.add(printer.endpoints, printer.layers, length, at: time)
    endpoints?.add(printer.endpoints, length)
    ports?.add(printer.endpoints, length)
  }
}
