import EBPF
import PacketCore

// What the kernel stores about the owners of sockets.
extension OwnershipPrograms {
  /// Records that the connection begins now.
  var noteBirth: String { judgement == nil ? "" : "  *(u32 *)(r7 + 52) = 1\n" }

  /// Removes the verdict on the socket whose context is in r6. A process that has taken the socket may hand it over before using it, as a
  /// server does that forks for each connection, and nothing notices that before the first packet.
  var withdrawal: String {
    guard let judgement, tests != nil else { return "" }
    return """
        r1 = r6
        call \(Helper.socketCookie)
        *(u32 *)(r7 + 48) = 0
        *(u64 *)(r10 - 8) = r0
      \(MapCalls.delete(judgement.verdicts, key: -8))

      """
  }

  /// Stores the verdict on the owner recorded at r7, which has sent or received on the socket in r6. From `own` on that happens if the
  /// owner has not changed and there is no verdict yet.
  var verdict: String {
    guard let judgement, let tests else { return "" }
    return """
        r1 = r6
        call \(Helper.socketCookie)
        r9 = r0
        goto decide
      own:
        r1 = r6
        call \(Helper.socketCookie)
        r9 = r0
        r1 = *(u32 *)(r7 + 48)
        if w1 == w9 goto done
      decide:
        r8 = \(tests.nothingHolds)
      \(tests.tests.indices.map { ask(tests.tests[$0].value, number: $0) }.joined())
        r1 = *(u32 *)(r7 + 52)
        r1 <<= \(OwnerTests.bornBit)
        r8 |= r1
        *(u32 *)(r7 + 48) = r9
        *(u64 *)(r10 - 8) = r9
        *(u64 *)(r10 - 16) = r8
      \(MapCalls.update(judgement.verdicts, key: -8, value: -16))

      """
  }

  /// Changes the bits of a test in r8 if it holds for the owner recorded at r7.
  private func ask(_ value: OwnerTests.Value, number: Int) -> String {
    func compare(_ offset: Int, _ value: UInt32, mask: UInt32 = .max) -> String {
      "  r1 = *(u32 *)(r7 + \(offset))\n" + (mask == .max ? "" : "  w1 &= \(mask)\n")
        + "  if w1 != \(value) goto not\(number)\n"
    }
    var text = ""
    switch value {
    case .process(let process): text = compare(8, process)
    case .user(let user): text = compare(16, user)
    case .name(let name, let isPrefix):
      // A complete name includes the zero byte after it. One word is compared for every four bytes; the last one may be partial.
      let length = name.count + (isPrefix ? 0 : 1)
      for start in stride(from: 0, to: length, by: 4) {
        let mask = UInt32.max >> UInt32(8 * max(0, start + 4 - length))
        text += compare(32 + start, UInt32(truncatingIfNeeded: name.number >> UInt128(8 * start)), mask: mask)
      }
    }
    return text + "  r8 ^= \(1 << number | 1 << (number + 8))\nnot\(number):\n"
  }

  // MARK: In the programs of packets

  /// Records the local address, from the key on the stack, of a socket in another network namespace.
  var noteOtherNamespace: String {
    guard let judgement else { return "" }
    return """
        r1 = *(u64 *)(r7 + 0)
        r2 = \(judgement.namespace) ll
        if r1 == r2 goto home
      \(MapCalls.lookUp(judgement.others, key: -88))
        if r0 != 0 goto home
        *(u64 *)(r10 - 120) = 0
      \(MapCalls.update(judgement.others, key: -88, value: -120))
        if r0 == 0 goto home
      \(counter(Self.excessCounter, orGoto: "pass"))
        r1 = 1
        *(u64 *)(r0 + 0) = r1
      home:
      """
  }

  /// Jumps to `note`, without an event, for a socket that was not made in the control group; r8 has its cookie.
  var leaveForeign: String {
    guard let judgement, case .group(let group, let unwanted) = judgement.criterion else { return "" }
    return """
        r1 = r9
        r2 = 1
        call \(Helper.socketGroup)
        r1 = \(group) ll
        if r0 == r1 goto emit
        r1 = *(u32 *)(r7 + 48)
        if w1 == w8 goto note
        *(u32 *)(r7 + 48) = r8
        *(u64 *)(r10 - 104) = r8
        r1 = *(u32 *)(r7 + 52)
        r1 <<= \(OwnerTests.bornBit)
        r1 |= \(unwanted)
        *(u64 *)(r10 - 96) = r1
      \(MapCalls.update(judgement.verdicts, key: -104, value: -96))
        goto note

      """
  }
}
