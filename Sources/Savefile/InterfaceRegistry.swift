import PacketCore

/// The interfaces that have a block in a pcapng file that is written, found by their index in the source and by what they say.
///
/// A class, since it belongs to one writer, which is moved about with every packet and asks here only where the interface changes.
final class InterfaceRegistry {
  /// What the writer of a packet needs to know of its interface.
  struct Facts: BitwiseCopyable {
    var linkType = LinkType.null
    var snaplen: UInt32 = 0
    /// The unit of its times; nil for nanoseconds of ours.
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

  /// Blocks that say the same.
  private struct Equals {
    var numbers: [Int] = []
    /// How many of them are taken by interfaces of the source of that number.
    var taken = 0
    var source = 0
  }

  /// By their numbers.
  private var facts: [Facts] = []
  private var equals: [InterfaceDescription: Equals] = [:]
  /// The numbers of the blocks of the source's interfaces by index, 65 536 of them in a page; -1 where there is none.
  private var pages: [[Int32]] = []
  /// Those whose link type is not the one that their packets have. Few, if any.
  private var others: [Key: Int] = [:]
  /// How far the interfaces of each part of the source's table have been described.
  private var described: [Int] = []
  /// Sources so far.
  private var source = 0

  private struct Key: Hashable {
    var index: Int
    var linkType: LinkType
  }

  private static let pageBits = 16

  /// Blocks in the file.
  var count: Int { facts.count }

  /// The interfaces that follow are those of another source; the blocks are the same.
  func beginSource() {
    pages.removeAll()
    others.removeAll()
    described.removeAll()
    source += 1
  }

  /// The first interface of that index that was added.
  func place(of index: Int) -> Place? {
    let (page, slot) = (index >> Self.pageBits, index & (1 << Self.pageBits - 1))
    guard page >= 0, page < pages.count, slot < pages[page].count, pages[page][slot] >= 0 else { return nil }
    let number = Int(pages[page][slot])
    return Place(index: index, number: number, facts: facts[number])
  }

  /// The interface of an index whose packets have that link type.
  func place(of index: Int, _ linkType: LinkType) -> Place? {
    guard let first = place(of: index) else { return nil }
    if first.facts.linkType == linkType { return first }
    return others[Key(index: index, linkType: linkType)].map { Place(index: index, number: $0, facts: facts[$0]) }
  }

  /// Adds an interface of the source. `isNew` where a block must be written: no source before had one that says the same.
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

  /// A block that no other interface of this source has; `fresh` where there is none.
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

  /// The next interface of a part of the table, of those with indices below `end`, that has no block and was not given before; nil where
  /// there is none.
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
