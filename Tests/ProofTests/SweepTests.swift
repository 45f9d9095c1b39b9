import TestSupport
import Testing

/// Parts of the sweeps of `apus-fuzz`, which cover all recorded filters.
@Suite(
  .enabled(if: Subprocess.installed("z3") != nil, "z3 is not installed"),
  .enabled(if: SharedData.isPresent, "\(SharedData.absence)"))
struct SweepTests {
  @Test(arguments: [
    ["optimizer", "--runs", "30"], ["witness", "--runs", "15"], ["compare", "--runs", "15", "--seed", "3"],
  ])
  func finds(_ arguments: [String]) throws {
    let program = try #require(Subprocess.built("apus-fuzz"))
    let outcome = try Subprocess.run(program, arguments)
    #expect(outcome.status == 0, "\(outcome.output) \(outcome.errors)")
    #expect(!outcome.output.contains("left out"))
  }
}
