/// The graph of an expression, and which part of the expression each part of it came from.
struct LoweredExpression: Sendable {
  /// The link type's name as shown in messages.
  var linkTypeName: String
  var graph = ControlFlowGraph()
  /// By node of the expression: where the headers are at that node.
  var contexts: [LinkLayer] = []
  /// By node of the expression: whether it is always true or always false on this link type.
  var constants: [Bool?] = []
  /// By node of the expression: the comparison that a relation such as `ip[2:2] > 576` ends with; nil for others.
  var comparisons: [Comparison?] = []
  /// The order in which the terms are tested.
  var order = TermOrder()
  /// The blocks as first lowered, which match `contexts`: before every variable got one number per path.
  var questions: [Block] = []
}
