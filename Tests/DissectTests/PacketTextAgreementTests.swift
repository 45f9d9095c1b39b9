import Foundation
import PacketCore
import TestSupport
import Testing

@testable import Dissect
import Protocols

/// The text of a packet and its object agree, and contain nothing that a terminal obeys: the same dissector has written both.
struct PacketTextAgreementTests {
  @Test(arguments: SavefileList.all)
  func textAndObjectAgree(_ file: SavefileList.Entry) throws {
    var options = PrintOptions()
    options.numeric = 2
    options.verbosity = 3
    options.linkHeader = true
    options.timestamp = .epoch
    options.precision = .nanoseconds
    options.lengths = true
    options.absoluteSequence = true
    var text = Printer(options: options)
    var fields = Printer(options: options.forFields, recording: .fields)
    try file.forEachPacket { packet, number, interface in
      text.out.removeAll()
      text.packet(packet, number: number)
      fields.out.removeAll()
      fields.json(packet, number: number, interface: interface)
      for octets in [text.out.octets, fields.out.octets] {
        let control = TerminalControl.first(in: octets)
        #expect(control == nil, "\(file) \(number)")
      }
      let object = try JSONValue(fields.out.string.utf8)
      for difference in Comparison(text.out.string, object).differences {
        Issue.record("\(file) \(number): \(difference)\n\(text.out.string)\(fields.out.string)")
      }
    }
  }

  /// The comparison finds the differences that it should find.
  @Test func comparisonCompares() throws {
    let octets = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").tcp(40000, 80, flags: .syn).octets
    var options = PrintOptions.numbers
    (options.verbosity, options.linkHeader, options.absoluteSequence) = (3, true, true)
    let line = text(octets, .ethernet, options)
    let object = json(octets)
    #expect(try Comparison(line, JSONValue(object.utf8)).differences.isEmpty)
    for (old, new) in [
      ("\"ttl\":64", "\"ttl\":63"), ("\"syn\":true", "\"syn\":false"), ("\"window\":", "\"window\":1"),
      ("\"destination_port\":80", "\"destination_port\":81"), ("\"source\":\"192.0.2.1\"", "\"source\":\"192.0.2.3\""),
      ("\"ethertype\":2048", "\"ethertype\":2049"), ("\"total_length\":40", "\"total_length\":41"),
      ("\"length\":54", "\"length\":55"), ("\"checksum_correct\":true", "\"checksum_correct\":false"),
    ] {
      #expect(object.contains(old))
      #expect(
        try !Comparison(line, JSONValue(object.replacing(old, with: new).utf8)).differences.isEmpty, "\(new) \(line)")
    }
  }
}

/// Compares what can be read from a text without knowing its protocols with the object.
struct Comparison {
  private(set) var differences: [String] = []
  private let text: String
  private let object: JSONValue
  private let layers: [JSONValue]
  /// True if the packet is cut or invalid, or the object does not list all of it: then the text may say less.
  private let saysLess: Bool

  init(_ text: String, _ object: JSONValue) {
    self.text = text
    self.object = object
    let whole = object["layers"]?.elements ?? []
    // The text does not print the packet that an ICMPv6 error quotes.
    let error = whole.firstIndex {
      $0["layer"]?.text == "icmpv6" && ($0["type"]?.integer).map { (1...4).contains($0) } ?? false
    }
    layers = error.map { Array(whole[...$0]) } ?? whole
    saysLess = ["truncated", "has_more_layers", "invalid"].contains { object[$0] != nil }
    compareRecord()
    compareMarks()
    guard object["invalid_lengths"] == nil else { return }
    compareLink()
    compareIP()
    compareEndpoints()
    compareTCP()
    compareMessages()
    compareChecksums()
  }

  private mutating func expect(_ what: String, _ inText: [String], _ inObject: [String]) {
    let agree = saysLess ? inObject.starts(with: inText) : inObject == inText
    if !agree { differences.append("\(what): \(inText) in the text, \(inObject) in the object") }
  }

  private func all(_ name: String) -> [JSONValue] { layers.filter { $0["layer"]?.text == name } }

  private static func number(_ value: JSONValue?) -> String {
    switch value {
    case .number(let digits): digits
    case .string(let text): text
    default: "-"
    }
  }

  /// The groups of every match, joined by spaces; groups that did not take part are empty.
  private func matches(_ pattern: Pattern) -> [[String]] {
    let expression = pattern.expression
    let whole = NSRange(text.startIndex..., in: text)
    return expression.matches(in: text, range: whole).map { match in
      (1..<match.numberOfRanges).map { index in
        Range(match.range(at: index), in: text).map { String(text[$0]) } ?? ""
      }
    }
  }

  /// Times and lengths.
  private mutating func compareRecord() {
    for groups in matches(.lengths) {
      expect("lengths", groups, [Self.number(object["captured_length"]), Self.number(object["length"])])
    }
    for groups in matches(.time) { expect("time", groups, [Self.number(object["epoch"])]) }
  }

  /// Compares marks such as ` [|tcp]`, and what the text calls invalid or bad.
  private mutating func compareMarks() {
    let truncations = matches(.truncation).map { $0[0] }
    if let first = truncations.first {
      let isMeant = Registry.shared.layers.contains { layer in
        "\(layer.name)" == object["truncated"]?.text
          && ("\(layer.name)" == first || layer.marks.contains { "\($0)" == first })
      }
      if !isMeant, object["truncated"]?.text != first {
        differences.append("truncated: \(first) in the text, \(Self.number(object["truncated"])) in the object")
      }
    } else if object["truncated"] != nil, !text.contains("[truncated-option]"), matches(.oddTruncation).isEmpty {
      differences.append("truncated in the object only")
    }
    if !matches(.fault).isEmpty, object["invalid"] == nil, object["invalid_lengths"] == nil {
      differences.append("invalid in the text only")
    }
  }

  /// `SRC > DST, ethertype IPv4 (0x0800), length 60`, `vlan 5, p 0, DEI`.
  private mutating func compareLink() {
    expect(
      "Ethernet", matches(.ethernet).map { $0.joined(separator: " ") },
      all("ethernet").map { layer in
        let type = layer["ethertype"]?.integer.map { type in
          let digits = String(type, radix: 16)
          return String(repeating: "0", count: 4 - digits.count) + digits
        }
        return "\(Self.number(layer["source"])) \(Self.number(layer["destination"])) \(type ?? "")"
      })
    expect(
      "VLAN", matches(.vlan).map { $0.joined(separator: " ") },
      all("vlan").map { layer in
        let dei = layer["dei"]?.flag == true ? ", DEI" : ""
        return "\(Self.number(layer["id"])) \(Self.number(layer["priority"])) \(dei)"
      })
    // The first type is followed by the length of the whole packet.
    if layers.first?["layer"]?.text == "ethernet", layers.first?["ethertype"] != nil {
      for groups in matches(.frameLength).prefix(1) { expect("frame length", groups, [Self.number(object["length"])]) }
    }
  }

  /// Compares the text in parentheses after the link-layer header.
  private mutating func compareIP() {
    expect(
      "IPv4",
      matches(.ipv4).map { groups in
        // The text assumes a length if the header does not state one.
        (groups.dropLast(2) + [groups[7].isEmpty ? groups[6] : "0"]).joined(separator: " ")
      },
      all("ipv4").map { layer in
        let service = (layer["dscp"]?.integer ?? 0) << 2 | (layer["ecn"]?.integer ?? 0)
        let ttl = layer["ttl"]?.integer == 0 ? "" : Self.number(layer["ttl"])
        let names = [("more_fragments", "+"), ("dont_fragment", "DF"), ("reserved_flag", "rsvd")]
        let flags = names.filter { layer[$0.0]?.flag == true }.map(\.1)
        let length = layer["total_length"]?.integer == 0 ? "0" : Self.number(layer["total_length"])
        return [
          String(service, radix: 16), ttl, Self.number(layer["id"]), Self.number(layer["fragment_offset"]),
          flags.isEmpty ? "none" : flags.joined(separator: ", "), Self.number(layer["protocol"]), length,
        ].joined(separator: " ")
      })
    expect(
      "IPv6", matches(.ipv6).map { $0.joined(separator: " ") },
      all("ipv6").map { layer in
        func hex(_ key: String, _ width: Int) -> String {
          guard let value = layer[key]?.integer, value != 0 else { return "" }
          let digits = String(value, radix: 16)
          return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return [
          hex("traffic_class", 2), hex("flow_label", 5), Self.number(layer["hop_limit"]),
          Self.number(layer["next_header"]), Self.number(layer["payload_length"]),
        ].joined(separator: " ")
      })
  }

  private static let transports: Set = ["tcp", "udp", "sctp", "dccp"]

  /// `192.0.2.1.40000 > 192.0.2.2.80: `.
  private mutating func compareEndpoints() {
    var expected: [String] = []
    for (index, layer) in layers.enumerated() {
      let name = layer["layer"]?.text
      let source = Self.number(layer["source"])
      let destination = Self.number(layer["destination"])
      if name == "ipv4" || name == "ipv6" {
        guard layer["destination"] != nil else { continue }
        let following = index + 1 < layers.count ? layers[index + 1] : .null
        let transport = following["layer"]?.text
        if Self.transports.contains(transport ?? "") {
          let ports = (Self.number(following["source_port"]), Self.number(following["destination_port"]))
          expected.append("\(source).\(ports.0) > \(destination).\(ports.1)")
        } else {
          expected.append("\(source) > \(destination)")
          // PGM writes the addresses once more, with its own ports.
          if transport == "pgm" {
            let ports = (Self.number(following["source_port"]), Self.number(following["destination_port"]))
            expected.append("\(source).\(ports.0) > \(destination).\(ports.1)")
          }
        }
      } else if Self.transports.contains(name ?? ""), index > 0 {
        let before = layers[index - 1]["layer"]?.text
        // After extension headers, ports are printed without addresses.
        if before != "ipv4", before != "ipv6" {
          expected.append("\(Self.number(layer["source_port"])) > \(Self.number(layer["destination_port"]))")
        }
      }
    }
    // Headers beyond those listed in the object have endpoints, too.
    var found = matches(.endpoints).map { "\($0[0]) > \($0[1])" }
    // If the ports after an extension header are cut, the text repeats the addresses instead.
    if saysLess, found.count == expected.count + 1, found.last == expected.last { found.removeLast() }
    expect("endpoints", object["has_more_layers"] == nil ? found : Array(found.prefix(expected.count)), expected)
  }

  /// `Flags [S.], seq 1:2, ack 3, win 4, urg 5, …, length 1`.
  private mutating func compareTCP() {
    let segments = all("tcp")
    let found = matches(.tcp)
    guard found.count <= segments.count, saysLess || found.count == segments.count else {
      differences.append("\(found.count) TCP segments in the text, \(segments.count) in the object")
      return
    }
    // Segments with an impossible header do not print this text.
    guard found.count == segments.count else { return }
    for (groups, segment) in zip(found, segments) {
      let letters = [
        ("fin", "F"), ("syn", "S"), ("rst", "R"), ("psh", "P"), ("ack", "."), ("urg", "U"), ("ece", "E"), ("cwr", "W"),
        ("ae", "e"),
      ]
      let flags = letters.filter { segment["flags"]?[$0.0]?.flag == true }.map(\.1).joined()
      expect("TCP flags", [groups[0]], [flags.isEmpty ? "none" : flags])
      for (index, key) in [(1, "sequence"), (2, "acknowledgment"), (3, "window"), (4, "urgent_pointer")]
      where !groups[index].isEmpty { expect("TCP \(key)", [groups[index]], [Self.number(segment[key])]) }
      if !groups[5].isEmpty { expect("TCP length", [groups[5]], [Self.number(segment["payload_length"])]) }
    }
  }

  /// Compares UDP lengths and ICMP echo numbers.
  private mutating func compareMessages() {
    let lengths = matches(.udp).map { $0[0] }
    let stated = all("udp").map { Self.number($0["payload_length"]) }
    if object["has_more_layers"] == nil, !lengths.allSatisfy(stated.contains) {
      differences.append("UDP lengths: \(lengths), \(stated)")
    }
    let echoes = (all("icmp") + all("icmpv6")).map { "\(Self.number($0["id"])) \(Self.number($0["sequence"]))" }
    for groups in matches(.echo) where !echoes.contains(groups.joined(separator: " ")) {
      differences.append("echo: \(groups) in the text, \(echoes) in the object")
    }
  }

  /// Compares the results of checksums. For protocols whose correct checksums are not printed, only the wrong ones are in the text.
  private mutating func compareChecksums() {
    func verdicts(_ name: String) -> [Bool] { all(name).compactMap { $0["checksum_correct"]?.flag } }
    for (name, pattern, right) in [
      ("tcp", Pattern.checksumTCP, "correct"), ("udp", .checksumUDP, "udp sum ok"),
      ("icmpv6", .checksumICMPv6, "icmp6 sum ok"),
    ] {
      // If the UDP length exceeds the packet, the text prints a result nevertheless.
      if name == "udp", verdicts(name).count < all(name).count { continue }
      // UDP that carries RPC prints no result.
      if name == "udp", !all("nfs").isEmpty { continue }
      let stated = verdicts(name).map { "\($0)" }
      var found = matches(pattern).map { "\($0[0] == right)" }
      if object["has_more_layers"] != nil { found = Array(found.prefix(stated.count)) }
      expect("checksum of \(name)", found, stated)
    }
    for (name, pattern) in [("ipv4", Pattern.checksumIPv4), ("icmp", .checksumICMP), ("igmp", .checksumIGMP)] {
      expect(
        "wrong checksums of \(name)", matches(pattern).map { _ in name },
        verdicts(name).filter { !$0 }.map { _ in name })
    }
  }
}

/// Regular expressions over the text of a packet.
private struct Pattern: Sendable {
  let expression: NSRegularExpression

  init(_ pattern: String) {
    guard let expression = try? NSRegularExpression(pattern: pattern, options: [.anchorsMatchLines]) else {
      preconditionFailure("the pattern is one of those below")
    }
    self.expression = expression
  }

  static let lengths = Pattern(#"\Acaplen (\d+) len (\d+) "#)
  static let time = Pattern(#"\Acaplen \d+ len \d+ (-?\d+\.\d{9}) (?!\(invalid)"#)
  static let truncation = Pattern(#"\[\|([a-z0-9_+-]+)(?: 0x[0-9a-f]+)?\]"#)
  static let oddTruncation = Pattern(#"\[\|([^\]]+)\]"#)
  static let fault = Pattern(
    #"\(invalid\)|\[bad (?!udp cksum|icmp6 cksum)|\(bogus\)|length bogus|\[ERROR|\[invalid |<BAD |<wrong|bad igmp cksum|badlen|bad (?:length|plen)|invalid len|nested too deep|TOO LONG>"#
  )
  private static let mac = "((?:[0-9a-f]{2}:){5}[0-9a-f]{2})"
  static let ethernet = Pattern(
    mac + " > " + mac + #", (?:ethertype [^(\n]+(?:\([^)0]*\) )?\(0x([0-9a-f]{4})\)|802\.3|LLC|IPX|BRCM|Marvell)"#)
  static let vlan = Pattern(#"(?<!802\.1Q \()vlan (\d+), p (\d+)(, DEI)?"#)
  static let frameLength = Pattern(#"\(0x[0-9a-f]{4}\), length (\d+): "#)
  static let ipv4 = Pattern(
    #"\(tos 0x([0-9a-f]+)(?:,ECT\(\d\)|,CE)?(?:, ttl (\d+))?, id (\d+), offset (\d+), flags \[([^\]]+)\], proto [^(\n]*(?:\(old\) )?\((\d+)\), length (\d+)( \[was 0)?"#
  )
  static let ipv6 = Pattern(
    #"\((?:class 0x([0-9a-f]+), )?(?:flowlabel 0x([0-9a-f]+), )?hlim (\d+), next-header [^(\n]*(?:\(old\) )?\((\d+)\), payload length (\d+)\)"#
  )
  // Excludes the addresses of IPX and AppleTalk, which have a network, a node and a socket.
  static let endpoints = Pattern(
    #"(?:(?<=^)|(?<= )|(?<=\)))(?![0-9a-f]{8}\.[0-9a-f]{2}:|\d+(?:\.\d+){1,2} > )([0-9a-f.:]+) > ([0-9a-f.:]+): "#
  )
  static let tcp = Pattern(
    #" > [0-9a-f.:]+: Flags \[([FSRP.UEWe]+|none)\](?:, cksum 0x[0-9a-f]{4} \([^)]*\))?(?:, seq (\d+)(?::\d+)?)?(?:, ack (\d+)|, \[ack \d+ != 0[^\]]*\])?(?:, win (\d+))?(?:, urg (\d+))?(?:, \[urg \d+ != 0[^\]]*\])?(?:, options \[[^\n]*?\](?=, length|$| \[\||\n))?(?:, length (\d+))?"#
  )
  static let udp = Pattern(#": (?:\[[^\]]*\] )?UDP, length (\d+)$"#)
  static let checksumTCP = Pattern(#"\], cksum 0x[0-9a-f]{4} \((correct|incorrect -> 0x[0-9a-f]{4})\)"#)
  static let checksumUDP = Pattern(#"\[(udp sum ok|bad udp cksum 0x[0-9a-f]{4} -> 0x[0-9a-f]{4}!)\]"#)
  static let checksumICMPv6 = Pattern(#"\[(icmp6 sum ok|bad icmp6 cksum 0x[0-9a-f]{4} -> 0x[0-9a-f]{4}!)\]"#)
  static let checksumIPv4 = Pattern(#", bad cksum [0-9a-f]+ \(->[0-9a-f]+\)!"#)
  static let checksumICMP = Pattern(#"\(wrong icmp cksum "#)
  static let checksumIGMP = Pattern(#" bad igmp cksum "#)
  static let echo = Pattern(#"(?:ICMP|ICMP6,) echo (?:request|reply), id (\d+), seq (\d+)"#)
}
