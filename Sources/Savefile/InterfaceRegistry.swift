import PacketCore

/// The interfaces that have a block in the pcapng file being written, looked up by their index in the source and by their description.
///
/// A class, because it belongs to a writer that is moved with every packet and needs it only when the interface changes.
final class InterfaceRegistry {
  /// What the writer of a packet needs to know about its interface.
  struct Facts: BitwiseCopyable {
    var linkType = LinkType.null
    var snaplen: UInt32 = 0
    /// The unit of its times; nil for apus's own nanoseconds.
    var resolution: TimestampResolution?
    var timeOffset: Int64 = 0
  }

  /// An interface of the source, and its block.
  struct Place: BitwiseCopyable {
    var index: Int
    /// The number of its block in the file.
    var number: Int
    var facts: Facts
  }

  /// Blocks with equal descriptions.
  private struct Equals {
    var numbers: [Int] = []
    /// How many of them are used by interfaces of the source with number `source`.
    var taken = 0
    var source = 0
  }

  /// Indexed by block number.
  private var facts: [Facts] = []
  private var equals: [InterfaceDescription: Equals] = [:]
  /// The block numbers of the source's interfaces by index, in pages of 65 536; -1 if there is none.
  private var pages: [[Int32]] = []
  /// Interfaces whose link type differs from that of their packets. Few, if any.
  private var others: [Key: Int] = [:]
  /// For each part of the source's table, how many of its interfaces have been described.
  private var described: [Int] = []
  /// The number of sources so far.
  private var source = 0

  private struct Key: Hashable {
    var index: Int
    var linkType: LinkType
  }

  private static let pageBits = 16

  /// Number of blocks in the file.
  var count: Int { facts.count }

  /// The following interfaces are those of another source; the blocks stay the same.
  func beginSource() {
    pages.removeAll()
    others.removeAll()
    described.removeAll()
    source += 1
  }

  /// The interface with that index that was added first.
  func place(of index: Int) -> Place? {
    let (page, slot) = (index >> Self.pageBits, index & (1 << Self.pageBits - 1))
    guard page >= 0, page < pages.count, slot < pages[page].count, pages[page][slot] >= 0 else { return nil }
    let number = Int(pages[page][slot])
    return Place(index: index, number: number, facts: facts[number])
  }

  /// The interface with that index whose packets have that link type.
  func place(of index: Int, _ linkType: LinkType) -> Place? {
    guard let first = place(of: index) else { return nil }
    if first.facts.linkType == linkType { return first }
    return others[Key(index: index, linkType: linkType)].map { Place(index: index, number: $0, facts: facts[$0]) }
  }

  /// Adds an interface of the source. `isNew` if a block must be written, since no earlier source had an interface with the same
  /// description.
  func add(_ index: Int, _ description: InterfaceDescription) -> (place: Place, isNew: Bool) {
    let fresh = facts.count
    let source = source
    let number = Self.take(&equals[description, default: Equals()], source, fresh)
    if number == fresh {
      facts.append(
        Facts(
          linkType: description.linkType, snaplen: description.snaplen,
          resolution: description.resolution.flatMap { TimestampResolution(optionValue: $0) },
          timeOffset: description.timeOffset))
    }
    if place(of: index) == nil {
      set(index, number)
    } else {
      others[Key(index: index, linkType: description.linkType)] = number
    }
    return (Place(index: index, number: number, facts: facts[number]), number == fresh)
  }

  /// A block that no other interface of this source uses; `fresh` if there is none.
  private static func take(_ equals: inout Equals, _ source: Int, _ fresh: Int) -> Int {
    if equals.source != source { (equals.source, equals.taken) = (source, 0) }
    equals.taken += 1
    if equals.taken <= equals.numbers.count { return equals.numbers[equals.taken - 1] }
    equals.numbers.append(fresh)
    return fresh
  }

  private func set(_ index: Int, _ number: Int) {
    let (page, slot) = (max(0, index >> Self.pageBits), index & (1 << Self.pageBits - 1))
    while pages.count <= page { pages.append([]) }
    if pages[page].count <= slot {
      pages[page].append(contentsOf: repeatElement(-1, count: slot + 1 - pages[page].count))
    }
    pages[page][slot] = Int32(truncatingIfNeeded: number)
  }

  /// The next interface of a part of the table, with an index below `end`, that has no block and was not returned before; nil if there is
  /// none.
  func nextUndescribed(ofPart part: Int, _ indices: Range<Int>, below end: Int) -> Int? {
    while described.count <= part { described.append(0) }
    while indices.lowerBound + described[part] < end {
      let index = indices.lowerBound + described[part]
      described[part] += 1
      if place(of: index) == nil { return index }
    }
    return nil
  }
}
