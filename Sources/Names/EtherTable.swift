import PacketCore

/// /etc/ethers: each line has an Ethernet address and the name of its host (ethers(5)).
final class EtherTable: Sendable {
  let addresses: [String: MACAddress]
  /// The name on the first line with an address.
  let names: NumberTable<UInt64>

  init(path: String) {
    var addresses: [String: MACAddress] = [:]
    var names = NumberTable<UInt64>()
    NameFile(path: path)?.forEachLine { fields in
      guard fields.count >= 2, let address = MACAddress(text: fields[0].octets), let name = fields[1].name else {
        return
      }
      names.add(name, for: address.rawValue)
      if addresses[name.lowercased()] == nil { addresses[name.lowercased()] = address }
    }
    self.addresses = addresses
    self.names = names
  }
}
