import BPF

/// The instructions of a graph. The arrays are of the same length.
struct GeneratedCode: Sendable {
  var instructions: [Instruction] = []
  /// For each instruction the words of the expression that it implements.
  var sources: [SourceWords] = []
  /// For each instruction the block that it is part of: of several blocks with the same code, one.
  var blocks: [BlockID] = []
  /// For each instruction whether it is a conditional jump whose condition holds where the comparison of the block does not.
  var isInverted: [Bool] = []
}

/// Makes a graph into a program for the machine with its two registers A and X and sixteen words of scratch memory.
enum CodeGenerator {
  /// The instructions, and for each the words of the expression that it implements and the block that it is part of.
  ///
  /// The program does exactly what the graph says. A value that a register or a scratch word is sure to hold, on every way that
  /// leads to its use, is not computed again. Not `optimizing`, that goes for the ways inside a block only, so that the program
  /// reads like the graph: every question loads what it asks about.
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
