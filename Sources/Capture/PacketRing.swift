import BPF
import EBPF
import Glibc
import PacketCore
import Synchronization

/// A packet socket with a ring of blocks that it shares with the kernel (TPACKET_V3, packet_mmap in the kernel's documentation).
///
/// The kernel fills one block after the other and passes each on as a whole; a block is returned to the kernel after its last packet.
/// Unlike libpcap's handle, the socket gets its filter before it is bound to the interface, so that every packet it ever counts has passed
/// the filter, and none is dropped on the way to the caller: the counts add up.
@safe
final class PacketRing {
  let device: String
  let form: InterfaceForm
  /// The snapshot length in bytes.
  let snaplen: UInt32
  let descriptor: CInt
  /// The index of the interface; 0 for all of them.
  private(set) var index: CInt
  /// Packets that passed the kernel's filter, including those without room in the ring.
  private(set) var received: UInt64 = 0
  /// Packets without room in the ring.
  private(set) var dropped: UInt64 = 0
  /// Packets taken out of the ring.
  private(set) var taken: UInt64 = 0
  /// Those of them that had the unwanted direction.
  private(set) var unwanted: UInt64 = 0

  private let wanted: LiveCapture.Direction
  private let isPromiscuous: Bool
  /// The index of the loopback interface, on which packets are seen twice; 0 if that does not matter.
  private let loopback: CInt
  private let geometry: Geometry
  private let base: UnsafeMutableRawPointer
  /// Keeps an eBPF program attached to the socket.
  private var attachment: KernelAttachment?
  /// The block that is open, or will be opened next.
  private var block = 0
  private var isOpen = false
  /// Packets of the open block that have not been taken.
  private var remaining: UInt32 = 0
  /// The offset of the next packet's header in the ring.
  private var position = 0

  /// The division of the ring into blocks.
  private struct Geometry {
    let blockSize: Int
    let blockCount: Int
    var size: Int { blockSize * blockCount }

    /// Even the smallest block has room for a packet that the kernel has not segmented (64 KiB).
    private static let smallestBlock = 1 << 17
    private static let largestBlock = 1 << 19

    /// Many small blocks for a sample, as each is delivered after a timeout, full or not.
    static let sample = Geometry(blockSize: 1 << 14, blockCount: 64)

    private init(blockSize: Int, blockCount: Int) {
      self.blockSize = blockSize
      self.blockCount = blockCount
    }

    init(size: Int) {
      var block = Self.largestBlock
      while block > Self.smallestBlock, size / block < 8 { block /= 2 }
      blockSize = block
      blockCount = max(2, size / block)
    }
  }

  /// Bytes reserved before each packet for data that is inserted: a cooked header of 20 and a VLAN tag of 4.
  private static let headroom: CInt = 32
  private static let tagLength = 4

  /// Opens a socket for an interface, or for all with `any`; nothing arrives before `start`.
  ///
  /// Returns nil for anything but an ordinary interface: libpcap may support it. Throws if the interface or the privilege is missing.
  init?(device: String, _ settings: LiveCapture.Settings) throws(CaptureError) {
    let isAny = device == "any"
    guard settings.isOrdinary else { return nil }
    let probe = socket(AF_INET, PacketSocket.datagrams, 0)
    defer { close(probe) }
    let query = InterfaceQuery(socket: probe)
    guard let form = InterfaceForm(device, query, wanted: settings.linkType) else { return nil }
    let descriptor = socket(PacketSocket.family, form.isCooked ? PacketSocket.datagrams : PacketSocket.frames, 0)
    guard descriptor >= 0 else {
      if errno == EPERM || errno == EACCES { throw CaptureError(missingPrivilege: device) }
      throw CaptureError(noRingOn: device, "no packet socket", errno: errno)
    }
    let geometry =
      settings.isSample
      ? .sample : Geometry(size: settings.bufferSize ?? LiveCapture.Settings.defaultBufferSize)
    do throws(CaptureError) {
      unsafe base = try Self.map(descriptor, geometry, settings.deliveryTimeout, device)
    } catch {
      close(descriptor)
      throw error
    }
    self.device = device
    self.descriptor = descriptor
    self.geometry = geometry
    index = isAny ? 0 : query.index(device) ?? 0
    self.form = form
    snaplen = settings.snaplen
    wanted = settings.direction
    isPromiscuous = settings.isPromiscuous && !isAny
    loopback = isAny || query.hardware(device) == PacketSocket.loopback ? query.index("lo") ?? 0 : 0
  }

  deinit {
    unsafe munmap(base, geometry.size)
    close(descriptor)
  }

  /// Sets the ring up and maps it.
  private static func map(
    _ descriptor: CInt, _ geometry: Geometry, _ timeout: CInt, _ device: String
  ) throws(CaptureError) -> UnsafeMutableRawPointer {
    // struct tpacket_req3: size and number of blocks, size and number of frames, the time in ms after which a block is delivered even if it
    // is not full, and two words that are not needed.
    let frame = UInt32(1 << 11)
    let request = [
      UInt32(geometry.blockSize), UInt32(geometry.blockCount), frame, UInt32(geometry.size) / frame,
      UInt32(bitPattern: timeout), 0, 0,
    ]
    guard set(descriptor, PacketSocket.version, PacketSocket.version3),
      set(descriptor, PacketSocket.reserve, headroom),
      unsafe request.withUnsafeBytes({
        unsafe setsockopt(
          descriptor, PacketSocket.level, PacketSocket.receiveRing, $0.baseAddress, socklen_t($0.count))
      }) == 0
    else { throw CaptureError(noRingOn: device, "no packet ring of \(geometry.size >> 10) KiB", errno: errno) }
    let address = unsafe mmap(nil, geometry.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw CaptureError(noRingOn: device, "the packet ring cannot be mapped", errno: errno)
    }
    return unsafe address
  }

  private static func set(_ descriptor: CInt, _ option: CInt, _ value: CInt) -> Bool {
    var value = value
    return unsafe setsockopt(descriptor, PacketSocket.level, option, &value, socklen_t(MemoryLayout<CInt>.size)) == 0
  }

  // MARK: Filter and interface

  /// The direction filter for the kernel, which precedes any other filter.
  var prefilter: KernelFilter.DirectionPrefilter {
    KernelFilter.DirectionPrefilter(wanted: wanted, loopback: UInt32(bitPattern: loopback))
  }

  /// Attaches a program in the kernel, replacing the earlier one. Throws if the kernel refuses it.
  func install(_ filter: KernelFilter) throws(CaptureError) {
    attachment = try filter.attach(to: descriptor, device)
  }

  /// Binds the socket to the interface: from now on packets arrive.
  func start() throws(CaptureError) {
    try PacketSocket.bind(descriptor, to: index, device)
    if isPromiscuous { try PacketSocket.addPromiscuity(descriptor, on: index, device) }
  }

  /// The state of the interface.
  var state: InterfaceState { InterfaceState(device, index: index, socket: descriptor) }

  /// Binds the socket to the interface that has replaced the previous one. Throws if it is of another kind.
  func restart() throws(CaptureError) {
    let query = InterfaceQuery(socket: descriptor)
    guard let current = query.index(device), let hardware = query.hardware(device) else { return }
    guard (hardware == PacketSocket.loopback) == (loopback != 0),
      InterfaceForm(device, query, wanted: form.linkType) == form
    else { throw CaptureError("\(device): the interface came back with another link type") }
    index = current
    try start()
  }

  /// The pending error of the socket, which is cleared by this: `ENETDOWN` if the interface went down. 0 for none.
  func takeError() -> CInt { PacketSocket.takeError(descriptor) }

  /// Stops capturing. Packets in the ring can still be taken.
  func stop() {
    _ = try? KernelFilter(rejectingAll: ()).attach(to: descriptor, device)
  }

  /// Adds the kernel's counts since the last call: its counters have 32 bits and are reset by reading them.
  func countReceived() {
    // struct tpacket_stats_v3: packets, including dropped ones; dropped packets; times that the ring was full.
    var counts: (UInt32, UInt32, UInt32) = (0, 0, 0)
    var length = socklen_t(12)
    guard unsafe getsockopt(descriptor, PacketSocket.level, PacketSocket.statistics, &counts, &length) == 0 else {
      return
    }
    received &+= UInt64(counts.0)
    dropped &+= UInt64(counts.1)
  }

  // MARK: Packets

  /// Packets in the ring, according to the counts so far.
  var waiting: UInt64 { received &- dropped &- taken }

  /// The capture time of the packet that `take` returns next, in nanoseconds since the epoch; nil if there is none.
  func nextTime() -> Int64? {
    guard remaining > 0 || openBlock() else { return nil }
    return Int64(word(PacketSocket.Header.seconds)) &* 1_000_000_000 &+ Int64(word(PacketSocket.Header.nanoseconds))
  }

  /// True if at least half of the ring is waiting to be taken.
  var isUnderPressure: Bool {
    let ahead = (block &+ geometry.blockCount / 2) % geometry.blockCount
    return unsafe status(ahead).pointee.load(ordering: .relaxed) & PacketSocket.statusUser != 0
  }

  /// The next packet, valid until the next call; nil if there is none.
  func take() -> BorrowedPacket? {
    while remaining > 0 || openBlock() {
      let header = position
      let type = octet(PacketSocket.Header.type)
      taken &+= 1
      remaining &-= 1
      position &+= Int(word(PacketSocket.Header.next))
      guard isWanted(type, header) else {
        unwanted &+= 1
        continue
      }
      return unsafe packet(at: header, type)
    }
    return nil
  }

  private func isWanted(_ type: UInt8, _ header: Int) -> Bool {
    let isOutgoing = type == PacketSocket.outgoing
    switch wanted {
    case .received where isOutgoing, .sent where !isOutgoing: return false
    default: break
    }
    guard loopback != 0, isOutgoing else { return true }
    return unsafe base.load(fromByteOffset: header &+ PacketSocket.Header.interface, as: CInt.self) != loopback
  }

  private func packet(at header: Int, _ type: UInt8) -> BorrowedPacket {
    // Safe: the kernel has written a header with its address there, and `caplen` bytes from `mac` on, all within the block.
    let start = unsafe base + header
    func word(_ offset: Int) -> UInt32 { unsafe start.load(fromByteOffset: offset, as: UInt32.self) }
    let status = word(PacketSocket.Header.status)
    var octets = unsafe start + Int(start.load(fromByteOffset: PacketSocket.Header.mac, as: UInt16.self))
    var caplen = Int(word(PacketSocket.Header.caplen))
    var len = Int(word(PacketSocket.Header.len))
    var proto = unsafe start.load(fromByteOffset: PacketSocket.Header.proto, as: UInt16.self)
    let isCooked = form.isCooked
    if status & PacketSocket.statusTagged != 0, isCooked || (form.header == .ethernet && caplen >= 12) {
      let announced = unsafe start.load(fromByteOffset: PacketSocket.Header.tagProtocol, as: UInt16.self)
      let tagProtocol = status & PacketSocket.statusTagProtocol != 0 ? announced : 0x8100
      let tag = UInt16(truncatingIfNeeded: word(PacketSocket.Header.tag))
      // Safe: `headroom` bytes before the packet are free.
      unsafe octets -= Self.tagLength
      caplen &+= Self.tagLength
      len &+= Self.tagLength
      if isCooked {
        unsafe octets.storeBytes(of: tag.bigEndian, as: UInt16.self)
        unsafe octets.storeBytes(of: proto, toByteOffset: 2, as: UInt16.self)
        proto = tagProtocol.bigEndian
      } else {
        unsafe memmove(octets, octets + Self.tagLength, 12)
        unsafe octets.storeBytes(of: tagProtocol.bigEndian, toByteOffset: 12, as: UInt16.self)
        unsafe octets.storeBytes(of: tag.bigEndian, toByteOffset: 14, as: UInt16.self)
      }
    }
    if isCooked {
      unsafe octets -= form.cookedLength
      caplen &+= form.cookedLength
      len &+= form.cookedLength
      unsafe writeCookedHeader(octets, header, proto, type)
    }
    return unsafe BorrowedPacket(
      start: UnsafeRawPointer(octets), caplen: min(caplen, Int(snaplen)), len: len,
      timestamp: Timestamp(
        seconds: Int64(word(PacketSocket.Header.seconds)), nanoseconds: Int64(word(PacketSocket.Header.nanoseconds))),
      direction: type == PacketSocket.outgoing ? .outbound : .inbound)
  }

  /// LINKTYPE_LINUX_SLL2 and, to its right, LINKTYPE_LINUX_SLL; numbers in network byte order.
  ///
  ///      0  protocol, as EtherTypes count             14
  ///      2  reserved
  ///      4  interface
  ///      8  kind of hardware                           2
  ///     10  type of the packet                         0 (two bytes)
  ///     11  length of the sender's address             4 (two bytes)
  ///     12  its first 8 bytes                          6
  private func writeCookedHeader(
    _ octets: UnsafeMutableRawPointer, _ header: Int, _ proto: UInt16, _ type: UInt8
  ) {
    // Safe: `headroom` bytes before the packet are free; the kernel has written a whole address after the header.
    let start = unsafe base + header
    let interface = unsafe start.load(fromByteOffset: PacketSocket.Header.interface, as: UInt32.self)
    let hardware = unsafe start.load(fromByteOffset: PacketSocket.Header.hardware, as: UInt16.self)
    let length = unsafe start.load(fromByteOffset: PacketSocket.Header.addressLength, as: UInt8.self)
    var address = unsafe start.loadUnaligned(fromByteOffset: PacketSocket.Header.address, as: UInt64.self)
    // Bytes after the address are undefined.
    if length < 8 { address &= (1 << (UInt64(length) * 8)) &- 1 }
    if form.header == .cooked {
      unsafe octets.storeBytes(of: UInt16(type).bigEndian, as: UInt16.self)
      unsafe octets.storeBytes(of: hardware.bigEndian, toByteOffset: 2, as: UInt16.self)
      unsafe octets.storeBytes(of: UInt16(length).bigEndian, toByteOffset: 4, as: UInt16.self)
      unsafe octets.storeBytes(of: address, toByteOffset: 6, as: UInt64.self)
      unsafe octets.storeBytes(of: proto, toByteOffset: 14, as: UInt16.self)
      return
    }
    unsafe octets.storeBytes(of: proto, as: UInt16.self)
    unsafe octets.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
    unsafe octets.storeBytes(of: interface.bigEndian, toByteOffset: 4, as: UInt32.self)
    unsafe octets.storeBytes(of: hardware.bigEndian, toByteOffset: 8, as: UInt16.self)
    unsafe octets.storeBytes(of: type, toByteOffset: 10, as: UInt8.self)
    unsafe octets.storeBytes(of: length, toByteOffset: 11, as: UInt8.self)
    unsafe octets.storeBytes(of: address, toByteOffset: 12, as: UInt64.self)
  }

  // MARK: Blocks

  /// Returns the open block to the kernel, if there is one, and opens the next one with packets; false if the kernel has not filled it yet.
  private func openBlock() -> Bool {
    while true {
      if isOpen {
        unsafe status(block).pointee.store(PacketSocket.statusKernel, ordering: .releasing)
        block = (block &+ 1) % geometry.blockCount
        isOpen = false
      }
      guard unsafe status(block).pointee.load(ordering: .acquiring) & PacketSocket.statusUser != 0 else { return false }
      // Safe: a block is larger than its header.
      let start = unsafe base + block &* geometry.blockSize
      isOpen = true
      remaining = unsafe start.load(fromByteOffset: PacketSocket.Block.packets, as: UInt32.self)
      position =
        block &* geometry.blockSize
        &+ Int(unsafe start.load(fromByteOffset: PacketSocket.Block.firstPacket, as: UInt32.self))
      if remaining > 0 { return true }
    }
  }

  /// The status of a block, which the kernel also changes.
  private func status(_ block: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    // Safe: an aligned word of the mapping, which has the same layout as an atomic of 32 bits.
    unsafe (base + block &* geometry.blockSize + PacketSocket.Block.status).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  /// A word of the header at `position`.
  private func word(_ offset: Int) -> UInt32 {
    // Safe: the kernel has written a header there.
    unsafe base.load(fromByteOffset: position &+ offset, as: UInt32.self)
  }

  private func octet(_ offset: Int) -> UInt8 {
    // Safe: the kernel has written a header there.
    unsafe base.load(fromByteOffset: position &+ offset, as: UInt8.self)
  }
}
