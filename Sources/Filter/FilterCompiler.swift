public import BPF

/// Compiles filter expressions (pcap-filter(7)) to classic BPF.
public enum FilterCompiler {
  /// The program of `expression`: it returns the snapshot length for a packet that matches and 0 for one that does not. An empty expression
  /// matches everything. Throws if the expression is wrong, or, when optimising, if no packet can match it.
  public static func compile(_ expression: String, _ options: CompileOptions) throws(FilterError) -> Program {
    let tree = try Parser.parse(expression)
    var graph = try Lowering.lower(tree, options)
    if options.optimize {
      Optimizer.optimize(&graph, isCancelled: options.isCancelled)
      if options.isCancelled() { throw .cancelled }
      if options.snaplen > 0, graph.rejectsAll { throw Contradiction.error(in: tree, options) }
    }
    return try generate(graph, optimizing: options.optimize).program
  }

  /// Throws if the expression is syntactically wrong, whatever the link type.
  public static func checkSyntax(of expression: String) throws(FilterError) { _ = try Parser.parse(expression) }

  /// The program of a graph, and the generated code its instructions were made from.
  static func generate(_ graph: ControlFlowGraph, optimizing: Bool) throws(FilterError) -> (
    program: Program, code: GeneratedCode
  ) {
    let code: GeneratedCode
    do throws(CodeGenerationError) {
      code = try CodeGenerator.generate(graph, optimizing: optimizing)
    } catch {
      throw FilterError("\(error)", at: error.source)
    }
    do throws(ProgramError) {
      return (try Program(validating: code.instructions, sources: code.sources), code)
    } catch {
      throw FilterError("the compiled program is not valid: \(error)")
    }
  }
}
