import Dissect
import PacketCore

/// The counts of packets, in one or several tables.
///
/// The counts of consecutive packets (a part) can be merged into those of the packets before them: the result is the same as counting one
/// packet after the other. For this purpose a part keeps every row, regardless of limits: whether there is room for a row is decided when
/// it is merged, row by row in their original order.
struct StatisticsCounts: Sendable {
  /// All packets.
  var total = Tally()
  var times: TimeSpan?
  var protocols: ProtocolTree?
  var conversations: Conversations?
  var endpoints: Endpoints?
  var ports: Ports?
  /// Counts by program, for packets whose processes are known; no part has them.
  var programs: Programs?
  var sizes: Sizes?
  var rate: Rate?

  init(_ settings: StatisticsSettings) {
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

  /// Empty counts for a part of the packets that come after those of `whole`.
  init(partOf whole: StatisticsCounts) {
    if whole.protocols != nil { protocols = ProtocolTree(limit: .max) }
    if whole.conversations != nil { conversations = Conversations(limit: .max) }
    if whole.endpoints != nil { endpoints = Endpoints(limit: .max) }
    if whole.ports != nil { ports = Ports(limit: .max) }
    if whole.sizes != nil { sizes = Sizes() }
    if let rate = whole.rate { self.rate = Rate(partOf: rate) }
  }

  /// Something is counted that requires parsing the packet's headers.
  var needsParse: Bool {
    protocols != nil || conversations != nil || endpoints != nil || ports != nil || programs != nil
  }

  /// Counts a packet, which `printer` has parsed if that is needed.
  @inline(__always)
  mutating func add(_ packet: borrowing Packet, parsedBy printer: borrowing Printer, _ needsParse: Bool) {
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
    protocols?.add(printer.layers, length)
    conversations?.add(printer.endpoints, printer.layers, length, at: time)
    endpoints?.add(printer.endpoints, length)
    ports?.add(printer.endpoints, length)
  }

  // MARK: Merging

  /// The numbers of rows in the tables.
  struct Rows: Sendable, BitwiseCopyable {
    var protocols = 1
    var conversations = 0
    var endpoints = 0
    var ports = 0
    var rate = 0

    /// The number of rows in the largest table.
    var most: Int { max(max(protocols, conversations), max(endpoints, ports), rate) }
  }

  var rows: Rows {
    Rows(
      protocols: protocols?.nodes.count ?? 1, conversations: conversations?.table.rows.count ?? 0,
      endpoints: endpoints?.table.rows.count ?? 0, ports: ports?.table.rows.count ?? 0, rate: rate?.rowCount ?? 0)
  }

  /// The progress of merging a part.
  struct Progress {
    fileprivate var merged = Rows()
    /// The places in the whole tree of the part's nodes.
    fileprivate var places = [ProtocolTree.Place()]
  }

  /// Adds the rows of a part that follow those added so far, up to `end`.
  mutating func merge(rowsOf part: borrowing StatisticsCounts, upTo end: Rows, _ progress: inout Progress) {
    let start = progress.merged
    progress.merged = end
    if let tree = part.protocols { protocols?.merge(tree, start.protocols..<end.protocols, &progress.places) }
    if let other = part.conversations { conversations?.merge(other, start.conversations..<end.conversations) }
    if let other = part.endpoints { endpoints?.merge(other, start.endpoints..<end.endpoints) }
    if let other = part.ports { ports?.merge(other, start.ports..<end.ports) }
    if let other = part.rate { rate?.merge(other, start.rate..<end.rate) }
  }

  /// Adds a part's counts outside its rows.
  mutating func merge(sumsOf part: borrowing StatisticsCounts) {
    total += part.total
    if let span = part.times {
      var times = times ?? span
      times.include(span.first)
      times.include(span.last)
      self.times = times
    }
    if let tree = part.protocols { protocols?.merge(rootOf: tree) }
    if let other = part.endpoints { endpoints?.merge(sumsOf: other) }
    if let other = part.ports { ports?.merge(sumsOf: other) }
    if let other = part.sizes { sizes?.merge(other) }
    if let other = part.rate { rate?.merge(sumsOf: other) }
  }
}
