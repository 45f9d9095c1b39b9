/// Names by number: a hash table with open addressing that is filled once and then read for every packet.
struct NumberTable<Key: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
  private struct Slot {
    var key: Key
    /// The index in `names`; negative if the slot is empty.
    var index: Int32
  }

  /// At least one slot is empty, so a search ends; the number of slots is a power of two.
  private var slots = [Slot](repeating: Slot(key: 0, index: -1), count: 64)
  private var names: [String] = []

  /// Gives `key` a name, unless it has one.
  mutating func add(_ name: String, for key: Key) {
    if names.count &* 2 >= slots.count { grow() }
    let position = position(of: key, in: slots)
    guard slots[position].index < 0, let index = Int32(exactly: names.count) else { return }
    slots[position] = Slot(key: key, index: index)
    names.append(name)
  }

  /// The name of `key`.
  subscript(key: Key) -> String? {
    let slot = slots[position(of: key, in: slots)]
    return slot.index < 0 ? nil : names[Int(slot.index)]
  }

  /// The slot that contains `key`, or else the one for it.
  private func position(of key: Key, in slots: [Slot]) -> Int {
    let mask = slots.count &- 1
    var folded = UInt64(truncatingIfNeeded: key)
    if Key.bitWidth > 64 { folded ^= UInt64(truncatingIfNeeded: key >> 64) &* 0x9e37_79b9_7f4a_7c15 }
    // Multiplying carries every bit of the key upwards (Fibonacci hashing), so the upper half is mixed best.
    var position = Int(truncatingIfNeeded: (folded &* 0x9e37_79b9_7f4a_7c15) >> 32) & mask
    while slots[position].index >= 0, slots[position].key != key { position = (position &+ 1) & mask }
    return position
  }

  private mutating func grow() {
    var larger = [Slot](repeating: Slot(key: 0, index: -1), count: slots.count * 2)
    for slot in slots where slot.index >= 0 { larger[position(of: slot.key, in: larger)] = slot }
    slots = larger
  }
}
