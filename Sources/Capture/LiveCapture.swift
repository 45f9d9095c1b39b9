public import PacketCore
import Glibc

/// Packets as they arrive on one or several interfaces, in time order.
///
/// Opening, filtering and starting are three steps: nothing arrives before `start`, so no packet bypasses a filter that was installed
/// before it.
public struct LiveCapture: ~Copyable {
  /// How to open interfaces.
  public struct Settings: Sendable {
    /// Bytes to capture of each packet.
    public var snaplen: UInt32 = 262_144
    /// Also capture packets that are not for this host.
    public var isPromiscuous = true
    /// Capture IEEE 802.11 frames with their own headers.
    public var isMonitor = false
    /// Deliver every packet at once instead of many together.
    public var isImmediate = false
    /// Size in bytes of the kernel's buffer for each interface; nil for `defaultBufferSize`.
    public var bufferSize: Int?
    /// The name of the clock that stamps the packets; nil for the default.
    public var timestampType: String?
    /// The link type to request; nil for the interface's own.
    public var linkType: LinkType?
    public var direction = Direction.both
    /// The capture engine.
    public var engine = CaptureEngine.automatic
    /// Wait for an interface that goes down or disappears; otherwise that is an error.
    public var waitsForInterfaces = false
    /// Only the first bytes of the first packets are wanted: the buffer is small, and is not emptied during the capture.
    public var isSample = false
    /// How long the kernel may hold packets back to deliver them together, in milliseconds.
    var deliveryTimeout: CInt = 100

    public static let defaultBufferSize = 16 << 20

    public init() {}

    /// True if nothing is requested that only libpcap can do.
    var isOrdinary: Bool { !isMonitor && (timestampType == nil || timestampType == "host") }

    /// True if libpcap captures, whatever the interface is.
    public var usesLibrary: Bool { !isOrdinary || engine != .automatic }
  }

  /// Which packets are captured: those that the host receives, those that it sends, or both.
  public enum Direction: Sendable {
    case received, sent, both
  }

  /// The counts of an interface since the start. At any time `received` is the sum of `droppedByKernel`, `taken` and `waiting`; after
  /// `finish` and the last packet, `waiting` is 0.
  public struct Statistics: Sendable, Equatable {
    /// Packets that passed the kernel's filter.
    public var received: UInt64
    /// Those of them that found no room in its buffer.
    public var droppedByKernel: UInt64
    /// Packets that the network card or its driver dropped; they never reached the filter.
    public var droppedByInterface: UInt64
    /// Packets that were taken out of the buffer.
    public var taken: UInt64
    /// Those of them that had the unwanted direction, and were not delivered.
    public var unwanted: UInt64
    /// True if packets in the buffer are counted; libpcap does not report them, so they count only once they are taken.
    public var countsWaiting: Bool

    public init(
      received: UInt64, droppedByKernel: UInt64, droppedByInterface: UInt64, taken: UInt64, unwanted: UInt64 = 0,
      countsWaiting: Bool = true
    ) {
      self.countsWaiting = countsWaiting
      self.received = received
      self.droppedByKernel = droppedByKernel
      self.droppedByInterface = droppedByInterface
      self.taken = taken
      self.unwanted = unwanted
    }

    /// Packets in the buffer.
    public var waiting: UInt64 { received &- droppedByKernel &- taken }
  }

  /// The engine that captures on an interface.
  public enum Engine: String, Sendable {
    /// A packet socket with a ring that the kernel fills (TPACKET_V3).
    case ring
    case libpcap
  }

  /// An open interface.
  public struct Interface: Sendable {
    public let name: String
    /// Its index in the system; 0 for `any`, and for devices without one.
    public let index: UInt32
    public let linkType: LinkType
    /// The snapshot length in bytes.
    public let snaplen: UInt32
    public let engine: Engine
    /// The direction of every packet is known.
    public let reportsDirection: Bool
  }

  /// A state change of an interface; events are in order with the packets.
  public struct Event: Sendable {
    public enum Kind: Sendable {
      case wentDown
      case wasRemoved
      /// Packets arrive again; the gap has lasted that many nanoseconds.
      case cameBack(after: Int64)
    }
    /// Its index in `devices`.
    public let interface: Int
    public let kind: Kind
    public let time: Timestamp
  }

  /// A period in which an interface does not deliver packets.
  private struct Outage {
    let since: Timestamp
    let kind: Event.Kind
    /// The interface that the socket is bound to no longer exists.
    var isRemoved: Bool
    /// All packets captured before the outage were taken, and the event was reported.
    var isReported = false
  }

  /// The interfaces, in the order in which they were named; `Packet.interface` is an index into them.
  public let devices: [Interface]
  /// Their descriptions for a savefile.
  public var interfaces: InterfaceTable?
  /// Warnings from opening them.
  public let warnings: [String]
  private let sources: [Source]
  /// The outage of each interface; nil for those that are up.
  private var outages: [Outage?]
  private var events: [Event] = []
  private let settings: Settings
  private let interfaceDrops: InterfaceDrops
  private var order: MergeOrder
  /// The error to throw once the last packet was taken.
  private var failure: CaptureError?
  private var isFinished = false

  /// Milliseconds between two checks of a missing interface.
  private static let missingInterval: CInt = 50
  /// Nanoseconds after which an interface that went down but still exists is assumed to stay. An interface that is removed goes down a
  /// moment before; on a busy system that moment is long.
  private static let settlingTime: Int64 = 1_000_000_000
  /// Milliseconds between two checks of a device without a descriptor to poll.
  private static let pollingInterval: CInt = 10
  /// The longest wait in milliseconds; nothing depends on its value.
  private static let longestWait: CInt = 1000
  /// How many milliseconds to wait for the last packets of a buffer.
  private static let lastWait = 2000

  /// Opens the interfaces. Throws if one is missing, down (unless it is to be waited for), or must not be opened.
  public init(devices: [String], _ settings: Settings) throws(CaptureError) {
    var settings = settings
    settings.deliveryTimeout = settings.isImmediate ? 1 : devices.count > 1 ? 20 : 100
    // Each delivery uses up a block of the buffer.
    if settings.isSample { settings.deliveryTimeout = 200 }
    var (sources, interfaces, warnings): ([Source], [Interface], [String]) = ([], [], [])
    for device in devices {
      let (source, said) = try Source.open(device, settings)
      interfaces.append(source.description(device))
      warnings += said
      sources.append(source)
    }
    var outages: [Outage?] = sources.map { _ in nil }
    for (index, source) in sources.enumerated() {
      guard source.state == .down else { continue }
      guard settings.waitsForInterfaces else { throw CaptureError("\(source.device): the interface is not up") }
      outages[index] = Outage(since: Timestamp.now, kind: .wentDown, isRemoved: false)
    }
    self.settings = settings
    self.sources = sources
    self.devices = interfaces
    self.warnings = warnings
    self.outages = outages
    interfaceDrops = InterfaceDrops(devices)
    order = MergeOrder(deliveryTimeout: settings.deliveryTimeout, isMerging: devices.count > 1)
  }

  /// The direction filter for the kernel on an interface.
  public func prefilter(of interface: Int) -> KernelFilter.DirectionPrefilter { sources[interface].prefilter }

  /// Attaches a program in the kernel to an interface, so that packets which it rejects are not copied. Throws if the kernel refuses it.
  public mutating func install(_ filter: KernelFilter, on interface: Int) throws(CaptureError) {
    switch sources[interface] {
    case .ring(let ring): try ring.install(filter)
    case .library(let library): try library.install(filter)
    }
  }

  /// Starts the capture.
  public mutating func start() throws(CaptureError) {
    for source in sources {
      if case .ring(let ring) = source { try ring.start() }
    }
    // Drops between opening and binding do not belong to this capture.
    interfaceDrops.start()
  }

  // MARK: Packets

  /// The next packet, valid until the next call to `next()`; nil if none is waiting, or an event comes first.
  @_lifetime(&self)
  public mutating func next() throws(CaptureError) -> Packet? {
    guard let index = order.next(sources), let borrowed = unsafe try take(index) else {
      if let failure, events.isEmpty, isDrained { throw failure }
      return nil
    }
    // Safe: the source keeps `caplen` bytes at `start` until the next call, which mutates this capture.
    let octets = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: borrowed.start, count: borrowed.caplen))
    let packet = unsafe Packet(
      bytes: PacketBytes(octets, length: borrowed.len), timestamp: borrowed.timestamp,
      linkType: devices[index].linkType,
      interface: index, direction: borrowed.direction)
    return unsafe _overrideLifetime(packet, mutating: &self)
  }

  /// The next packet of a source; nil if there is none, or if it is the first one after a gap, which must be reported first.
  @inline(__always)
  private mutating func take(_ index: Int) throws(CaptureError) -> BorrowedPacket? {
    if outages[index] != nil, endsOutage(index) { return nil }
    return unsafe try sources[index].take()
  }

  /// True if a large part of an interface's buffer is waiting to be taken: the packets are taken too slowly.
  public var isUnderPressure: Bool {
    for source in sources where source.isUnderPressure { return true }
    return false
  }

  /// True if all packets that have arrived were taken.
  private var isDrained: Bool {
    guard sources.allSatisfy(\.isEmpty) else { return false }
    countReceived()
    return sources.allSatisfy { $0.waiting == 0 }
  }

  /// Waits until a packet or a signal arrives, or `milliseconds` have passed (no limit if negative). It may return early.
  public mutating func wait(milliseconds: CInt = -1) {
    var limit = milliseconds < 0 ? Self.longestWait : min(milliseconds, Self.longestWait)
    if let hold = order.hold { limit = min(limit, hold) }
    if outages.contains(where: { $0 != nil }) || failure != nil { limit = min(limit, Self.missingInterval) }
    if !events.isEmpty { return }
    var descriptors = sources.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    // Devices without a descriptor are checked often.
    if descriptors.contains(where: { $0.fd < 0 }) { limit = min(limit, Self.pollingInterval) }
    // While packets are held back, polling their sources would return immediately.
    if order.hold != nil { for index in descriptors.indices { descriptors[index].events = 0 } }
    descriptors.append(pollfd(fd: StopSignal.wakeupDescriptor, events: Int16(POLLIN), revents: 0))
    unsafe poll(&descriptors, UInt(descriptors.count), limit)
    for (index, source) in sources.enumerated() {
      noteError(of: source, index, isSignaled: descriptors[index].revents & Int16(POLLERR) != 0)
      if outages[index] != nil { pollState(source, index) }
    }
  }

  // MARK: Interfaces that come and go

  /// State changes of the interfaces since the last call.
  public mutating func takeEvents() -> [Event] {
    defer { events.removeAll() }
    return events
  }

  private mutating func noteError(of source: Source, _ index: Int, isSignaled: Bool) {
    let code = source.takeError(isSignaled: isSignaled)
    guard code != 0 else { return }
    guard code == ENETDOWN || code == ENODEV || code == ENXIO else {
      failure = failure ?? CaptureError(device: source.device, errno: code)
      return
    }
    let isRemoved = source.isRemoved
    guard settings.waitsForInterfaces else {
      guard failure == nil else { return }
      let words = isRemoved || isRemovedSoon(source) ? "the interface was removed" : "the interface went down"
      failure = CaptureError("\(source.device): \(words)")
      return
    }
    if outages[index] == nil {
      outages[index] = Outage(since: Timestamp.now, kind: isRemoved ? .wasRemoved : .wentDown, isRemoved: isRemoved)
    } else if isRemoved {
      outages[index]?.isRemoved = true
    }
  }

  /// An interface that is removed goes down first: true if one that went down disappears a moment later.
  private func isRemovedSoon(_ source: Source) -> Bool {
    let end = Timestamp.now.advanced(byNanoseconds: Self.settlingTime)
    while Timestamp.now < end, !StopSignal.isRaised {
      poll(nil, 0, 10)
      if source.isRemoved { return true }
      if source.state == .up { return false }
    }
    return false
  }

  /// Reports that an interface is missing once all earlier packets were taken; then checks whether it is back.
  private mutating func pollState(_ source: Source, _ index: Int) {
    guard let outage = outages[index] else { return }
    guard outage.isReported else {
      source.countReceived()
      let isSettled = source.state != .down || Timestamp.now >= outage.since.advanced(byNanoseconds: Self.settlingTime)
      if source.waiting == 0, isSettled { report(index) }
      return
    }
    switch source.state {
    case .gone: outages[index]?.isRemoved = true
    case .down where !outage.isRemoved: break
    case .up where !outage.isRemoved: noteReturn(index)
    case .up, .down, .replaced:
      do throws(CaptureError) {
        try source.restart()
        outages[index]?.isRemoved = false
        if source.state == .up { noteReturn(index) }
      } catch {
        // It may have disappeared again meanwhile; another kind of interface is a permanent failure.
        if error.kind == .other, source.state == .up { failure = failure ?? error }
      }
    }
  }

  /// Reports that an interface is missing.
  private mutating func report(_ index: Int) {
    guard let outage = outages[index], !outage.isReported else { return }
    outages[index]?.isReported = true
    let kind = sources[index].isRemoved ? .wasRemoved : outage.kind
    events.append(Event(interface: index, kind: kind, time: outage.since))
  }

  /// True if the source's next packet came after the gap, which ends the outage.
  private mutating func endsOutage(_ index: Int) -> Bool {
    guard let outage = outages[index], let time = sources[index].nextTime() else { return false }
    guard time > outage.since.seconds &* 1_000_000_000 &+ outage.since.nanoseconds else { return false }
    report(index)
    noteReturn(index)
    return true
  }

  /// An interface that was missing delivers again.
  private mutating func noteReturn(_ index: Int) {
    guard let since = outages[index]?.since else { return }
    let now = Timestamp.now
    outages[index] = nil
    let passed = (now.seconds &- since.seconds) &* 1_000_000_000 &+ (now.nanoseconds &- since.nanoseconds)
    events.append(Event(interface: index, kind: .cameBack(after: max(0, passed)), time: now))
  }

  // MARK: The end, and what was counted

  /// Stops capturing. Packets that have arrived can still be taken, until `waitForRest` returns false.
  public mutating func finish() {
    guard !isFinished else { return }
    isFinished = true
    order.isMerging = false
    for source in sources { source.stop() }
    // Packets that have just passed the filter still get into the buffer.
    usleep(2000)
  }

  /// After `finish`, waits until packets that have arrived can be taken; false if there are none.
  public mutating func waitForRest() -> Bool {
    for _ in 0..<Self.lastWait {
      if sources.contains(where: { !$0.isEmpty }) { return true }
      countReceived()
      guard sources.contains(where: { $0.waiting > 0 }) else { return false }
      usleep(1000)
    }
    return false
  }

  private func countReceived() {
    for source in sources { source.countReceived() }
  }

  /// The counts of each interface so far.
  public func statistics() -> [Statistics] {
    let drops = interfaceDrops.counts()
    return sources.enumerated().map { index, source in source.statistics(drops: drops[index]) }
  }

  // MARK: Lists

  /// The link type of an interface's packets. For an ordinary interface the kernel reports it without privilege; any other must be opened.
  public static func linkType(device: String, _ settings: Settings) throws(CaptureError) -> LinkType {
    if !settings.usesLibrary {
      let probe = socket(AF_INET, PacketSocket.datagrams, 0)
      defer { close(probe) }
      if let form = InterfaceForm(device, InterfaceQuery(socket: probe), wanted: settings.linkType) {
        return form.linkType
      }
    }
    return try LibraryCapture(device: device, settings).linkType
  }

  /// The link types that can be set with `Settings.linkType`.
  public static func linkTypes(device: String, _ settings: Settings) throws(CaptureError) -> [LinkType] {
    try LibraryCapture(device: device, settings).linkTypes
  }
}
