import Capture
import Dissect
import Filter
import PacketCore
import Processes
import Savefile

/// Where the processes of packets are known from.
enum ProcessSource {
  /// They are not wanted.
  case none
  /// The running kernel tells.
  case kernel(ProcessTracker)
  /// The options of the packets tell.
  case file

  var isWanted: Bool { if case .none = self { false } else { true } }

  /// What is known of a packet.
  func processes(of packet: borrowing Packet, _ cache: inout PacketProcessCache) -> PacketProcesses {
    switch self {
    case .none: PacketProcesses()
    case .kernel(let tracker): tracker.processes(of: packet)
    case .file: cache.processes(of: packet)
    }
  }
}

extension Session {
  /// Nanoseconds after which the kernel's events are read although no packet has come.
  private static let eventInterval: Int64 = 200_000_000
  /// The same while a command runs, whose end is noticed then.
  private static let commandInterval: Int64 = 20_000_000
  /// Nanoseconds for which packets are taken behind the end of the command: the kernel closes its connections.
  private static let lingering: Int64 = 300_000_000

  /// Finds the processes of a packet.
  @inline(never)
  mutating func findProcesses(of packet: borrowing Packet) {
    processes = processSource.processes(of: packet, &processCache)
    if !processes.isEmpty { hasFoundProcesses = true }
    if showsProcesses { printer.processes = processes }
  }

  /// Processes decide which packets are wanted.
  var choosesByProcess: Bool { filter.asksForProcesses || runner != nil }

  /// True where the process of a packet, which the machine accepts, is one whose packets are wanted.
  @inline(never)
  mutating func isOfWantedProcess(_ packet: borrowing Packet) -> Bool {
    findProcesses(of: packet)
    // Nobody is known but the command and its children.
    if runner != nil, processes.isEmpty { return false }
    return filter.accepts(packet, processes)
  }

  /// The error where a filter asks for processes, and no packet has said anything of them.
  var missingProcesses: CommandError? {
    guard case .file = processSource, !StopSignal.isRaised, let error = filter.processFilter?.missingProcesses else {
      return nil
    }
    return CommandError(complete: error.rendered(expression: filter.source.expression))
  }

  /// Says so where processes were printed or counted, and no packet of files has said anything of them.
  func noteMissingProcesses() {
    guard case .file = processSource, countsPrograms || showsProcesses, accepted > 0, !hasFoundProcesses else { return }
    Diagnostics.note("apus: the packets say nothing of processes; capture with --process -w to a pcapng file")
  }

  /// Writes a packet, with its processes where the file can keep them and the packet does not have them already.
  mutating func write(_ packet: borrowing Packet) throws(SavefileError) -> Bool {
    guard keepsProcesses, !processes.isEmpty, packet.options.isEmpty else { return try writer?.write(packet) ?? false }
    let options = processCache.options(of: processes, packet.direction)
    // Safe: the options live until the packet is written.
    let annotated = unsafe Packet(
      bytes: packet.bytes, timestamp: packet.timestamp, linkType: packet.linkType, interface: packet.interface,
      direction: packet.direction, options: PacketOptions(options.span.bytes, isByteSwapped: false))
    return try writer?.write(annotated) ?? false
  }

  /// Reads what the kernel has told meanwhile, before its buffer is full, and ends the capture where its command has ended.
  mutating func attendToProcesses() {
    if case .kernel(let tracker) = processSource { tracker.drain() }
    guard let runner, !isLingering, runner.hasEnded else { return }
    isLingering = true
    let last = Timestamp.now.advanced(byNanoseconds: Self.lingering)
    end = end.map { min($0, last) } ?? last
  }

  /// When that is to be done again.
  var nextEventTime: Timestamp? {
    guard case .kernel = processSource else { return nil }
    return Timestamp.now.advanced(byNanoseconds: runner == nil ? Self.eventInterval : Self.commandInterval)
  }

  /// What has been counted of processes; nil where they are not looked for.
  var processAccount: Ledger.ProcessAccount? {
    guard case .kernel(let tracker) = processSource else { return nil }
    return Ledger.ProcessAccount(tracker)
  }
}

extension Ledger {
  /// What has been counted of the processes of packets.
  struct ProcessAccount {
    /// Packets of which one end or both are known, and others.
    let known: UInt64
    let unknown: UInt64
    /// Events of the kernel that found no room on their way.
    let eventsLost: UInt64
    /// Addresses that were in use and had to be forgotten.
    let addressesDropped: UInt64

    init(_ tracker: ProcessTracker) {
      (known, unknown, eventsLost) = (tracker.known, tracker.unknown, tracker.lostEvents)
      addressesDropped = tracker.droppedAddresses
    }
  }
}
