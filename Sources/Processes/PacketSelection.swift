public import EBPF
public import PacketCore

/// Finds packets whose owners the kernel knows not to match the filter, before they reach a packet socket.
///
/// It never drops a packet that the tests could accept. What is known about each end:
///
/// - The sender's socket has passed the packet hook before its packet gets here, so `flows` leads to exactly that socket, and `verdicts`
///   says who owns it now.
/// - The receiver's socket gets the packet later. For a TCP connection it is known from earlier packets, since no other socket can have the
///   same addresses; the first packet, a SYN, is left out. Where a datagram goes is not known: a socket may have been bound meanwhile.
/// - A listening socket tells nothing, since another process may accept the connection. Nor does a socket on which its owner has neither
///   sent nor received yet, since it may be handed over before that.
/// - An end without an entry is on another host if no socket of another network namespace has ever used its address, which is recorded
///   before any packet with it is captured. That applies to the sender of an incoming packet, and to the receiver of an outgoing one if the
///   connection began during the capture, because then its address would be known since the SYN.
///
/// Everything else is unknown: what only dropped entries knew, ICMP and other protocols, fragments, VLANs, and sockets that no process has
/// used since the capture began.
public struct PacketSelection: Sendable {
  let flows: CInt
  let verdicts: CInt
  let counters: CInt
  let others: CInt
  let namespace: UInt64
  let requirement: OwnerTests.Requirement
  /// The verdict for an end on another host.
  let absent: Int

  /// The shortest snapshot length at which the kernel and this process find the same addresses in a packet.
  public static let minimumSnaplen: UInt32 = 128

  /// The instructions for packets of this link type; nil if the kernel does not see their addresses. They expect the context of a socket
  /// filter in r1. After the last one it is in r1 again, and r0 is 1 for an unwanted packet and 0 for others.
  public func instructions(for linkType: LinkType) -> [EncodedInstruction]? {
    let start: Int
    switch linkType {
    case .ethernet: start = 14
    // In the kernel packets have no cooked header.
    case .linuxSLL, .linuxSLL2: start = 0
    default: return nil
    }
    // Assembling needs a last instruction; it is dropped, and the filter follows instead.
    guard let program = try? EBPFAssembler.assemble(text(start) + "\n  exit") else { return nil }
    return Array(program.instructions.dropLast())
  }

  private typealias Helper = OwnershipPrograms.Helper

  /// The offsets of fields in the context (`struct __sk_buff`).
  private enum Context {
    static let packetType = 4
    static let proto = 16
    static let vlanPresent = 20
    static let interface = 40
  }

  private static let outgoing = 4
  /// The number of the loopback interface, in every network namespace.
  private static let loopback = 1

  /// Stack layout: at -48 the key of `flows`, at -96 the packet's IP header, at -112 its transport header, at -120 the generation, at -128
  /// and -136 keys to look up. r6 is the context, r7 the offset of the transport header, r8 the sender's verdict; r9 is 1 for TCP.
  private func text(_ start: Int) -> String {
    """
      r6 = r1
      r0 = *(u32 *)(r6 + \(Context.vlanPresent))
      if r0 != 0 goto open
    \(start == 0 ? cookedType : etherType)
      \(stride(from: -48, to: 0, by: 8).map { "*(u64 *)(r10 - \(-$0)) = 0\n  " }.joined())
      r1 = \(OwnershipPrograms.generationCounter)
    \(counter)
      r1 = *(u64 *)(r0 + 0)
      *(u64 *)(r10 - 120) = r1
      r1 = \(namespace) ll
      *(u64 *)(r10 - 8) = r1
      if r8 == 0x86dd goto six
      if r8 != 0x800 goto open
    \(load(20, at: "\(start)", to: -96))
      r1 = *(u8 *)(r10 - 96)
      r7 = r1
      r1 >>= 4
      if r1 != 4 goto open
      *(u8 *)(r10 - 11) = r1
      r7 &= 15
      r7 <<= 2
      if r7 < 20 goto open
      r7 += \(start)
      r1 = *(u16 *)(r10 - 90)
      r1 = be16 r1
      r1 &= 0x3fff
      if r1 != 0 goto open
      r1 = *(u32 *)(r10 - 84)
      *(u32 *)(r10 - 48) = r1
      r1 = *(u32 *)(r10 - 80)
      *(u32 *)(r10 - 32) = r1
      r9 = *(u8 *)(r10 - 87)
      goto transport
    six:
    \(load(40, at: "\(start)", to: -96))
      r1 = *(u8 *)(r10 - 96)
      r1 >>= 4
      if r1 != 6 goto open
      *(u8 *)(r10 - 11) = r1
      r7 = \(start + 40)
    \((0..<4).map { "  r1 = *(u64 *)(r10 - \(88 - 8 * $0))\n  *(u64 *)(r10 - \(48 - 8 * $0)) = r1\n" }.joined())
      r9 = *(u8 *)(r10 - 90)
    transport:
      *(u8 *)(r10 - 12) = r9
      if r9 == 6 goto tcp
      if r9 != 17 goto open
      r9 = 0
    \(load(4, at: "r7", to: -112))
      goto ports
    tcp:
      r9 = 1
    \(load(14, at: "r7", to: -112))
      r1 = *(u8 *)(r10 - 99)
      r1 &= 0x12
      if r1 == 2 goto open
    ports:
      r1 = *(u16 *)(r10 - 112)
      *(u16 *)(r10 - 16) = r1
      r1 = *(u16 *)(r10 - 110)
      *(u16 *)(r10 - 14) = r1
    \(lookUpFlow(orGoto: "senderAbsent"))
      r8 = 0
    \(lookUpVerdict(to: "r8", otherwise: "receiver"))
      goto receiver
    senderAbsent:
      r8 = 0
      r1 = *(u32 *)(r6 + \(Context.packetType))
      if r1 == \(Self.outgoing) goto receiver
    \(jumpUnlessRemote(to: "receiver"))
      r8 = \(absent)
    receiver:
      r7 = 0
      if r9 == 0 goto judge
    \(swapEnds)
    \(lookUpFlow(orGoto: "receiverAbsent"))
    \(lookUpVerdict(to: "r7", otherwise: "judge"))
      goto judge
    receiverAbsent:
      r1 = *(u32 *)(r6 + \(Context.packetType))
      if r1 != \(Self.outgoing) goto judge
      r1 = r8
      r1 >>= \(OwnerTests.bornBit)
      if r1 == 0 goto judge
    \(jumpUnlessRemote(to: "judge"))
      r7 = \(absent)
    judge:
      r0 = 0
    \(require(requirement.sender, "r1 = r8"))
    \(require(requirement.receiver, "r1 = r7"))
    \(require(requirement.both, "r1 = r8\n  r1 &= r7"))
    \(require(requirement.either, "r1 = r8\n  r1 |= r7"))
      r0 = 1
      goto end
    open:
      r0 = 0
    end:
      r1 = r6
    """
  }

  /// Sets r8 to the network-layer protocol.
  private let cookedType = """
      r8 = *(u32 *)(r6 + \(Context.proto))
      r8 = be16 r8
    """

  private var etherType: String {
    load(2, at: "12", to: -96) + "  r8 = *(u16 *)(r10 - 96)\n  r8 = be16 r8\n"
  }

  /// Copies bytes of the packet, starting at an offset, to the stack.
  private func load(_ count: Int, at offset: String, to place: Int) -> String {
    """
      r1 = r6
      r2 = \(offset)
      r3 = r10
      r3 += \(place)
      r4 = \(count)
      call \(Helper.loadBytes)
      if r0 != 0 goto open

    """
  }

  /// Sets r0 to the address of the counter whose number is in r1.
  private var counter: String {
    """
      *(u32 *)(r10 - 128) = r1
    \(MapCalls.lookUp(counters, key: -128))
      if r0 == 0 goto open

    """
  }

  /// Sets r0 to the address of the entry in `flows` for the key.
  private func lookUpFlow(orGoto label: String) -> String {
    """
    \(MapCalls.lookUp(flows, key: -48))
      if r0 == 0 goto \(label)

    """
  }

  /// Sets a register to the verdict on the socket of the entry at r0, if the entry is of this generation and the socket is not listening.
  private func lookUpVerdict(to register: String, otherwise label: String) -> String {
    """
      r1 = *(u64 *)(r0 + 8)
      r1 >>= \(OwnershipPrograms.listeningBit)
      r2 = *(u64 *)(r10 - 120)
      if r1 != r2 goto \(label)
      r1 = *(u64 *)(r0 + 0)
      *(u64 *)(r10 - 136) = r1
    \(MapCalls.lookUp(verdicts, key: -136))
      if r0 == 0 goto \(label)
      \(register) = *(u64 *)(r0 + 0)

    """
  }

  /// Jumps to `label` unless the end whose key is on the stack, and which has no entry, is on another host.
  private func jumpUnlessRemote(to label: String) -> String {
    """
      r1 = *(u32 *)(r6 + \(Context.interface))
      if r1 == \(Self.loopback) goto \(label)
      r1 = \(OwnershipPrograms.excessCounter)
    \(counter)
      r1 = *(u64 *)(r0 + 0)
      if r1 != 0 goto \(label)
    \(MapCalls.lookUp(others, key: -48))
      if r0 != 0 goto \(label)

    """
  }

  /// Swaps the two ends in the key.
  private var swapEnds: String {
    let pairs = [(48, 32, "u64"), (40, 24, "u64"), (16, 14, "u16")]
    return pairs.map { first, second, type in
      """
        r1 = *(\(type) *)(r10 - \(first))
        r2 = *(\(type) *)(r10 - \(second))
        *(\(type) *)(r10 - \(first)) = r2
        *(\(type) *)(r10 - \(second)) = r1

      """
    }.joined()
  }

  /// Jumps to the end unless all these bits are in r1 after `combination`.
  private func require(_ bits: Int, _ combination: String) -> String {
    bits == 0 ? "" : "  \(combination)\n  r1 &= \(bits)\n  if r1 != \(bits) goto end\n"
  }
}
