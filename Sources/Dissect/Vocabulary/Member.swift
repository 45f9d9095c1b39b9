package import PacketCore

/// How a number is written in the text.
@usableFromInline
package enum NumberForm: Sendable {
  case decimal
  /// In this many hexadecimal digits, or more if needed, without a prefix.
  case hex(Int)
  /// By its name, which also becomes the member `key`.
  case named(ValueNames, key: StaticString? = nil, unknown: UnknownName)
}

/// Writes a title and a value, in the text only.
extension Printer {
  /// `title` and a number.
  @inlinable @inline(__always)
  package mutating func write(_ title: StaticString, _ number: some FixedWidthInteger & UnsignedInteger) {
    write(title, decimal: UInt64(truncatingIfNeeded: number))
  }

  /// `title` and a number in its form.
  @inlinable @inline(__always)
  package mutating func write(
    _ title: StaticString, _ number: some FixedWidthInteger & UnsignedInteger, as form: NumberForm
  ) {
    switch form {
    case .decimal: write(title, decimal: UInt64(truncatingIfNeeded: number))
    case .hex(let digits): write(title, hex: UInt64(truncatingIfNeeded: number), digits)
    case .named(let names, _, let unknown): write(title, names, UInt64(truncatingIfNeeded: number), unknown)
    }
  }

  /// `title` and a number of bytes or elements.
  package mutating func write(_ title: StaticString, _ number: Int) {
    out.write(title)
    out.write(decimal: number)
  }

  @usableFromInline
  mutating func write(_ title: StaticString, decimal number: UInt64) {
    out.write(title)
    out.write(decimal: number)
  }

  @usableFromInline
  mutating func write(_ title: StaticString, _ names: ValueNames, _ number: UInt64, _ unknown: UnknownName) {
    out.write(title)
    write(names, of: number, unknown)
  }

  @usableFromInline
  mutating func write(_ title: StaticString, hex number: UInt64, _ digits: Int) {
    out.write(title)
    out.write(hex: number, width: digits)
  }

  /// `title` and an address, or the name of its host.
  package mutating func write(_ title: StaticString, _ address: IPv4Address) {
    out.write(title)
    writeHost(address)
  }

  package mutating func write(_ title: StaticString, _ address: IPv6Address) {
    out.write(title)
    writeHost(address)
  }
}

/// Writes a value into the text and into structured output in one statement. The member is written first, so that it is there even if the
/// text throws on truncated bytes.
extension Printer {
  /// `title` and a number in the text, and the number as a member `key`.
  @inlinable @inline(__always)
  package mutating func write(
    _ title: StaticString, _ key: StaticString, _ number: some FixedWidthInteger & UnsignedInteger,
    as form: NumberForm = .decimal
  ) {
    if writesFields { record(key, UInt64(truncatingIfNeeded: number), form) }
    write(title, number, as: form)
  }

  @usableFromInline
  mutating func record(_ key: StaticString, _ number: UInt64, _ form: NumberForm) {
    fields.write(key, number)
    if case .named(let names, let nameKey?, _) = form, let name = names[number] { fields.write(nameKey, name) }
  }

  /// `title` and a number of bytes or elements in the text, and the number as a member `key`.
  package mutating func write(_ title: StaticString, _ key: StaticString, _ number: Int) {
    if writesFields { fields.write(key, number) }
    out.write(title)
    out.write(decimal: number)
  }

  /// `title` and an address, or the name of its host, in the text, and the address as a member `key`.
  package mutating func write(_ title: StaticString, _ key: StaticString, _ address: IPv4Address) {
    if writesFields { fields.write(key, address) }
    write(title, address)
  }

  package mutating func write(_ title: StaticString, _ key: StaticString, _ address: IPv6Address) {
    if writesFields { fields.write(key, address) }
    write(title, address)
  }

  /// `title` and a MAC address in the text, and the address as a member `key`.
  package mutating func write(_ title: StaticString, _ key: StaticString, _ address: MACAddress) {
    if writesFields { fields.write(key, address) }
    out.write(title)
    out.write(address)
  }

  /// `title` and bytes in hexadecimal, and the bytes as a member `key`.
  package mutating func write(_ title: StaticString, _ key: StaticString, hex bytes: PacketBytes) {
    if writesFields { fields.write(key, hex: bytes) }
    out.write(title)
    out.write(hexOf: bytes.rawSpan)
  }

  /// `title` and text from the wire, escaped, and the text as a member `key`. Throws `.truncated` after the captured part.
  package mutating func write(_ title: StaticString, _ key: StaticString, text: PacketBytes) throws(DecodeError) {
    if writesFields { fields.write(key, text: text) }
    out.write(title)
    try writeText(text, length: text.length)
  }
}

/// Elements of arrays, in the text and in structured output.
extension Printer {
  /// An address or the name of its host, as an element of the array that is open.
  package mutating func writeElement(_ title: StaticString, _ address: IPv4Address) {
    if writesFields { fields.element(address) }
    write(title, address)
  }

  package mutating func writeElement(_ title: StaticString, _ address: IPv6Address) {
    if writesFields { fields.element(address) }
    write(title, address)
  }

  /// A number in its form, as an element of the array that is open.
  @inlinable @inline(__always)
  package mutating func writeElement(
    _ title: StaticString, _ number: some FixedWidthInteger & UnsignedInteger, as form: NumberForm = .decimal
  ) {
    if writesFields { recordElement(UInt64(truncatingIfNeeded: number)) }
    write(title, number, as: form)
  }

  @usableFromInline
  mutating func recordElement(_ number: UInt64) { fields.element(number) }
}
