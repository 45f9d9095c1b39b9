/// What a fuzzer gives: octets that are taken from the front, zeros where there are none left.
struct FuzzInput {
  /// What was not taken yet.
  private(set) var rest: ArraySlice<UInt8>

  init(_ octets: [UInt8]) { rest = octets[...] }

  mutating func octet() -> UInt8 { rest.popFirst() ?? 0 }

  /// Two octets, the more significant first.
  mutating func word() -> UInt16 { UInt16(octet()) << 8 | UInt16(octet()) }

  /// So many octets, or those that are left.
  mutating func octets(_ count: Int) -> [UInt8] {
    let octets = rest.prefix(count)
    rest = rest.dropFirst(count)
    return Array(octets)
  }

  /// The octets in front of the next zero octet, which is taken as well, or all that are left.
  mutating func field() -> [UInt8] {
    let octets = rest.prefix { $0 != 0 }
    rest = rest.dropFirst(octets.count + 1)
    return Array(octets)
  }

  /// One of a list that is not empty.
  mutating func pick<Element>(_ list: [Element]) -> Element { list[Int(octet()) % list.count] }
}
