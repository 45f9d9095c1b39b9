/// What is known about each instruction from what may precede and follow it. The analysis takes time linear in the program's length, since
/// all jumps lead forward.
public struct ProgramFlow {
  /// What holds before an instruction is executed.
  public struct Facts: BitwiseCopyable {
    /// From here on, every packet with fewer captured bytes is rejected; `never` if every packet is.
    public internal(set) var needed: UInt64 = 0
    /// The same for every packet with fewer than X plus this many bytes.
    public internal(set) var neededFromX: UInt64 = 0
    /// True if the current value of A may still be read.
    public internal(set) var readsA = false
    /// True if the current value of X may still be read.
    public internal(set) var readsX = false
    /// True if the current value of A comes from a single load and is at most masked with `and` and compared for equality or common bits,
    /// so it may stay in the packet's byte order.
    public internal(set) var canStayInNetworkOrder = true
  }

  /// More bytes than any packet has.
  public static let never = UInt64.max

  let instructions: [Instruction]
  public private(set) var facts: [Facts]
  /// The final target of jumps to each instruction, following unconditional jumps.
  public private(set) var destinations: [Int]

  public init(_ program: Program) {
    instructions = program.instructions
    facts = [Facts](repeating: Facts(), count: instructions.count)
    destinations = Array(instructions.indices)
    let writers = Self.writersOfA(instructions)
    for index in instructions.indices.reversed() { lookAhead(at: index, writer: writers[index]) }
  }

  /// The number of bytes that a load reads from the packet; nil for other instructions.
  static func loadSize(_ opcode: Opcode) -> UInt64? {
    switch opcode {
    case .ldAbs, .ldInd: 4
    case .ldhAbs, .ldhInd: 2
    case .ldbAbs, .ldbInd, .ldxMsh: 1
    default: nil
    }
  }

  /// The targets of a conditional jump if its condition holds and if it does not.
  public func targets(of index: Int) -> (jt: Int, jf: Int) {
    let instruction = instructions[index]
    return (destinations[index + 1 + Int(instruction.jt)], destinations[index + 1 + Int(instruction.jf)])
  }

  /// Derives the facts of an instruction from itself and from the facts of those after it.
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
    // If the instruction writes A or X, later facts about them say nothing about their values before it.
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
      // X is not negative, so a load at X + k needs at least the bytes that a load at k needs.
      known.needed = max(known.needed, UInt64(instruction.k) + size)
      if reads.contains(.x) { known.neededFromX = max(known.neededFromX, UInt64(instruction.k) + size) }
    }
    if known.readsA, writer == Self.several { known.canStayInNetworkOrder = false }
    facts[index] = known
  }

  // MARK: Where A comes from

  /// Special values for the instruction that wrote A: none yet, or several.
  private static let none: Int32 = -2
  private static let several: Int32 = -1

  /// The instruction that gave A the value it has before each instruction, disregarding `and` with a constant; `several` if that depends on
  /// the path.
  private static func writersOfA(_ instructions: [Instruction]) -> [Int32] {
    var writers = [Int32](repeating: none, count: instructions.count)
    /// The writer on the path from the previous instruction.
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
