/// Runs a program over packets, with the meaning of libpcap's bpf_filter():
///
/// - a load that is not wholly inside the captured bytes ends the program with 0; X + `k` does not wrap
/// - an ancillary load (`Ancillary`) is such a load
/// - division and remainder by X = 0 end the program with 0
/// - a shift by X of 32 or more gives 0; other arithmetic wraps at 32 bits
///
/// The program is decoded once into steps, one per instruction; a load and the jump that tests it become one (`Step`).
public struct Interpreter: Sendable {
  private let steps: [Step]

  public init(_ program: Program) {
    steps = Step.decode(program.instructions)
  }

  /// What the program returns for a packet: 0 rejects it, another number accepts that many of its bytes. `bytes` are the captured
  /// bytes, `len` is their number on the wire.
  public func run(_ bytes: RawSpan, len: UInt32) -> UInt32 {
    let steps = steps.span
    var a: UInt32 = 0
    var x: UInt32 = 0
    var scratch = [16 of UInt32](repeating: 0)
    var next = 0
    while true {
      switch steps[next].operation {
      case .ldAbs:
        guard let value = bytes.word(at: UInt64(steps[next].k)) else { return 0 }
        a = value
      case .ldhAbs:
        guard let value = bytes.half(at: UInt64(steps[next].k)) else { return 0 }
        a = value
      case .ldbAbs:
        guard let value = bytes.octet(at: UInt64(steps[next].k)) else { return 0 }
        a = value
      case .ldInd:
        guard let value = bytes.word(at: UInt64(x) &+ UInt64(steps[next].k)) else { return 0 }
        a = value
      case .ldhInd:
        guard let value = bytes.half(at: UInt64(x) &+ UInt64(steps[next].k)) else { return 0 }
        a = value
      case .ldbInd:
        guard let value = bytes.octet(at: UInt64(x) &+ UInt64(steps[next].k)) else { return 0 }
        a = value
      case .ldxMsh:
        guard let value = bytes.octet(at: UInt64(steps[next].k)) else { return 0 }
        x = (value & 15) &<< 2

      case .ldImm: a = steps[next].k
      case .ldMem: a = scratch[Int(steps[next].k)]
      case .ldLen: a = len
      case .ldxImm: x = steps[next].k
      case .ldxMem: x = scratch[Int(steps[next].k)]
      case .ldxLen: x = len
      case .st: scratch[Int(steps[next].k)] = a
      case .stx: scratch[Int(steps[next].k)] = x
      case .tax: x = a
      case .txa: a = x

      case .addK: a = a &+ steps[next].k
      case .addX: a = a &+ x
      case .subK: a = a &- steps[next].k
      case .subX: a = a &- x
      case .mulK: a = a &* steps[next].k
      case .mulX: a = a &* x
      case .divK: a /= steps[next].k
      case .divX:
        if x == 0 { return 0 }
        a /= x
      case .modK: a %= steps[next].k
      case .modX:
        if x == 0 { return 0 }
        a %= x
      case .orK: a |= steps[next].k
      case .orX: a |= x
      case .andK: a &= steps[next].k
      case .andX: a &= x
      case .xorK: a ^= steps[next].k
      case .xorX: a ^= x
      case .lshK: a = a &<< steps[next].k
      case .lshX: a = a << x
      case .rshK: a = a &>> steps[next].k
      case .rshX: a = a >> x
      case .neg: a = 0 &- a

      case .ja:
        next &+= Int(steps[next].k)
      case .jeqK:
        next &+= steps[next].distance(where: a == steps[next].k)
        continue
      case .jeqElseNext:
        next = Self.endOfRun(steps, from: next, a)
        continue
      case .jeqX:
        next &+= steps[next].distance(where: a == x)
        continue
      case .jgtK:
        next &+= steps[next].distance(where: a > steps[next].k)
        continue
      case .jgtX:
        next &+= steps[next].distance(where: a > x)
        continue
      case .jgeK:
        next &+= steps[next].distance(where: a >= steps[next].k)
        continue
      case .jgeX:
        next &+= steps[next].distance(where: a >= x)
        continue
      case .jsetK:
        next &+= steps[next].distance(where: a & steps[next].k != 0)
        continue
      case .jsetX:
        next &+= steps[next].distance(where: a & x != 0)
        continue

      case .testAbsEqual:
        guard let value = bytes.word(at: UInt64(steps[next].k)) else { return 0 }
        a = value & steps[next].mask
        next &+= steps[next].distance(where: a == steps[next].value)
        continue
      case .testIndEqual:
        guard let value = bytes.word(at: UInt64(x) &+ UInt64(steps[next].k)) else { return 0 }
        a = value & steps[next].mask
        next &+= steps[next].distance(where: a == steps[next].value)
        continue
      case .testAbsSet:
        guard let value = bytes.word(at: UInt64(steps[next].k)) else { return 0 }
        a = value & steps[next].mask
        next &+= steps[next].distance(where: a & steps[next].value != 0)
        continue
      case .testIndSet:
        guard let value = bytes.word(at: UInt64(x) &+ UInt64(steps[next].k)) else { return 0 }
        a = value & steps[next].mask
        next &+= steps[next].distance(where: a & steps[next].value != 0)
        continue

      case .retK: return steps[next].k
      case .retA: return a
      }
      next &+= 1
    }
  }

  /// Finds the step after a run of comparisons of A. It is not part of the loop above, which would be slower with another loop in it.
  @inline(never)
  private static func endOfRun(_ steps: Span<Step>, from start: Int, _ a: UInt32) -> Int {
    var next = start
    repeat {
      if _slowPath(a == steps[next].k) { return next &+ Int(steps[next].jt) }
      next &+= 1
    } while steps[next].operation == .jeqElseNext
    return next
  }
}
