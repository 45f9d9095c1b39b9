/// A key of a `TallyTable`.
protocol TallyKey: Equatable, Sendable, BitwiseCopyable {
  /// A number that depends on every bit of the key, and on `seed`, which senders of packets cannot know.
  func hash(_ seed: UInt64) -> UInt64
}

/// Counts by key, in the order in which the keys first occurred: a hash table with open addressing, whose entries are row numbers.
///
/// Unlike those of `FlowTable`, rows are never evicted, so each row's counts are exact. Once there are `limit` rows, new keys get none. The
/// table grows by doubling, not with each packet.
struct TallyTable<Key: TallyKey, Value: BitwiseCopyable & Sendable>: Sendable {
  struct Row: Sendable {
    let key: Key
    var value: Value
  }

  /// The maximum number of rows.
  let limit: Int
  private(set) var rows: [Row] = []
  /// The number of a row plus one; 0 for an empty entry. The number of entries is a power of two, and at most half of them are used.
  private var places: [UInt32]
  /// The row that was used last, since packets come in trains.
  private var latest = 0
  private let seed: UInt64

  init(limit: Int) {
    self.limit = min(max(1, limit), 1 << 30)
    places = [UInt32](repeating: 0, count: 1 << 10)
    // The standard library seeds its hashes differently in every process.
    var hasher = Hasher()
    hasher.combine(limit)
    seed = UInt64(truncatingIfNeeded: hasher.finalize())
  }

  /// The row number of `key`, whose row is created with `value` if it is new; nil if there is no room for it.
  @inline(__always)
  mutating func row(of key: Key, new value: Value) -> Int? {
    if latest < rows.count, rows[latest].key == key { return latest }
    return find(key, new: value)
  }

  private mutating func find(_ key: Key, new value: Value) -> Int? {
    let mask = places.count &- 1
    var place = Int(truncatingIfNeeded: key.hash(seed)) & mask
    // Half of the entries are empty, so the loop ends.
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

  /// The counts of a row.
  subscript(row: Int) -> Value {
    @inline(__always) get { rows[row].value }
    @inline(__always) _modify { yield &rows[row].value }
  }

  /// At most `count` rows, sorted by `precedes`; equal rows stay in their original order.
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

/// Both halves of a 128-bit product combined into one, so that every bit of either factor has an effect.
@inline(__always)
func mixed(_ first: UInt64, _ second: UInt64) -> UInt64 {
  let product = first.multipliedFullWidth(by: second)
  return product.high ^ product.low
}

/// An address and the seed hashed to 64 bits.
@inline(__always)
func mixed(_ address: UInt128, _ seed: UInt64) -> UInt64 {
  let low = UInt64(truncatingIfNeeded: address) ^ seed
  let high = UInt64(truncatingIfNeeded: address >> 64) ^ 0x9e37_79b9_7f4a_7c15
  return mixed(low, high ^ (seed << 32 | seed >> 32))
}
