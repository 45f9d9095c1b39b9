/// The graph of an expression, and where each part of it came from.
struct LoweredExpression: Sendable {
  /// The link type's name as messages give it.
  var linkTypeName: String
  var graph = ControlFlowGraph()
  /// By node of the expression: where the headers were for it.
  var contexts: [LinkLayer] = []
  /// By node of the expression: whether it is always true or always false on this link type.
  var constants: [Bool?] = []
  /// By node of the expression: the comparison that a relation such as `ip[2:2] > 576` ends with; nil for others.
  var comparisons: [Comparison?] = []
  /// In which order the terms are asked.
  var order = TermOrder()
  /// The blocks as they were made, in the terms of `contexts`: before every variable got a number for each path.
  var questions: [Block] = []
}
