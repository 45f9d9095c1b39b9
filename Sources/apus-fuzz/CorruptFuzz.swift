import TestSupport

/// Corrupt programs, as instructions and as files: each is refused, as the kernel refuses it, or runs within bounds.
struct CorruptFuzz: ~Copyable {
  private var programs: CorruptPrograms

  init(seed: UInt64) {
    programs = CorruptPrograms(seed: seed, recorded: (try? RecordedPrograms.all()) ?? [])
  }

  /// True if nothing was wrong with that many mutants of either kind. Whatever was wrong is printed.
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
