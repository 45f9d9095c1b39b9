import Testing

@testable import Dissect

/// Connections keep their numbers while the table grows from small to its largest size.
@Suite struct FlowTableTests {
  private static func key(_ number: UInt32) -> FlowKey<UInt32> {
    FlowKey(low: 0x0a00_0000 &+ number, high: 0xc000_0201, ports: number &* 0x1_0003)
  }

  @Test func growsWithItsConnections() {
    var table = FlowTable<UInt32>()
    #expect(table.capacity == 0)
    var capacities: [Int] = []
    for number in 0..<UInt32(20_000) {
      let place = table.place(of: Self.key(number))
      #expect(!table[place].isUsed)
      var entry = table[place]
      (entry.isUsed, entry.forward, entry.backward) = (true, number, ~number)
      table[place] = entry
      if capacities.last != table.capacity { capacities.append(table.capacity) }
    }
    #expect(capacities == [256, 2048, 16_384, 131_072])
    for number in 0..<UInt32(20_000) {
      let entry = table[table.place(of: Self.key(number))]
      #expect(entry.isUsed && entry.forward == number && entry.backward == ~number)
    }
  }

  /// A single connection, whatever its addresses, takes only a few kilobytes.
  @Test func beginsSmall() {
    var table = FlowTable<UInt128>()
    _ = table.place(of: FlowKey(low: 1, high: 2, ports: 3))
    #expect(table.capacity == 256 && MemoryLayout<FlowEntry<UInt128>>.stride * table.capacity <= 16_384)
  }
}
