/// One connection; its endpoints are sorted.
///
/// The key and its entry put no constraints on `Address`, so that the runtime need not look up conformances when the first table is made.
package struct FlowKey<Address: Sendable>: Sendable {
  var low: Address
  var high: Address
  /// The port of `low` in the upper half, that of `high` in the lower half.
  var ports: UInt32
}

extension FlowKey: Equatable where Address: Equatable {}

/// A connection with its initial sequence numbers.
package struct FlowEntry<Address: Sendable>: Sendable {
  var key: FlowKey<Address>
  /// The sequence numbers that count as 0: of segments from `low` to `high`, and of those in the other direction.
  var forward: UInt32
  var backward: UInt32
  var isUsed: Bool
}

/// The initial sequence numbers of TCP connections, by pair of endpoints: the base of relative numbers.
///
/// A hash table with open addressing, bounded probing and a bounded size: when it is full, a new connection replaces an old one, whose
/// numbers are then absolute for one packet. It grows by factors, so allocations are rare.
package struct FlowTable<Address: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
  package typealias Key = FlowKey<Address>
  package typealias Entry = FlowEntry<Address>

  /// Maximum number of entries.
  package static var maximumCapacity: Int { 1 << 20 }
  /// Initial number of entries: a few kilobytes.
  private static var initialCapacity: Int { 1 << 8 }
  /// From this number of entries on the table doubles; a smaller one grows eightfold, so that many connections soon have room.
  private static var doublingCapacity: Int { 1 << 17 }
  /// Maximum number of entries probed for one key.
  private static var window: Int { 16 }

  private var entries: [Entry] = []
  private var used = 0
  private var turn = 0

  /// Number of entries that the table has room for.
  package var capacity: Int { entries.count }

  private static func hash(_ key: Key) -> Int {
    var value = UInt64(truncatingIfNeeded: key.low) &* 0x9e37_79b9_7f4a_7c15
    value ^= UInt64(truncatingIfNeeded: key.high) &* 0xc2b2_ae3d_27d4_eb4f
    if Address.bitWidth > 64 {
      value ^= UInt64(truncatingIfNeeded: key.low >> 64) &* 0x1656_67b1_9e37_79f9
      value ^= UInt64(truncatingIfNeeded: key.high >> 64) &* 0x27d4_eb2f_1656_67c5
    }
    value ^= UInt64(key.ports) &* 0xff51_afd7_ed55_8ccd
    value ^= value >> 32
    value = value &* 0xd6e8_feb8_6659_fd93
    value ^= value >> 29
    return Int(truncatingIfNeeded: value & 0x7fff_ffff_ffff_ffff)
  }

  /// The index of the entry for `key`; a new entry is made, with `isUsed` false, if there is none.
  package mutating func place(of key: Key) -> Int {
    if entries.isEmpty { grow() }
    while true {
      let mask = entries.count &- 1
      let home = Self.hash(key) & mask
      for step in 0..<Self.window {
        let place = (home &+ step) & mask
        if !entries[place].isUsed {
          if used &* 4 > entries.count &* 3, entries.count < Self.maximumCapacity { break }
          used &+= 1
          entries[place].key = key
          return place
        }
        if entries[place].key == key { return place }
      }
      if entries.count >= Self.maximumCapacity {
        turn = (turn &+ 1) % Self.window
        let place = (home &+ turn) & mask
        entries[place].key = key
        entries[place].isUsed = false
        return place
      }
      grow()
    }
  }

  package subscript(place: Int) -> Entry {
    get { entries[place] }
    set { entries[place] = newValue }
  }

  private static func capacity(after count: Int) -> Int {
    count == 0 ? initialCapacity : count * (count < doublingCapacity ? 8 : 2)
  }

  private mutating func grow() {
    let old = entries
    let empty = Entry(key: Key(low: 0, high: 0, ports: 0), forward: 0, backward: 0, isUsed: false)
    entries = [Entry](repeating: empty, count: Self.capacity(after: old.count))
    used = 0
    for entry in old where entry.isUsed {
      let mask = entries.count - 1
      let home = Self.hash(entry.key) & mask
      for step in 0..<Self.window where !entries[(home + step) & mask].isUsed {
        entries[(home + step) & mask] = entry
        used += 1
        break
      }
    }
  }
}
