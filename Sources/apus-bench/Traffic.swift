/// Packets that are made up, one behind the other in memory: a mix of what a network carries.
struct Traffic {
  private(set) var octets: [UInt8] = []
  /// Where each packet ends in `octets`; it begins where the one before it ends.
  private(set) var ends: [Int] = []
  private var state: UInt64 = 1

  init(packets: Int) {
    for _ in 0..<packets {
      appendPacket()
      ends.append(octets.count)
    }
  }

  /// Numbers that look random and are the same in every run (SplitMix64).
  private mutating func next(below bound: UInt64) -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return (mixed ^ (mixed >> 31)) % bound
  }

  private mutating func append(_ value: UInt64, octets count: Int) {
    for index in (0..<count).reversed() { octets.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }

  private mutating func appendPacket() {
    for _ in 0..<12 { append(next(below: 256), octets: 1) }
    if next(below: 20) == 0 { append(0x8100 << 16 | next(below: 4096), octets: 4) }
    switch next(below: 20) {
    case 0: appendARP()
    case 1..<5: appendIPv6()
    default: appendIPv4()
    }
  }

  private mutating func appendARP() {
    append(0x0806_0001_0800_0604, octets: 8)
    append(1 + next(below: 2), octets: 2)
    for _ in 0..<20 { append(next(below: 256), octets: 1) }
  }

  private mutating func appendIPv4() {
    let payload = next(below: 600)
    let proto: UInt64 = next(below: 10) < 6 ? 6 : next(below: 10) < 9 ? 17 : 1
    append(0x0800, octets: 2)
    append(0x4500 << 16 | (40 + payload), octets: 4)
    append(next(below: 1 << 16) << 16 | (next(below: 50) == 0 ? 100 : 0x4000), octets: 4)
    append(0x4000 | proto, octets: 2)
    append(0, octets: 2)
    append(0x0a00_0000 | next(below: 64), octets: 4)
    append(next(below: 2) == 0 ? 0x0a00_0000 | next(below: 64) : 0xc000_0200 | next(below: 64), octets: 4)
    appendTransport(payload: payload)
  }

  private mutating func appendIPv6() {
    let payload = next(below: 600)
    append(0x86dd_6000_0000, octets: 6)
    append((20 + payload) << 16 | (next(below: 2) == 0 ? 0x0640 : 0x1140), octets: 4)
    for _ in 0..<2 {
      append(0x2001_0db8 << 32, octets: 8)
      append(next(below: 64), octets: 8)
    }
    appendTransport(payload: payload)
  }

  private mutating func appendTransport(payload: UInt64) {
    let ports: [UInt64] = [80, 443, 53, 22, 8080, 123]
    let server = next(below: 2) == 0 ? ports[Int(next(below: 6))] : next(below: 1 << 16)
    let client = 1024 + next(below: 60000)
    append(next(below: 2) == 0 ? server << 16 | client : client << 16 | server, octets: 4)
    append(next(below: 1 << 32), octets: 8)
    append(0x5000 | next(below: 64), octets: 2)
    append(next(below: 1 << 32), octets: 6)
    for _ in 0..<payload { octets.append(0x61) }
  }
}
