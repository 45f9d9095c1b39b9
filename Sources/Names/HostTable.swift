import PacketCore

/// /etc/hosts: each line has an address and the names of its host (hosts(5)).
final class HostTable: Sendable {
  let ipv4Addresses: [String: [IPv4Address]]
  let ipv6Addresses: [String: [IPv6Address]]
  /// The first name on the first line with an address.
  let ipv4Names: NumberTable<UInt32>
  let ipv6Names: NumberTable<UInt128>

  init(path: String) {
    var ipv4Addresses: [String: [IPv4Address]] = [:]
    var ipv6Addresses: [String: [IPv6Address]] = [:]
    var ipv4Names = NumberTable<UInt32>()
    var ipv6Names = NumberTable<UInt128>()
    NameFile(path: path)?.forEachLine { fields in
      let names = fields.dropFirst().compactMap(\.name)
      guard let first = names.first else { return }
      if let address = IPv4Address(text: fields[0].octets) {
        ipv4Names.add(first, for: address.rawValue)
        for name in names { ipv4Addresses[name.lowercased(), default: []].appendNew(address) }
      } else if let address = IPv6Address(text: fields[0].octets) {
        ipv6Names.add(first, for: address.rawValue)
        for name in names { ipv6Addresses[name.lowercased(), default: []].appendNew(address) }
      }
    }
    self.ipv4Addresses = ipv4Addresses
    self.ipv6Addresses = ipv6Addresses
    self.ipv4Names = ipv4Names
    self.ipv6Names = ipv6Names
  }
}

extension Array where Element: Equatable {
  /// Appends an element unless it is already there.
  fileprivate mutating func appendNew(_ element: Element) {
    if !contains(element) { append(element) }
  }
}
