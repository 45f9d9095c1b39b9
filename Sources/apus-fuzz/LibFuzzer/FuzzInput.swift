/// The input from a fuzzer: bytes are taken from the front, and zeros after the end.
struct FuzzInput {
  /// The remaining bytes.
  private(set) var rest: ArraySlice<UInt8>

  init(_ octets: [UInt8]) { rest = octets[...] }

  mutating func octet() -> UInt8 { rest.popFirst() ?? 0 }

  /// Two bytes, most significant first.
  mutating func word() -> UInt16 { UInt16(octet()) << 8 | UInt16(octet()) }

  /// That many bytes, or those that are left.
  mutating func octets(_ count: Int) -> [UInt8] {
    let octets = rest.prefix(count)
    rest = rest.dropFirst(count)
    return Array(octets)
  }

  /// The bytes up to the next zero byte, which is skipped, or all that are left.
  mutating func field() -> [UInt8] {
    let octets = rest.prefix { $0 != 0 }
    rest = rest.dropFirst(octets.count + 1)
    return Array(octets)
  }

  /// An element of a non-empty list.
  mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(octet()) % list.count] }
}
