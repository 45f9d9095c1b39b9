import BPF
import CPcap
import EBPF
import Glibc
public import PacketCore

/// Packets as they arrive on an interface.
public struct LiveCapture: ~Copyable {
  /// How the interface is to be opened.
  public struct Settings: Sendable {
    /// Octets of each packet to capture.
    public var snaplen: UInt32 = 262_144
    /// Take packets that are not for this host, too.
    public var isPromiscuous = true
    /// Take IEEE 802.11 frames with their own headers.
    public var isMonitor = false
    /// Deliver every packet at once instead of many together.
    public var isImmediate = false
    /// Size of the kernel's buffer in octets; nil for libpcap's default.
    public var bufferSize: Int?
    /// The name of the clock that stamps the packets; nil for the default.
    public var timestampType: String?
    /// The link type to ask for; nil for the interface's own.
    public var linkType: LinkType?
    public var direction = Direction.both

    public init() {}
  }

  /// Which packets are captured: those that the host receives, those that it sends, or both.
  public enum Direction: Sendable {
    case received, sent, both
  }

  /// What the kernel has counted since the start.
  public struct Statistics: Sendable {
    /// Packets that its filter has let through.
    public var received: UInt32
    /// Packets that found no room in its buffer.
    public var droppedByKernel: UInt32
    /// Packets that the network card or its driver dropped.
    public var droppedByInterface: UInt32
  }

  public let linkType: LinkType
  /// The snapshot length in octets.
  public let snaplen: UInt32
  /// What libpcap warned of while it opened the interface.
  public let warnings: [String]
  private let handle: DeviceHandle
  private let descriptor: CInt
  /// The eBPF program before the socket, where there is one.
  private var attachment: KernelAttachment?
  /// Nanoseconds in a unit of libpcap's timestamps.
  private let unit: Int64

  /// How long the kernel may hold packets back to deliver them together, in milliseconds.
  private static let deliveryTimeout: CInt = 100

  /// Opens the interface and starts capturing, so far without a filter.
  public init(device: String, _ settings: Settings) throws(CaptureError) {
    let handle = try DeviceHandle(device)
    try handle.check(unsafe pcap_set_snaplen(handle.pointer, CInt(clamping: settings.snaplen)))
    try handle.check(unsafe pcap_set_promisc(handle.pointer, settings.isPromiscuous ? 1 : 0))
    try handle.check(unsafe pcap_set_timeout(handle.pointer, Self.deliveryTimeout))
    if settings.isMonitor { try handle.check(unsafe pcap_set_rfmon(handle.pointer, 1)) }
    if settings.isImmediate { try handle.check(unsafe pcap_set_immediate_mode(handle.pointer, 1)) }
    if let size = settings.bufferSize {
      try handle.check(unsafe pcap_set_buffer_size(handle.pointer, CInt(clamping: size)))
    }
    if let name = settings.timestampType {
      let type = unsafe pcap_tstamp_type_name_to_val(name)
      guard type >= 0 else { throw CaptureError("\(name): no such time stamp type (apus -J lists them)") }
      try handle.check(unsafe pcap_set_tstamp_type(handle.pointer, type))
    }
    let isNano = unsafe pcap_set_tstamp_precision(handle.pointer, PCAP_TSTAMP_PRECISION_NANO) == 0
    let status = unsafe pcap_activate(handle.pointer)
    try handle.check(status)
    if let wanted = settings.linkType, UInt32(bitPattern: unsafe pcap_datalink(handle.pointer)) != wanted.rawValue {
      guard unsafe pcap_set_datalink(handle.pointer, CInt(bitPattern: wanted.rawValue)) == 0 else {
        let name = wanted.name ?? String(wanted.rawValue)
        throw CaptureError("\(device): no link type \(name) on this interface (apus -L lists them)")
      }
    }
    if settings.linkType == nil, unsafe pcap_datalink(handle.pointer) == CInt(bitPattern: LinkType.linuxSLL.rawValue) {
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

    var warnings: [String] = []
    if status > 0 {
      let detail = handle.lastError
      warnings.append("\(device): \(detail.isEmpty ? unsafe String(cString: pcap_statustostr(status)) : detail)")
    }
    self.warnings = warnings
    linkType = LinkType(rawValue: UInt32(bitPattern: unsafe pcap_datalink(handle.pointer)))
    snaplen = UInt32(bitPattern: unsafe pcap_snapshot(handle.pointer))
    descriptor = unsafe pcap_get_selectable_fd(handle.pointer)
    unit = isNano ? 1 : 1000
    self.handle = handle
  }

  /// The interface.
  public var device: String { handle.device }

  /// Hands the kernel a program, so that packets which it rejects are not copied. Those already queued still arrive.
  ///
  /// The program goes to the socket itself: pcap_setfilter() would also run it over what is queued, and there it does not know
  /// all ancillary loads and would lose packets. Throws where the kernel refuses it.
  public mutating func install(_ filter: KernelFilter) throws(CaptureError) {
    let instructions: [Instruction]
    switch filter.code {
    case .classic(let code): instructions = code
    case .extended(let program): return try install(program)
    }
    let status = unsafe instructions.withUnsafeBufferPointer { instructions in
      // struct sock_fprog: the number of instructions, and where they are; the kernel copies them.
      let program = (UInt16(clamping: instructions.count), instructions.baseAddress)
      return unsafe withUnsafeBytes(of: program) {
        unsafe setsockopt(
          pcap_fileno(handle.pointer), SOL_SOCKET, SO_ATTACH_FILTER, $0.baseAddress, socklen_t($0.count))
      }
    }
    guard status == 0 else { throw CaptureError("\(device): \(unsafe String(cString: strerror(errno)))") }
  }

  /// The same for an eBPF program.
  private mutating func install(_ program: EBPFProgram) throws(CaptureError) {
    do throws(KernelRefusal) {
      attachment = try KernelEBPFProgram(program, as: .socketFilter).attach(
        toSocket: unsafe pcap_fileno(handle.pointer))
    } catch {
      throw CaptureError(error.description, source: error.source)
    }
    guard attachment != nil else { throw CaptureError("\(device): \(unsafe String(cString: strerror(errno)))") }
  }

  /// The next packet, lent until the one after it is asked for; nil where none is waiting: see `wait`.
  @_lifetime(&self)
  public mutating func next() throws(CaptureError) -> Packet? {
    var header: UnsafeMutablePointer<pcap_pkthdr>?
    var data: UnsafePointer<UInt8>?
    let status = unsafe pcap_next_ex(handle.pointer, &header, &data)
    guard status == 1, let record = unsafe header?.pointee else {
      if status == 0 || status == PCAP_ERROR_BREAK { return nil }
      throw CaptureError("\(device): \(handle.lastError)")
    }
    let timestamp = Timestamp(
      seconds: Int64(record.ts.tv_sec), nanoseconds: Int64(record.ts.tv_usec) &* unit)
    // Safe: libpcap lends `caplen` octets at `data` until the next call.
    let octets = unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(start: data, count: Int(record.caplen)))
    let packet = Packet(
      bytes: PacketBytes(octets, length: Int(record.len)), timestamp: timestamp, linkType: linkType)
    return unsafe _overrideLifetime(packet, mutating: &self)
  }

  /// Waits until a packet or a `StopSignal` arrives, or `milliseconds` have passed; negative: without end.
  public func wait(milliseconds: CInt = -1) {
    var descriptors = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: StopSignal.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    unsafe poll(&descriptors, 2, milliseconds)
  }

  /// What the kernel has counted; nil where it does not tell.
  public var statistics: Statistics? {
    var counts = pcap_stat()
    guard unsafe pcap_stats(handle.pointer, &counts) == 0 else { return nil }
    return Statistics(
      received: counts.ps_recv, droppedByKernel: counts.ps_drop, droppedByInterface: counts.ps_ifdrop)
  }

  /// The link types that can be asked for with `Settings.linkType`.
  public var linkTypes: [LinkType] {
    get throws(CaptureError) {
      let values = try unsafe handle.list(
        { handle, list in unsafe pcap_list_datalinks(handle, list) }, { list in unsafe pcap_free_datalinks(list) })
      return values.map { LinkType(rawValue: UInt32(bitPattern: $0)) }
    }
  }

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

  /// The version of libpcap, in its own words.
  public static var libraryVersion: String { unsafe String(cString: pcap_lib_version()) }
}
