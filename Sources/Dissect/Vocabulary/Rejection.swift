package import PacketCore

/// The relation of a number from the wire to a limit that makes it wrong.
package enum Relation: Sendable {
  case less, lessOrEqual, greater, greaterOrEqual, equal, notEqual

  fileprivate func holds(_ value: Int, _ limit: Int) -> Bool {
    switch self {
    case .less: value < limit
    case .lessOrEqual: value <= limit
    case .greater: value > limit
    case .greaterOrEqual: value >= limit
    case .equal: value == limit
    case .notEqual: value != limit
    }
  }

  fileprivate var symbol: StaticString {
    switch self {
    case .less: "<"
    case .lessOrEqual: "<="
    case .greater: ">"
    case .greaterOrEqual: ">="
    case .equal: "=="
    case .notEqual: "!="
    }
  }
}

extension Printer {
  /// Ends the protocol if a number from the wire is impossible: writes ` [length 4 < 8]` and throws `.invalid`, which the caller of the
  /// dissector marks with ` (invalid)`.
  @inline(__always)
  package mutating func reject(_ what: StaticString, _ value: Int, _ relation: Relation, _ limit: Int)
    throws(DecodeError)
  {
    guard relation.holds(value, limit) else { return }
    out.write(byte: UInt8(ascii: " "))
    writeComparison(what, value, relation, limit)
    throw .invalid
  }

  /// `[length 4 < 8]`, or `[total length 90 > length 80]` if the limit has a name.
  package mutating func writeComparison(
    _ what: StaticString, _ value: Int, _ relation: Relation, _ limit: Int, limitName: StaticString = ""
  ) {
    out.write("[")
    out.write(what)
    out.write(" ")
    out.write(decimal: value)
    out.write(" ")
    out.write(relation.symbol)
    out.write(" ")
    if limitName.utf8CodeUnitCount > 0 {
      out.write(limitName)
      out.write(" ")
    }
    out.write(decimal: limit)
    out.write("]")
  }
}
