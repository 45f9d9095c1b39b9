/// /etc/services: each line has the name of a service, its port and transport, and other names (services(5)).
final class ServiceTable: Sendable {
  struct Service: Hashable, Sendable {
    var name: String
    var transport: Transport
  }

  let ports: [Service: UInt16]
  /// The name on the first line with a port; the key is `key(port:transport:)`.
  let names: NumberTable<UInt32>

  static func key(port: UInt16, transport: Transport) -> UInt32 { UInt32(transport.rawValue) << 16 | UInt32(port) }

  init(path: String) {
    var ports: [Service: UInt16] = [:]
    var names = NumberTable<UInt32>()
    let file = NameFile(path: path) ?? .builtinServices
    file.forEachLine { fields in
      guard fields.count >= 2, let name = fields[0].name else { return }
      let parts = fields[1].octets.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      guard parts.count == 2, let port = Field(octets: parts[0]).number(as: UInt16.self),
        let transport = Transport(name: parts[1])
      else { return }
      names.add(name, for: Self.key(port: port, transport: transport))
      for name in [name] + fields[2...].compactMap(\.name) {
        let service = Service(name: name, transport: transport)
        if ports[service] == nil { ports[service] = port }
      }
    }
    self.ports = ports
    self.names = names
  }
}

extension Transport {
  fileprivate init?(name: ArraySlice<UInt8>) {
    switch String(decoding: name, as: UTF8.self) {
    case "tcp": self = .tcp
    case "udp": self = .udp
    case "dccp": self = .dccp
    case "sctp": self = .sctp
    default: return nil
    }
  }
}
