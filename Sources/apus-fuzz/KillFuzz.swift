import TestSupport

/// Savefiles of processes that are killed while they write and rotate: each opens, and nothing but the end is missing.
struct KillFuzz {
  let seed: UInt64

  /// True if nothing was wrong after that many kills. Whatever was wrong is printed.
  func run(kills: Int) -> Bool {
    do {
      var sweep = try KillSweep(apus: Subprocess.apusPath(), packets: 150_000, seed: seed)
      defer { sweep.remove() }
      let variants = KillSweep.Variant.all
      for (index, variant) in variants.enumerated() {
        try sweep.run(variant, times: kills / variants.count + (index < kills % variants.count ? 1 : 0))
      }
      for fault in sweep.faults.prefix(20) { print(fault) }
      print(
        "kill: \(sweep.runs) kills, \(sweep.files) whole files, \(sweep.parts) that were being written, \(sweep.cut) of them with a record that is cut, \(sweep.packets) packets, \(sweep.faults.count) faults"
      )
      return sweep.faults.isEmpty
    } catch {
      print("kill: \(error)")
      return false
    }
  }
}
