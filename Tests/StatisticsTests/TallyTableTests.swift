import TestSupport
import Testing

@testable import Statistics

/// The table behind conversations, endpoints and intervals.
struct TallyTableTests {
  /// Random keys, many of them repeated: the table counts like a dictionary, up to the limit, and its rows are in the order in which keys
  /// first appeared.
  @Test(arguments: [1, 10, 700, 100_000])
  func countsAreExact(_ limit: Int) {
    var random = SeededRandom(seed: 4)
    var table = TallyTable<IntervalKey, Tally>(limit: limit)
    var expected: [Int128: Tally] = [:]
    var order: [Int128] = []
    var refused = 0
    for _ in 0..<50_000 {
      let number = Int128(random.next() % 3000) * 0x0001_0000_0001 - 77
      if expected[number] == nil, order.count < limit { order.append(number) }
      guard let row = table.row(of: IntervalKey(number: number), new: Tally()) else {
        #expect(order.count == limit && expected[number] == nil)
        refused += 1
        continue
      }
      table[row].add(3)
      expected[number, default: Tally()].add(3)
    }
    #expect(table.rows.map(\.key.number) == order)
    #expect(table.rows.allSatisfy { expected[$0.key.number] == $0.value })
    #expect((refused > 0) == (limit < 3000))
  }

  /// The first rows are the same as after a full stable sort.
  @Test func firstRows() {
    var random = SeededRandom(seed: 5)
    var table = TallyTable<IntervalKey, Tally>(limit: 1000)
    for number in 0..<500 {
      guard let row = table.row(of: IntervalKey(number: Int128(number)), new: Tally()) else { continue }
      table[row].octets = random.next() % 40
    }
    let sizes = table.rows.map(\.value.octets)
    let sorted = table.rows.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
    for count in [0, 1, 20, 499, 500, .max] {
      #expect(table.rows(count) { $0.value.octets > $1.value.octets } == Array(sorted.prefix(count)))
    }
  }
}
