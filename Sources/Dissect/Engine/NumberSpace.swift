import Synchronization

/// Numbers by which one protocol announces another: EtherTypes, ports, protocol numbers. A dissector claims numbers (`Claim`), and who
/// carries it asks the registry who claims the number that it has read.
///
/// A space is declared where its numbers are read: `extension NumberSpace { static let greProtocol = NumberSpace("GRE protocol type") }`.
package final class NumberSpace: Sendable {
  /// What its numbers are called.
  package let name: StaticString
  /// True if they are written in hexadecimal.
  package let isHexadecimal: Bool
  /// The place of its table in a registry.
  package let index: Int

  package init(_ name: StaticString, hexadecimal: Bool = false) {
    self.name = name
    isHexadecimal = hexadecimal
    index = declared.wrappingAdd(1, ordering: .relaxed).oldValue
  }
}

/// Spaces that were declared so far.
private let declared = Atomic<Int>(0)

/// Who claims which numbers of a space, as places in the list of dissectors; 0 is nobody.
///
/// Numbers below 65536 are found by two loads, whatever the table holds; it takes 512 bytes for each 256 numbers that somebody claims one
/// of. Larger ones are searched.
package struct NumberTable: Sendable {
  package typealias Index = UInt16

  /// By the upper byte of a number: where its page begins in `entries`.
  private var pages = [UInt16](repeating: 0, count: 256)
  /// Pages of 256; the first is of all numbers that nobody claims.
  private var entries = [Index](repeating: 0, count: 256)
  /// Numbers from 65536 on, in order.
  private var large: [(number: UInt64, index: Index)] = []

  /// The claims on a number; 0 if there are none.
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

  /// Enters a claim, instead of any other.
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
