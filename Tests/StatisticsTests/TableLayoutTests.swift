import TestSupport
import Testing

@testable import Statistics

/// Fits columns to a terminal.
struct TableLayoutTests {
  private static let columns: [TableColumn] = [
    .words("name"), .words("address"), .number("packets"), .number("share", rank: 3), .number("detail", rank: 3),
    .number("rate", rank: 1), .terminalNumber("only here", rank: 2),
  ]

  private func widths(_ natural: [Int], _ width: Int?) -> [Int?] {
    TableLayout(Self.columns, natural: natural, width: width).widths
  }

  @Test func columnsGoByRank() {
    let natural = [10, 10, 10, 10, 10, 10, 10]
    // Without a terminal, all columns have their natural width, except the one that is for terminals only.
    #expect(widths(natural, nil) == [10, 10, 10, 10, 10, 10, nil])
    #expect(widths(natural, 82) == [10, 10, 10, 10, 10, 10, 10])
    #expect(widths(natural, 81) == [10, 10, 10, nil, nil, 10, 10])
    #expect(widths([20, 20, 10, 10, 10, 10, 10], 70) == [20, 20, 10, nil, nil, 10, nil])
  }

  @Test func wordsAreShortened() {
    // Columns shrink to a readable width, next to the last column that may be dropped; that column is dropped before they get shorter.
    #expect(widths([8, 45, 10, 9, 9, 12, 9], 60) == [8, 24, 10, nil, nil, 12, nil])
    #expect(widths([45, 45, 10, 9, 9, 12, 9], 60) == [16, 16, 10, nil, nil, 12, nil])
    #expect(widths([45, 45, 12, 9, 9, 12, 9], 60) == [22, 22, 12, nil, nil, nil, nil])
    #expect(widths([45, 45, 40, 9, 9, 12, 9], 60) == [8, 8, 40, nil, nil, nil, nil])
    // A narrower terminal cuts the table for 60 columns.
    #expect(widths([8, 45, 10, 9, 9, 12, 9], 20) == widths([8, 45, 10, 9, 9, 12, 9], 60))
  }

  /// Whatever the columns contain, the table fits if the numbers leave room for words, and no column is wider than its contents.
  @Test func everyTableFits() {
    var random = SeededRandom(seed: 23)
    for _ in 0..<5000 {
      let natural = Self.columns.map { Int(random.next() % ($0.isWords ? 60 : 16)) }
      let width = 60 + Int(random.next() % 120)
      let layout = TableLayout(Self.columns, natural: natural, width: width)
      #expect(layout.total <= width, "\(natural) in \(width)")
      for (shown, natural) in zip(layout.widths, natural) { #expect(shown ?? 0 <= natural) }
      #expect(layout.widths.prefix(3).allSatisfy { $0 != nil })
    }
  }
}
