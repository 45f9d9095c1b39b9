import ArgumentParser

/// A filter for people: what it does, why, and what may be wrong with it.
struct ExplanationOptions: ParsableArguments {
  @Flag(name: .customLong("trace"), help: "Print for each packet which instructions of the filter are executed.")
  var trace = false

  @Flag(name: .customLong("profile"), help: "Print the filter and how often each instruction was executed.")
  var profile = false

  @Option(
    name: .customLong("explain"),
    help: .init(
      "Print for each packet which term of the filter accepts or rejects it, and why; 'summary' only counts.",
      valueName: "packets|summary"))
  var explain: String?

  @Flag(
    name: .customLong("annotate"),
    help: "Print the compiled filter with the words that each instruction serves; with -r how often it was executed.")
  var annotate = false

  @Option(
    name: .customLong("graph"),
    help: .init(
      "Print the control-flow graph of the filter; with -r how often each way was taken.",
      valueName: "dot|svg|png|ascii"))
  var graph: String?

  @Flag(name: .customLong("no-hints"), help: "Do not say why a filter has matched nothing.")
  var noHints = false

  @Flag(name: .customLong("lint"), help: "Print what may not be meant in the expression, with rewrites, and end.")
  var lint = false
}
