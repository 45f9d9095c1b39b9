/// How often each instruction of a program was executed, over many packets.
public struct ExecutionProfile: Sendable {
  /// The program.
  public let program: Program
  /// The counters of each instruction, in program order.
  public private(set) var counters: [InstructionCounter]
  /// How many packets the program was run on.
  public private(set) var packets: UInt64 = 0
  /// How many packets it accepted.
  public private(set) var accepted: UInt64 = 0

  /// A profile without any packets.
  public init(_ program: Program) {
    self.program = program
    counters = Array(repeating: InstructionCounter(), count: program.instructions.count)
  }

  /// Runs the program over one more packet. The arguments and the verdict are those of `Interpreter.run`.
  @discardableResult
  public mutating func run(_ bytes: RawSpan, len: UInt32) -> UInt32 {
    let verdict = program.run(bytes, len: len) { step in
      counters[step.index].executed &+= 1
      if step.condition == true { counters[step.index].held &+= 1 }
      if step.failure != nil { counters[step.index].failed &+= 1 }
    }
    packets &+= 1
    if verdict != 0 { accepted &+= 1 }
    return verdict
  }

  /// The number of instructions executed, over all packets.
  public var executed: UInt64 { counters.reduce(0) { $0 &+ $1.executed } }
}

/// What happened at one instruction over many packets.
public struct InstructionCounter: Hashable, Sendable, BitwiseCopyable {
  /// How often it was executed.
  public internal(set) var executed: UInt64 = 0
  /// How often the condition of a jump held.
  public internal(set) var held: UInt64 = 0
  /// How often it ended a run with 0 other than by a `ret` (`ExecutionFailure`).
  public internal(set) var failed: UInt64 = 0
}
