package import PacketCore

/// How the value of an option is written.
package enum ValueForm: Sendable {
  /// Not in the text; structured output has its bytes.
  case bytes
  /// Text up to the first NUL; any byte that is not printable ASCII becomes a dot.
  case text
  /// A four-byte number.
  case number
  /// A four-byte number as its name, or as `#` and the number.
  case named(ValueNames)
  /// Seconds, as hours, minutes and seconds.
  case duration
  /// An IPv4 or IPv6 address.
  case ipv4, ipv6
  /// Whatever the function writes.
  case custom(@Sendable (PacketBytes, inout Printer) throws(DecodeError) -> Void)
}

/// The name of an option, and how its value is written.
@usableFromInline
package struct OptionRow<Form: Sendable>: Sendable {
  @usableFromInline package let name: StaticString
  @usableFromInline package let form: Form

  @inlinable
  package init(_ name: StaticString, _ form: Form) {
    self.name = name
    self.form = form
  }
}

/// The options of a protocol, by type. Written as a dictionary literal.
@usableFromInline
package struct OptionTable<Form: Sendable>: ExpressibleByDictionaryLiteral, Sendable {
  @usableFromInline let rows: [OptionRow<Form>?]

  @inlinable
  package init(dictionaryLiteral elements: (Int, OptionRow<Form>)...) {
    var rows = [OptionRow<Form>?](repeating: nil, count: (elements.map(\.0).max() ?? -1) + 1)
    for (type, row) in elements where type >= 0 { rows[type] = row }
    self.rows = rows
  }

  /// The row of a type; nil if there is none.
  @inlinable
  package subscript(type type: UInt32) -> OptionRow<Form>? {
    Int(type) < rows.count ? rows[Int(type)] : nil
  }
}

extension Printer {
  /// Writes the value of an option in the form of its row, into the text and as members of the open object. A value whose length does not
  /// fit its form is marked `[length 3 != 4] (invalid)`, and the caller goes on.
  package mutating func write(_ form: ValueForm, _ value: PacketBytes) throws(DecodeError) {
    switch form {
    case .bytes: if writesFields { fields.write("data", hex: value.clamped(to: value.length)) }
    case .text:
      if writesFields { fields.write("text", text: value.clamped(to: value.length)) }
      try writePrintable(value, endsAtNUL: true)
    case .number:
      let number = try number(value)
      if writesFields { fields.write("number", number) }
      out.write(decimal: number)
    case .named(let names):
      let number = try number(value)
      if writesFields { fields.write("number", number, "number_name", names) }
      write(names, number, unknown: .decimal("#"))
    case .duration:
      let seconds = try number(value)
      if writesFields { fields.write("number", seconds) }
      writeClockTime(seconds)
    case .ipv4:
      try reject("length", value.length, .notEqual, 4)
      let address = try value.ipv4(at: 0)
      if writesFields { fields.write("address", address) }
      writeHost(address)
    case .ipv6:
      try reject("length", value.length, .notEqual, 16)
      let address = try value.ipv6(at: 0)
      if writesFields { fields.write("address", address) }
      writeHost(address)
    case .custom(let print): try print(value, &self)
    }
  }

  /// A value that is a four-byte number.
  package mutating func number(_ value: PacketBytes) throws(DecodeError) -> UInt32 {
    try reject("length", value.length, .notEqual, 4)
    return try value.u32(at: 0)
  }

  /// Text up to the end of the value or, with `endsAtNUL`, up to the first NUL. Any byte that is not printable ASCII becomes a dot.
  package mutating func writePrintable(_ value: PacketBytes, endsAtNUL: Bool = false) throws(DecodeError) {
    for index in 0..<value.length {
      let octet = try value.u8(at: index)
      if endsAtNUL, octet == 0 { return }
      out.write(byte: (0x20...0x7e).contains(octet) ? octet : UInt8(ascii: "."))
    }
  }

  /// `05 secs`, `01:05 min` or `02:01:05 hours`.
  private mutating func writeClockTime(_ seconds: UInt32) {
    if seconds >= 3600 {
      out.write(decimal: seconds / 3600, width: 2)
      out.write(":")
    }
    if seconds >= 60 {
      out.write(decimal: seconds / 60 % 60, width: 2)
      out.write(":")
    }
    out.write(decimal: seconds % 60, width: 2)
    out.write(seconds < 60 ? " secs" : seconds < 3600 ? " min" : " hours")
  }
}
