import BPF

/// Why no BPF program can be generated for a filter.
struct CodeGenerationError: Error, Hashable, CustomStringConvertible {
  enum Reason: Hashable, Sendable {
    /// More values are needed at once than there are words of scratch memory.
    case outOfScratchMemory
    /// An arithmetic expression is nested too deeply for the generator.
    case nestedTooDeeply
    /// The blocks of the graph form a loop.
    case cyclic
    /// A lookup table that the optimiser should have expanded into comparisons.
    case unexpandedTable
  }
  var reason: Reason
  /// The words of the expression that the block came from.
  var source: SourceRange?

  init(_ reason: Reason, source: SourceRange? = nil) {
    self.reason = reason
    self.source = source
  }

  var description: String {
    switch reason {
    case .outOfScratchMemory: "the expression needs more than 16 intermediate results at once"
    case .nestedTooDeeply: "the arithmetic is nested too deeply"
    case .cyclic: "the filter contains a loop"
    case .unexpandedTable: "the filter contains a table that was not made into comparisons"
    }
  }
}
