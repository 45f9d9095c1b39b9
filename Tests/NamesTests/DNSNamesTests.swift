import Names
import PacketCore
import TestSupport
import Synchronization
import Testing

@Suite struct DNSNamesTests {
  /// Resolves only one host.
  private struct OneHost: NameResolver {
    func ipv4Addresses(ofHost name: String) -> [IPv4Address] { name == "here" ? ["192.0.2.1"] : [] }
    func ipv6Addresses(ofHost name: String) -> [IPv6Address] { [] }
    func macAddress(ofHost name: String) -> MACAddress? { "02:00:00:00:00:01" }
    func ipv4Network(named name: String) -> IPv4Address? { "10.0.0.0" }
    func port(ofService name: String, over transport: Transport) -> UInt16? { 80 }
    func protocolNumber(named name: String) -> UInt32? { 6 }
  }

  /// Each result is kept, since there may be no network any more when a filter is compiled again.
  @Test func eachNameIsAskedForOnce() {
    let asked = Mutex<[String]>([])
    let names = DNSNames(local: OneHost()) { host, length in
      asked.withLock { $0.append("\(host) \(length)") }
      return length == 4 && host == "found" ? .addresses([[1, 2, 3, 4]]) : .failure("no such host")
    }
    for _ in 0..<3 {
      #expect(names.ipv4Addresses(ofHost: "found") == [IPv4Address(rawValue: 0x0102_0304)])
      #expect(names.ipv6Addresses(ofHost: "found").isEmpty && names.ipv4Addresses(ofHost: "lost").isEmpty)
    }
    #expect(asked.withLock { $0.sorted() } == ["found 16", "found 4", "lost 4"])
  }

  @Test func whatIsKnownLocallyIsNotAskedFor() {
    let names = DNSNames(local: OneHost()) { _, _ in .addresses([[9, 9, 9, 9]]) }
    #expect(names.ipv4Addresses(ofHost: "here") == ["192.0.2.1"])
    #expect(names.ipv6Addresses(ofHost: "here").isEmpty)
    #expect(names.macAddress(ofHost: "x") == "02:00:00:00:00:01")
    #expect(names.ipv4Network(named: "x") == "10.0.0.0")
    #expect(names.port(ofService: "x", over: .tcp) == 80)
    #expect(names.protocolNumber(named: "x") == 6)
  }

  @Test func otherHostsAreAskedFor() {
    let names = DNSNames(local: OneHost()) { host, length in
      guard host == "there" else { return .failure("no such host") }
      return length == 4
        ? .addresses([[192, 0, 2, 2], [192, 0, 2, 3], [192, 0, 2, 2]])
        : .addresses([[0x20, 1, 0xd, 0xb8] + Array(repeating: 0, count: 11) + [7]])
    }
    #expect(names.ipv4Addresses(ofHost: "there") == ["192.0.2.2", "192.0.2.3"])
    #expect(names.ipv6Addresses(ofHost: "there") == ["2001:db8::7"])
    #expect(names.ipv4Addresses(ofHost: "nowhere").isEmpty)
  }

  @Test func reasonIsTheAnswerOfTheResolver() {
    let names = DNSNames(local: OneHost()) { _, _ in .failure("no such host") }
    #expect(names.ipv4Addresses(ofHost: "nowhere").isEmpty)
    #expect(names.reasonForUnknownHost("nowhere") == "DNS answered: no such host")
    #expect(LocalNames().reasonForUnknownHost("nowhere")?.contains("--dns") == true)
  }

  /// The resolver also accepts numeric addresses, without a query.
  @Test func resolverIsAsked() {
    #expect(DNSNames.askResolver("192.0.2.9", 4) == .addresses([[192, 0, 2, 9]]))
    let address: [UInt8] = [0x20, 1, 0xd, 0xb8] + Array(repeating: 0, count: 11) + [9]
    #expect(DNSNames.askResolver("2001:db8::9", 16) == .addresses([address]))
    guard case .failure(let reason) = DNSNames.askResolver("192.0.2.9", 16) else {
      Issue.record("an IPv4 address has no IPv6 address")
      return
    }
    #expect(!reason.isEmpty)
  }
}
