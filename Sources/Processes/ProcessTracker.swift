import BPF
import CLinux
import EBPF
import Glibc
public import PacketCore

/// Finds out which processes send and receive the packets of a live capture.
///
/// Small programs in the kernel record which process makes a socket and which takes it over, and report each new pair of addresses; the
/// sockets that are open already are looked up once. The initializer opens and attaches everything while it has the privilege; afterwards
/// only mapped memory and folders of control groups are read. The programs are detached when this object or the process ends.
///
/// Where the kernel does not accept the programs, another process scans the open sockets from time to time (`ScanProcess`).
public final class ProcessTracker {
  /// What works here.
  public struct Facilities: Sendable, Hashable {
    /// True if sockets are followed as they are made, connected and used.
    public internal(set) var followsSockets = false
    /// True if the names of processes are known.
    public internal(set) var knowsNames = true
    /// True if it is noticed that a socket was handed over silently, once the other process sends or receives on it.
    public internal(set) var followsTransfers = false
    /// True if the files of all processes could be read.
    public internal(set) var seesAllProcesses = true
    /// True if the open sockets can be scanned.
    public internal(set) var scansSockets = false
    /// Why the kernel did not accept the programs; nil if it did.
    public internal(set) var refusal: String?

    /// Why sockets are not followed.
    public var reason: String { refusal ?? "CAP_BPF and CAP_NET_ADMIN are missing (root has them)" }

    /// True if nothing can be found out about processes.
    public var isNothing: Bool { !followsSockets && !scansSockets }

    /// One line about what is missing; nil if nothing is.
    public var shortfall: String? {
      guard followsSockets else {
        let others = seesAllProcesses ? "" : ", and those of others are hidden (CAP_SYS_PTRACE is missing)"
        return "processes are found by a scan of the open sockets, once a second at most: \(reason)\(others)"
      }
      var missing: [String] = []
      if !knowsNames { missing.append("processes have numbers alone (CAP_PERFMON is missing)") }
      if !followsTransfers {
        missing.append(
          "a socket that another process takes over is still named after the one before (CAP_PERFMON is missing)")
      }
      if !seesAllProcesses {
        missing.append(
          "sockets that are older than the capture are unknown where they belong to others (CAP_SYS_PTRACE is missing)")
      }
      return missing.isEmpty ? nil : missing.joined(separator: "; ")
    }
  }

  /// The maps and links of the programs in the kernel.
  private struct Machinery: ~Copyable {
    let store: KernelMap
    let flows: KernelMap
    let events: KernelRingBuffer
    let counters: KernelCounters
    /// Nil if the kernel does not give verdicts.
    let selection: SelectionMaps?
    /// A link for each program, which keeps it attached.
    var links: [Link] = []

    func judgement(_ namespace: UInt64, _ criterion: OwnershipPrograms.Judgement.Criterion)
      -> OwnershipPrograms.Judgement?
    {
      switch selection {
      case .some(let maps):
        OwnershipPrograms.Judgement(
          verdicts: maps.verdicts.descriptor, others: maps.others.descriptor, namespace: namespace,
          criterion: criterion)
      case nil: nil
      }
    }
  }

  /// The maps the kernel needs to drop packets by process.
  private struct SelectionMaps: ~Copyable {
    let verdicts: KernelMap
    let others: KernelMap

    static func make(isWanted: Bool) throws(KernelError) -> SelectionMaps? {
      guard isWanted else { return nil }
      return SelectionMaps(
        verdicts: try KernelMap(.leastRecentlyUsedHash, keySize: 8, valueSize: 8, capacity: verdictCount),
        others: try KernelMap(.hash, keySize: 16, valueSize: 8, capacity: addressCount))
    }
  }

  /// Wraps a link, since arrays cannot hold noncopyable values.
  private final class Link {
    let link: KernelLink
    init(_ link: consuming KernelLink) { self.link = link }
  }

  public private(set) var facilities = Facilities()
  private var machinery: Machinery?
  private let groups: ControlGroups?
  private var scan = SocketScan()
  /// Scans repeatedly; nil if sockets are followed.
  private var scanner: ScanProcess?
  /// The table's generation as last reported to the kernel.
  private var generation: UInt32 = 0
  private var table = OwnershipTable()
  private var parser = AddressParser()
  /// The cookie of the network namespace in which packets are captured.
  private let namespace: UInt64
  /// When events were last read, in nanoseconds since the epoch.
  private var drainedAt = Int64.min
  /// The time of day minus the time since boot, in nanoseconds.
  private var clockOffset: Int64 = 0
  /// How many packets had no known process at either end.
  public private(set) var unknown: UInt64 = 0
  /// How many packets had a known process at one end or both.
  public private(set) var known: UInt64 = 0

  /// How many nanoseconds after its capture all events about a packet have arrived: cgroup_skb ingress runs up to 65 µs after the packet
  /// socket.
  private static let holdTime: Int64 = 1_000_000
  private static let ringSize = 4 << 20
  /// The maximum number of seconds to wait for the first scan.
  private static let maximumWait = 20
  private static let flowCount = 1 << 16
  private static let verdictCount = 1 << 16
  private static let addressCount = 1 << 12

  /// The program that drops packets of other processes before they are captured; nil if the kernel does not do that.
  public private(set) var selection: PacketSelection?

  /// Attaches to all control groups of the system, and looks up the open sockets. Without the privilege to attach, only the open sockets
  /// are known; `facilities` says which. With `tests`, which all packets have to pass, the kernel is to drop the others (`selection`).
  public convenience init(selecting tests: OwnerTests? = nil) {
    self.init(scans: true, criterion: tests.map { .tests($0) })
  }

  /// Attaches to the control group of a command: other processes are unknown.
  public convenience init(of command: CommandGroup) {
    // The kernel sees what other processes send and receive only if the programs are attached to the root.
    let criterion = command.number.map {
      OwnershipPrograms.Judgement.Criterion.group($0, unwanted: Self.unwanted.nothingHolds)
    }
    self.init(command.groups, group: command.descriptor, scans: false, criterion: criterion)
  }

  private convenience init(scans: Bool, criterion: OwnershipPrograms.Judgement.Criterion? = nil) {
    do throws(KernelError) {
      self.init(try ControlGroups(), scans: scans, criterion: criterion)
    } catch {
      let isMissingPrivilege = error.code == EPERM || error.code == EACCES
      self.init(
        nil, scans: scans,
        refusal: Refusal(isMissingPrivilege ? "\(error); CAP_SYS_ADMIN is missing" : "\(error)"))
    }
  }

  /// `refusal` says why there are no control groups.
  private init(
    _ groups: ControlGroups?, group: CInt? = nil, scans: Bool, refusal: Refusal? = nil,
    criterion: OwnershipPrograms.Judgement.Criterion? = nil
  ) {
    self.groups = groups
    namespace = SocketDiagnostics.namespaceCookie()
    do throws(Refusal) {
      if let refusal { throw refusal }
      machinery = try attachWhatIsPermitted(to: group, criterion)
      facilities.followsSockets = true
    } catch {
      facilities.refusal = error.words
    }
    measureClock()
    guard scans else {
      groups?.readTree()
      return
    }
    // Scan only after attaching: sockets made meanwhile are followed already.
    let scanner = ScanProcess()
    scan = scanner?.scan(waiting: Self.maximumWait) ?? SystemScanner.scanCurrentNamespace()
    facilities.seesAllProcesses = scan.hiddenProcesses == 0
    facilities.scansSockets = scan.hasSockets
    groups?.readTree()
    guard !facilities.followsSockets, scan.hasSockets else {
      scanner?.finish()
      return
    }
    noteScan(at: 0)
    self.scanner = scanner
  }

  /// What `--version` reports: what would work for this process, found by attaching everything for a moment.
  public static var availability: String {
    let tracker = ProcessTracker(scans: false)
    guard tracker.facilities.followsSockets else {
      return "processes: found by scans of the open sockets (\(tracker.facilities.reason))"
    }
    return "processes: followed by eBPF in control groups"
      + (tracker.facilities.followsTransfers ? " and tracepoints" : ", without tracepoints (CAP_PERFMON is missing)")
  }

  // MARK: The kernel

  /// The only test for packets of a command: one of the ends is in its group.
  private static let unwanted = OwnerTests(only: OwnerTests.Test(.either, .process(0), isDenied: false))

  /// Why nothing was attached; if `words` is nil, privilege is missing.
  private struct Refusal: Error {
    let words: String?

    init(_ words: String) { self.words = words }
    init(_ error: KernelError) { words = error.code == EPERM || error.code == EACCES ? nil : error.description }
    init(_ error: KernelRefusal) { words = error.code == EPERM ? nil : error.description }
  }

  /// Attaches the programs, leaving out what the kernel does not accept or permit: verdicts, network namespaces, names.
  private func attachWhatIsPermitted(
    to group: CInt?, _ criterion: OwnershipPrograms.Judgement.Criterion?
  ) throws(Refusal) -> Machinery {
    if let criterion, namespace != 0 {
      do throws(Refusal) { return try attach(to: group, criterion) } catch {
        // If privilege is missing altogether, retrying is useless.
        guard error.words != nil else { throw error }
        selection = nil
      }
    }
    var refusal = Refusal("the kernel takes no programs")
    for isPlacing in [true, false] {
      for isNaming in [true, false] {
        facilities.knowsNames = isNaming
        do throws(Refusal) { return try attach(to: group, isNaming: isNaming, isPlacing: isPlacing) } catch {
          guard error.words != nil else { throw error }
          refusal = error
        }
      }
    }
    throw refusal
  }

  private func attach(
    to group: CInt?, _ criterion: OwnershipPrograms.Judgement.Criterion? = nil, isNaming: Bool = true,
    isPlacing: Bool = true
  ) throws(Refusal) -> Machinery {
    // Verdicts cover all sockets, so their programs are attached to the root.
    guard let group = criterion == nil ? group ?? groups?.descriptor : groups?.descriptor else {
      throw Refusal("there are no control groups (cgroup v2)")
    }
    var machinery: Machinery
    do throws(KernelError) {
      let types = try KernelTypes(valueSize: OwnershipPrograms.storeSize)
      machinery = Machinery(
        store: try KernelMap(
          .socketStorage, keySize: 4, valueSize: OwnershipPrograms.storeSize, flags: [.notPreallocated, .cloned],
          types: types),
        flows: try KernelMap(
          .leastRecentlyUsedHash, keySize: OwnershipPrograms.flowKeySize,
          valueSize: OwnershipPrograms.flowValueSize, capacity: Self.flowCount),
        events: try KernelRingBuffer(size: Self.ringSize),
        counters: try KernelCounters(count: OwnershipPrograms.counterCount),
        selection: try SelectionMaps.make(isWanted: criterion != nil))
    } catch {
      throw Refusal(error)
    }
    var programs = OwnershipPrograms(
      store: machinery.store.descriptor, flows: machinery.flows.descriptor, events: machinery.events.map.descriptor,
      counters: machinery.counters.map.descriptor, isNaming: isNaming, isPlacing: isPlacing)
    if let criterion, let judgement = machinery.judgement(namespace, criterion) {
      programs.judgement = judgement
      let tests = if case .tests(let tests) = criterion { tests } else { Self.unwanted }
      selection = PacketSelection(
        flows: programs.flows, verdicts: judgement.verdicts, counters: programs.counters, others: judgement.others,
        namespace: namespace, requirement: tests.requirement, absent: tests.nothingHolds)
    }
    let hooks: [(String, [KernelHook])] = [
      (programs.creation, [.groupSocketCreation]),
      (programs.connection, [.groupConnect4, .groupConnect6]),
      (
        programs.use,
        [.groupSend4, .groupSend6, .groupReceive4, .groupReceive6, .groupPeerName4, .groupPeerName6]
      ),
      (programs.packet(.egress), [.groupEgress]),
      (programs.packet(.ingress), [.groupIngress]),
    ]
    for (text, hooks) in hooks {
      for hook in hooks { machinery.links.append(try Self.attach(text, hook, group)) }
    }
    var transfers: [Link] = []
    for case let number? in RunningKernelTypes.tracepoints(["sock_send_length", "sock_recv_length"]) {
      if let link = try? Self.attach(programs.transfer, .tracepoint(number), -1) { transfers.append(link) }
    }
    facilities.followsTransfers = transfers.count == 2
    machinery.links += transfers
    return machinery
  }

  private static func attach(_ text: String, _ hook: KernelHook, _ group: CInt) throws(Refusal) -> Link {
    let program: EBPFProgram
    do throws(AssemblyError) { program = try EBPFAssembler.assemble(text) } catch {
      preconditionFailure("the programs are part of this one: \(error)")
    }
    do throws(KernelRefusal) {
      let loaded = try KernelEBPFProgram(program, for: hook)
      do throws(KernelError) {
        return Link(try KernelLink(loaded, group: group))
      } catch {
        throw KernelRefusal(code: error.code, complaint: "\(error)")
      }
    } catch {
      throw Refusal(error)
    }
  }

  /// Events that were lost because the buffer was full.
  public var lostEvents: UInt64 { machinery?.counters[OwnershipPrograms.lossCounter] ?? 0 }

  /// Addresses that were in use but had to be dropped.
  public var droppedAddresses: UInt64 { table.dropped }

  /// Reads the events from the kernel. To be called several times a second while packets may arrive.
  public func drain() {
    measureClock()
    machinery?.events.drain { record in
      guard var event = SocketEvent(record, group: { groups?.group($0) }) else { return }
      if event.owner == nil, let socket = scan.socket(of: event) {
        event.owner = socket.owner
        event.namespace = socket.namespace
      }
      table.add(event)
    }
    if table.generation != generation {
      generation = table.generation
      // The lowest two bits are the directions.
      machinery?.counters.set(OwnershipPrograms.generationCounter, to: UInt64(generation << 2))
    }
    if let result = scanner?.takeResult() {
      scan = result
      noteScan(at: monotonicTime)
    }
  }

  /// Adds the connected sockets of a scan to the table.
  private func noteScan(at time: UInt64) {
    for socket in scan.sockets where socket.addresses.remotePort != 0 {
      table.add(
        SocketEvent(
          time: time, cookie: socket.cookie, addresses: socket.addresses, namespace: socket.namespace,
          owner: socket.owner))
    }
  }

  /// When events were last read, in nanoseconds since boot.
  private var monotonicTime: UInt64 { UInt64(clamping: drainedAt &- clockOffset) }

  /// If two readings of a clock are at most this many nanoseconds apart, nothing has interrupted them.
  private static let undisturbed: Int64 = 2000

  /// If another thread ran between the readings of the two clocks, all events would be shifted against the packets: so the quickest of
  /// several readings is used.
  private func measureClock() {
    var shortest = Int64.max
    for _ in 0..<8 where shortest > Self.undisturbed {
      let before = Self.nanoseconds(CLOCK_MONOTONIC)
      let real = Self.nanoseconds(CLOCK_REALTIME)
      let length = Self.nanoseconds(CLOCK_MONOTONIC) &- before
      drainedAt = real
      guard length < shortest else { continue }
      shortest = length
      clockOffset = real &- before &- length / 2
    }
  }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  // MARK: Packets

  /// Which process sent a packet, and which receives it. Waits, for a millisecond at most, until the kernel's events about the packet have
  /// arrived.
  public func processes(of packet: borrowing Packet) -> PacketProcesses {
    let time = packet.timestamp.seconds &* 1_000_000_000 &+ packet.timestamp.nanoseconds
    if time &+ Self.holdTime > drainedAt { awaitEvents(of: time) }
    guard let addresses = parser.addresses(of: packet) else {
      unknown &+= 1
      return PacketProcesses()
    }
    let moment = UInt64(max(0, time &- clockOffset))
    var processes = PacketProcesses(
      sender: table.owner(of: addresses.sender, at: moment, in: namespace),
      receiver: addresses.receiver.flatMap { table.owner(of: $0, at: moment, in: namespace) })
    if let scanner { complete(&processes, addresses, packet.direction, scanner) }
    if processes.isEmpty { unknown &+= 1 } else { known &+= 1 }
    return processes
  }

  /// Adds what the latest scan knows about unconnected sockets, and requests another scan if that is not enough.
  private func complete(
    _ processes: inout PacketProcesses, _ addresses: PacketAddresses, _ direction: PacketDirection,
    _ scanner: ScanProcess
  ) {
    // An unconnected socket can only belong to an end on this host.
    func owner(_ end: SocketAddresses?, unless other: PacketDirection) -> ProcessOwner? {
      guard let end, direction != other || !end.leavesHost else { return nil }
      return scan.owner(ofUnconnected: end, in: namespace)
    }
    if processes.sender == nil { processes.sender = owner(addresses.sender, unless: .inbound) }
    if processes.receiver == nil { processes.receiver = owner(addresses.receiver, unless: .outbound) }
    if processes.sender == nil && direction != .inbound || processes.receiver == nil && direction != .outbound {
      scanner.request(at: monotonicTime)
    }
  }

  private func awaitEvents(of time: Int64) {
    let missing = time &+ Self.holdTime &- Self.nanoseconds(CLOCK_REALTIME)
    // A time in the future comes from another clock, so do not wait for it.
    if facilities.followsSockets, missing > 0, missing <= Self.holdTime { usleep(UInt32(missing / 1000 + 1)) }
    drain()
  }

  // MARK: Control groups

  /// The folders that are still read after everything is attached.
  public var readableFolders: [String] { [groups?.path].compactMap(\.self) }

}
