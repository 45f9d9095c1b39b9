import PacketCore

/// /etc/networks: each line has the name of an IPv4 network, its number and other names (networks(5)).
final class NetworkTable: Sendable {
  let numbers: [String: IPv4Address]

  init(path: String) {
    var numbers: [String: IPv4Address] = [:]
    NameFile(path: path)?.forEachLine { fields in
      guard fields.count >= 2, let number = Self.number(fields[1].octets) else { return }
      for field in [fields[0]] + fields[2...] {
        guard let name = field.name?.lowercased(), numbers[name] == nil else { continue }
        numbers[name] = number
      }
    }
    self.numbers = numbers
  }

  /// Parses one to four decimal bytes separated by dots; omitted trailing ones are 0.
  private static func number(_ octets: ArraySlice<UInt8>) -> IPv4Address? {
    let parts = octets.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count <= 4 else { return nil }
    var number: UInt32 = 0
    for (index, part) in parts.enumerated() {
      guard let octet = Field(octets: part).number(as: UInt8.self) else { return nil }
      number |= UInt32(octet) << UInt32(24 - 8 * index)
    }
    return IPv4Address(rawValue: number)
  }
}
