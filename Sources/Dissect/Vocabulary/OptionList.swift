package import PacketCore

/// How the options of a list lie one behind the other: a type, a length, and the value.
///
///     0      w      w + v
///     +------+--------+-------
///     | type | length | value      w and v bytes, in network byte order
///     +------+--------+-------
package struct OptionLayout: Sendable {
  /// Bytes of the type, 1 to 4.
  package let typeWidth: Int
  /// Bytes of the length, 1 to 4.
  package let lengthWidth: Int
  /// The length counts the bytes of type and length, too.
  package let countsHeader: Bool

  package init(typeWidth: Int = 1, lengthWidth: Int = 1, countsHeader: Bool = false) {
    self.typeWidth = typeWidth
    self.lengthWidth = lengthWidth
    self.countsHeader = countsHeader
  }

  var headerLength: Int { typeWidth &+ lengthWidth }
  /// The smallest length that an option may state.
  var smallestLength: Int { countsHeader ? headerLength : 0 }
}

/// What stands before the value of an option.
package struct OptionHeader: Sendable {
  package let type: UInt32
  /// The length as it is stated.
  package let length: Int
}

extension Printer {
  /// Walks over the options of `list`, whose length is what the enclosing protocol says is there: the only loop that does. Every turn passes
  /// at least the header of an option.
  ///
  /// For each option an object is opened in the array `key`, `heading` writes what stands before the value, and `body` gets the value, of
  /// which less may have been captured than its length says. An option that states less than its header, or more than what is left, ends
  /// the protocol with `[length 0 < 2] (invalid)` behind its heading, and one whose header was not captured with the truncation mark.
  package mutating func forEachOption(
    _ list: PacketBytes, _ layout: OptionLayout, _ key: StaticString,
    heading: (OptionHeader, inout Printer) -> Void,
    _ body: (OptionHeader, PacketBytes, inout Printer) throws(DecodeError) -> Void
  ) throws(DecodeError) {
    if writesFields { fields.beginArray(key) }
    let level = fields.level
    // What an option has opened, and what it leaves open where it is cut, is closed with it.
    func close(_ printer: inout Printer) { printer.fields.end(downTo: level) }
    var offset = 0
    while offset < list.length {
      let rest = list.length &- offset
      try reject("remaining length", rest, .less, layout.headerLength)
      let option = OptionHeader(
        type: try list.unsigned(at: offset, width: layout.typeWidth),
        length: Int(try list.unsigned(at: offset &+ layout.typeWidth, width: layout.lengthWidth)))
      if writesFields { fields.beginObject() }
      heading(option, &self)
      try reject("length", option.length, .less, layout.smallestLength)
      let whole = layout.countsHeader ? option.length : option.length &+ layout.headerLength
      try reject("length", option.length, .greater, layout.countsHeader ? rest : rest &- layout.headerLength)
      let value = try list.dropping(offset).clamped(to: whole).dropping(layout.headerLength)
      try body(option, value, &self)
      close(&self)
      offset &+= whole
    }
    if writesFields { fields.end() }
  }
}

extension PacketBytes {
  /// A number of `width` bytes, 1 to 4, in network byte order.
  package func unsigned(at offset: Int, width: Int) throws(DecodeError) -> UInt32 {
    switch width {
    case 1: UInt32(try u8(at: offset))
    case 2: UInt32(try u16(at: offset))
    case 3: try u24(at: offset)
    default: try u32(at: offset)
    }
  }
}
