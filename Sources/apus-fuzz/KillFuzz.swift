import TestSupport

/// Savefiles of processes that are killed while they write and rotate: each file must be readable, with nothing missing but the end.
struct KillFuzz {
  let seed: UInt64

  /// True if there was no fault after that many kills. Prints every fault.
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
