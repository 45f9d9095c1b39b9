import PacketCore

/// The names of a field's values. Written as a dictionary literal; the order of the rows is of no account.
package struct ValueNames: ExpressibleByDictionaryLiteral, Sendable {
  private let rows: [(value: UInt32, name: StaticString)]

  package init(dictionaryLiteral elements: (UInt32, StaticString)...) {
    rows = elements.sorted { $0.0 < $1.0 }.map { (value: $0.0, name: $0.1) }
  }

  /// The name of `value`; nil where it has none.
  package subscript(value: some FixedWidthInteger & UnsignedInteger) -> StaticString? {
    let wanted = UInt32(truncatingIfNeeded: value)
    var low = 0
    var high = rows.count
    while low < high {
      let middle = (low &+ high) / 2
      if rows[middle].value < wanted { low = middle &+ 1 } else { high = middle }
    }
    return low < rows.count && rows[low].value == wanted ? rows[low].name : nil
  }
}

/// The names of a field's bits, in the order in which they are written.
package struct FlagNames: ExpressibleByDictionaryLiteral, Sendable {
  fileprivate let rows: [(mask: UInt32, name: StaticString)]

  package init(dictionaryLiteral elements: (UInt32, StaticString)...) {
    rows = elements.map { (mask: $0.0, name: $0.1) }
  }
}

extension Printer {
  /// The name of `value`, or `unknown` where it has none.
  package mutating func write(
    _ names: ValueNames, _ value: some FixedWidthInteger & UnsignedInteger, unknown: StaticString
  ) {
    out.write(names[value] ?? unknown)
  }

  /// The name of `value`, or where it has none `unknown`, then the number in decimal and `suffix`.
  package mutating func write(
    _ names: ValueNames, _ value: some FixedWidthInteger & UnsignedInteger, unknownDecimal unknown: StaticString,
    suffix: StaticString = ""
  ) {
    if let name = names[value] {
      out.write(name)
    } else {
      out.write(unknown)
      out.write(decimal: value)
      out.write(suffix)
    }
  }

  /// The name of `value`, or where it has none `unknown`, then the number in hexadecimal and `suffix`.
  package mutating func write(
    _ names: ValueNames, _ value: some FixedWidthInteger & UnsignedInteger, unknownHex unknown: StaticString,
    suffix: StaticString = ""
  ) {
    if let name = names[value] {
      out.write(name)
    } else {
      out.write(unknown)
      out.write(hex: value)
      out.write(suffix)
    }
  }

  /// The name of `value`, or where it has none `unknown`, then the number in four hexadecimal digits and `suffix`.
  package mutating func write(
    _ names: ValueNames, _ value: UInt16, unknownHex4 unknown: StaticString, suffix: StaticString = ""
  ) {
    if let name = names[value] {
      out.write(name)
    } else {
      out.write(unknown)
      out.write(hex: value, width: 4)
      out.write(suffix)
    }
  }

  /// The name of `value`, or where it has none `unknown`, then the number in two hexadecimal digits and `suffix`.
  package mutating func write(
    _ names: ValueNames, _ value: UInt8, unknownHex2 unknown: StaticString, suffix: StaticString = ""
  ) {
    if let name = names[value] {
      out.write(name)
    } else {
      out.write(unknown)
      out.write(hex: value, width: 2)
      out.write(suffix)
    }
  }

  /// The names of the bits set in `value`, with `separator` between them; `none` where none of them is set.
  package mutating func write(
    _ names: FlagNames, _ value: some FixedWidthInteger & UnsignedInteger, separator: StaticString = ", ",
    none: StaticString = "none"
  ) {
    let bits = UInt32(truncatingIfNeeded: value)
    var isFirst = true
    for row in names.rows where bits & row.mask != 0 {
      if !isFirst { out.write(separator) }
      out.write(row.name)
      isFirst = false
    }
    if isFirst { out.write(none) }
  }
}
