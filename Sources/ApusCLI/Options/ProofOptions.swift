/// What is asked about the filter itself, not about packets.
struct ProofOptions: Sendable {
  var witness = false
  var compare: String?
  var compareBytecode: String?
  var verifyOptimizer = false
  var timeout: String?
}

extension Flag {
  static let proof: [Flag] = [
    Flag(
      .proof, nil, "witness",
      "Print a smallest packet that the filter accepts, in hex; as text with --print, or into the file of -w."
    ) { $0.proof.witness = true },
    Flag(
      .proof, nil, "compare", .text("other"),
      "Compare with this expression: tell whether either accepts a packet that the other refuses."
    ) { $0.proof.compare = $1 },
    Flag(.proof, nil, "compare-bytecode", .file, "The same with the program in this file, in a form of --bytecode.") {
      $0.proof.compareBytecode = $1
    },
    Flag(.proof, nil, "verify-optimizer", "Prove that the optimised filter accepts what the unoptimised does.") {
      $0.proof.verifyOptimizer = true
    },
    Flag(
      .proof, nil, "proof-timeout", .text("seconds"),
      "Seconds (or 5m) after which to give up a proof; 20 if not stated."
    ) { $0.proof.timeout = $1 },
  ]
}
