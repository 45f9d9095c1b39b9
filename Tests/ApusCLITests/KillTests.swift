import TestSupport
import Testing

/// The savefiles that remain when apus is killed; `apus-fuzz kill` runs the same test more often.
@Suite(.waits) struct KillTests {
  @Test(arguments: KillSweep.Variant.all) func whatIsLeftCanBeRead(_ variant: KillSweep.Variant) throws {
    var sweep = try KillSweep(apus: Subprocess.apusPath(), packets: 20_000, seed: 7)
    defer { sweep.remove() }
    try sweep.run(variant, times: 2)
    #expect(sweep.faults.isEmpty)
    #expect(sweep.runs == 2)
  }
}
