import BPF
import Names
import PacketCore
import TestSupport
import Testing

@testable import Filter

@Suite struct NameTests {
  /// Names that exist on no real machine.
  private struct Names: NameResolver {
    func ipv4Addresses(ofHost name: String) -> [IPv4Address] {
      switch name {
      case "one", "port": ["192.0.2.1"]
      case "many": ["192.0.2.3", "192.0.2.2"]
      default: []
      }
    }

    func ipv6Addresses(ofHost name: String) -> [IPv6Address] {
      switch name {
      case "many": ["2001:db8::1"]
      case "six": ["2001:db8::2", "2001:db8::3"]
      default: []
      }
    }

    func macAddress(ofHost name: String) -> MACAddress? {
      ["one": "02:00:00:00:00:01", "six": "02:00:00:00:00:06", "unplugged": "02:00:00:00:00:09"][name]
    }

    func ipv4Network(named name: String) -> IPv4Address? {
      ["ten": "10.0.0.0", "lab": "10.1.0.0", "site": "192.168.5.0", "exact": "10.1.2.3"][name]
    }

    func port(ofService name: String, over transport: Transport) -> UInt16? {
      switch (name, transport) {
      case ("web", .tcp): 80
      case ("dns", .tcp), ("dns", .udp): 53
      case ("log", .udp): 514
      case ("odd", .tcp): 100
      case ("odd", .udp): 200
      case ("signal", .sctp): 2905
      case ("chat-server", .tcp): 6000
      default: nil
      }
    }

    func protocolNumber(named name: String) -> UInt32? { ["thing": 77, "tcp": 6, "wide": 300][name] }
  }

  /// An expression with names, and an equivalent one without.
  struct Pair: Sendable, CustomTestStringConvertible {
    let named: String
    let plain: String

    init(_ named: String, _ plain: String) {
      self.named = named
      self.plain = plain
    }

    var testDescription: String { named }
  }

  @Test(arguments: [
    Pair("host one", "host 192.0.2.1"), Pair("src host one", "src host 192.0.2.1"),
    Pair("ip host one", "ip host 192.0.2.1"),
    Pair("arp dst one", "arp dst 192.0.2.1"), Pair("host \\one", "host 192.0.2.1"),
    Pair("host \\port", "host 192.0.2.1"),
    // Every IPv4 source is tested before any destination.
    Pair("host many", "src host 192.0.2.2 or 192.0.2.3 or dst host 192.0.2.2 or 192.0.2.3 or host 2001:db8::1"),
    Pair("ip host many", "ip src host 192.0.2.2 or 192.0.2.3 or ip dst host 192.0.2.2 or 192.0.2.3"),
    Pair("ip6 src many", "ip6 src 2001:db8::1"), Pair("host six", "host 2001:db8::2 or 2001:db8::3"),
    Pair("not host six", "not (host 2001:db8::2 or 2001:db8::3)"), Pair("host one or many", "host one or host many"),
    Pair("src and dst host one", "src and dst host 192.0.2.1"),
    Pair("ether host one", "ether host 02:00:00:00:00:01"), Pair("ether src six", "ether src 02:00:00:00:00:06"),
    Pair(
      "gateway one",
      "ether host 02:00:00:00:00:01 and (ip and not host 192.0.2.1 or (arp and not host 192.0.2.1) or (rarp and not host 192.0.2.1))"
    ),
    // A network's number is used as it is: its trailing zeros are kept.
    Pair("net ten", "net 10.0.0.0"), Pair("net lab", "net 10.1.0.0"), Pair("src net site", "src net 192.168.5.0"),
    Pair("dst net exact", "dst host 10.1.2.3"), Pair("ip net lab or site", "ip net 10.1.0.0 or 192.168.5.0"),
    // A service name that exists for only one transport implies that transport.
    Pair("port web", "tcp port 80"), Pair("tcp port web", "tcp port 80"), Pair("port log", "udp port 514"),
    Pair("port signal", "sctp port 2905"), Pair("port dns", "port 53"), Pair("udp port dns", "udp port 53"),
    Pair("src port dns", "src port 53"), Pair("udp port odd", "udp port 200"), Pair("tcp port odd", "tcp port 100"),
    Pair("port chat-server", "tcp port 6000"), Pair("port web or dns", "tcp port 80 or port 53"),
    Pair("portrange web-6000", "portrange 80-6000"), Pair("tcp portrange 20-web", "tcp portrange 20-80"),
    Pair("portrange web-chat-server", "portrange 80-6000"), Pair("portrange chat-server-web", "portrange 80-6000"),
    Pair("proto thing", "proto 77"), Pair("ip proto thing", "ip proto 77"), Pair("ip6 proto \\tcp", "ip6 proto 6"),
    Pair("ip protochain \\tcp", "ip protochain 6"),
    // The numbers of link-layer protocols are built in, and do not come from the resolver.
    Pair("ether proto \\arp", "ether proto 0x0806"), Pair("ether proto lldp", "ether proto 0x88cc"),
    Pair("iso proto \\clnp", "iso proto 0x81"), Pair("ether proto loopback", "ether proto 0x9000"),
  ])
  func sameMeaning(_ pair: Pair) throws {
    let options = CompileOptions(linkType: .ethernet, names: Names())
    let named = try FilterCompiler.compile(pair.named, options)
    let plain = try FilterCompiler.compile(pair.plain, options)
    var search = PacketSearch(seed: 1)
    let packets = search.packets(for: named, count: 100) + search.packets(for: plain, count: 100)
    let difference = firstDifference(packets, named.verdicts(packets), plain.verdicts(packets))
    #expect(difference == nil)
    #expect(named.verdicts(packets).contains { $0 != 0 })
  }

  @Test(arguments: [
    Pair("host nobody", "unknown host 'nobody'"), Pair("src or dst host nobody", "unknown host 'nobody'"),
    Pair("ip6 host one", "unknown host 'one' for specified address family"),
    Pair("ip host six", "unknown host 'six' for specified address family"),
    Pair("host web", "unknown host 'web'"), Pair("net nowhere", "unknown network 'nowhere'"),
    Pair("net one", "unknown network 'one'"), Pair("ether host many", "unknown Ethernet-like host 'many'"),
    Pair("gateway many", "unknown Ethernet-like host 'many'"), Pair("gateway unplugged", "unknown host 'unplugged'"),
    Pair("port nothing", "unknown port 'nothing'"), Pair("port one", "unknown port 'one'"),
    Pair("udp port web", "port 'web' is tcp"), Pair("tcp port log", "port 'log' is udp"),
    Pair("sctp port web", "port 'web' is tcp"), Pair("portrange web", "unknown port in range 'web'"),
    Pair("portrange web-nothing", "unknown port in range 'web-nothing'"),
    Pair("portrange web-", "a range is written without blanks, such as '80-90'"),
    Pair("portrange -web", "expected a name, a number or an address"),
    Pair("ip proto nothing", "unknown 'ip proto' value 'nothing'"),
    Pair("proto nothing", "unknown 'proto' value 'nothing'"),
    Pair("proto wide", "protocol number 300 greater than maximum 255"),
    Pair("ether proto thing", "unknown 'link proto' value 'thing'"),
    Pair("iso proto thing", "unknown 'iso proto' value 'thing'"),
  ])
  func unknown(_ pair: Pair) {
    let options = CompileOptions(linkType: .ethernet, names: Names())
    let error = #expect(throws: FilterError.self) { try FilterCompiler.compile(pair.named, options) }
    #expect(error?.message.hasSuffix(pair.plain) == true, "\(error?.message ?? "")")
  }
}
