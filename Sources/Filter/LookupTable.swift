/// The numbers for which one of many alternatives is true: `lead` is what the leading values must be, `last` is the range of the last
/// value. An IPv4 network is one range; a MAC address is its low four bytes as `lead`, then a range of one number.
struct LookupRow: Hashable, Sendable, Comparable {
  var lead: [UInt32] = []
  var last: ClosedRange<UInt32>

  static func < (first: LookupRow, second: LookupRow) -> Bool {
    if !first.lead.isEmpty || !second.lead.isEmpty {
      if first.lead.lexicographicallyPrecedes(second.lead) { return true }
      if first.lead != second.lead { return false }
    }
    return (first.last.lowerBound, first.last.upperBound) < (second.last.lowerBound, second.last.upperBound)
  }
}

/// Rows, all with the same number of values, in rising order. No row is contained in another.
struct LookupTable: Sendable {
  let rows: [LookupRow]

  init(_ unsorted: [LookupRow]) {
    var rows: [LookupRow] = []
    for row in unsorted.sorted() {
      if let previous = rows.last, previous.lead == row.lead, previous.last.upperBound >= row.last.upperBound {
        continue
      }
      rows.append(row)
    }
    self.rows = rows
  }

  /// True if a row of a single value contains `number`.
  func contains(_ number: UInt32) -> Bool {
    // The first row that begins after it; those before it begin, and therefore end, in rising order.
    var low = 0
    var high = rows.count
    while low < high {
      let middle = low + (high - low) / 2
      if rows[middle].last.lowerBound <= number { low = middle + 1 } else { high = middle }
    }
    return low > 0 && rows[low - 1].last.contains(number)
  }
}

/// Asks whether the values are those of a row. The first is always evaluated, the others in order where the ones before them
/// are in a row.
struct Lookup: Hashable, Sendable {
  var first: ValueID
  var rest: [ValueID] = []
  var table: LookupTables.Index
}

/// The tables of one filter, each stored once.
struct LookupTables: Sendable {
  typealias Index = Int

  private var tables: [LookupTable] = []
  private var indices: [[LookupRow]: Index] = [:]

  /// The table with these rows, in whatever order they are.
  mutating func intern(_ rows: [LookupRow]) -> Index {
    if let known = indices[rows] { return known }
    let table = LookupTable(rows)
    let index = indices[table.rows] ?? tables.count
    if index == tables.count { tables.append(table) }
    indices[table.rows] = index
    indices[rows] = index
    return index
  }

  subscript(index: Index) -> LookupTable { tables[index] }
}
