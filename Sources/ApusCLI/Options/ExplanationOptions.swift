/// Options that explain a filter: what it does, why, and what may be wrong with it.
struct ExplanationOptions: Sendable {
  var trace = false
  var profile = false
  var explain: String?
  var annotate = false
  var graph: String?
  var lint = false
}

extension Flag {
  static let explanation: [Flag] = [
    Flag(.explain, nil, "trace", "Print for each packet the filter instructions that are executed.") {
      $0.explanation.trace = true
    },
    Flag(.explain, nil, "profile", "Print the filter with the number of times each instruction was executed.") {
      $0.explanation.profile = true
    },
    Flag(
      .explain, nil, "explain",
      .oneOf(["packets": "each packet, and the table", "summary": "only the table"]).orDefault("packets"),
      "Print for each packet the filter term that accepts or rejects it, and why; 'summary' only counts."
    ) { $0.explanation.explain = $1 },
    Flag(
      .explain, nil, "annotate",
      "Print the compiled filter with the source words of each instruction; with -r, how often it was executed."
    ) { $0.explanation.annotate = true },
    Flag(
      .explain, nil, "graph",
      .oneOf([
        "dot": "graphviz source", "svg": "a vector image", "png": "an image", "ascii": "text",
      ]), "Print the control-flow graph of the filter; with -r, how often each edge was taken."
    ) { $0.explanation.graph = $1 },
    Flag(.explain, nil, "lint", "Print likely mistakes in the expression, with corrections, and exit.") {
      $0.explanation.lint = true
    },
  ]
}
