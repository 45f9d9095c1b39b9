/// What is known of each instruction by what may come before and after it: analysis passes on a program whose jumps all lead forward, in
/// time linear in its length.
public struct ProgramFlow {
  /// What holds before one instruction is done.
  public struct Facts: BitwiseCopyable {
    /// A packet of fewer captured octets is rejected for certain from here on; `never` where every packet is.
    public internal(set) var needed: UInt64 = 0
    /// The same for a packet of fewer than X plus that many octets.
    public internal(set) var neededFromX: UInt64 = 0
    /// A, as it is here, may be read.
    public internal(set) var readsA = false
    /// X, as it is here, may be read.
    public internal(set) var readsX = false
    /// A, as it is here, comes from one load only and is at most cut with `and` and compared for equality or common bits; so it
    /// may stay in the packet's byte order.
    public internal(set) var canStayInNetworkOrder = true
  }

  /// More octets than any packet has.
  public static let never = UInt64.max

  let instructions: [Instruction]
  public private(set) var facts: [Facts]
  /// Where a jump to each instruction ends up when those to it that are always taken are followed.
  public private(set) var destinations: [Int]

  public init(_ program: Program) {
    instructions = program.instructions
    facts = [Facts](repeating: Facts(), count: instructions.count)
    destinations = Array(instructions.indices)
    let writers = Self.writersOfA(instructions)
    for index in instructions.indices.reversed() { lookAhead(at: index, writer: writers[index]) }
  }

  /// The octets that a load from the packet takes; nil for other instructions.
  static func loadSize(_ opcode: Opcode) -> UInt64? {
    switch opcode {
    case .ldAbs, .ldInd: 4
    case .ldhAbs, .ldhInd: 2
    case .ldbAbs, .ldbInd, .ldxMsh: 1
    default: nil
    }
  }

  /// The target of a conditional jump where its condition holds, and where it does not.
  public func targets(of index: Int) -> (jt: Int, jf: Int) {
    let instruction = instructions[index]
    return (destinations[index + 1 + Int(instruction.jt)], destinations[index + 1 + Int(instruction.jf)])
  }

  /// What follows from the instruction and from what is known of those after it.
  private mutating func lookAhead(at index: Int, writer: Int32) {
    let instruction = instructions[index]
    guard let opcode = instruction.opcode else { return }
    var known: Facts
    switch opcode {
    case .retK, .retA:
      known = Facts()
      if opcode == .retK, instruction.k == 0 { (known.needed, known.neededFromX) = (Self.never, Self.never) }
    case .ja:
      destinations[index] = destinations[index + 1 + Int(instruction.k)]
      known = facts[destinations[index]]
    case _ where opcode.isConditionalJump:
      let (jt, jf) = targets(of: index)
      let (first, second) = (facts[jt], facts[jf])
      known = Facts(
        needed: min(first.needed, second.needed), neededFromX: min(first.neededFromX, second.neededFromX),
        readsA: first.readsA || second.readsA, readsX: first.readsX || second.readsX,
        canStayInNetworkOrder: first.canStayInNetworkOrder && second.canStayInNetworkOrder)
    default:
      known = facts[index + 1]
    }
    // What is known of A and X after the instruction says nothing of those before it where it writes them.
    let (reads, writes) = (opcode.facts.reads, opcode.facts.writes)
    if writes.contains(.a) { (known.readsA, known.canStayInNetworkOrder) = (false, true) }
    if writes.contains(.x) {
      known.readsX = false
      if known.needed != Self.never { known.neededFromX = 0 }
    }
    if reads.contains(.a) {
      known.readsA = true
      switch opcode {
      case .andK: known.canStayInNetworkOrder = facts[index + 1].canStayInNetworkOrder
      case .jeqK, .jsetK: break
      default: known.canStayInNetworkOrder = false
      }
    }
    if reads.contains(.x) { known.readsX = true }
    if let size = Self.loadSize(opcode) {
      // X is 0 or more, so a load after X wants at least the octets that it would want after 0.
      known.needed = max(known.needed, UInt64(instruction.k) + size)
      if reads.contains(.x) { known.neededFromX = max(known.neededFromX, UInt64(instruction.k) + size) }
    }
    if known.readsA, writer == Self.several { known.canStayInNetworkOrder = false }
    facts[index] = known
  }

  // MARK: Where A comes from

  /// In the place of an instruction: there is none yet, or there are several.
  private static let none: Int32 = -2
  private static let several: Int32 = -1

  /// The instruction that gave A the value it has before each instruction, which `and` with a constant does not change; `several`
  /// where that depends on the path.
  private static func writersOfA(_ instructions: [Instruction]) -> [Int32] {
    var writers = [Int32](repeating: none, count: instructions.count)
    /// The writer on the way from the instruction before.
    var current = several
    func meet(_ target: Int, _ writer: Int32) {
      writers[target] = writers[target] == none || writers[target] == writer ? writer : several
    }
    for (index, instruction) in instructions.enumerated() {
      if current != none { meet(index, current) }
      current = writers[index]
      guard let opcode = instruction.opcode, current != none else { continue }
      switch opcode {
      case .ja:
        meet(index + 1 + Int(instruction.k), current)
        current = none
      case .retK, .retA: current = none
      case _ where opcode.isConditionalJump:
        meet(index + 1 + Int(instruction.jt), current)
        meet(index + 1 + Int(instruction.jf), current)
        current = none
      case .andK: break
      default: if opcode.facts.writes.contains(.a) { current = Int32(truncatingIfNeeded: index) }
      }
    }
    return writers
  }
}
