public import PacketCore

/// The names in the files of a machine, without using the network.
///
/// Malformed lines are skipped. If there is no file of services or protocols, as in small containers, a short built-in table of the common
/// ones is used instead.
public struct LocalNames: NameResolver {
  /// The paths of the files.
  public struct Paths: Hashable, Sendable {
    public var hosts = "/etc/hosts"
    public var ethers = "/etc/ethers"
    public var networks = "/etc/networks"
    public var services = "/etc/services"
    public var protocols = "/etc/protocols"

    public init() {}
  }

  private struct Tables: Sendable {
    let hosts: HostTable
    let ethers: EtherTable
    let networks: NetworkTable
    let services: ServiceTable
    let protocols: ProtocolTable
  }

  /// The tables of explicitly given files; nil for the machine's own.
  private let named: Tables?

  /// The names of this machine. Each file is read once per process, when it is first needed.
  public init() { named = nil }

  /// The names in other files, which are read immediately.
  public init(paths: Paths) {
    named = Tables(
      hosts: HostTable(path: paths.hosts), ethers: EtherTable(path: paths.ethers),
      networks: NetworkTable(path: paths.networks), services: ServiceTable(path: paths.services),
      protocols: ProtocolTable(path: paths.protocols))
  }

  private static let hosts = HostTable(path: Paths().hosts)
  private static let ethers = EtherTable(path: Paths().ethers)
  private static let networks = NetworkTable(path: Paths().networks)
  private static let services = ServiceTable(path: Paths().services)
  private static let protocols = ProtocolTable(path: Paths().protocols)

  private var hosts: HostTable { named?.hosts ?? Self.hosts }
  private var ethers: EtherTable { named?.ethers ?? Self.ethers }
  private var networks: NetworkTable { named?.networks ?? Self.networks }
  private var services: ServiceTable { named?.services ?? Self.services }
  private var protocols: ProtocolTable { named?.protocols ?? Self.protocols }

  // MARK: From names to numbers

  public func ipv4Addresses(ofHost name: String) -> [IPv4Address] { hosts.ipv4Addresses[name.lowercased()] ?? [] }
  public func ipv6Addresses(ofHost name: String) -> [IPv6Address] { hosts.ipv6Addresses[name.lowercased()] ?? [] }
  public func macAddress(ofHost name: String) -> MACAddress? { ethers.addresses[name.lowercased()] }
  public func ipv4Network(named name: String) -> IPv4Address? { networks.numbers[name.lowercased()] }
  public func port(ofService name: String, over transport: Transport) -> UInt16? {
    services.ports[ServiceTable.Service(name: name, transport: transport)]
  }
  public func protocolNumber(named name: String) -> UInt32? { protocols.numbers[name] }

  public func knownNames(of kind: NameKind) -> Set<String> {
    switch kind {
    case .host: Set(hosts.ipv4Addresses.keys).union(hosts.ipv6Addresses.keys)
    case .network: Set(networks.numbers.keys)
    case .service: Set(services.ports.keys.map(\.name))
    case .protocol: Set(protocols.numbers.keys)
    }
  }

  public func reasonForUnknownHost(_ name: String) -> String? { "names are looked up in DNS only with --dns" }

  // MARK: From numbers to names

  /// The first name that /etc/hosts has for the address.
  public func hostName(of address: IPv4Address) -> String? { hosts.ipv4Names[address.rawValue] }
  /// The first name that /etc/hosts has for the address.
  public func hostName(of address: IPv6Address) -> String? { hosts.ipv6Names[address.rawValue] }
  /// The first name that /etc/ethers has for the address.
  public func etherName(of address: MACAddress) -> String? { ethers.names[address.rawValue] }
  /// The first name that /etc/services has for the port.
  public func serviceName(port: UInt16, over transport: Transport) -> String? {
    services.names[ServiceTable.key(port: port, transport: transport)]
  }
  /// The first name that /etc/protocols has for the number.
  public func protocolName(_ number: UInt8) -> String? { protocols.names[UInt32(number)] }
}
