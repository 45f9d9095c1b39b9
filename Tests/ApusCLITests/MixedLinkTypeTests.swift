import Foundation
import TestSupport
import Testing

/// Sources with several link types, some of which the filter does not support: packets of those link types are rejected, and nothing else
/// is lost.
@Suite struct MixedLinkTypeTests {
  /// A run on files of Ethernet and raw IP, and its expected result.
  struct Case: CustomTestStringConvertible {
    let name: String
    /// The interfaces and packets of each file; the test adds `-r` before each file.
    var files: [[Item]] = [[.interface(1), .interface(101), .arp(0), .arp(0), .ipv4(1)]]
    let arguments: [String]
    let output: String
    /// Parts of the expected text on standard error.
    var notes = ["packets of link-type RAW (Raw IP) are rejected"]
    var testDescription: String { name }
  }

  /// A part of a file.
  enum Item {
    /// An interface with a link type (`LINKTYPE_` number).
    case interface(UInt16)
    /// An ARP request on Ethernet, captured on an interface.
    case arp(UInt32)
    /// A UDP datagram in raw IP.
    case ipv4(UInt32)
    /// A UDP datagram on Ethernet; `direction` 1 is inbound, 2 outbound, 0 unknown.
    case udp(UInt32, direction: UInt32)
    /// A frame for the bridge group address.
    case spanningTree(UInt32)
  }

  static let cases: [Case] = [
    Case(name: "count", arguments: ["--count", "arp"], output: "2 packets\n"),
    Case(
      name: "raw IP first", files: [[.interface(101), .ipv4(0), .interface(1), .arp(1), .arp(1)]],
      arguments: ["--count", "arp"], output: "2 packets\n"),
    Case(
      name: "an interface without a packet first", files: [[.interface(101), .interface(1), .arp(1), .arp(1)]],
      arguments: ["--count", "arp"], output: "2 packets\n", notes: []),
    Case(
      name: "an interface without a packet last, which alone the filter is for",
      files: [[.interface(101), .interface(1), .ipv4(0)]], arguments: ["--count", "arp"], output: "0 packets\n"),
    Case(
      name: "vlan", files: [[.interface(101), .interface(1), .ipv4(0), .udp(1, direction: 0)]],
      arguments: ["--count", "not", "vlan"], output: "1 packet\n", notes: ["'vlan' not supported on DLT_RAW"]),
    Case(
      name: "ether host", arguments: ["--count", "ether host 02:02:02:02:02:02"], output: "2 packets\n",
      notes: ["'link host XX:XX:XX:XX:XX:XX' not supported"]),
    Case(
      name: "stp", files: [[.interface(101), .interface(1), .ipv4(0), .spanningTree(1)]],
      arguments: ["--count", "stp"], output: "1 packet\n", notes: ["are rejected: "]),
    Case(
      name: "a direction that no packet of the second interface has",
      files: [
        [.interface(1), .interface(1), .udp(0, direction: 1), .udp(0, direction: 2), .udp(1, direction: 0), .ipv4(0)]
      ],
      arguments: ["--count", "inbound"], output: "1 packet\n",
      notes: ["the file does not record the direction of these packets"]),
    Case(
      name: "several files, raw IP first", files: [[.interface(101), .ipv4(0)], [.interface(1), .arp(0)]],
      arguments: ["--count", "arp"], output: "1 packet\n"),
    Case(
      name: "several files, raw IP last", files: [[.interface(1), .arp(0)], [.interface(101), .ipv4(0)]],
      arguments: ["--count", "arp"], output: "1 packet\n"),
    Case(
      name: "merged, raw IP first", files: [[.interface(101), .ipv4(0)], [.interface(1), .arp(0)]],
      arguments: ["--merge", "--count", "arp"], output: "1 packet\n"),
    Case(
      name: "statistics", arguments: ["-n", "--stats", "protocols,json", "arp"],
      output: "\"tree\":[{\"layer\":\"ethernet\",\"packets\":2,\"octets\":84"),
    Case(
      name: "the table of an explanation", arguments: ["--explain=summary", "arp"],
      output: "3 packets: 2 accepted, 1 rejected\n"),
    Case(
      name: "an explanation", arguments: ["--explain", "-nn", "-t", "ether host 02:02:02:02:02:02"],
      output: "- packet 3: 29 bytes, rejected: the filter does not apply to link-type RAW (Raw IP)\n",
      notes: ["'link host XX:XX:XX:XX:XX:XX' not supported"]),
    Case(
      name: "an explanation that asks for a direction",
      files: [[.interface(1), .udp(0, direction: 1), .udp(0, direction: 2), .udp(0, direction: 0)]],
      arguments: ["--explain=summary", "outbound"], output: "3 packets: 1 accepted, 2 rejected\n",
      notes: ["the file does not record the direction of these packets"]),
    Case(
      name: "a trace", arguments: ["--trace", "-nn", "-t", "arp"],
      output: "packet 3: 29 bytes, rejected: the filter does not apply to link-type RAW (Raw IP)\n"),
    Case(name: "a profile", arguments: ["--profile", "arp"], output: "; 2 packets, 2 accepted"),
  ]

  @Test(arguments: cases) func nothingElseIsLost(_ test: Case) throws {
    let paths = try test.files.map(Self.file)
    defer { for path in paths { Subprocess.remove(path) } }
    let outcome = try Self.apus(paths.flatMap { ["-r", $0] } + test.arguments)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.output.contains(test.output), "\(outcome.output)")
    for note in test.notes {
      #expect(outcome.errors.components(separatedBy: note).count == 2, "\(note), once in:\n\(outcome.errors)")
    }
    if test.notes.isEmpty { #expect(!outcome.errors.contains("rejected"), "\(outcome.errors)") }
  }

  @Test func aCopyHasTheAcceptedPackets() throws {
    let path = try Self.file([.interface(101), .ipv4(0), .interface(1), .arp(1), .arp(1)])
    let copy = "\(path).copy.pcapng"
    defer { for path in [path, copy] { Subprocess.remove(path) } }
    let outcome = try Subprocess.apus("-r", path, "-w", copy, "arp")
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try Subprocess.apus("--count", "-r", copy).output == "2 packets\n")
  }

  /// If the filter supports no link type of the input, it is refused, as for a file with one link type.
  @Test(arguments: [
    ([Item.interface(101), .ipv4(0)], "arp", "expression rejects all packets"),
    ([.interface(101)], "arp", "expression rejects all packets"),
    (
      [.interface(101), .interface(101), .ipv4(1)], "ether host 02:02:02:02:02:02",
      "'link host XX:XX:XX:XX:XX:XX' not supported"
    ),
    ([.interface(1), .udp(0, direction: 0)], "inbound", "the file does not record the direction of these packets"),
    ([.interface(1), .arp(0), .interface(101), .ipv4(1)], "tcp and udp", "expression rejects all packets"),
    ([.interface(1), .arp(0), .interface(101), .ipv4(1)], "host no-such-host", "unknown host"),
  ])
  func whatMeansNothingAtAllIsRefused(_ items: [Item], _ expression: String, _ message: String) throws {
    let path = try Self.file(items)
    defer { Subprocess.remove(path) }
    for flags in [["--count"], ["--explain=summary"], ["--trace"]] {
      let outcome = try Self.apus(flags + ["-r", path, expression])
      #expect(outcome.status == 1, "\(flags) \(outcome.output)")
      #expect(outcome.errors.contains("apus: \(message)"), "\(outcome.errors)")
    }
  }

  /// A file does not record its network's netmask: it is taken as 0, as in tcpdump.
  @Test func theNetmaskOfAFileIsZero() throws {
    let path = Fixture.capture("dhcp.pcap")
    let outcome = try Subprocess.apus("--count", "-r", path, "ip broadcast")
    let plain = try Subprocess.apus("--count", "-r", path, "dst host 0.0.0.0 or dst host 255.255.255.255")
    #expect(outcome.status == 0 && outcome.output == plain.output && outcome.output != "0 packets\n")
    #expect(outcome.errors.contains("the netmask is unknown and taken as 0.0.0.0"), "\(outcome.errors)")
    let known = try Subprocess.apus("--count", "--netmask", "255.255.255.0", "-r", path, "ip broadcast")
    #expect(known.status == 0 && !known.errors.contains("netmask"), "\(known.errors)")
  }

  private static func apus(_ arguments: [String]) throws -> Outcome {
    try Subprocess.run(try Subprocess.apusPath(), arguments)
  }

  /// A pcapng file of these parts.
  private static func file(_ items: [Item]) throws -> String {
    func words(_ values: [UInt32]) -> [UInt8] {
      values.flatMap { unsafe withUnsafeBytes(of: $0.littleEndian) { unsafe Array($0) } }
    }
    func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
      let length = UInt32(12 + body.count)
      return words([type, length]) + body + words([length])
    }
    var time: UInt32 = 0
    func packet(_ interface: UInt32, _ octets: [UInt8], _ direction: UInt32 = 0) -> [UInt8] {
      time += 1
      let padding = [UInt8](repeating: 0, count: (4 - octets.count % 4) % 4)
      let flags = direction == 0 ? [] : words([0x0004_0002, direction, 0])
      let length = UInt32(octets.count)
      return block(6, words([interface, 0, time, length, length]) + octets + padding + flags)
    }
    let addresses = [UInt8](repeating: 2, count: 12)
    let datagram: [UInt8] =
      [0x45, 0, 0, 29, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2] + [0x03, 0xe8, 0, 9, 0, 9, 0, 0, 0x2e]
    var octets = block(0x0a0d_0d0a, words([0x1a2b_3c4d, 0x0000_0001, .max, .max]))
    for item in items {
      let next =
        switch item {
        case .interface(let linkType): block(1, words([UInt32(linkType), 0]))
        case .arp(let interface):
          packet(
            interface,
            addresses + [8, 6, 0, 1, 8, 0, 6, 4, 0, 1] + [2, 2, 2, 2, 2, 2, 192, 0, 2, 1]
              + [0, 0, 0, 0, 0, 0, 192, 0, 2, 2])
        case .ipv4(let interface): packet(interface, datagram)
        case .udp(let interface, let direction): packet(interface, addresses + [8, 0] + datagram, direction)
        case .spanningTree(let interface):
          packet(
            interface,
            [1, 0x80, 0xc2, 0, 0, 0, 2, 2, 2, 2, 2, 2, 0, 38, 0x42, 0x42, 3] + [UInt8](repeating: 0, count: 35))
        }
      octets += next
    }
    return try Subprocess.temporaryFile(Data(octets), suffix: ".pcapng")
  }
}
