/// Runs a program over packets, with the meaning of libpcap's bpf_filter():
///
/// - a load that is not wholly inside the captured octets ends the program with 0; X + `k` does not wrap
/// - an ancillary load (`Ancillary`) is such a load
/// - division and remainder by X = 0 end the program with 0
/// - a shift by X of 32 or more gives 0; other arithmetic wraps at 32 bits
///
/// The program is decoded once into steps, one per instruction. Where a load is followed by a conditional jump on a constant, the
/// step of the load does both, and the jump's own step remains for those who jump to it.
public struct Interpreter: Sendable {
  private let steps: [Step]

  public init(_ program: Program) {
    steps = program.instructions.map { Step($0) }
  }

  /// What the program returns for a packet: 0 rejects it, another number accepts that many of its octets. `bytes` are the captured
  /// octets, `len` is their number on the wire.
  public func run(_ bytes: RawSpan, len: UInt32) -> UInt32 {
    var a: UInt32 = 0
    var x: UInt32 = 0
    var scratch = [16 of UInt32](repeating: 0)
    var next = 0
    while true {
      let step = steps[next]
      next &+= 1
      switch step.operation {
      case .ldImm: a = step.k
      case .ldAbs:
        guard let value = bytes.word(at: UInt64(step.k)) else { return 0 }
        a = value
      case .ldhAbs:
        guard let value = bytes.half(at: UInt64(step.k)) else { return 0 }
        a = value
      case .ldbAbs:
        guard let value = bytes.octet(at: UInt64(step.k)) else { return 0 }
        a = value
      case .ldInd:
        guard let value = bytes.word(at: UInt64(x) &+ UInt64(step.k)) else { return 0 }
        a = value
      case .ldhInd:
        guard let value = bytes.half(at: UInt64(x) &+ UInt64(step.k)) else { return 0 }
        a = value
      case .ldbInd:
        guard let value = bytes.octet(at: UInt64(x) &+ UInt64(step.k)) else { return 0 }
        a = value
      case .ldMem: a = scratch[Int(step.k)]
      case .ldLen: a = len
      case .ldxImm: x = step.k
      case .ldxMem: x = scratch[Int(step.k)]
      case .ldxLen: x = len
      case .ldxMsh:
        guard let value = bytes.octet(at: UInt64(step.k)) else { return 0 }
        x = (value & 15) &<< 2
      case .st: scratch[Int(step.k)] = a
      case .stx: scratch[Int(step.k)] = x
      case .addK: a = a &+ step.k
      case .addX: a = a &+ x
      case .subK: a = a &- step.k
      case .subX: a = a &- x
      case .mulK: a = a &* step.k
      case .mulX: a = a &* x
      case .divK: a /= step.k
      case .divX:
        if x == 0 { return 0 }
        a /= x
      case .modK: a %= step.k
      case .modX:
        if x == 0 { return 0 }
        a %= x
      case .orK: a |= step.k
      case .orX: a |= x
      case .andK: a &= step.k
      case .andX: a &= x
      case .xorK: a ^= step.k
      case .xorX: a ^= x
      case .lshK: a = a &<< step.k
      case .lshX: a = a << x
      case .rshK: a = a &>> step.k
      case .rshX: a = a >> x
      case .neg: a = 0 &- a
      case .tax: x = a
      case .txa: a = x
      case .ja: next &+= Int(step.k)
      case .jeqK: next &+= step.distance(where: a == step.k)
      case .jeqX: next &+= step.distance(where: a == x)
      case .jgtK: next &+= step.distance(where: a > step.k)
      case .jgtX: next &+= step.distance(where: a > x)
      case .jgeK: next &+= step.distance(where: a >= step.k)
      case .jgeX: next &+= step.distance(where: a >= x)
      case .jsetK: next &+= step.distance(where: a & step.k != 0)
      case .jsetX: next &+= step.distance(where: a & x != 0)
      case .retK: return step.k
      case .retA: return a
      }
    }
  }
}
