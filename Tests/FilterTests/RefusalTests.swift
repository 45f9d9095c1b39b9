import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// Refusals that depend on the link type, and on the preceding terms of the expression.
@Suite struct RefusalTests {
  struct Refusal: Sendable, CustomTestStringConvertible {
    let linkType: LinkType
    let expression: String
    let message: String

    init(_ linkType: LinkType, _ expression: String, _ message: String) {
      self.linkType = linkType
      self.expression = expression
      self.message = message
    }

    var testDescription: String { "\(linkType.name ?? "?") \(expression)" }
  }

  @Test(arguments: [
    Refusal(.ethernet, "ip6 net fe80::/129", "mask length must be <= 128"),
    Refusal(.ethernet, "net 10.0.0.0/33", "netmask length 33 greater than maximum 32"),
    Refusal(.ciscoHDLC, "link proto 65536", "HDLC protocol 65536 greater than maximum 65535"),
    Refusal(.linuxSLL2, "link proto 65536", "EtherType 65536 greater than maximum 65535"),
    Refusal(
      .ethernet, "ether",
      "'link' cannot be used as an abbreviation: 'src', 'dst', 'host', 'proto' or '[' must follow it"),
    Refusal(
      .radiotap, "radio and ip",
      "'radio' cannot be used as an abbreviation: 'src', 'dst', 'host', 'proto' or '[' must follow it"),
    Refusal(.bacnetMSTP, "link proto 1", "link-layer type filtering not implemented for DLT_BACNET_MS_TP"),
    Refusal(.bacnetMSTP, "udp", "link-layer type filtering not implemented for DLT_BACNET_MS_TP"),
    Refusal(.ethernet, "decnet net 10.0.0.0", "'decnet' is not a valid qualifier for 'net'"),
    Refusal(.ethernet, "decnet net 10", "'decnet' is not a valid qualifier for 'net'"),
    Refusal(.ethernet, "decnet net loopback", "'decnet' is not a valid qualifier for 'net'"),
    Refusal(.ethernet, "decnet gateway 1", "'decnet' is not a valid qualifier for 'gateway'"),
    Refusal(.ethernet, "decnet proto nosuchprotocol", "'decnet' is not a valid qualifier for 'proto'"),
    // After an encapsulation the link type is that of the inner packet.
    Refusal(.ethernet, "pppoes and vlan", "'vlan' not supported on DLT_PPP"),
    Refusal(.ethernet, "pppoes and llc", "'llc' not supported on DLT_PPP"),
    Refusal(.ethernet, "pppoes and broadcast", "'broadcast' not supported on DLT_PPP"),
    Refusal(.ethernet, "pppoes and gateway foo", "'gateway' not supported on DLT_PPP"),
    Refusal(.ethernet, "pppoes and type data", "'type/subtype' not supported on DLT_PPP"),
    Refusal(.ethernet, "pppoes and link proto 65536", "PPP protocol 65536 greater than maximum 65535"),
    Refusal(.ieee80211, "vxlan and dir tods", "'dir' not supported on DLT_EN10MB"),
    Refusal(.sunATM, "lane and type data", "'type/subtype' not supported on DLT_EN10MB"),
  ])
  func message(_ refusal: Refusal) {
    let options = CompileOptions(linkType: refusal.linkType)
    let error = #expect(throws: FilterError.self) { try FilterCompiler.compile(refusal.expression, options) }
    #expect(error?.message == refusal.message)
  }

  /// Expressions that used to be refused because of the outer link type, which no longer applies after the encapsulation.
  @Test(arguments: [
    (LinkType.pppSerial, "pppoes and mpls 5"), (.sunATM, "lane and vlan 5"), (.sunATM, "lane and mpls"),
    (.netAnalyzer, "vxlan and llc"), (.ppi, "geneve and vlan"),
  ])
  func takenBehindAnEncapsulation(_ linkType: LinkType, _ expression: String) throws {
    _ = try FilterCompiler.compile(expression, CompileOptions(linkType: linkType))
  }
}
