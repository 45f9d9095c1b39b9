import BPF

/// Determines which loads of a classic program need a check that the bytes are in the packet, and how many bytes each check covers.
///
/// A packet that is too short is rejected at the load that reaches too far. It may just as well be rejected earlier, if every path from
/// there either rejects it for certain or reaches as far: so one check covers all loads that follow on each of those paths.
struct LoadPlan {
  /// What is known before an instruction is executed.
  struct Facts: BitwiseCopyable {
    /// The number of bytes certain to be in the packet.
    var available: UInt64 = 0
    /// The number of bytes from X on that are certain to be in the packet; 0 if their address is not known.
    var availableFromX: UInt64 = 0
    /// An upper bound on A that the verifier knows too.
    var boundOfA: UInt32 = 0
    /// An upper bound on X that the verifier knows too.
    var boundOfX: UInt32 = 0

    /// What holds where two paths meet.
    func merged(_ other: Facts) -> Facts {
      Facts(
        available: min(available, other.available), availableFromX: min(availableFromX, other.availableFromX),
        boundOfA: max(boundOfA, other.boundOfA), boundOfX: max(boundOfX, other.boundOfX))
    }
  }

  private let flow: ProgramFlow
  /// By instruction; nil if no path is known to lead there.
  private var facts: [Facts?]
  /// True if a check may end in a call, after which the address at X is not known.
  private let checksForgetX: Bool
  /// The last byte that a check can cover: the verifier does not track larger offsets.
  static let farthest: UInt64 = 0xffff

  init(_ program: Program, checksForgetX: Bool) {
    flow = ProgramFlow(program)
    facts = [Facts?](repeating: nil, count: program.instructions.count)
    facts[0] = Facts()
    self.checksForgetX = checksForgetX
  }

  /// What is known before the instruction; nil if no path leads to it.
  subscript(_ index: Int) -> Facts? { facts[index] }

  /// True if A or X may be read before it is written.
  var readsA: Bool { flow.facts[0].readsA }
  var readsX: Bool { flow.facts[0].readsX }

  /// The targets of a conditional jump.
  func targets(of index: Int) -> (jt: Int, jf: Int) { flow.targets(of: index) }

  /// The final target of a jump to an instruction.
  func destination(of index: Int) -> Int { flow.destinations[index] }

  /// Records that a path leads to an instruction, and what holds on it.
  mutating func reach(_ index: Int, with known: Facts) {
    facts[index] = facts[index].map { $0.merged(known) } ?? known
  }

  /// True if no packet is accepted from the instruction on.
  func rejectsAll(from index: Int) -> Bool { flow.facts[index].needed == ProgramFlow.never }

  /// How many bytes to check for a load that ends at byte `end`; nil if they are certain to be there.
  func check(_ end: UInt64, at index: Int, _ known: Facts) -> UInt64? {
    guard known.available < end else { return nil }
    let needed = flow.facts[index].needed
    return needed <= Self.farthest ? max(needed, end) : end
  }

  /// The same for bytes from X on.
  func checkFromX(_ end: UInt64, at index: Int, _ known: Facts) -> UInt64? {
    guard known.availableFromX < end else { return nil }
    let needed = flow.facts[index].neededFromX
    return needed &+ UInt64(known.boundOfX) <= Self.farthest ? max(needed, end) : end
  }

  /// What holds after a check for this many bytes.
  func checked(_ known: Facts, octets: UInt64) -> Facts {
    var facts = known
    facts.available = max(known.available, octets)
    if checksForgetX { facts.availableFromX = 0 }
    return facts
  }

  /// What holds after an instruction that is not a jump, apart from checks.
  func after(_ instruction: Instruction, _ known: Facts) -> Facts {
    var facts = known
    guard let opcode = instruction.opcode else { return facts }
    if opcode.facts.writes.contains(.a) { facts.boundOfA = Self.boundOfA(opcode, instruction.k, known) }
    if opcode.facts.writes.contains(.x) {
      facts.availableFromX = 0
      facts.boundOfX =
        switch opcode {
        case .ldxImm: instruction.k
        case .ldxMsh: 60
        case .tax: known.boundOfA
        default: .max
        }
    }
    return facts
  }

  /// An upper bound on A, for those operations for which the verifier derives the same.
  private static func boundOfA(_ opcode: Opcode, _ k: UInt32, _ known: Facts) -> UInt32 {
    let a = known.boundOfA
    switch opcode {
    case .ldImm: return k
    case .ldbAbs where k >= Ancillary.base: return .max
    case .ldbAbs, .ldbInd: return 0xff
    case .txa: return known.boundOfX
    case .andK: return min(a, k)
    case .andX: return min(a, known.boundOfX)
    case .rshK: return a >> k
    case .lshK: return UInt64(a) << UInt64(k) <= 0x7fff_ffff ? a << k : .max
    case .addK: return a.addingReportingOverflow(k).overflow || k > Int32.max ? .max : a + k
    case .addX: return a.addingReportingOverflow(known.boundOfX).overflow ? .max : a + known.boundOfX
    default: return .max
    }
  }
}
