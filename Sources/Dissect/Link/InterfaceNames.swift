#if canImport(Glibc)
  import Glibc
#endif

/// The names of this machine's network interfaces by their index; each is looked up once.
final class InterfaceNames {
  private var names: [UInt32: String] = [:]
  /// The maximum number of names that are cached: a file can contain any number of indexes.
  private static let limit = 1024

  /// The interface's name; `?` if this machine has no interface with that index.
  func name(of index: UInt32) -> String {
    if let known = names[index] { return known }
    let name = Self.ask(index) ?? "?"
    if names.count < Self.limit { names[index] = name }
    return name
  }

  private static func ask(_ index: UInt32) -> String? {
    var octets = [CChar](repeating: 0, count: Int(IF_NAMESIZE))
    // Safe: if_indextoname() writes at most IF_NAMESIZE bytes, the closing zero included.
    guard unsafe if_indextoname(index, &octets) != nil else { return nil }
    return String(decoding: octets.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
