import BPF
import CPcap
import EBPF
import Glibc
import PacketCore

/// Packets through libpcap's own handle: of what is no ordinary interface (USB, Bluetooth, netfilter logs), in monitor mode, with the
/// clock of a network card, or of a link type that is not the interface's own.
@safe
final class LibraryCapture {
  let linkType: LinkType
  /// The snapshot length in octets.
  let snaplen: UInt32
  /// What libpcap warned of while it opened the interface.
  let warnings: [String]
  /// Packets taken.
  private(set) var taken: UInt64 = 0
  /// libpcap captures through a packet socket, not through a device or socket of another kind.
  let isPacketSocket: Bool
  private let handle: DeviceHandle
  /// What keeps an eBPF program before the socket working.
  private var attachment: KernelAttachment?
  let descriptor: CInt
  /// Nanoseconds in a unit of libpcap's timestamps.
  private let unit: Int64
  /// The packet that is lent next, where it has been looked at already.
  private var ahead: LentPacket?
  private var failure: CaptureError?
  private var isStopped = false
  /// libpcap's counts have 32 bits: as they were last, and what they have grown by.
  private var last = pcap_stat()
  private var dropped: UInt64 = 0
  private var droppedByInterface: UInt64 = 0

  init(device: String, _ settings: LiveCapture.Settings) throws(CaptureError) {
    let handle = try DeviceHandle(device)
    try handle.check(unsafe pcap_set_snaplen(handle.pointer, CInt(clamping: settings.snaplen)))
    try handle.check(unsafe pcap_set_promisc(handle.pointer, settings.isPromiscuous ? 1 : 0))
    try handle.check(unsafe pcap_set_timeout(handle.pointer, settings.deliveryTimeout))
    if settings.isMonitor { try handle.check(unsafe pcap_set_rfmon(handle.pointer, 1)) }
    if settings.isImmediate { try handle.check(unsafe pcap_set_immediate_mode(handle.pointer, 1)) }
    if let size = settings.bufferSize {
      try handle.check(unsafe pcap_set_buffer_size(handle.pointer, CInt(clamping: size)))
    }
    var warnings: [String] = []
    if let name = settings.timestampType { warnings += try handle.setTimestampType(name).map { [$0] } ?? [] }
    let isNano = unsafe pcap_set_tstamp_precision(handle.pointer, PCAP_TSTAMP_PRECISION_NANO) == 0
    let status = unsafe pcap_activate(handle.pointer)
    try handle.check(status)
    if let wanted = settings.linkType, UInt32(bitPattern: unsafe pcap_datalink(handle.pointer)) != wanted.rawValue {
      guard unsafe pcap_set_datalink(handle.pointer, CInt(bitPattern: wanted.rawValue)) == 0 else {
        let name = wanted.name ?? String(wanted.rawValue)
        throw CaptureError("\(device): no link type \(name) on this interface (apus -L lists them)")
      }
    }
    if settings.linkType == nil, device == "any" {
      // The newer cooked header tells the interface, too; a libpcap without it stays with the older one.
      unsafe pcap_set_datalink(handle.pointer, CInt(bitPattern: LinkType.linuxSLL2.rawValue))
    }
    switch settings.direction {
    case .both: break
    case .received: try handle.check(unsafe pcap_setdirection(handle.pointer, PCAP_D_IN))
    case .sent: try handle.check(unsafe pcap_setdirection(handle.pointer, PCAP_D_OUT))
    }
    var errors = ErrorBuffer()
    let blocking = unsafe errors.with { buffer in unsafe pcap_setnonblock(handle.pointer, 1, buffer) }
    guard blocking == 0 else { throw CaptureError("\(device): \(errors.message)") }

    if status > 0 {
      let detail = handle.lastError
      warnings.append("\(device): \(detail.isEmpty ? unsafe String(cString: pcap_statustostr(status)) : detail)")
    }
    self.warnings = warnings
    linkType = LinkType(rawValue: UInt32(bitPattern: unsafe pcap_datalink(handle.pointer)))
    snaplen = UInt32(bitPattern: unsafe pcap_snapshot(handle.pointer))
    descriptor = unsafe pcap_get_selectable_fd(handle.pointer)
    isPacketSocket = PacketSocket.isOne(unsafe pcap_fileno(handle.pointer))
    unit = isNano ? 1 : 1000
    self.handle = handle
  }

  /// Hands the kernel a program, so that packets which it rejects are not copied. Those already queued still arrive.
  ///
  /// The program goes to the socket itself: pcap_setfilter() would also run it over what is queued, and there it does not know
  /// all ancillary loads and would lose packets. Throws where the kernel refuses it.
  func install(_ filter: KernelFilter) throws(CaptureError) {
    attachment = try filter.attach(to: unsafe pcap_fileno(handle.pointer), handle.device)
  }

  /// When the packet was captured that `take` gives next, in nanoseconds since the epoch; nil where there is none.
  func nextTime() -> Int64? {
    if unsafe ahead == nil, failure == nil { unsafe ahead = read() }
    return unsafe (ahead?.timestamp).map { $0.seconds &* 1_000_000_000 &+ $0.nanoseconds }
  }

  /// The next packet, lent until the one after it is asked for; nil where none is there. Throws where libpcap has met an error.
  func take() throws(CaptureError) -> LentPacket? {
    let packet = unsafe ahead.take() ?? (failure == nil ? read() : nil)
    guard let packet = unsafe packet else {
      if let failure { throw failure }
      return nil
    }
    taken &+= 1
    return unsafe packet
  }

  private func read() -> LentPacket? {
    guard !isStopped else { return nil }
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    errno = 0
    let status = unsafe pcap_next_ex(handle.pointer, &header, &data)
    let code = errno
    guard status == 1, let record = unsafe header?.pointee, let data = unsafe data else {
      if status != 0, status != PCAP_ERROR_BREAK { note(errno: code) }
      return nil
    }
    // Safe: libpcap lends `caplen` octets at `data` until the next call.
    return unsafe LentPacket(
      start: UnsafeRawPointer(data), caplen: Int(record.caplen), len: Int(record.len),
      timestamp: Timestamp(seconds: Int64(record.ts.tv_sec), nanoseconds: Int64(record.ts.tv_usec) &* unit),
      direction: .unknown)
  }

  /// libpcap has met an error. A read that would have to wait is none, although libpcap calls it one for the sockets of netfilter.
  private func note(errno code: CInt) {
    let words = handle.lastError
    let wouldWait = unsafe String(cString: strerror(EAGAIN))
    if code == EAGAIN || code == EINTR || words.hasSuffix(wouldWait) { return }
    failure = CaptureError("\(handle.device): \(words)")
  }

  /// Takes no more packets.
  func stop() { isStopped = true }

  /// What has been counted. libpcap counts as received what it passes over as well, so here it is what was delivered and dropped.
  func statistics() -> LiveCapture.Statistics {
    var counts = pcap_stat()
    if unsafe pcap_stats(handle.pointer, &counts) == 0 {
      dropped &+= UInt64(counts.ps_drop &- last.ps_drop)
      droppedByInterface &+= UInt64(counts.ps_ifdrop &- last.ps_ifdrop)
      last = counts
    }
    return LiveCapture.Statistics(
      received: taken &+ dropped, droppedByKernel: dropped, droppedByInterface: droppedByInterface, taken: taken)
  }

  /// The link types that can be asked for.
  var linkTypes: [LinkType] {
    get throws(CaptureError) {
      let values = try unsafe handle.list(
        { handle, list in unsafe pcap_list_datalinks(handle, list) }, { list in unsafe pcap_free_datalinks(list) })
      return values.map { LinkType(rawValue: UInt32(bitPattern: $0)) }
    }
  }
}

extension DeviceHandle {
  /// Asks for a clock to stamp packets. Gives a warning where the device lacks it: then the clock stays the one that it was. Throws where
  /// there is no clock of that name.
  func setTimestampType(_ name: String) throws(CaptureError) -> String? {
    let type = unsafe pcap_tstamp_type_name_to_val(name)
    guard type >= 0 else { throw CaptureError("invalid time stamp type \(name) (apus -J lists them)") }
    let status = unsafe pcap_set_tstamp_type(pointer, type)
    try check(status)
    guard status > 0 else { return nil }
    let words = unsafe String(cString: pcap_statustostr(status))
    return "WARNING: When trying to set timestamp type '\(name)' on \(device): \(words)"
  }
}

extension LiveCapture {
  /// The names and descriptions of the clocks that can be asked for with `Settings.timestampType`, on an interface.
  public static func timestampTypes(device: String) throws(CaptureError) -> [(name: String, details: String)] {
    let handle = try DeviceHandle(device)
    let values = try unsafe handle.list(
      { handle, list in unsafe pcap_list_tstamp_types(handle, list) }, { unsafe pcap_free_tstamp_types($0) })
    return values.compactMap { value in
      guard let name = unsafe pcap_tstamp_type_val_to_name(value) else { return nil }
      let details = unsafe pcap_tstamp_type_val_to_description(value).map { unsafe String(cString: $0) } ?? ""
      return (unsafe String(cString: name), details)
    }
  }

  /// The names of all clocks that there are, on whatever interface.
  public static var timestampTypeNames: [String] {
    var names: [String] = []
    // They are numbered from 0 on without gaps (pcap-tstamp(7)); the first number that has no name ends the list.
    while let name = unsafe pcap_tstamp_type_val_to_name(CInt(names.count)) {
      names.append(unsafe String(cString: name))
    }
    return names
  }

  /// The version of libpcap, in its own words.
  public static var libraryVersion: String { unsafe String(cString: pcap_lib_version()) }
}
