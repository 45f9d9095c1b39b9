public import PacketCore

/// A protocol whose ports have names; the raw value is its IP protocol number.
public enum Transport: UInt8, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  case tcp = 6
  case udp = 17
  case dccp = 33
  case sctp = 132
}

/// Resolves the names in a filter to numbers. An unknown name is not an error here: the result is empty.
public protocol NameResolver: Sendable {
  /// The IPv4 addresses of a host, in the order of their source, without duplicates. Case is ignored.
  func ipv4Addresses(ofHost name: String) -> [IPv4Address]
  /// The IPv6 addresses of a host, in the order of their source, without duplicates. Case is ignored.
  func ipv6Addresses(ofHost name: String) -> [IPv6Address]
  /// The Ethernet address of a host. Case is ignored.
  func macAddress(ofHost name: String) -> MACAddress?
  /// The number of an IPv4 network; trailing bytes that its source omits are 0. Case is ignored.
  func ipv4Network(named name: String) -> IPv4Address?
  /// The port of a service over one transport.
  func port(ofService name: String, over transport: Transport) -> UInt16?
  /// The number of an Internet protocol. The databases have some above 255, which cannot occur in an IP header.
  func protocolNumber(named name: String) -> UInt32?
  /// The names that are known without a query, to suggest one for a misspelt name.
  func knownNames(of kind: NameKind) -> Set<String>
  /// Why a host could not be resolved, for a message; nil if there is nothing to report.
  func reasonForUnknownHost(_ name: String) -> String?
}

/// The kinds of things with names.
public enum NameKind: Sendable {
  case host, network, service, `protocol`
}

extension NameResolver {
  public func knownNames(of kind: NameKind) -> Set<String> { [] }
  public func reasonForUnknownHost(_ name: String) -> String? { nil }
}
