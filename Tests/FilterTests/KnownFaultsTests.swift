import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// Expressions that libpcap's optimiser gets wrong, or might get wrong, with verdicts worked out by hand, which our programs must return
/// both optimised and not.
@Suite struct KnownFaultsTests {
  /// An expression for Ethernet, packets that it accepts, and packets that it rejects.
  struct Fault: Sendable, CustomTestStringConvertible {
    let expression: String
    var taken: [Frame] = []
    var refused: [Frame] = []

    var testDescription: String { expression }

    var packets: [SavedPacket] { (taken + refused).map { SavedPacket(octets: $0.octets, len: $0.len) } }

    /// Whether each of the packets is accepted.
    var truth: [Bool] { taken.map { _ in true } + refused.map { _ in false } }
  }

  /// The bytes of a packet, and its length on the wire.
  struct Frame: Sendable {
    let octets: [UInt8]
    let len: UInt32

    init(_ builder: PacketBuilder) { self.init(builder.octets) }

    init(_ octets: [UInt8]) {
      self.octets = octets
      len = UInt32(octets.count)
    }

    private init(_ octets: [UInt8], len: UInt32) {
      self.octets = octets
      self.len = len
    }

    /// The frame with only the first bytes captured.
    func cut(_ caplen: Int) -> Frame { Frame(Array(octets.prefix(caplen)), len: len) }
  }

  private static let ethernet = PacketBuilder().ethernet()
  private static let ip = ethernet.ipv4("10.1.1.1", "192.168.5.7")
  private static let syn = Frame(ip.tcp(40000, 80, flags: .syn))
  private static let long = Frame(ip.tcp(40000, 80).payload([UInt8](repeating: 1, count: 200)))
  private static let datagram = Frame(ip.udp(53, 53))
  private static let arp = Frame(ethernet.arp(sender: "10.1.1.1", target: "192.168.5.7"))
  private static let tcp6 = Frame(ethernet.ipv6("2001:db8::1", "fe80::1").tcp(40000, 80))

  /// A packet with this time to live and type of service.
  private static func ip(ttl: UInt8 = 64, tos: UInt8) -> Frame {
    Frame(ethernet.ipv4("10.1.1.1", "192.168.5.7", ttl: ttl, tos: tos).udp(1, 2))
  }

  private static func ports(_ source: UInt16, _ destination: UInt16) -> Frame { Frame(ip.udp(source, destination)) }

  /// A load that fails rejects the packet, whatever else would match it: libpcap drops loads that it considers useless.
  static let failingLoads = [
    Fault(expression: "tcp[100] = 1 or tcp", taken: [long], refused: [syn, datagram, arp, long.cut(134)]),
    Fault(expression: "tcp[100] != 1 or tcp", taken: [long], refused: [syn, datagram, arp]),
    Fault(expression: "not tcp[100] = 1", taken: [datagram, arp], refused: [syn, long]),
    Fault(expression: "not not tcp[100] = 1", taken: [long], refused: [syn, datagram]),
    Fault(expression: "tcp or 1 = 1", taken: [syn, arp, arp.cut(14)], refused: [syn.cut(13), syn.cut(20)]),
    Fault(expression: "ip[1000] = 0 or 1 = 1", taken: [arp], refused: [syn, datagram]),
    Fault(expression: "1 = 1 or ip[1000] = 0", taken: [arp, syn, syn.cut(0)]),
    Fault(expression: "greater 60 or ip[1000] = 1", taken: [long, long.cut(0)], refused: [syn, arp]),
    Fault(expression: "not ip[0] > 255", taken: [syn, arp, arp.cut(14)], refused: [syn.cut(14), arp.cut(13)]),
    Fault(expression: "not (ip and not ip)", taken: [syn, arp, arp.cut(14)], refused: [syn.cut(13)]),
    Fault(expression: "link[4:4] * 0 = 0", taken: [syn, arp.cut(8)], refused: [arp.cut(7)]),
    Fault(expression: "link[20] = link[20]", taken: [syn, arp.cut(21)], refused: [arp.cut(20)]),
    Fault(
      expression: "port 53 or ip", taken: [datagram, datagram.cut(36), ports(1, 2)], refused: [datagram.cut(34), arp]),
    Fault(
      expression: "not port 53", taken: [syn, arp], refused: [datagram, datagram.cut(34), syn.cut(37), tcp6.cut(56)]),
  ]

  /// Masked bits, which libpcap turns into `jset`.
  static let masks = [
    Fault(
      expression: "link[0:4] & 0xffffffff == 0", taken: [Frame([0, 0, 0, 0])],
      refused: [Frame([0, 0, 0, 1]), Frame([0x80, 0, 0, 0]), Frame([0, 0, 0])]),
    Fault(
      expression: "link[0:4] & 0xffffffff != 0", taken: [Frame([0, 0, 0, 1]), Frame([0x80, 0, 0, 0])],
      refused: [Frame([0, 0, 0, 0]), Frame([1, 1, 1])]),
    Fault(expression: "link[0:2] & 0xffff0000 == 0", taken: [Frame([255, 255])], refused: [Frame([0])]),
    Fault(expression: "link[0:2] & 0 != 0", refused: [Frame([255, 255]), Frame([0])]),
    Fault(
      expression: "tcp[13] & 2 != 0 or tcp[13] & 16 != 0", taken: [syn, long],
      refused: [Frame(ip.tcp(1, 2, flags: .rst)), datagram]),
    Fault(
      expression: "tcp[13] & 18 = 18", taken: [Frame(ip.tcp(1, 2, flags: [.syn, .ack]))],
      refused: [syn, long, datagram]),
    Fault(expression: "tcp[13] & 2 = 2 and tcp[13] & 16 = 0", taken: [syn], refused: [long, datagram, tcp6]),
    Fault(expression: "tcp[13] & 2 = 2 and tcp[13] & 2 = 0", refused: [syn, long]),
    Fault(expression: "link[0] | 1 = 0", refused: [Frame([0]), Frame([1])]),
  ]

  /// Words of scratch memory that a later test needs: libpcap loses the stores to them.
  static let tunnels = [
    Fault(
      expression: "vlan and geneve", taken: [Frame(geneve(ethernet.vlan(5)))], refused: [Frame(geneve(ethernet)), syn]),
    Fault(
      expression: "geneve and vlan 5", taken: [Frame(geneve(ethernet).ethernet().vlan(5).ipv4("10.1.1.1", "10.1.1.2"))],
      refused: [Frame(geneve(ethernet.vlan(5)).ethernet().ipv4("10.1.1.1", "10.1.1.2")), Frame(geneve(ethernet))]),
    Fault(
      expression: "vxlan and arp", taken: [Frame(vxlan.ethernet().arp(sender: "10.1.1.1", target: "10.1.1.2"))],
      refused: [Frame(vxlan.ethernet().ipv4("10.1.1.1", "10.1.1.2").udp(1, 2)), arp, syn]),
    Fault(
      expression: "vxlan and not arp", taken: [Frame(vxlan.ethernet().ipv4("10.1.1.1", "10.1.1.2").udp(1, 2))],
      refused: [Frame(vxlan.ethernet().arp(sender: "10.1.1.1", target: "10.1.1.2")), arp, syn]),
    Fault(
      expression: "vxlan 5 and tcp port 80 and ether src 02:00:00:00:00:01",
      taken: [Frame(vxlan.ethernet().ipv4("10.1.1.1", "10.1.1.2").tcp(1, 80))],
      refused: [Frame(vxlan.ethernet().ipv4("10.1.1.1", "10.1.1.2").tcp(1, 81)), Frame(vxlan)]),
    Fault(
      expression: "geneve and tcp port 80 and ip[8] = 64",
      taken: [
        Frame(geneve(ethernet).ethernet().ipv4("10.1.1.1", "10.1.1.2").tcp(1, 80)),
        Frame(geneve(ethernet).ipv4("10.1.1.1", "10.1.1.2").tcp(80, 1)),
      ],
      refused: [Frame(geneve(ethernet).ethernet().ipv4("10.1.1.1", "10.1.1.2", ttl: 63).tcp(1, 80)), syn]),
    Fault(expression: "vxlan 6", refused: [Frame(vxlan), syn]),
    Fault(
      expression: "not vxlan", taken: [syn, arp, Frame(geneve(ethernet))],
      refused: [Frame(vxlan), Frame(vxlan).cut(40)]),
  ]

  private static func geneve(_ link: PacketBuilder) -> PacketBuilder {
    link.ipv4("198.51.100.1", "198.51.100.2", options: [1, 1, 1, 1]).udp(50000, 6081).geneve(5, options: [0, 0, 0, 0])
  }

  private static let vxlan = ethernet.ipv6("2001:db8::1", "2001:db8::2").udp(50000, 4789).vxlan(5)

  /// Ranges and lists, whose comparisons the optimiser merges.
  static let ranges = [
    Fault(
      expression: "portrange 5-10 and portrange 20-30", taken: [ports(7, 25), ports(30, 5), ports(20, 10)],
      refused: [ports(7, 7), ports(25, 25), ports(4, 20), ports(11, 30), ports(10, 31)]),
    Fault(
      expression: "portrange 5-10 or portrange 8-30", taken: [ports(5, 0), ports(0, 30), ports(9, 9)],
      refused: [ports(4, 31), ports(0, 0)]),
    Fault(
      expression: "portrange 5-30 and not portrange 10-20", taken: [ports(5, 30), ports(9, 1), ports(1, 21)],
      refused: [ports(9, 10), ports(4, 31), ports(20, 30)]),
    Fault(
      expression: "src portrange 5-10 and src portrange 20-30", refused: [ports(7, 25), ports(25, 7), ports(10, 20)]),
    Fault(
      expression: "port 80 and port 443", taken: [ports(80, 443), ports(443, 80)],
      refused: [ports(80, 80), ports(1, 443)]),
    Fault(expression: "portrange 0-65535", taken: [ports(0, 0), syn, tcp6], refused: [arp, syn.cut(34)]),
    Fault(expression: "len > 100 and len < 50", refused: [syn, long]),
    Fault(expression: "ip proto 6 and ip[9] != 6", refused: [syn, datagram]),
    Fault(
      expression: "ip[8] >= 64 and ip[8] <= 64", taken: [syn], refused: [ip(ttl: 63, tos: 0), ip(ttl: 65, tos: 0)]),
  ]

  /// Arithmetic that wraps, divides by zero or shifts by too much.
  static let arithmetic = [
    Fault(expression: "len - 1 < 0", refused: [syn, Frame([])]),
    Fault(expression: "len - 100 > 0xffffff00", taken: [syn, syn.cut(0)], refused: [long]),
    Fault(expression: "len - 54 = 0 - 0", taken: [syn], refused: [long]),
    Fault(expression: "-len > 0xffffffc9", taken: [syn, arp], refused: [long, Frame([])]),
    Fault(expression: "len * 0x4000000 = 0xd8000000", taken: [syn], refused: [arp, long]),
    Fault(
      expression: "1 << ip[8] = 0", taken: [syn, ip(ttl: 32, tos: 0)],
      refused: [ip(ttl: 31, tos: 0), ip(ttl: 0, tos: 0)]),
    Fault(expression: "0x80000000 >> ip[8] = 1", taken: [ip(ttl: 31, tos: 0)], refused: [syn, ip(ttl: 63, tos: 0)]),
    Fault(expression: "ip[1] = 0 or 10 / ip[1] = 5", taken: [syn, ip(tos: 2)], refused: [ip(tos: 3), arp]),
    Fault(expression: "10 / ip[1] = 5 or ip[1] = 0", taken: [ip(tos: 2)], refused: [syn, ip(tos: 3), arp]),
    Fault(expression: "not 10 / ip[1] = 5", taken: [ip(tos: 3), arp], refused: [syn, ip(tos: 2)]),
    Fault(expression: "not 10 % ip[1] = 1", taken: [ip(tos: 2), arp], refused: [syn, ip(tos: 3)]),
    Fault(expression: "len / (ip[1] - ip[1]) = 1 or ip", refused: [syn, ip(tos: 1), datagram, arp]),
    Fault(expression: "ip or len / (ip[1] - ip[1]) = 1", taken: [syn, ip(tos: 1)], refused: [arp, tcp6]),
  ]

  /// Offsets that wrap: a sum of offsets wraps, the offset of the load itself does not.
  static let offsets = [
    // The byte before the TCP header is the last of the destination address.
    Fault(expression: "tcp[-1] = 7", taken: [syn, long, syn.cut(34)], refused: [datagram, syn.cut(33)]),
    Fault(expression: "tcp[-1] = 8", refused: [syn, long]),
    Fault(expression: "not tcp[-1] = 7", taken: [datagram, arp], refused: [syn, long]),
    Fault(expression: "ip[-1] = 0", refused: [syn, datagram, arp]),
    Fault(expression: "not ip[-1] = 0", taken: [arp, tcp6], refused: [syn, datagram]),
    Fault(expression: "ip[0xffffffff:4] = 0 or ip", refused: [syn, datagram]),
    Fault(expression: "link[len - 1] >= 0", taken: [syn, Frame([9])], refused: [Frame([]), syn.cut(53)]),
    Fault(
      expression: "link[link[0] + 0xffffffff] = 3", taken: [Frame([2, 3])], refused: [Frame([0, 3]), Frame([3, 3])]),
  ]

  static let all = failingLoads + masks + tunnels + ranges + arithmetic + offsets

  @Test(arguments: all)
  func verdict(_ fault: Fault) {
    for optimize in [false, true] {
      let compiled = Compiled(fault.expression, CompileOptions(linkType: .ethernet, optimize: optimize))
      let verdicts = compiled.verdicts(fault.packets)?.map { $0 != 0 }
      #expect(verdicts == fault.truth, "\(optimize ? "optimised" : "as it was lowered") \(compiled.message ?? "")")
    }
  }

  /// libpcap agrees if it knows the words and does not optimise. With optimisation version 1.10 has other verdicts for
  /// `tcp[100] = 1 or tcp`, `tcp or 1 = 1`, `not (ip and not ip)`, `link[4:4] * 0 = 0`, `port 53 or ip`, `ip[-1] = 0` and
  /// `link[0:4] & 0xffffffff != 0`.
  @Test(arguments: all)
  func libpcapAgreesWhereItDoesNotOptimise(_ fault: Fault) {
    guard let program = try? Libpcap.compile(fault.expression, optimize: false) else { return }
    #expect(Libpcap.run(program, on: fault.packets).map { $0 != 0 } == fault.truth)
  }
}
