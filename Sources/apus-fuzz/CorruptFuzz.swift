import TestSupport

/// Corrupt programs, as instructions and as files: each must be refused, like by the kernel, or run within bounds.
struct CorruptFuzz: ~Copyable {
  private var programs: CorruptPrograms

  init(seed: UInt64) {
    programs = CorruptPrograms(seed: seed, recorded: (try? RecordedPrograms.all()) ?? [])
  }

  /// True if there was no fault with that many mutants of either kind. Prints every fault.
  mutating func run(mutants: Int) -> Bool {
    let instructions = programs.instructions(mutants)
    report("programs", instructions)
    for (rule, count) in instructions.rules.sorted(by: { $0.value > $1.value }) { print("  \(rule): \(count)") }
    let files = programs.files(mutants)
    report("files", files)
    return instructions.faults.isEmpty && files.faults.isEmpty
  }

  private func report(_ kind: String, _ outcome: CorruptPrograms.Outcome) {
    for fault in outcome.faults.prefix(10) { print(fault) }
    print(
      "corrupt \(kind): \(outcome.refused) refused, \(outcome.accepted) valid and run by every machine, \(outcome.faults.count) faults"
    )
  }
}
