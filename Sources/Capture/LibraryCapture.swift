import BPF
import CPcap
import EBPF
import Glibc
import PacketCore

/// Packets from a libpcap handle: of devices that are not network interfaces (USB, Bluetooth, netfilter logs), in monitor mode, with the
/// clock of a network card, with a link type other than the interface's own, and of any device on request.
@safe
final class LibraryCapture {
  let device: String
  let linkType: LinkType
  /// The snapshot length in bytes.
  let snaplen: UInt32
  /// Warnings from libpcap while opening the interface.
  let warnings: [String]
  /// The index of the interface; 0 for `any`, and for other devices than network interfaces.
  private(set) var index: CInt
  /// The direction filter for the kernel: libpcap skips the same packets itself, but counts them first.
  let prefilter: KernelFilter.DirectionPrefilter
  /// Packets taken.
  private(set) var taken: UInt64 = 0
  /// libpcap captures through a packet socket, not through a device or a socket of another kind.
  let isPacketSocket: Bool
  private let handle: DeviceHandle
  /// Keeps an eBPF program attached to the socket.
  private var attachment: KernelAttachment?
  /// The descriptor to poll; -1 if there is none.
  let descriptor: CInt
  /// Nanoseconds in a unit of libpcap's timestamps.
  private let unit: Int64
  private let isPromiscuous: Bool
  /// The direction of all packets, if only one direction is captured.
  private let direction: PacketDirection
  /// Capture time of the last packet, in nanoseconds since the epoch.
  private var captured = Int64.max
  /// The next packet, if it was read ahead.
  private var ahead: BorrowedPacket?
  private var failure: CaptureError?
  /// Nothing more is captured.
  private var isStopped = false
  /// The maximum time that packets stay in libpcap's buffer, in nanoseconds.
  private let settlingTime: Int64
  /// When all captured packets have been delivered, as far as is known; nil until `stop` or `waiting` sets it.
  private var settledAt: Int64?
  /// libpcap's counters have 32 bits: their last values, and their sums.
  private var last = pcap_stat()
  private var received: UInt64 = 0
  private var dropped: UInt64 = 0
  private var droppedByInterface: UInt64 = 0

  init(device: String, _ settings: LiveCapture.Settings) throws(CaptureError) {
    let handle = try DeviceHandle(device)
    let libpcap = handle.libpcap
    try handle.check(unsafe libpcap.set_snaplen(handle.pointer, CInt(clamping: settings.snaplen)))
    try handle.check(unsafe libpcap.set_promisc(handle.pointer, settings.isPromiscuous ? 1 : 0))
    try handle.check(unsafe libpcap.set_timeout(handle.pointer, settings.deliveryTimeout))
    if settings.isMonitor { try handle.check(unsafe libpcap.set_rfmon(handle.pointer, 1)) }
    if settings.isImmediate { try handle.check(unsafe libpcap.set_immediate_mode(handle.pointer, 1)) }
    if let size = settings.bufferSize {
      try handle.check(unsafe libpcap.set_buffer_size(handle.pointer, CInt(clamping: size)))
    }
    var warnings: [String] = []
    if let name = settings.timestampType { warnings += try handle.setTimestampType(name).map { [$0] } ?? [] }
    let isNano = unsafe libpcap.set_tstamp_precision(handle.pointer, PCAP_TSTAMP_PRECISION_NANO) == 0
    let status = unsafe libpcap.activate(handle.pointer)
    try handle.check(status)
    if status > 0 {
      let detail = handle.lastError
      warnings.append("\(device): \(detail.isEmpty ? libpcap.words(for: status) : detail)")
    }
    let socket = unsafe libpcap.fileno(handle.pointer)
    isPacketSocket = PacketSocket.isOne(socket)
    // Reject everything until the filter is installed.
    if isPacketSocket { _ = try? KernelFilter(rejectingAll: ()).attach(to: socket, device) }
    try handle.setLinkType(settings.linkType)
    switch settings.direction {
    case .both: direction = .unknown
    case .received:
      try handle.check(unsafe libpcap.setdirection(handle.pointer, PCAP_D_IN))
      direction = .inbound
    case .sent:
      try handle.check(unsafe libpcap.setdirection(handle.pointer, PCAP_D_OUT))
      direction = .outbound
    }
    var errors = ErrorBuffer()
    let blocking = unsafe errors.with { buffer in unsafe libpcap.setnonblock(handle.pointer, 1, buffer) }
    guard blocking == 0 else { throw CaptureError("\(device): \(errors.message)") }

    let query = InterfaceQuery(socket: socket)
    let isAny = device == "any"
    index = isPacketSocket && !isAny ? query.index(device) ?? 0 : 0
    let seesLoopback = isAny || query.hardware(device) == PacketSocket.loopback
    self.device = device
    self.warnings = warnings
    linkType = LinkType(rawValue: UInt32(bitPattern: unsafe libpcap.datalink(handle.pointer)))
    var prefilter = KernelFilter.DirectionPrefilter()
    if isPacketSocket {
      prefilter.wanted = settings.direction
      prefilter.loopback = seesLoopback ? UInt32(bitPattern: query.index("lo") ?? 0) : 0
      prefilter.losesTags = linkType == .linuxSLL || linkType == .linuxSLL2
    }
    self.prefilter = prefilter
    snaplen = UInt32(bitPattern: unsafe libpcap.snapshot(handle.pointer))
    descriptor = unsafe libpcap.get_selectable_fd(handle.pointer)
    unit = isNano ? 1 : 1000
    isPromiscuous = settings.isPromiscuous && !isAny
    settlingTime = Int64(settings.deliveryTimeout) * 2_000_000 + 50_000_000
    self.handle = handle
  }

  /// Attaches a program in the kernel, so that packets which it rejects are not copied.
  ///
  /// The program is attached to the socket directly: pcap_setfilter() would also run it on queued packets, and as it does not support all
  /// ancillary loads there, it would lose packets. Throws if the kernel refuses it.
  ///
  /// Only a packet socket gets a program: on any other, the program would see different data, such as the netlink message that contains a
  /// packet.
  func install(_ filter: KernelFilter) throws(CaptureError) {
    guard isPacketSocket else { return }
    attachment = try filter.attach(to: unsafe handle.libpcap.fileno(handle.pointer), device)
  }

  // MARK: Packets

  /// The capture time of the packet that `take` returns next, in nanoseconds since the epoch; nil if there is none.
  func nextTime() -> Int64? {
    if unsafe ahead == nil, failure == nil { unsafe ahead = read() }
    return unsafe (ahead?.timestamp).map { $0.seconds &* 1_000_000_000 &+ $0.nanoseconds }
  }

  /// The next packet, valid until the next call; nil if there is none. Throws after an error of libpcap.
  func take() throws(CaptureError) -> BorrowedPacket? {
    let packet = unsafe ahead.take() ?? (failure == nil ? read() : nil)
    guard let packet = unsafe packet else {
      if let failure { throw failure }
      return nil
    }
    taken &+= 1
    return unsafe packet
  }

  private func read() -> BorrowedPacket? {
    // If the kernel cannot be made to reject everything, packets that arrive for a while are assumed to be from before the end.
    if isStopped, !isPacketSocket, let settledAt, Self.now > settledAt { return nil }
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    errno = 0
    let status = unsafe handle.libpcap.next_ex(handle.pointer, &header, &data)
    let code = errno
    guard status == 1, let record = unsafe header?.pointee, let data = unsafe data else {
      if status != 0, status != PCAP_ERROR_BREAK { note(errno: code) }
      return nil
    }
    if !isStopped { settledAt = nil }
    captured = Int64(record.ts.tv_sec) &* 1_000_000_000 &+ Int64(record.ts.tv_usec) &* unit
    // Safe: libpcap keeps `caplen` bytes at `data` until the next call.
    let octets = unsafe UnsafeRawBufferPointer(start: data, count: Int(record.caplen))
    return unsafe BorrowedPacket(
      start: UnsafeRawPointer(data), caplen: octets.count, len: Int(record.len),
      timestamp: Timestamp(seconds: Int64(record.ts.tv_sec), nanoseconds: Int64(record.ts.tv_usec) &* unit),
      direction: direction(of: octets))
  }

  /// The direction of a packet: from its cooked header, or that of all packets.
  private func direction(of octets: UnsafeRawBufferPointer) -> PacketDirection {
    switch linkType {
    case .linuxSLL where octets.count >= 2:
      unsafe octets[0] == 0 && octets[1] == PacketSocket.outgoing ? .outbound : .inbound
    case .linuxSLL2 where octets.count >= 11: unsafe octets[10] == PacketSocket.outgoing ? .outbound : .inbound
    default: direction
    }
  }

  /// True if packets arrive later than the kernel's delivery timeout explains: libpcap does not report how full its buffer is.
  var isUnderPressure: Bool {
    let now = Timestamp.now
    let late = now.seconds &* 1_000_000_000 &+ now.nanoseconds &- captured
    return captured != .max && late > settlingTime / 2 &+ 25_000_000
  }

  /// True if the direction of every packet is known.
  var reportsDirection: Bool { direction != .unknown || linkType == .linuxSLL || linkType == .linuxSLL2 }

  /// Records an error of libpcap. A read that would block is not an error, although libpcap reports it as one for netfilter sockets; an
  /// interface that has disappeared is detected by its state.
  private func note(errno code: CInt) {
    let words = handle.lastError
    let wouldWait = unsafe String(cString: strerror(EAGAIN))
    if code == EAGAIN || code == EINTR || words.hasSuffix(wouldWait) { return }
    if isPacketSocket, state != .up { return }
    failure = CaptureError("\(device): \(words)")
  }

  // MARK: The interface

  /// The state of the interface.
  var state: InterfaceState {
    InterfaceState(device, index: index, socket: unsafe handle.libpcap.fileno(handle.pointer))
  }

  /// The pending error of the socket; 0 for none. libpcap consumes the kernel's error, but the interface state shows it.
  func takeError() -> CInt {
    guard isPacketSocket, state != .up else { return 0 }
    _ = PacketSocket.takeError(unsafe handle.libpcap.fileno(handle.pointer))
    return ENETDOWN
  }

  /// Binds libpcap's socket to the interface that has replaced the previous one, since no other socket can be opened after privileges are
  /// dropped. Throws if it is of another kind.
  func restart() throws(CaptureError) {
    let socket = unsafe handle.libpcap.fileno(handle.pointer)
    let query = InterfaceQuery(socket: socket)
    guard let current = query.index(device) else { return }
    if let form = InterfaceForm(device, query), form.linkType != linkType {
      throw CaptureError("\(device): the interface came back with another link type")
    }
    index = current
    try PacketSocket.bind(socket, to: current, device)
    if isPromiscuous { try PacketSocket.addPromiscuity(socket, on: current, device) }
  }

  // MARK: The end, and what was counted

  /// Stops capturing. Packets in the buffer can still be taken.
  func stop() {
    guard !isStopped else { return }
    isStopped = true
    settledAt = Self.now &+ settlingTime
    if isPacketSocket {
      _ = try? KernelFilter(rejectingAll: ()).attach(to: unsafe handle.libpcap.fileno(handle.pointer), device)
    }
  }

  /// Packets that libpcap has not delivered yet, as far as the kernel's counts show; 0 once they should have been delivered.
  var waiting: UInt64 {
    guard isPacketSocket else { return 0 }
    let end = settledAt ?? Self.now &+ settlingTime
    settledAt = end
    guard Self.now <= end else { return 0 }
    count()
    let delivered = taken &+ dropped
    return received > delivered ? received &- delivered : 0
  }

  /// The counts so far. libpcap counts packets before they are delivered, including some that it skips, so here the received packets are
  /// those that were delivered or dropped.
  func statistics() -> LiveCapture.Statistics {
    count()
    return LiveCapture.Statistics(
      received: taken &+ dropped, droppedByKernel: dropped, droppedByInterface: droppedByInterface, taken: taken,
      countsWaiting: false)
  }

  private func count() {
    var counts = pcap_stat()
    guard unsafe handle.libpcap.stats(handle.pointer, &counts) == 0 else { return }
    received &+= UInt64(counts.ps_recv &- last.ps_recv)
    dropped &+= UInt64(counts.ps_drop &- last.ps_drop)
    droppedByInterface &+= UInt64(counts.ps_ifdrop &- last.ps_ifdrop)
    last = counts
  }

  /// Nanoseconds of the monotonic clock.
  private static var now: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }

  /// The link types that can be requested.
  var linkTypes: [LinkType] {
    get throws(CaptureError) {
      let libpcap = handle.libpcap
      let values = try unsafe handle.list(
        { handle, list in unsafe libpcap.list_datalinks(handle, list) }, { list in unsafe libpcap.free_datalinks(list) }
      )
      return values.map { LinkType(rawValue: UInt32(bitPattern: $0)) }
    }
  }
}

extension DeviceHandle {
  /// Sets the link type; without one it stays the device's own. On `any` the newer cooked header is requested, since it contains the
  /// interface; a libpcap without it keeps the older one.
  func setLinkType(_ wanted: LinkType?) throws(CaptureError) {
    guard let wanted else {
      if device == "any" { _ = unsafe libpcap.set_datalink(pointer, CInt(bitPattern: LinkType.linuxSLL2.rawValue)) }
      return
    }
    guard UInt32(bitPattern: unsafe libpcap.datalink(pointer)) != wanted.rawValue else { return }
    guard unsafe libpcap.set_datalink(pointer, CInt(bitPattern: wanted.rawValue)) == 0 else {
      let name = wanted.name ?? String(wanted.rawValue)
      throw CaptureError("\(device): no link type \(name) on this interface (apus -L lists them)")
    }
  }

  /// Sets the clock for timestamps. Returns a warning if the device lacks it, and keeps its default clock. Throws if there is no clock of
  /// that name.
  func setTimestampType(_ name: String) throws(CaptureError) -> String? {
    let type = unsafe libpcap.tstamp_type_name_to_val(name)
    guard type >= 0 else { throw CaptureError("invalid time stamp type \(name) (apus -J lists them)") }
    let status = unsafe libpcap.set_tstamp_type(pointer, type)
    try check(status)
    guard status > 0 else { return nil }
    let words = libpcap.words(for: status)
    return "WARNING: When trying to set timestamp type '\(name)' on \(device): \(words)"
  }
}

extension LiveCapture {
  /// Names and descriptions of the clocks that an interface supports, for `Settings.timestampType`.
  public static func timestampTypes(device: String) throws(CaptureError) -> [(name: String, details: String)] {
    let handle = try DeviceHandle(device)
    let libpcap = handle.libpcap
    let values = try unsafe handle.list(
      { handle, list in unsafe libpcap.list_tstamp_types(handle, list) }, { unsafe libpcap.free_tstamp_types($0) })
    return values.compactMap { value in
      guard let name = unsafe libpcap.tstamp_type_val_to_name(value) else { return nil }
      let details = unsafe libpcap.tstamp_type_val_to_description(value).map { unsafe String(cString: $0) } ?? ""
      return (unsafe String(cString: name), details)
    }
  }

  /// Names and descriptions of all known clocks; empty if libpcap cannot be loaded.
  public static var timestampTypes: [(name: String, details: String)] {
    guard let libpcap = try? Libpcap.functions else { return [] }
    var types: [(name: String, details: String)] = []
    // They are numbered from 0 without gaps (pcap-tstamp(7)); the first number without a name ends the list.
    while let name = unsafe libpcap.tstamp_type_val_to_name(CInt(types.count)) {
      let details = unsafe libpcap.tstamp_type_val_to_description(CInt(types.count)).map { unsafe String(cString: $0) }
      types.append((unsafe String(cString: name), details ?? ""))
    }
    return types
  }

  /// Loads libpcap, for a process that is about to enter the sandbox, where it cannot be loaded any more. Throws if that fails.
  public static func loadLibrary() throws(CaptureError) { _ = try Libpcap.functions }

  /// The version of libpcap, in its own words; or why it cannot be loaded.
  public static var libraryVersion: String {
    do {
      return try Libpcap.functions.version
    } catch {
      return error.description
    }
  }
}
