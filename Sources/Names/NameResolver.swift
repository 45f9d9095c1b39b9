public import PacketCore

/// A protocol whose ports have names; the raw value is its IP protocol number.
public enum Transport: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  case tcp = 6
  case udp = 17
  case dccp = 33
  case sctp = 132
}

/// Where a filter's names become numbers. No name is an error here: what is unknown gives nothing.
public protocol NameResolver: Sendable {
  /// The IPv4 addresses of a host, in the order of their source, each once. Case makes no difference.
  func ipv4Addresses(ofHost name: String) -> [IPv4Address]
  /// The IPv6 addresses of a host, in the order of their source, each once. Case makes no difference.
  func ipv6Addresses(ofHost name: String) -> [IPv6Address]
  /// The Ethernet address of a host. Case makes no difference.
  func macAddress(ofHost name: String) -> MACAddress?
  /// The number of an IPv4 network, octets that its source leaves out at the end being 0. Case makes no difference.
  func ipv4Network(named name: String) -> IPv4Address?
  /// The port of a service over one transport.
  func port(ofService name: String, over transport: Transport) -> UInt16?
  /// The number of an Internet protocol. The databases know some above 255, which stands in no IP header.
  func protocolNumber(named name: String) -> UInt32?
  /// The names that are known without asking anybody, for the one that a misspelt name was meant to be.
  func knownNames(of kind: NameKind) -> Set<String>
  /// Why nothing is known of a host, for a message; nil if there is nothing to say.
  func reasonForUnknownHost(_ name: String) -> String?
}

/// What has names.
public enum NameKind: Sendable {
  case host, network, service, `protocol`
}

extension NameResolver {
  public func knownNames(of kind: NameKind) -> Set<String> { [] }
  public func reasonForUnknownHost(_ name: String) -> String? { nil }
}
