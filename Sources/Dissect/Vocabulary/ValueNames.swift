import PacketCore

/// The names of a field's values. Written as a dictionary literal; the order of the rows does not matter.
@usableFromInline
package struct ValueNames: ExpressibleByDictionaryLiteral, Sendable {
  private let rows: [(value: UInt32, name: StaticString)]
  /// For each value up to the largest below 256, its index in `rows`, from 1; 0 if it has none.
  private let places: [UInt16]

  @usableFromInline
  package init(dictionaryLiteral elements: (UInt32, StaticString)...) {
    rows = elements.sorted { $0.0 < $1.0 }.map { (value: $0.0, name: $0.1) }
    var places = [UInt16](repeating: 0, count: Int((rows.last { $0.value < 256 }?.value).map { $0 + 1 } ?? 0))
    for (index, row) in rows.enumerated() where row.value < 256 { places[Int(row.value)] = UInt16(index + 1) }
    self.places = places
  }

  /// The name of `value`; nil if it has none.
  @inlinable @inline(__always)
  package subscript(value: some FixedWidthInteger & UnsignedInteger) -> StaticString? {
    name(of: UInt32(truncatingIfNeeded: value))
  }

  @usableFromInline
  func name(of wanted: UInt32) -> StaticString? {
    if wanted < 256 {
      guard Int(wanted) < places.count, places[Int(wanted)] > 0 else { return nil }
      return rows[Int(places[Int(wanted)]) &- 1].name
    }
    var low = 0
    var high = rows.count
    while low < high {
      let middle = (low &+ high) / 2
      if rows[middle].value < wanted { low = middle &+ 1 } else { high = middle }
    }
    return low < rows.count && rows[low].value == wanted ? rows[low].name : nil
  }
}

/// What to write for a value without a name.
@usableFromInline
package enum UnknownName: ExpressibleByStringLiteral, Sendable {
  case text(StaticString)
  /// The number between two texts, in decimal or in at least `digits` hexadecimal digits.
  case decimal(StaticString, _ suffix: StaticString = "")
  case hex(StaticString, digits: Int = 1, _ suffix: StaticString = "")

  @usableFromInline
  package init(stringLiteral text: StaticString) { self = .text(text) }
}

/// The names of a field's bits, in the order in which they are written.
@usableFromInline
package struct FlagNames: ExpressibleByDictionaryLiteral, Sendable {
  fileprivate let rows: [(mask: UInt32, name: StaticString)]

  @usableFromInline
  package init(dictionaryLiteral elements: (UInt32, StaticString)...) {
    rows = elements.map { (mask: $0.0, name: $0.1) }
  }
}

extension Printer {
  /// Writes the name of `value`, or the replacement if it has none.
  @inlinable @inline(__always)
  package mutating func write(
    _ names: ValueNames, _ value: some FixedWidthInteger & UnsignedInteger, unknown: UnknownName
  ) {
    write(names, of: UInt64(truncatingIfNeeded: value), unknown)
  }

  @usableFromInline
  mutating func write(_ names: ValueNames, of value: UInt64, _ unknown: UnknownName) {
    if out.isDiscarding { return }
    if let name = names[value] { return out.write(name) }
    switch unknown {
    case .text(let text): out.write(text)
    case .decimal(let prefix, let suffix):
      write(prefix, decimal: value)
      out.write(suffix)
    case .hex(let prefix, let digits, let suffix):
      write(prefix, hex: value, digits)
      out.write(suffix)
    }
  }

  /// Writes the names of the bits set in `value`, with `separator` between them; `none` if none of them is set.
  @inlinable @inline(__always)
  package mutating func write(
    _ names: FlagNames, _ value: some FixedWidthInteger & UnsignedInteger, separator: StaticString = ", ",
    none: StaticString = "none"
  ) {
    write(names, bits: UInt32(truncatingIfNeeded: value), separator, none)
  }

  @usableFromInline
  mutating func write(_ names: FlagNames, bits: UInt32, _ separator: StaticString, _ none: StaticString) {
    if out.isDiscarding { return }
    var isFirst = true
    for row in names.rows where bits & row.mask != 0 {
      if !isFirst { out.write(separator) }
      out.write(row.name)
      isFirst = false
    }
    if isFirst { out.write(none) }
  }
}
