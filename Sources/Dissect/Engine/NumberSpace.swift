import Synchronization

/// Numbers by which one protocol says which protocol it carries: EtherTypes, ports, protocol numbers. A dissector claims numbers (`Claim`);
/// the dissector of the carrier looks up in the registry which dissector claims the number that it has read.
///
/// A space is declared next to the code that reads its numbers:
/// `extension NumberSpace { static let greProtocol = NumberSpace("GRE protocol type") }`.
package final class NumberSpace: Sendable {
  /// What its numbers are called in text.
  package let name: StaticString
  /// True if they are written in hexadecimal.
  package let isHexadecimal: Bool
  /// The index of its table in a registry.
  package let index: Int

  package init(_ name: StaticString, hexadecimal: Bool = false) {
    self.name = name
    isHexadecimal = hexadecimal
    index = declared.wrappingAdd(1, ordering: .relaxed).oldValue
  }
}

/// Number of spaces declared so far.
private let declared = Atomic<Int>(0)

/// Which dissector claims each number of a space, as its index in the list of dissectors; 0 for none.
///
/// A lookup of a number below 65536 takes two loads, however many claims the table holds; the table takes 512 bytes for each block of 256
/// numbers that has a claim. Larger numbers are found by binary search.
package struct NumberTable: Sendable {
  package typealias Index = UInt16

  /// For each upper byte of a number: which page of `entries` holds it.
  private var pages = [UInt16](repeating: 0, count: 256)
  /// Pages of 256 numbers; the first page is shared by all numbers without a claim.
  private var entries = [Index](repeating: 0, count: 256)
  /// Numbers from 65536 on, in ascending order.
  private var large: [(number: UInt64, index: Index)] = []

  /// The index that claims a number; 0 if none does.
  @inline(__always)
  package subscript(number: UInt16) -> Index {
    entries[Int(pages[Int(number >> 8)]) << 8 | Int(number & 0xff)]
  }

  /// The same for a number of any size.
  package subscript(number: UInt64) -> Index {
    if let small = UInt16(exactly: number) { return self[small] }
    var low = 0
    var high = large.count
    while low < high {
      let middle = (low &+ high) / 2
      if large[middle].number < number { low = middle &+ 1 } else { high = middle }
    }
    return low < large.count && large[low].number == number ? large[low].index : 0
  }

  /// Sets the claim on a number, replacing any earlier claim.
  package mutating func set(_ number: UInt64, _ index: Index) {
    guard let small = UInt16(exactly: number) else {
      let place = large.firstIndex { $0.number >= number } ?? large.count
      if place < large.count, large[place].number == number {
        large[place].index = index
      } else {
        large.insert((number, index), at: place)
      }
      return
    }
    let page = Int(small >> 8)
    if pages[page] == 0 {
      pages[page] = UInt16(entries.count >> 8)
      entries += [Index](repeating: 0, count: 256)
    }
    entries[Int(pages[page]) << 8 | Int(small & 0xff)] = index
  }
}
