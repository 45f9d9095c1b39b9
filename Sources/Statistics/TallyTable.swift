/// What rows of a `TallyTable` are found by.
protocol TallyKey: Equatable, Sendable, BitwiseCopyable {
  /// A number that depends on every bit of the key, and on `seed`, which nobody who sends packets knows.
  func hash(_ seed: UInt64) -> UInt64
}

/// Counts by key, in the order in which the keys came: open addressing over an array of places, each the number of a row.
///
/// Rows are never given up for others, as those of `FlowTable` are: what a row counts is exact. Once there are `limit` of them, new keys
/// find no place. It grows by doubling, so not per packet.
struct TallyTable<Key: TallyKey, Value: BitwiseCopyable & Sendable>: Sendable {
  struct Row: Sendable {
    let key: Key
    var value: Value
  }

  /// Rows at most.
  let limit: Int
  private(set) var rows: [Row] = []
  /// One more than the number of a row; 0 where there is none. Its count is a power of two, and at most half of it is used.
  private var places: [UInt32]
  /// The row that was requested last: packets come in trains.
  private var latest = 0
  private let seed: UInt64

  init(limit: Int) {
    self.limit = min(max(1, limit), 1 << 30)
    places = [UInt32](repeating: 0, count: 1 << 10)
    // The standard library seeds its hashes anew in every process.
    var hasher = Hasher()
    hasher.combine(limit)
    seed = UInt64(truncatingIfNeeded: hasher.finalize())
  }

  /// The number of the row of `key`, which is made with `value` where it is new; nil where there is no room for it.
  @inline(__always)
  mutating func row(of key: Key, new value: Value) -> Int? {
    if latest < rows.count, rows[latest].key == key { return latest }
    return find(key, new: value)
  }

  private mutating func find(_ key: Key, new value: Value) -> Int? {
    let mask = places.count &- 1
    var place = Int(truncatingIfNeeded: key.hash(seed)) & mask
    // Half of the places are free, so that this ends.
    while places[place] != 0 {
      let row = Int(places[place]) &- 1
      if rows[row].key == key {
        latest = row
        return row
      }
      place = (place &+ 1) & mask
    }
    guard rows.count < limit else { return nil }
    rows.append(Row(key: key, value: value))
    latest = rows.count &- 1
    places[place] = UInt32(truncatingIfNeeded: rows.count)
    if rows.count &* 2 > places.count { grow() }
    return latest
  }

  private mutating func grow() {
    places = [UInt32](repeating: 0, count: places.count &* 2)
    let mask = places.count &- 1
    for (index, row) in rows.enumerated() {
      var place = Int(truncatingIfNeeded: row.key.hash(seed)) & mask
      while places[place] != 0 { place = (place &+ 1) & mask }
      places[place] = UInt32(truncatingIfNeeded: index &+ 1)
    }
  }

  /// What is counted in a row.
  subscript(row: Int) -> Value {
    @inline(__always) get { rows[row].value }
    @inline(__always) _modify { yield &rows[row].value }
  }

  /// At most `count` rows, in the order in which one `precedes` another; of equals, the one that came first stands first.
  func rows(_ count: Int, by precedes: (Row, Row) -> Bool) -> [Int] {
    guard count < rows.count else {
      return rows.indices.sorted {
        precedes(rows[$0], rows[$1]) || $0 < $1 && !precedes(rows[$1], rows[$0])
      }
    }
    guard count > 0 else { return [] }
    var best: [Int] = []
    for row in rows.indices {
      if best.count == count {
        guard let least = best.last, precedes(rows[row], rows[least]) else { continue }
        best.removeLast()
      }
      var low = 0
      var high = best.count
      while low < high {
        let middle = (low + high) / 2
        if precedes(rows[row], rows[best[middle]]) { high = middle } else { low = middle + 1 }
      }
      best.insert(row, at: low)
    }
    return best
  }
}

/// Both halves of a product of 128 bits folded into one: every bit of either factor counts.
@inline(__always)
func mixed(_ first: UInt64, _ second: UInt64) -> UInt64 {
  let product = first.multipliedFullWidth(by: second)
  return product.high ^ product.low
}

/// An address and the seed in 64 bits.
@inline(__always)
func mixed(_ address: UInt128, _ seed: UInt64) -> UInt64 {
  let low = UInt64(truncatingIfNeeded: address) ^ seed
  let high = UInt64(truncatingIfNeeded: address >> 64) ^ 0x9e37_79b9_7f4a_7c15
  return mixed(low, high ^ (seed << 32 | seed >> 32))
}
