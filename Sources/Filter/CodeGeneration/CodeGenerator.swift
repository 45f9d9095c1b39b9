import BPF

/// The instructions of a graph. The arrays have the same length.
struct GeneratedCode: Sendable {
  var instructions: [Instruction] = []
  /// For each instruction the words of the expression that it implements.
  var sources: [SourceWords] = []
  /// For each instruction the block that it belongs to; where several blocks have the same code, one of them.
  var blocks: [BlockID] = []
  /// For each instruction, whether it is a conditional jump whose condition is the opposite of the block's comparison.
  var isInverted: [Bool] = []
}

/// Compiles a graph to a classic BPF program, with its two registers A and X and sixteen words of scratch memory.
enum CodeGenerator {
  /// The instructions, and for each the words of the expression that it implements and the block that it belongs to.
  ///
  /// The program does exactly what the graph says. A value that is certain to be in a register or a scratch word, on every path to its use,
  /// is not computed again. Without `optimizing` that applies only inside a block, so that the program reads like the graph: every
  /// comparison loads its own values.
  static func generate(
    _ graph: ControlFlowGraph, optimizing: Bool = true
  ) throws(CodeGenerationError) -> GeneratedCode {
    let order = try BlockOrder(of: graph)
    let selection = Selection(graph: graph, order: order, optimizing: optimizing)
    let program = try selection.best()
    let scratch = try ScratchAllocation(for: program)
    return Layout.lay(program, scratch: scratch)
  }
}
