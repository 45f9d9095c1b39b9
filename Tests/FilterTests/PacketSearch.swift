import BPF
import TestSupport

/// Generates packets for a program: each is guided through the program's branches by writing values into it that the comparisons look for,
/// so that tests reach paths that no random packet reaches.
struct PacketSearch {
  private var random: SeededRandom

  init(seed: UInt64) { random = SeededRandom(seed: seed) }

  /// Packets of different lengths for `program`, some of them cut short.
  mutating func packets(for program: Program, count: Int) -> [SavedPacket] {
    (0..<count).map { _ in
      var octets = [UInt8](repeating: 0, count: Int.random(in: 40..<140, using: &random))
      if Bool.random(using: &random) {
        for index in octets.indices { octets[index] = .random(in: 0...255, using: &random) }
      }
      // A second pass continues from the packet that the first one has written.
      for _ in 0..<Int.random(in: 1...3, using: &random) { lead(&octets, through: program) }
      let len = UInt32(octets.count)
      if Int.random(in: 0..<4, using: &random) == 0 {
        octets.removeLast(Int.random(in: 0...octets.count, using: &random))
      }
      return SavedPacket(octets: octets, len: len)
    }
  }

  /// Where the accumulator's value was loaded from, and which of its bits are left.
  private struct Origin {
    var offset: Int
    var size: Int
    var mask: UInt32
  }

  /// Runs the program; at a comparison of a loaded value with a constant, the packet is likely to be changed so that the value equals the
  /// constant or just misses it.
  private mutating func lead(_ octets: inout [UInt8], through program: Program) {
    var (a, x) = (UInt32(0), UInt32(0))
    var scratch = [UInt32](repeating: 0, count: Program.scratchCount)
    var origin: Origin?
    var next = 0
    while true {
      let instruction = program.instructions[next]
      guard let opcode = instruction.opcode else { return }
      let k = instruction.k
      next += 1
      switch opcode {
      case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd:
        let size = [.ldAbs, .ldInd].contains(opcode) ? 4 : [.ldhAbs, .ldhInd].contains(opcode) ? 2 : 1
        let offset = [.ldInd, .ldhInd, .ldbInd].contains(opcode) ? UInt64(x) + UInt64(k) : UInt64(k)
        guard offset + UInt64(size) <= UInt64(octets.count) else { return }
        origin = Origin(offset: Int(offset), size: size, mask: .max)
        a = octets[Int(offset)..<(Int(offset) + size)].reduce(0) { $0 << 8 | UInt32($1) }
      case .ldxMsh:
        guard Int(k) < octets.count else { return }
        if Bool.random(using: &random) { octets[Int(k)] = octets[Int(k)] & 0xf0 | .random(in: 5...8, using: &random) }
        x = UInt32(octets[Int(k)] & 15) << 2
      case .jeqK, .jgtK, .jgeK, .jsetK:
        if let origin, Int.random(in: 0..<8, using: &random) < 5 {
          write(k &+ [0, 0, 0, 1, .max].randomElement(using: &random, or: 0), to: &octets, origin, &a)
        }
        let holds =
          switch opcode {
          case .jeqK: a == k
          case .jgtK: a > k
          case .jgeK: a >= k
          default: a & k != 0
          }
        next += Int(holds ? instruction.jt : instruction.jf)
      case .jeqX: next += Int(a == x ? instruction.jt : instruction.jf)
      case .jgtX: next += Int(a > x ? instruction.jt : instruction.jf)
      case .jgeX: next += Int(a >= x ? instruction.jt : instruction.jf)
      case .jsetX: next += Int(a & x != 0 ? instruction.jt : instruction.jf)
      case .ja: next += Int(k)
      case .retK, .retA: return
      case .andK:
        a &= k
        origin?.mask &= k
      case .st: scratch[Int(k)] = a
      case .stx: scratch[Int(k)] = x
      case .ldMem: (a, origin) = (scratch[Int(k)], nil)
      case .ldxMem: x = scratch[Int(k)]
      case .tax: x = a
      case .txa: (a, origin) = (x, nil)
      case .ldImm: (a, origin) = (k, nil)
      case .ldxImm: x = k
      case .ldLen: (a, origin) = (UInt32(octets.count), nil)
      case .ldxLen: x = UInt32(octets.count)
      default: (a, origin) = (Self.compute(opcode, a, k, x), nil)
      }
    }
  }

  private func write(_ number: UInt32, to octets: inout [UInt8], _ origin: Origin, _ a: inout UInt32) {
    for index in 0..<origin.size {
      let shift = UInt32(8 * (origin.size - 1 - index))
      let mask = UInt8(truncatingIfNeeded: origin.mask >> shift)
      let octet = UInt8(truncatingIfNeeded: number >> shift)
      octets[origin.offset + index] = octets[origin.offset + index] & ~mask | octet & mask
    }
    let loaded = octets[origin.offset..<(origin.offset + origin.size)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    a = loaded & origin.mask
  }

  private static func compute(_ opcode: Opcode, _ a: UInt32, _ k: UInt32, _ x: UInt32) -> UInt32 {
    switch opcode {
    case .addK: a &+ k
    case .addX: a &+ x
    case .subK: a &- k
    case .subX: a &- x
    case .mulK: a &* k
    case .mulX: a &* x
    case .orK: a | k
    case .orX: a | x
    case .andX: a & x
    case .lshK: a << k
    case .lshX: a << x
    case .rshK: a >> k
    case .rshX: a >> x
    default: a
    }
  }
}

extension Array {
  fileprivate func randomElement(using random: inout SeededRandom, or other: Element) -> Element {
    isEmpty ? other : self[Int.random(in: indices, using: &random)]
  }
}
