import BPF
import Testing

@testable import Filter

/// Random graphs, and everything that is generated from them, give the same verdict for every packet tried.
@Suite struct OptimizerRandomTests {
  @Test(arguments: 0..<8)
  func verdictsStay(part: Int) throws {
    for seed in UInt64(part) * 120..<UInt64(part + 1) * 120 {
      let graph = RandomGraph.make(seed: seed)
      var optimized = graph
      Optimizer.optimize(&optimized)
      // The code generator does not support tables.
      var expanded = graph
      expanded.buildSearchTrees()
      let plain = try program(of: expanded)
      let short = try program(of: optimized)
      for packet in packets(seed: seed) {
        let length = UInt32(packet.count) + UInt32(seed % 3)
        let expected = GraphInterpreter(graph: graph, packet: packet, length: length).run()
        for (name, program) in [("not optimised", plain), ("optimised", short)]
        where program.verdict(packet, length: length) != expected {
          Issue.record("seed \(seed), \(name), \(packet), expected \(expected)")
        }
      }
    }
  }

  /// Packets of every short length, with bytes that the graphs test for.
  private func packets(seed: UInt64) -> [[UInt8]] {
    var generator = SeededGenerator(seed: seed &+ 1 << 32)
    let common: [UInt8] = [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x45, 0x60, 0xf0, 0xff]
    return (0..<60).map { number in
      (0..<number % (RandomGraph.packetLength + 3)).map { _ in
        Int.random(in: 0...3, using: &generator) > 0
          ? common[Int.random(in: 0..<common.count, using: &generator)] : UInt8.random(in: 0...255, using: &generator)
      }
    }
  }
}
