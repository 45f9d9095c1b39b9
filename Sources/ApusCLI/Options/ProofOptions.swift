/// Questions about the filter itself, not about packets.
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
      "Print a smallest packet that the filter accepts, in hex; as text with --print; into a file with -w."
    ) { $0.proof.witness = true },
    Flag(
      .proof, nil, "compare", .text("other"),
      "Compare with this expression: report whether either accepts a packet that the other rejects."
    ) { $0.proof.compare = $1 },
    Flag(
      .proof, nil, "compare-bytecode", .file,
      "The same with the program in this file, in any form that --bytecode reads."
    ) {
      $0.proof.compareBytecode = $1
    },
    Flag(
      .proof, nil, "verify-optimizer",
      "Prove that the optimised filter accepts the same packets as the unoptimised one."
    ) {
      $0.proof.verifyOptimizer = true
    },
    Flag(
      .proof, nil, "proof-timeout", .text("seconds"),
      "Time limit of a proof in seconds (or 5m); default: 20."
    ) { $0.proof.timeout = $1 },
  ]
}
