#if canImport(Glibc)
  import Glibc
#endif
public import PacketCore
import Synchronization

/// The names in the machine's files and, for hosts that are in none of them, the answers of the system's resolver, which may query the
/// network (DNS).
public struct DNSNames: NameResolver {
  /// A resolver's answer about a host.
  public enum Answer: Hashable, Sendable {
    /// Four or sixteen bytes for each address, in network byte order.
    case addresses([[UInt8]])
    /// No address; the reason, in the resolver's words.
    case failure(String)
  }

  /// Resolves the addresses of a host that have `length` bytes.
  public typealias Resolve = @Sendable (_ host: String, _ length: Int) -> Answer

  private let local: any NameResolver
  private let resolve: Resolve
  private let answers = Answers()

  /// Looks names up with `local` first, then with `resolve`; by default in the machine's files and with getaddrinfo(3).
  public init(local: any NameResolver = LocalNames(), resolve: @escaping Resolve = DNSNames.askResolver) {
    self.local = local
    self.resolve = resolve
  }

  public func ipv4Addresses(ofHost name: String) -> [IPv4Address] {
    let known = local.ipv4Addresses(ofHost: name)
    if !known.isEmpty || !local.ipv6Addresses(ofHost: name).isEmpty { return known }
    return unique(ask(name, 4).map { IPv4Address(rawValue: $0.reduce(0) { $0 << 8 | UInt32($1) }) })
  }

  public func ipv6Addresses(ofHost name: String) -> [IPv6Address] {
    let known = local.ipv6Addresses(ofHost: name)
    if !known.isEmpty || !local.ipv4Addresses(ofHost: name).isEmpty { return known }
    return unique(ask(name, 16).map { IPv6Address(rawValue: $0.reduce(0) { $0 << 8 | UInt128($1) }) })
  }

  public func macAddress(ofHost name: String) -> MACAddress? { local.macAddress(ofHost: name) }
  public func ipv4Network(named name: String) -> IPv4Address? { local.ipv4Network(named: name) }
  public func port(ofService name: String, over transport: Transport) -> UInt16? {
    local.port(ofService: name, over: transport)
  }
  public func protocolNumber(named name: String) -> UInt32? { local.protocolNumber(named: name) }

  public func knownNames(of kind: NameKind) -> Set<String> { local.knownNames(of: kind) }

  public func reasonForUnknownHost(_ name: String) -> String? {
    guard case .failure(let reason) = answer(name, 4) else { return nil }
    return "DNS answered: \(reason)"
  }

  private func ask(_ name: String, _ length: Int) -> [[UInt8]] {
    if case .addresses(let addresses) = answer(name, length) { addresses } else { [] }
  }

  /// The answer of `resolve`, which is called once for each name: a filter that is compiled again for another link type refers to the same
  /// hosts, even if no queries are possible any more.
  private func answer(_ name: String, _ length: Int) -> Answer {
    answers.known.withLock { known in
      if let answer = known["\(length) \(name)"] { return answer }
      let answer = resolve(name, length)
      known["\(length) \(name)"] = answer
      return answer
    }
  }

  private final class Answers: Sendable {
    /// By length of the address and name.
    let known = Mutex<[String: Answer]>([:])
  }

  private func unique<Address: Equatable>(_ addresses: [Address]) -> [Address] {
    addresses.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The answer of getaddrinfo(3). It may wait for name servers.
  @Sendable public static func askResolver(_ host: String, _ length: Int) -> Answer {
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = length == 4 ? AF_INET : AF_INET6
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    // Safe: the list belongs to this call until freeaddrinfo().
    let status = unsafe getaddrinfo(host, nil, &hints, &list)
    // Safe: the text is a constant of the C library.
    guard status == 0 else { return .failure(unsafe String(cString: gai_strerror(status))) }
    defer { unsafe freeaddrinfo(list) }
    var found: [[UInt8]] = []
    var entry = unsafe list
    while let current = unsafe entry {
      // The address follows the family and port and, in IPv6, the flow label.
      let offset = length == 4 ? 4 : 8
      if let address = unsafe current.pointee.ai_addr, unsafe Int(current.pointee.ai_addrlen) >= offset + length {
        // Safe: the length was checked just before.
        let octets = unsafe UnsafeRawBufferPointer(start: address, count: offset + length)
        found.append(unsafe Array(octets.dropFirst(offset)))
      }
      unsafe entry = unsafe current.pointee.ai_next
    }
    return .addresses(found)
  }
}
