import Foundation
import TestSupport
import Testing

@testable import ApusCLI

/// `--stats` on the command line.
struct StatisticsCommandTests {
  private typealias Object = [String: Any]

  private static let http = Fixture.capture("http.pcap")

  private func objects(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
    }
  }

  @Test(arguments: [
    (["--stats", "foo"], "unknown statistics 'foo'"), (["--stats", "json"], "unknown statistics 'json'"),
    (["--stats", "rate,0s"], "invalid interval '0s' in --stats"), (["--stats", "rate,1y"], "invalid interval '1y'"),
    (["--stats", "rate,1s,2s"], "--stats has more than one interval"),
    (["--stats", "all", "-d"], "--stats cannot be combined with -d"),
    (["--stats", "sizes,1s"], "an interval in --stats requires rate"),
    (["--stats-interval", "1"], "--stats-interval requires --stats"),
    (["--stats", "all", "--stats-interval", "0"], "invalid statistics interval 0"),
    (["--stats", "all", "--stats-top", "0"], "invalid number of rows 0"),
    (["--sort", "bytes"], "--sort requires --stats"),
    (
      ["--stats", "all", "--sort", "size"],
      "unknown sort key 'size': use packets, bytes, name, start, duration, rate or connections"
    ),
    (["--stats", "ports,sizes", "--sort", "start"], "--sort start sorts conversations, not ports and sizes"),
    (
      ["--stats", "rate", "--sort", "bytes"],
      "--sort bytes sorts protocols, conversations, endpoints, ports and processes, not rate"
    ),
    (["--stats", "all", "--trace"], "--stats cannot be combined with --trace"),
  ])
  func refuses(_ flags: [String], _ message: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), flags + ["-r", Self.http])
    #expect(outcome.status == 1 && outcome.output.isEmpty && outcome.errors.hasPrefix("apus: \(message)"))
  }

  /// Only tables are printed, in plain ASCII; with `--print` the normal text comes first.
  @Test func tablesTakeThePlaceOfText() throws {
    let tables = try Subprocess.apus("-nn", "--stats", "protocols,sizes", "--stats", "rate", "-r", Self.http)
    #expect(tables.status == 0 && tables.output.hasPrefix("30 packets, 3262 bytes, 0.028322 s from "))
    #expect(tables.output.utf8.allSatisfy { (0x20..<0x7f).contains($0) || $0 == 0x0a })
    let text = try Subprocess.apus("-nn", "-r", Self.http)
    let both = try Subprocess.apus("-nn", "--print", "--stats", "protocols,sizes,rate", "-r", Self.http)
    #expect(both.output == text.output + tables.output)
    let counted = try Subprocess.apus("--count", "--stats", "sizes", "-r", Self.http)
    #expect(counted.output.hasSuffix("maximum 360\n30 packets\n"))
  }

  /// Statistics count the packets that pass the filter, `--skip` and `-c`, of all files.
  @Test func whatIsCounted() throws {
    let other = Fixture.capture("ping.pcap")
    for flags in [[], ["--merge"], ["-c", "7"], ["--skip", "3", "-c", "5"], ["-w", "/dev/null"], ["--no-jit"]] {
      let arguments = flags + ["-r", Self.http, "-r", other, "ip and len < 200"]
      let apus = try Subprocess.apusPath()
      let lines = try Subprocess.run(apus, ["-tnn", "--print"] + arguments).output.split(separator: "\n").count
      let statistics = try Subprocess.run(apus, ["--stats", "all,json"] + arguments)
      let object = try #require(try objects(statistics.output).first)
      #expect(object["packets"] as? Int == lines && lines > 4, "\(flags)")
    }
  }

  /// With a savefile on standard output, statistics go to standard error.
  @Test func besideASavefileOnStandardOutput() throws {
    let outcome = try Subprocess.apus("--stats", "sizes", "-r", Self.http, "-w", "-")
    #expect(outcome.errors.contains("\nbytes: minimum 66, mean 108.7, maximum 360\n"))
    let copy = try Subprocess.apus("--stats", "sizes", "-r", "-", stdin: outcome.stdout)
    #expect(copy.output.hasPrefix("30 packets, 3262 bytes, "))
  }

  /// For a truncated file, the packets before the cut are counted, and the status is 1.
  @Test func aCutFile() throws {
    let octets = try Data(contentsOf: URL(fileURLWithPath: Self.http))
    let path = try Subprocess.temporaryFile(octets.dropLast(5))
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus("--stats", "sizes", "-r", path)
    #expect(outcome.status == 1 && outcome.output.hasPrefix("29 packets, "))
  }

  /// With `--json`, or `json` among the words, one line of JSON is printed; `--print` adds the packets.
  @Test func json() throws {
    let line = try objects(try Subprocess.apus("--stats", "all,json", "-r", Self.http).output)
    #expect(line.count == 1 && line[0]["version"] as? Int == 1 && line[0]["occasion"] as? String == "end")
    #expect(Set(line[0].keys).isSuperset(of: StatisticsKindNames.all))
    let lines = try objects(try Subprocess.apus("--json", "--print", "--stats", "rate", "-r", Self.http).output)
    #expect(lines.count == 31 && lines.dropLast().allSatisfy { $0["layers"] != nil } && lines[30]["rate"] != nil)
    #expect(try objects(try Subprocess.apus("--json", "--stats", "rate", "-r", Self.http).output).count == 1)
  }

  /// `--sort` changes the order of rows in tables and JSON, and nothing else.
  @Test func sort() throws {
    let flags = ["-nn", "--stats", "conversations,ports", "-r", Self.http]
    let apus = try Subprocess.apusPath()
    let usual = try Subprocess.run(apus, flags).output
    #expect(try Subprocess.run(apus, ["--sort", "bytes"] + flags).output == usual)
    let byName = try Subprocess.run(apus, ["--sort=name"] + flags).output
    #expect(byName != usual && byName.split(separator: "\n").sorted() == usual.split(separator: "\n").sorted())
    let rows = try objects(try Subprocess.run(apus, ["--json", "--sort", "name"] + flags).output)
    let ports = ((rows.first?["ports"] as? Object)?["rows"] as? [Object])?.compactMap { $0["port"] as? Int }
    #expect(ports?.isEmpty == false && ports == ports?.sorted())
  }

  /// `--stats-top` limits the rows, and the table says how many are left out; JSON has all rows unless the flag is given.
  @Test func top() throws {
    let text = try Subprocess.apus("-nn", "--stats", "conversations", "--stats-top", "1", "-r", Self.http).output
    #expect(text.contains("\n(2 more) ") && text.contains("20   2086\n"), "\(text)")
    let all = try objects(try Subprocess.apus("--stats", "conversations,json", "-r", Self.http).output)
    #expect(((all[0]["conversations"] as? Object)?["rows"] as? [Object])?.count == 3)
    let one = try objects(
      try Subprocess.apus("--stats", "conversations,json", "--stats-top", "1", "-r", Self.http).output)
    let section = try #require(one[0]["conversations"] as? Object)
    #expect((section["rows"] as? [Object])?.count == 1 && (section["more"] as? Object)?["packets"] as? Int == 20)
  }

  // MARK: Beside tshark

  private struct Count: Equatable {
    var packets = 0
    var octets = 0

    init(_ length: Int) { (packets, octets) = (1, length) }

    static func += (sum: inout Count, other: Count) {
      sum.packets += other.packets
      sum.octets += other.octets
    }
  }

  /// The packets of a capture according to tshark: for each the names of its protocols, the addresses and ports of the outermost headers,
  /// and the length.
  private func fields(_ capture: String) throws -> [[String]] {
    let tshark = try #require(Subprocess.installed("tshark"))
    let names = [
      "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.proto", "ipv6.nxt", "tcp.srcport",
      "tcp.dstport",
      "udp.srcport", "udp.dstport", "frame.len", "ip.frag_offset",
    ]
    let outcome = try Subprocess.run(
      tshark,
      [
        "-n", "-r", capture, "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE", "-T", "fields", "-E",
        "occurrence=f",
      ]
        + names.flatMap { ["-e", $0] })
    return outcome.output.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }.filter { $0.count == names.count }
  }

  /// Captures of Ethernet frames.
  private static let compared = [
    "dns.pcap", "fragments.pcap", "geneve.pcap", "gre.pcap", "http.pcap", "ipip.pcap", "ping6.pcap", "qinq.pcap",
    "tcp.pcap",
    "unreachable.pcap", "vlan.pcap", "vxlan.pcap", "ssh.pcap", "ntp.pcap",
  ]

  @Test(.enabled(if: Subprocess.installed("tshark") != nil, "tshark is not installed"), arguments: compared)
  func conversationsAreThoseOfTshark(_ name: String) throws {
    let capture = Fixture.capture(name)
    var expected: [String: Count] = [:]
    for fields in try fields(capture) {
      let stack = fields[0].split(separator: ":")
      guard let network = stack.first(where: { $0 == "ip" || $0 == "ipv6" }) else { continue }
      let isIPv4 = network == "ip"
      let (source, destination) = isIPv4 ? (fields[1], fields[2]) : (fields[3], fields[4])
      let number = isIPv4 ? fields[5] : fields[6]
      var (from, to) = (source, destination)
      if number == "6" || number == "17", !isIPv4 || fields[12] == "0" {
        from += ".\(fields[number == "6" ? 7 : 9])"
        to += ".\(fields[number == "6" ? 8 : 10])"
      }
      expected["\(number) \(from) \(to)", default: Count(0)] += Count(try #require(Int(fields[11])))
    }
    for key in expected.keys { expected[key]?.packets -= 1 }
    var counted: [String: Count] = [:]
    let object = try #require(
      try objects(try Subprocess.apus("--stats", "conversations,json", "-r", capture).output).first)
    for row in try #require((object["conversations"] as? Object)?["rows"] as? [Object]) {
      let word = try #require(row["protocol"] as? String)
      let numbers = ["icmp": 1, "ipv4": 4, "tcp": 6, "udp": 17, "gre": 47, "icmpv6": 58, "hop_by_hop": 0]
      guard let number = numbers[word] else { continue }
      let (a, b) = (try end(row["a"]), try end(row["b"]))
      for (key, direction) in [("\(number) \(a) \(b)", "a_to_b"), ("\(number) \(b) \(a)", "b_to_a")] {
        let tally = try #require(row[direction] as? Object)
        var count = Count(try #require(tally["octets"] as? Int))
        count.packets = try #require(tally["packets"] as? Int)
        if count.packets > 0 { counted[key] = count }
      }
    }
    // For packets with extension headers, tshark's first protocol is the extension.
    for key in expected.keys where key.hasPrefix("0 ") { expected[key] = nil }
    #expect(!expected.isEmpty)
    for (key, count) in expected { #expect(counted[key] == count, "\(key)") }
  }

  private func end(_ value: Any?) throws -> String {
    let end = try #require(value as? Object)
    return "\(end["address"] as? String ?? "")" + ((end["port"] as? Int).map { ".\($0)" } ?? "")
  }

  /// Compares the protocol tree from the frame on, for the headers that both programs know.
  @Test(.enabled(if: Subprocess.installed("tshark") != nil, "tshark is not installed"), arguments: compared)
  func protocolsAreThoseOfTshark(_ name: String) throws {
    let capture = Fixture.capture(name)
    let layers = [
      "eth": "ethernet", "vlan": "vlan", "ip": "ipv4", "ipv6": "ipv6", "tcp": "tcp", "udp": "udp", "ieee8021ad": "vlan",
    ]
    // Of these tunnels, only the inner headers are compared.
    let passed: Set = ["gre", "vxlan", "geneve"]
    var expected: [String: Count] = [:]
    for fields in try fields(capture) {
      var path = ""
      for word in fields[0].split(separator: ":") where word != "ethertype" && !passed.contains(String(word)) {
        guard let layer = layers[String(word)] else { break }
        path += "/\(layer)"
        var count = Count(try #require(Int(fields[11])))
        if let known = expected[path] { count += known }
        expected[path] = count
      }
    }
    var counted: [String: Count] = [:]
    func walk(_ value: Any?, _ path: String) throws {
      for node in try #require(value as? [Object]) {
        let layer = try #require(node["layer"] as? String)
        if passed.contains(layer) {
          try walk(node["inside"], path)
          continue
        }
        guard layers.values.contains(layer) else { continue }
        var count = Count(try #require(node["octets"] as? Int))
        count.packets = try #require(node["packets"] as? Int)
        if let known = counted["\(path)/\(layer)"] { count += known }
        counted["\(path)/\(layer)"] = count
        try walk(node["inside"], "\(path)/\(layer)")
      }
    }
    let object = try #require(try objects(try Subprocess.apus("--stats", "protocols,json", "-r", capture).output).first)
    try walk((object["protocols"] as? Object)?["tree"], "")
    #expect(counted == expected)
  }
}

private enum StatisticsKindNames {
  static let all: Set<String> = ["protocols", "conversations", "endpoints", "ports", "sizes", "rate"]
}

/// Statistics of a live capture.
@Suite(
  .waits, .bothEngines, .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"))
struct LiveStatisticsTests {
  /// A report on SIGUSR1, one every second, and the last at the end; each counts from the start of the capture.
  @Test func reports() throws {
    let outcome = try LiveNamespace.run(
      """
      capture -i v1 -nn --stats conversations,json --stats-interval 1 udp port 9
      send 3 9; sleep 0.5; kill -USR1 $pid; sleep 1.2; send 2 9; sleep 0.3; kill -INT $pid; finish
      """)
    let reports = try outcome.output.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
    }
    let occasions = reports.compactMap { $0["occasion"] as? String }
    #expect(occasions.count == reports.count && occasions.last == "end", "\(outcome.output)\(outcome.errors)")
    #expect(occasions.contains("signal") && occasions.contains("interval"))
    let signalled = reports.first { $0["occasion"] as? String == "signal" }
    #expect(signalled?["packets"] as? Int == 3 && reports.last?["packets"] as? Int == 5)
    #expect(outcome.output.contains("\nstatus 0\n"))
  }
}
