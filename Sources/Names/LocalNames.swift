public import PacketCore
import Synchronization

/// The names that the files of this machine hold. Nothing is asked of the network.
///
/// Each file is read when the first of its names is asked for, and once. A line that cannot be understood is passed over. Where
/// there is no file of services or protocols, as in small containers, a short table of the usual ones stands in for it.
public struct LocalNames: NameResolver {
  /// Where the files are.
  public struct Paths: Hashable, Sendable {
    public var hosts = "/etc/hosts"
    public var ethers = "/etc/ethers"
    public var networks = "/etc/networks"
    public var services = "/etc/services"
    public var protocols = "/etc/protocols"

    public init() {}
  }

  private final class Storage: Sendable {
    let paths: Paths
    let hosts = AtomicLazyReference<HostTable>()
    let ethers = AtomicLazyReference<EtherTable>()
    let networks = AtomicLazyReference<NetworkTable>()
    let services = AtomicLazyReference<ServiceTable>()
    let protocols = AtomicLazyReference<ProtocolTable>()

    init(paths: Paths) { self.paths = paths }
  }

  private let storage: Storage

  public init(paths: Paths = Paths()) { storage = Storage(paths: paths) }

  private var hosts: HostTable {
    storage.hosts.load() ?? storage.hosts.storeIfNil(HostTable(NameFile(path: storage.paths.hosts)))
  }
  private var ethers: EtherTable {
    storage.ethers.load() ?? storage.ethers.storeIfNil(EtherTable(NameFile(path: storage.paths.ethers)))
  }
  private var networks: NetworkTable {
    storage.networks.load() ?? storage.networks.storeIfNil(NetworkTable(NameFile(path: storage.paths.networks)))
  }
  private var services: ServiceTable {
    storage.services.load()
      ?? storage.services.storeIfNil(ServiceTable(NameFile(path: storage.paths.services) ?? .usualServices))
  }
  private var protocols: ProtocolTable {
    storage.protocols.load()
      ?? storage.protocols.storeIfNil(ProtocolTable(NameFile(path: storage.paths.protocols) ?? .usualProtocols))
  }

  // MARK: From names to numbers

  public func ipv4Addresses(ofHost name: String) -> [IPv4Address] { hosts.ipv4Addresses[name.lowercased()] ?? [] }
  public func ipv6Addresses(ofHost name: String) -> [IPv6Address] { hosts.ipv6Addresses[name.lowercased()] ?? [] }
  public func macAddress(ofHost name: String) -> MACAddress? { ethers.addresses[name.lowercased()] }
  public func ipv4Network(named name: String) -> IPv4Address? { networks.numbers[name.lowercased()] }
  public func port(ofService name: String, over transport: Transport) -> UInt16? {
    services.ports[ServiceTable.Service(name: name, transport: transport)]
  }
  public func protocolNumber(named name: String) -> UInt32? { protocols.numbers[name] }

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
