import BPF
import CLinux
import EBPF
import Glibc
public import PacketCore

/// Tells which processes send and receive the packets of a live capture.
///
/// Small programs in the kernel note who makes a socket and who takes it over, and tell of each new pair of addresses; the sockets that are open
/// already are looked up once. Everything is opened and attached by the initializer, with the privilege that there is then; afterwards only
/// mapped memory is read, and folders of control groups. What is attached goes with this object, or with the process.
///
/// Where the kernel does not take the programs, another process scans the open sockets from time to time (`ScanProcess`).
public final class ProcessTracker {
  /// What works here.
  public struct Facilities: Sendable, Hashable {
    /// Sockets are followed as they are made, connected and used.
    public internal(set) var followsSockets = false
    /// The names of processes are known.
    public internal(set) var knowsNames = true
    /// Sockets that are handed over to another process without a word are noticed when it sends or receives.
    public internal(set) var followsTransfers = false
    /// The files of all processes were seen.
    public internal(set) var seesAllProcesses = true
    /// The open sockets can be scanned.
    public internal(set) var scansSockets = false
    /// Why the kernel did not take the programs, where it did not.
    public internal(set) var refusal: String?

    /// Why sockets are not followed.
    public var reason: String { refusal ?? "CAP_BPF and CAP_NET_ADMIN are missing (root has them)" }

    /// Nothing can be known of processes.
    public var isNothing: Bool { !followsSockets && !scansSockets }

    /// One line for what is missing; nil where nothing is.
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

  /// What the programs in the kernel have.
  private struct Machinery: ~Copyable {
    let store: KernelMap
    let flows: KernelMap
    let events: KernelRingBuffer
    let counters: KernelCounters
    /// Nil where the kernel gives no verdicts.
    let selection: SelectionMaps?
    /// A link for each program, which keeps it.
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

  /// What the kernel needs to drop packets for their processes.
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

  /// Holds a link: arrays take no values that cannot be copied.
  private final class Link {
    let link: KernelLink
    init(_ link: consuming KernelLink) { self.link = link }
  }

  public private(set) var facilities = Facilities()
  private var machinery: Machinery?
  private let groups: ControlGroups?
  private var scan = SocketScan()
  /// Scans again; nil where sockets are followed.
  private var scanner: ScanProcess?
  /// The generation of the table of which the kernel knows.
  private var generation: UInt32 = 0
  private var table = OwnershipTable()
  private var parser = AddressParser()
  /// The cookie of the network namespace in which packets are captured.
  private let namespace: UInt64
  /// When the events were read, in nanoseconds since the epoch.
  private var drainedAt = Int64.min
  /// What the time since the start of the system is added to for the time of day, in nanoseconds.
  private var clockOffset: Int64 = 0
  /// Packets of which neither end is known.
  public private(set) var unknown: UInt64 = 0
  /// Packets of which one end or both are known.
  public private(set) var known: UInt64 = 0

  /// Nanoseconds after its capture by which what the kernel has to say of a packet has arrived: cgroup_skb ingress runs up to 65 µs behind
  /// the packet socket.
  private static let holdTime: Int64 = 1_000_000
  private static let ringSize = 4 << 20
  /// Seconds that the first scan may take.
  private static let maximumWait = 20
  private static let flowCount = 1 << 16
  private static let verdictCount = 1 << 16
  private static let addressCount = 1 << 12

  /// What drops packets of other processes before they are captured; nil where the kernel does not do that.
  public private(set) var selection: PacketSelection?

  /// Attaches to all control groups of the system, and looks at the sockets that are open. Where the privilege is missing for the first, the
  /// second is all that is known; `facilities` tells. With `tests`, which all packets have to pass, the kernel is to drop others (`selection`).
  public convenience init(selecting tests: OwnerTests? = nil) {
    self.init(scans: true, criterion: tests.map { .tests($0) })
  }

  /// Attaches to the control group of a command: nothing is known of other processes.
  public convenience init(of command: CommandGroup) {
    // Only from the root on the kernel sees what other processes send and receive.
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

  /// `refusal` says why there are no groups.
  private init(
    _ groups: ControlGroups?, group: CInt? = nil, scans: Bool, refusal: Refusal? = nil,
    criterion: OwnershipPrograms.Judgement.Criterion? = nil
  ) {
    self.groups = groups
    namespace = SocketDiagnostics.namespaceCookie()
    do throws(Refusal) {
      if let refusal { throw refusal }
      machinery = try attachSparingly(to: group, criterion)
      facilities.followsSockets = true
    } catch {
      facilities.refusal = error.words
    }
    measureClock()
    guard scans else {
      groups?.readTree()
      return
    }
    // Only now: a socket that is made meanwhile is followed already.
    let scanner = ScanProcess()
    scan = scanner?.scan(waiting: Self.maximumWait) ?? SystemScanner.scanHome()
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

  /// What `--version` says of it: what would work for this process, found by attaching everything for a moment.
  public static var availability: String {
    let tracker = ProcessTracker(scans: false)
    guard tracker.facilities.followsSockets else {
      return "processes: found by scans of the open sockets (\(tracker.facilities.reason))"
    }
    return "processes: followed by eBPF in control groups"
      + (tracker.facilities.followsTransfers ? " and tracepoints" : ", without tracepoints (CAP_PERFMON is missing)")
  }

  // MARK: The kernel

  /// The one test of a packet of a command: that one of its ends is in the group.
  private static let unwanted = OwnerTests(only: OwnerTests.Test(.either, .process(0), isDenied: false))

  /// Why nothing was attached; without words it is the privilege that is missing.
  private struct Refusal: Error {
    let words: String?

    init(_ words: String) { self.words = words }
    init(_ error: KernelError) { words = error.code == EPERM || error.code == EACCES ? nil : error.description }
    init(_ error: KernelRefusal) { words = error.code == EPERM ? nil : error.description }
  }

  /// Attaches the programs, without what the kernel does not take or is not allowed: verdicts, network namespaces, names.
  private func attachSparingly(
    to group: CInt?, _ criterion: OwnershipPrograms.Judgement.Criterion?
  ) throws(Refusal) -> Machinery {
    if let criterion, namespace != 0 {
      do throws(Refusal) { return try attach(to: group, criterion) } catch {
        // Where the privilege is missing altogether, another try is of no use.
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
    // The verdict on all sockets is that of programs in the root.
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

  /// Events that found no room on the way here.
  public var lostEvents: UInt64 { machinery?.counters[OwnershipPrograms.lossCounter] ?? 0 }

  /// Addresses that were in use and had to be forgotten.
  public var droppedAddresses: UInt64 { table.dropped }

  /// Reads what the kernel has told. To be called several times a second while packets may come.
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
      // The lowest two bits are for directions.
      machinery?.counters.set(OwnershipPrograms.generationCounter, to: UInt64(generation << 2))
    }
    if let result = scanner?.takeResult() {
      scan = result
      noteScan(at: monotonicTime)
    }
  }

  /// Takes over the connected sockets of a scan.
  private func noteScan(at time: UInt64) {
    for socket in scan.sockets where socket.addresses.remotePort != 0 {
      table.add(
        SocketEvent(
          time: time, cookie: socket.cookie, addresses: socket.addresses, namespace: socket.namespace,
          owner: socket.owner))
    }
  }

  /// When the events were read, in nanoseconds since the start of the system.
  private var monotonicTime: UInt64 { UInt64(clamping: drainedAt &- clockOffset) }

  /// Nanoseconds between two looks at a clock, at most, if nothing has come between.
  private static let undisturbed: Int64 = 2000

  /// Another thread that runs between the looks at the two clocks would shift all events among the packets: the quickest of several looks
  /// counts.
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

  /// Who has sent a packet, and who receives it. A packet is held until what the kernel says of it has arrived, for a millisecond at most.
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

  /// Adds what the latest scan says of sockets that are connected to nobody, and asks for another one where that is not enough.
  private func complete(
    _ processes: inout PacketProcesses, _ addresses: PacketAddresses, _ direction: PacketDirection,
    _ scanner: ScanProcess
  ) {
    // Such a socket has its port at this host alone.
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
    // What lies in the future is by another clock, and not waited for.
    if facilities.followsSockets, missing > 0, missing <= Self.holdTime { usleep(UInt32(missing / 1000 + 1)) }
    drain()
  }

  // MARK: Control groups

  /// The folders that are still read when everything is attached.
  public var readableFolders: [String] { [groups?.path].compactMap(\.self) }

}
