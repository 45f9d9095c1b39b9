import ArgumentParser

/// What is asked about the filter itself, not about packets.
struct ProofOptions: ParsableArguments {
  @Flag(
    name: .customLong("witness"),
    help: "Print a smallest packet that the filter accepts, in hex; as text with --print, or into the file of -w.")
  var witness = false

  @Option(
    name: .customLong("compare"),
    help: .init(
      "Compare with this expression: tell whether either accepts a packet that the other refuses.", valueName: "other")
  )
  var compare: String?

  @Option(
    name: .customLong("compare-bytecode"),
    help: .init("The same with the program in this file, in a form of --bytecode.", valueName: "file"))
  var compareBytecode: String?

  @Flag(
    name: .customLong("verify-optimizer"), help: "Prove that the optimised filter accepts what the unoptimised does.")
  var verifyOptimizer = false

  @Option(
    name: .customLong("proof-timeout"),
    help: .init("Seconds (or 5m) after which to give up a proof; 20 if not stated.", valueName: "seconds"))
  var timeout: String?
}
