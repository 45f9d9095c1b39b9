import Capture
import Dissect
import Filter
import PacketCore
import Processes
import Savefile

/// How to look up the processes of packets.
enum ProcessSource {
  /// They are not wanted.
  case none
  /// In the running kernel.
  case kernel(ProcessTracker)
  /// In the options of the packets.
  case file

  var isWanted: Bool { if case .none = self { false } else { true } }

  /// The known processes of a packet.
  func processes(of packet: borrowing Packet, _ cache: inout PacketProcessCache) -> PacketProcesses {
    switch self {
    case .none: PacketProcesses()
    case .kernel(let tracker): tracker.processes(of: packet)
    case .file: cache.processes(of: packet)
    }
  }
}

extension Session {
  /// Nanoseconds after which the kernel's events are read even if no packet has arrived.
  private static let eventInterval: Int64 = 200_000_000
  /// The same while a command runs: its end is noticed then, too.
  private static let commandInterval: Int64 = 20_000_000
  /// Nanoseconds for which packets are captured after the command has ended, since the kernel is still closing its connections.
  private static let lingering: Int64 = 300_000_000

  /// Finds the processes of a packet.
  @inline(never)
  mutating func findProcesses(of packet: borrowing Packet) {
    processes = processSource.processes(of: packet, &processCache)
    if !processes.isEmpty { hasFoundProcesses = true }
    if showsProcesses { printer.processes = processes }
  }

  /// Processes decide which packets are kept.
  var choosesByProcess: Bool { filter.asksForProcesses || runner != nil }

  /// True if the packet, which the machine has accepted, belongs to a process whose packets are wanted.
  @inline(never)
  mutating func isOfWantedProcess(_ packet: borrowing Packet) -> Bool {
    findProcesses(of: packet)
    // With `--run`, the only known processes are the command and its children.
    if runner != nil, processes.isEmpty { return false }
    return filter.accepts(packet, processes)
  }

  /// The error if the filter has process tests, and no packet contained processes.
  var missingProcesses: CommandError? {
    guard case .file = processSource, !StopSignal.isRaised, let error = filter.processFilter?.missingProcesses else {
      return nil
    }
    return CommandError(complete: error.rendered(expression: filter.source.expression))
  }

  /// Tells the user if processes were to be printed or counted, and no packet in the files contained any.
  func noteMissingProcesses() {
    guard case .file = processSource, countsPrograms || showsProcesses, accepted > 0, !hasFoundProcesses else { return }
    Diagnostics.note("apus: the packets say nothing of processes; capture with --process -w to a pcapng file")
  }

  /// Writes a packet, with its processes if the file can store them and the packet does not have them already.
  mutating func write(_ packet: borrowing Packet) throws(SavefileError) -> Bool {
    guard keepsProcesses, !processes.isEmpty, packet.options.isEmpty else { return try writer?.write(packet) ?? false }
    let options = processCache.options(of: processes, packet.direction)
    // Safe: the options are valid until the packet is written.
    let annotated = unsafe Packet(
      bytes: packet.bytes, timestamp: packet.timestamp, linkType: packet.linkType, interface: packet.interface,
      direction: packet.direction, options: PacketOptions(options.span.bytes, isByteSwapped: false))
    return try writer?.write(annotated) ?? false
  }

  /// Reads the kernel's events before their buffer is full, and ends the capture if its command has ended.
  mutating func pollProcesses() {
    if case .kernel(let tracker) = processSource { tracker.drain() }
    guard let runner, !isLingering, runner.hasEnded else { return }
    isLingering = true
    let last = Timestamp.now.advanced(byNanoseconds: Self.lingering)
    end = end.map { min($0, last) } ?? last
  }

  /// When to do that again.
  var nextEventTime: Timestamp? {
    guard case .kernel = processSource else { return nil }
    return Timestamp.now.advanced(byNanoseconds: runner == nil ? Self.eventInterval : Self.commandInterval)
  }

  /// The counts of processes; nil if they are not looked up in the kernel.
  var processAccount: Ledger.ProcessAccount? {
    guard case .kernel(let tracker) = processSource else { return nil }
    return Ledger.ProcessAccount(tracker)
  }
}

extension Ledger {
  /// The counts of packets' processes.
  struct ProcessAccount {
    /// Packets with at least one known end, and packets without.
    let known: UInt64
    let unknown: UInt64
    /// Events of the kernel that were lost because their buffer was full.
    let eventsLost: UInt64
    /// Addresses in use that were dropped for lack of room.
    let addressesDropped: UInt64

    init(_ tracker: ProcessTracker) {
      (known, unknown, eventsLost) = (tracker.known, tracker.unknown, tracker.lostEvents)
      addressesDropped = tracker.droppedAddresses
    }
  }
}
