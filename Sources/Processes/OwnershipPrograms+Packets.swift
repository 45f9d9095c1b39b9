import EBPF

// The programs that see the packets of sockets.
extension OwnershipPrograms {
  /// A packet of a socket. For a connected socket that was already reported, the program does nothing.
  func packet(_ direction: Direction) -> String {
    let isEgress = direction == .egress
    // Where the local and the remote address, port and so on of the event are on the stack.
    let (source, destination) = isEgress ? (-88, -72) : (-72, -88)
    let (sourcePort, destinationPort) = isEgress ? (-56, -54) : (-54, -56)
    return """
        r6 = r1
        r1 = *(u64 *)(r6 + 168)
        if r1 == 0 goto pass
        call \(Helper.fullSocket)
        if r0 == 0 goto pass
        r9 = r0
        r2 = r0
      \(storage(makes: true, orGoto: "pass"))
      \(counter(Self.generationCounter, orGoto: "pass"))
        r1 = *(u64 *)(r0 + 0)
        *(u64 *)(r10 - 184) = r1
        r8 = *(u16 *)(r9 + 48)
        if r8 == 0 goto parse
        r2 = *(u32 *)(r7 + 20)
        r1 ^= r2
        r2 = r1
        r2 >>= 2
        if r2 != 0 goto parse
        r1 &= \(direction.rawValue)
        if r1 != 0 goto pass
      parse:
      \(clear(from: -104, to: 0))
        r2 = 0
      \(load(20, to: -160))
        r2 = *(u8 *)(r10 - 160)
        r1 = r2
        r2 >>= 4
        *(u8 *)(r10 - 51) = r2
        if r2 == 6 goto six
        if r2 != 4 goto pass
        r1 &= 15
        r1 <<= 2
        r8 = r1
        r1 = *(u16 *)(r10 - 154)
        r1 = be16 r1
        r1 &= 0x1fff
        if r1 != 0 goto pass
        r1 = *(u32 *)(r10 - 148)
        *(u32 *)(r10 - \(-source)) = r1
        r1 = *(u32 *)(r10 - 144)
        *(u32 *)(r10 - \(-destination)) = r1
        r2 = *(u8 *)(r10 - 151)
        goto transport
      six:
        r2 = 0
      \(load(40, to: -160))
        r1 = *(u64 *)(r10 - 152)
        *(u64 *)(r10 - \(-source)) = r1
        r1 = *(u64 *)(r10 - 144)
        *(u64 *)(r10 - \(-source - 8)) = r1
        r1 = *(u64 *)(r10 - 136)
        *(u64 *)(r10 - \(-destination)) = r1
        r1 = *(u64 *)(r10 - 128)
        *(u64 *)(r10 - \(-destination - 8)) = r1
        r2 = *(u8 *)(r10 - 154)
        r8 = 40
      \((0..<Self.extensionHeaders).map(extensionHeader).joined())
      transport:
        *(u8 *)(r10 - 52) = r2
        if r2 == 6 goto ports
        if r2 == 17 goto ports
        if r2 == 33 goto ports
        if r2 == 132 goto ports
        if r2 == 136 goto ports
        if r2 == 1 goto echo
        if r2 == 58 goto echo
        goto ready
      ports:
      \(isEgress ? "" : Self.leaveRaw)
        r2 = r8
      \(load(4, to: -168))
        r1 = *(u16 *)(r10 - 168)
        *(u16 *)(r10 - \(-sourcePort)) = r1
        r1 = *(u16 *)(r10 - 166)
        *(u16 *)(r10 - \(-destinationPort)) = r1
        goto ready
      echo:
      \(isEgress ? identifier : "goto pass")
      ready:
      \(isPlacing ? placeSocket : "")
      \(noteOtherNamespace)
      \(report(direction))
      """
  }

  /// How many IPv6 extension headers are skipped at most.
  private static let extensionHeaders = 4

  /// Clears these bytes of the stack.
  private func clear(from start: Int, to end: Int) -> String {
    stride(from: start, to: end, by: 8).map { "  *(u64 *)(r10 - \(-$0)) = 0\n" }.joined()
  }

  /// Copies bytes of the packet, starting at the offset in r2, to the stack.
  private func load(_ count: Int, to place: Int) -> String {
    """
      r1 = r6
      r3 = r10
      r3 += \(place)
      r4 = \(count)
      call \(Helper.loadBytes)
      if r0 != 0 goto pass

    """
  }

  /// Skips raw sockets: they receive copies of packets meant for others.
  private static let leaveRaw = """
      r1 = *(u32 *)(r9 + 8)
      if r1 == 3 goto pass

    """

  /// Skips an extension header at the offset in r8, if r2 says that there is one.
  private func extensionHeader(_ number: Int) -> String {
    """
      if r2 == 0 goto header\(number)
      if r2 == 43 goto header\(number)
      if r2 == 44 goto header\(number)
      if r2 == 60 goto header\(number)
      goto transport
    header\(number):
      *(u8 *)(r10 - 52) = r2
      r2 = r8
    \(load(4, to: -168))
      r1 = *(u8 *)(r10 - 52)
      r2 = *(u8 *)(r10 - 168)
      if r1 == 44 goto fragment\(number)
      r1 = *(u8 *)(r10 - 167)
      r1 += 1
      r1 <<= 3
      r8 += r1
      goto next\(number)
    fragment\(number):
      r8 += 8
      r1 = *(u16 *)(r10 - 166)
      r1 = be16 r1
      r1 &= 0xfff8
      if r1 != 0 goto pass
    next\(number):

    """
  }

  /// Reads the type of an ICMP message, and the identifier if it is an echo or timestamp message.
  private var identifier: String {
    """
      r2 = r8
    \(load(8, to: -168))
      r1 = *(u8 *)(r10 - 168)
      *(u8 *)(r10 - 53) = r1
      r2 = *(u8 *)(r10 - 52)
      if r2 == 58 goto echo6
      if r1 == 0 goto echoes
      if r1 == 8 goto echoes
      if r1 == 13 goto echoes
      if r1 == 14 goto echoes
      goto ready
    echo6:
      if r1 == 128 goto echoes
      if r1 == 129 goto echoes
      goto ready
    echoes:
      r1 = *(u16 *)(r10 - 164)
      *(u16 *)(r10 - 56) = r1
    """
  }

  /// Records the network namespace of a socket that is older than the capture, or that was accepted from such a socket.
  private var placeSocket: String {
    """
      r1 = *(u64 *)(r7 + 0)
      if r1 != 0 goto placed
    \(noteNamespace)
    placed:

    """
  }

  /// Set in a `flows` value, above the process, if the socket is listening: then it is not known who will accept the connection.
  static let listeningBit = 32
  /// TCP_LISTEN.
  private static let listening = 10

  /// Sets r2 to the owner as stored in `flows`: the process, and the generation in the upper half.
  private func processAndGeneration(_ label: String) -> String {
    let mark = """
        r3 = *(u32 *)(r9 + 72)
        if r3 != \(Self.listening) goto \(label)
        r3 = 1
        r3 <<= \(Self.listeningBit)
        r2 |= r3
      \(label):

      """
    return """
        r2 = *(u32 *)(r10 - 184)
        r2 <<= 32
        r3 = *(u32 *)(r7 + 8)
        r2 |= r3
      \(judgement == nil ? "" : mark)
      """
  }

  /// Reports the key on the stack unless it was already reported for the same socket and process.
  private func report(_ direction: Direction) -> String {
    """
      r1 = *(u64 *)(r7 + 0)
      *(u64 *)(r10 - 48) = r1
      r1 = r6
      call \(Helper.socketCookie)
      r8 = r0
    \(MapCalls.lookUp(flows, key: -88))
      if r0 == 0 goto new
      r1 = *(u64 *)(r0 + 0)
      if r1 != r8 goto new
      r1 = *(u64 *)(r0 + 8)
    \(processAndGeneration("compared"))
      if r1 == r2 goto told
    new:
    \(leaveForeign)
    emit:
      call \(Helper.time)
      *(u64 *)(r10 - 104) = r0
      *(u64 *)(r10 - 96) = r8
      r1 = *(u64 *)(r7 + 8)
      *(u64 *)(r10 - 40) = r1
      r1 = *(u32 *)(r7 + 16)
      *(u32 *)(r10 - 32) = r1
      *(u32 *)(r10 - 28) = \(direction.rawValue)
      r1 = *(u64 *)(r7 + 24)
      *(u64 *)(r10 - 24) = r1
      r1 = *(u64 *)(r7 + 32)
      *(u64 *)(r10 - 16) = r1
      r1 = *(u64 *)(r7 + 40)
      *(u64 *)(r10 - 8) = r1
      r1 = map[fd:\(events)]
      r2 = r10
      r2 += -104
      r3 = \(Self.eventSize)
      r4 = 1
      call \(Helper.output)
      if r0 != 0 goto lost
    note:
      *(u64 *)(r10 - 120) = r8
    \(processAndGeneration("marked"))
      *(u64 *)(r10 - 112) = r2
    \(MapCalls.update(flows, key: -88, value: -120))
      if r0 != 0 goto forget
    told:
      r1 = *(u16 *)(r9 + 48)
      if r1 == 0 goto pass
      r1 = *(u32 *)(r7 + 20)
      r2 = *(u32 *)(r10 - 184)
      r3 = r1
      r3 ^= r2
      r3 >>= 2
      if r3 == 0 goto mark
      r1 = r2
    mark:
      r1 |= \(direction.rawValue)
      *(u32 *)(r7 + 20) = r1
    pass:
      r0 = 1
      exit
    forget:
    \(MapCalls.delete(flows, key: -88))
      goto pass
    lost:
    \(counter(Self.lossCounter, orGoto: "pass"))
      r1 = 1
      lock *(u64 *)(r0 + 0) += r1
      goto pass
    """
  }
}
