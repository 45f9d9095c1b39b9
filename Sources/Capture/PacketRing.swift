import BPF
import EBPF
import Glibc
import PacketCore
import Synchronization

/// A packet socket with a ring of blocks that it shares with the kernel (TPACKET_V3, packet_mmap in the kernel's documentation).
///
/// The kernel fills one block after the other and hands each over whole; it comes back when the last of its packets has been
/// passed. Unlike libpcap's handle, the socket gets its filter before it is bound to the interface, so that every packet it ever
/// counts is one that passed the filter, and none is dropped on the way to the caller: the counts add up.
@safe
final class PacketRing {
  let device: String
  let form: InterfaceForm
  /// The snapshot length in octets.
  let snaplen: UInt32
  let descriptor: CInt
  /// The number of the interface; 0 for all of them.
  private(set) var index: CInt
  /// Packets that the kernel's filter let through, those without room in the ring among them.
  private(set) var received: UInt64 = 0
  /// Those without room in the ring.
  private(set) var dropped: UInt64 = 0
  /// Packets taken out of the ring.
  private(set) var taken: UInt64 = 0
  /// Those of them that were sent where only received ones are wanted, or the other way round.
  private(set) var unwanted: UInt64 = 0

  private let wanted: LiveCapture.Direction
  private let isPromiscuous: Bool
  /// The number of the loopback interface, on which packets are seen twice; 0 where that is not looked at.
  private let loopback: CInt
  private let geometry: Geometry
  private let base: UnsafeMutableRawPointer
  /// What keeps an eBPF program before the socket working.
  private var attachment: KernelAttachment?
  /// The block that is opened next, or is open.
  private var block = 0
  private var isOpen = false
  /// Packets of the open block that have not been taken.
  private var remaining: UInt32 = 0
  /// The next packet's header, in octets from the start of the ring.
  private var position = 0

  /// How the ring is divided.
  private struct Geometry {
    let blockSize: Int
    let blockCount: Int
    var size: Int { blockSize * blockCount }

    /// Room for a segment that the kernel has not cut (64 KiB) in the smallest block.
    private static let smallestBlock = 1 << 17
    private static let largestBlock = 1 << 19

    /// A buffer of many small blocks for a sample: each is handed over after a while, full or not.
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

  /// Octets before each packet for what is put there: a cooked header of 20 and a VLAN tag of 4.
  private static let headroom: CInt = 32
  private static let tagLength = 4

  /// Opens a socket for an interface, `any` for all; nothing arrives before `start`.
  ///
  /// Gives nil for what is no ordinary interface: libpcap may know it. Throws where the interface is missing, or the privilege.
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
    // struct tpacket_req3: size and number of blocks, of frames, the time in ms after which a block is handed over although it is
    // not full, and two words that are not needed.
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

  /// What the kernel is to keep out for the direction, before any filter.
  var prefilter: KernelFilter.DirectionPrefilter {
    KernelFilter.DirectionPrefilter(wanted: wanted, loopback: UInt32(bitPattern: loopback))
  }

  /// Hands the kernel a program, which replaces the one before. Throws where it refuses.
  func install(_ filter: KernelFilter) throws(CaptureError) {
    attachment = try filter.attach(to: descriptor, device)
  }

  /// Binds the socket to the interface: from now on packets arrive.
  func start() throws(CaptureError) {
    try PacketSocket.bind(descriptor, to: index, device)
    if isPromiscuous { try PacketSocket.addPromiscuity(descriptor, on: index, device) }
  }

  /// What has become of the interface.
  var state: InterfaceState { InterfaceState(device, index: index, socket: descriptor) }

  /// Binds the socket to the interface that has come in the place of the one before. Throws where it is of another kind.
  func restart() throws(CaptureError) {
    let query = InterfaceQuery(socket: descriptor)
    guard let current = query.index(device), let hardware = query.hardware(device) else { return }
    guard (hardware == PacketSocket.loopback) == (loopback != 0),
      InterfaceForm(device, query, wanted: form.linkType) == form
    else { throw CaptureError("\(device): the interface came back with another link type") }
    index = current
    try start()
  }

  /// The error that the socket has met, which it forgets then: `ENETDOWN` where the interface went down. 0 for none.
  func takeError() -> CInt { PacketSocket.takeError(descriptor) }

  /// Lets nothing more in. What is in the ring can still be taken.
  func stop() {
    _ = try? KernelFilter(rejectingAll: ()).attach(to: descriptor, device)
  }

  /// Takes over what the kernel has counted since the last time: its counts have 32 bits and begin anew then.
  func countReceived() {
    // struct tpacket_stats_v3: packets, those dropped among them; dropped ones; times that the ring was full.
    var counts: (UInt32, UInt32, UInt32) = (0, 0, 0)
    var length = socklen_t(12)
    guard unsafe getsockopt(descriptor, PacketSocket.level, PacketSocket.statistics, &counts, &length) == 0 else {
      return
    }
    received &+= UInt64(counts.0)
    dropped &+= UInt64(counts.1)
  }

  // MARK: Packets

  /// Packets that are in the ring, as far as has been counted.
  var waiting: UInt64 { received &- dropped &- taken }

  /// When the packet was captured that `take` gives next, in nanoseconds since the epoch; nil where there is none.
  func nextTime() -> Int64? {
    guard remaining > 0 || openBlock() else { return nil }
    return Int64(word(PacketSocket.Header.seconds)) &* 1_000_000_000 &+ Int64(word(PacketSocket.Header.nanoseconds))
  }

  /// True where half of the ring or more waits to be taken.
  var isUnderPressure: Bool {
    let ahead = (block &+ geometry.blockCount / 2) % geometry.blockCount
    return unsafe status(ahead).pointee.load(ordering: .relaxed) & PacketSocket.statusUser != 0
  }

  /// The next packet, valid until the next call; nil if none is there.
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
    // Safe: the kernel has put a header with its address there, and `caplen` octets from `mac` on, all within the block.
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
      // Safe: `headroom` octets before the packet are free.
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
    // Safe: `headroom` octets before the packet are free; the kernel has written a whole address after the header.
    let start = unsafe base + header
    let interface = unsafe start.load(fromByteOffset: PacketSocket.Header.interface, as: UInt32.self)
    let hardware = unsafe start.load(fromByteOffset: PacketSocket.Header.hardware, as: UInt16.self)
    let length = unsafe start.load(fromByteOffset: PacketSocket.Header.addressLength, as: UInt8.self)
    var address = unsafe start.loadUnaligned(fromByteOffset: PacketSocket.Header.address, as: UInt64.self)
    // Octets after the address are whatever was there before.
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

  /// Gives the open block back, where one is, and opens the next that has packets; false where the kernel still has it.
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

  /// The status of a block, which the kernel changes as well.
  private func status(_ block: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    // Safe: a word of the mapping that is aligned, and an atomic of 32 bits is laid out like it.
    unsafe (base + block &* geometry.blockSize + PacketSocket.Block.status).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  /// A word of the header at `position`.
  private func word(_ offset: Int) -> UInt32 {
    // Safe: the kernel has put a header there.
    unsafe base.load(fromByteOffset: position &+ offset, as: UInt32.self)
  }

  private func octet(_ offset: Int) -> UInt8 {
    // Safe: the kernel has put a header there.
    unsafe base.load(fromByteOffset: position &+ offset, as: UInt8.self)
  }
}
