public import BPF
import Glibc

/// The kernel's machine. A program is attached to one end of a pair of datagram sockets, which needs no privilege; a packet that is sent to
/// it arrives cut to the length that the program returns, or not at all.
@safe public struct KernelMachine: ~Copyable {
  private let receiver: CInt
  private let sender: CInt
  /// The bytes of the packets of one call, one slot for each.
  private let slots: UnsafeMutableRawPointer
  /// The first byte of each received packet, which identifies the packet.
  private let marks: UnsafeMutablePointer<UInt8>
  private let vectors: UnsafeMutablePointer<iovec>
  private let messages: UnsafeMutablePointer<ManyMessages.Message>
  private let many: ManyMessages

  /// The length of the longest packet that can be sent.
  public static let maximumLength = 1 << 16
  /// Packets that a socket can queue in the kernel's usual configuration.
  private static let batchCount = 10

  /// A machine without a program, which lets every packet through. Nil if there are no sockets.
  public init?() { self.init(loading: nil) }

  /// Nil if the kernel refuses the program, or has no sockets.
  public init?(_ program: Program) { self.init(loading: program.instructions) }

  /// The same for instructions that may not be a valid program.
  public init?(_ instructions: [Instruction]) { self.init(loading: instructions) }

  private init?(loading instructions: [Instruction]?) {
    var descriptors: [CInt] = [-1, -1]
    guard let many = ManyMessages() else { return nil }
    guard unsafe socketpair(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0, &descriptors) == 0 else { return nil }
    if let instructions, !Self.attach(instructions, to: descriptors[0]) {
      descriptors.forEach { close($0) }
      return nil
    }
    self.many = many
    receiver = descriptors[0]
    sender = descriptors[1]
    unsafe slots = .allocate(byteCount: Self.batchCount * Self.maximumLength, alignment: 16)
    unsafe marks = .allocate(capacity: Self.batchCount)
    unsafe vectors = .allocate(capacity: Self.batchCount)
    unsafe messages = .allocate(capacity: Self.batchCount)
    unsafe marks.initialize(repeating: 0, count: Self.batchCount)
    unsafe vectors.initialize(repeating: iovec(), count: Self.batchCount)
    unsafe messages.initialize(repeating: ManyMessages.Message(), count: Self.batchCount)
    // Safe: all of these have `batchCount` elements.
    for index in 0..<Self.batchCount {
      unsafe messages[index].header.msg_iov = unsafe vectors + index
      unsafe messages[index].header.msg_iovlen = 1
    }
  }

  deinit {
    close(receiver)
    close(sender)
    unsafe slots.deallocate()
    unsafe marks.deallocate()
    unsafe vectors.deallocate()
    unsafe messages.deallocate()
  }

  /// Replaces the attached instructions. Returns false if the kernel refuses them.
  public func load(_ instructions: [Instruction]) -> Bool { Self.attach(instructions, to: receiver) }

  private static func attach(_ instructions: [Instruction], to descriptor: CInt) -> Bool {
    guard let count = UInt16(exactly: instructions.count) else { return false }
    let status = unsafe instructions.withUnsafeBufferPointer { instructions in
      // struct sock_fprog: the number of instructions, and where they are.
      let fprog = (count, instructions.baseAddress)
      return unsafe withUnsafeBytes(of: fprog) {
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, $0.baseAddress, socklen_t($0.count))
      }
    }
    return status == 0
  }

  /// The number of bytes of the packet that the program lets through: what it returns, or the packet's length if that is less. Nil if the
  /// packet could not be sent, and for the empty packet, which has no bytes to let through.
  public mutating func run(_ packet: [UInt8]) -> Int? {
    run([SavedPacket(octets: packet)])[0]
  }

  /// The same for many packets. It is fast where their first bytes differ: consecutive packets with different first bytes are sent in one
  /// call, up to ten.
  public mutating func run(_ packets: [SavedPacket]) -> [Int?] {
    var results = [Int?](repeating: nil, count: packets.count)
    /// Indices of the packets to be sent together.
    var batch: [Int] = []
    for (index, packet) in packets.enumerated() {
      guard let mark = packet.octets.first, packet.octets.count <= Self.maximumLength else { continue }
      if batch.count == Self.batchCount || batch.contains(where: { packets[$0].octets.first == mark }) {
        run(batch, packets, &results)
        batch.removeAll(keepingCapacity: true)
      }
      batch.append(index)
    }
    run(batch, packets, &results)
    return results
  }

  /// Sends packets with different first bytes, at most `batchCount`, and records what arrives.
  private mutating func run(_ batch: [Int], _ packets: [SavedPacket], _ results: inout [Int?]) {
    for (slot, index) in batch.enumerated() {
      let octets = packets[index].octets
      let start = unsafe slots + slot * Self.maximumLength
      // Safe: the slot has room for the longest packet, and the caller proved that this one is no longer.
      unsafe octets.withUnsafeBytes { octets in
        guard let first = octets.baseAddress else { return }
        unsafe start.copyMemory(from: first, byteCount: octets.count)
      }
      unsafe vectors[slot] = unsafe iovec(iov_base: start, iov_len: octets.count)
    }
    // Safe: the batch has at most as many packets as there are messages.
    let sent = unsafe Int(many.send(sender, messages, UInt32(batch.count), CInt(MSG_DONTWAIT)))
    guard sent > 0 else { return }
    for index in batch.prefix(sent) { results[index] = 0 }
    for slot in 0..<sent { unsafe vectors[slot] = unsafe iovec(iov_base: marks + slot, iov_len: 1) }
    // MSG_TRUNC makes the kernel return the full length, although only one byte is read.
    let received = unsafe Int(many.receive(receiver, messages, UInt32(sent), CInt(MSG_DONTWAIT | MSG_TRUNC), nil))
    for slot in 0..<max(0, received) {
      let mark = unsafe marks[slot]
      guard let index = batch.first(where: { packets[$0].octets.first == mark }) else { continue }
      results[index] = unsafe Int(messages[slot].length)
    }
    if sent < batch.count { run(Array(batch.dropFirst(sent)), packets, &results) }
  }
}

/// sendmmsg(2) and recvmmsg(2), which the module map of the C library hides.
@safe private struct ManyMessages {
  /// `struct mmsghdr`.
  @safe struct Message {
    var header = unsafe msghdr()
    /// Bytes sent or received.
    var length: UInt32 = 0
  }

  /// The second argument points to the messages.
  typealias Send = @convention(c) (CInt, UnsafeMutableRawPointer, CUnsignedInt, CInt) -> CInt
  /// The last argument is a timeout.
  typealias Receive =
    @convention(c) (CInt, UnsafeMutableRawPointer, CUnsignedInt, CInt, UnsafeMutableRawPointer?) -> CInt

  @safe let send: Send
  @safe let receive: Receive

  init?() {
    guard let send = unsafe dlsym(nil, "sendmmsg"), let receive = unsafe dlsym(nil, "recvmmsg") else { return nil }
    // Safe: these are the functions' types in the manual.
    self.send = unsafe unsafeBitCast(send, to: Send.self)
    self.receive = unsafe unsafeBitCast(receive, to: Receive.self)
  }
}
