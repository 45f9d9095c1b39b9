import Foundation
public import PacketCore

/// A file of `Fixtures/packets`: packets of one protocol and their expected output. `Fixtures/README.md` describes the format.
public struct PacketCaseFile: Sendable {
  /// An error in a case file.
  public struct Fault: Error, CustomStringConvertible {
    public let description: String
  }

  /// The file's name without `.txt`.
  public let name: String
  /// The text before the first packet, which applies to all packets.
  private let introduction: [String]
  public private(set) var packets: [PacketCase] = []

  /// The names of all files, in order.
  public static let names: [String] = Fixture.names(in: "packets").filter { $0.hasSuffix(".txt") }.map {
    String($0.dropLast(4))
  }

  private static func location(_ name: String) -> URL {
    Fixture.folder.appendingPathComponent("packets/\(name).txt")
  }

  /// Reads a file of the folder.
  public init(_ name: String) throws {
    try self.init(name, text: String(contentsOf: Self.location(name), encoding: .utf8))
  }

  /// Reads the text of a file.
  public init(_ name: String, text: String) throws {
    self.name = name
    var introduction: [String] = []
    var draft: PacketCase.Draft?
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.last == "" { lines.removeLast() }
    for (index, line) in lines.enumerated() {
      do throws(Fault) {
        if line.hasPrefix("== ") {
          if let draft { packets.append(try draft.packet()) }
          draft = PacketCase.Draft(title: String(line.dropFirst(3)))
        } else if draft == nil {
          introduction.append(line)
        } else {
          try draft?.read(line)
        }
      } catch {
        throw Fault(description: "\(name).txt:\(index + 1): \(error.description)")
      }
    }
    do throws(Fault) {
      if let draft { packets.append(try draft.packet()) }
    } catch {
      throw Fault(description: "\(name).txt: \(error.description)")
    }
    self.introduction = introduction
    if packets.isEmpty { throw Fault(description: "\(name).txt: no packet") }
  }

  /// All forms in which packets of the file are printed, without duplicates, in the order of the file.
  public var forms: [String] {
    var forms: [String] = []
    for expectation in packets.flatMap(\.expectations) where !forms.contains(expectation.form) {
      forms.append(expectation.form)
    }
    return forms
  }

  /// The argument of `-T` in the forms of the file, which then applies to the objects, too; nil if no form has `-T`.
  public var payload: String? {
    for form in forms {
      let words = form.split(separator: " ")
      if let index = words.firstIndex(of: "-T"), index + 1 < words.count { return String(words[index + 1]) }
    }
    return nil
  }

  /// Replaces the expected output of a packet in one form.
  public mutating func record(_ lines: [String], packet: Int, form: String) {
    for index in packets[packet].expectations.indices where packets[packet].expectations[index].form == form {
      packets[packet].expectations[index].lines = lines
    }
  }

  /// The text of the file.
  public var text: String {
    var lines = introduction
    for packet in packets {
      lines += packet.source
      for expectation in packet.expectations {
        lines.append(expectation.form)
        lines += expectation.lines.map { $0.isEmpty ? "|" : "| \($0)" }
      }
      lines.append("")
    }
    return lines.dropLast().joined(separator: "\n") + "\n"
  }

  /// Writes the file.
  public func write() throws { try text.write(to: Self.location(name), atomically: true, encoding: .utf8) }
}

/// One packet of a case file.
public struct PacketCase: Sendable {
  /// The expected output in one form.
  public struct Expectation: Sendable {
    /// Flags as typed, or `json`.
    public let form: String
    public var lines: [String]
  }

  public let title: String
  public let linkType: LinkType
  /// The whole packet, with the headers of its carrier.
  public let octets: [UInt8]
  /// Length on the wire.
  public let len: Int
  /// The number of bytes, and of layers, that the carrier puts in front of the contents of the file.
  public let carrierLength: Int
  public let carrierLayers: Int
  /// Why a cut packet may print less without a truncation mark; nil if every cut has a mark.
  public let silence: String?
  public var expectations: [Expectation]
  /// The lines of the packet before its expected output, unchanged.
  fileprivate let source: [String]

  /// The forms of a packet for which the file has no expected output yet: `RECORD=1` adds it.
  private static let usualForms = ["-nnt", "-nntevvv", "json"]

  /// A packet while its lines are being read.
  fileprivate struct Draft {
    let title: String
    private var source: [String]
    private var linkType: LinkType?
    private var carrier: PacketCarrier?
    private var missing = 0
    private var silence: String?
    private var octets: [UInt8] = []
    private var expectations: [Expectation] = []

    init(title: String) {
      self.title = title
      source = ["== \(title)"]
    }

    mutating func read(_ line: String) throws(PacketCaseFile.Fault) {
      if line.hasPrefix("|") {
        guard !expectations.isEmpty else { throw fault("what is printed stands behind flags, or behind json") }
        expectations[expectations.count - 1].lines.append(String(line.dropFirst(line.hasPrefix("| ") ? 2 : 1)))
      } else if line.hasPrefix("-") || line == "json" {
        expectations.append(Expectation(form: line, lines: []))
      } else if line.allSatisfy(\.isWhitespace) {
        if expectations.isEmpty { source.append(line) }
      } else {
        guard expectations.isEmpty else { throw fault("what is printed begins with |") }
        source.append(line)
        try readSource(line)
      }
    }

    private mutating func readSource(_ line: String) throws(PacketCaseFile.Fault) {
      if line.hasPrefix("#") { return }
      if let value = value(of: "link", line) {
        guard let type = LinkType(name: value) else { throw fault("unknown link type \(value)") }
        linkType = type
      } else if let value = value(of: "carrier", line) {
        carrier = try PacketCarrier(value)
      } else if let value = value(of: "silent", line) {
        silence = value
      } else if let value = value(of: "missing", line) {
        guard let count = Int(value), count > 0 else {
          throw fault("missing: octets of the packet that were not captured")
        }
        missing = count
      } else {
        try octets.append(contentsOf: PacketHex.octets(line, at: octets.count))
      }
    }

    private func value(of key: String, _ line: String) -> String? {
      guard line.hasPrefix(key + ":") else { return nil }
      return line.dropFirst(key.count + 1).trimmingCharacters(in: .whitespaces)
    }

    private func fault(_ text: String) -> PacketCaseFile.Fault { PacketCaseFile.Fault(description: text) }

    func packet() throws(PacketCaseFile.Fault) -> PacketCase {
      guard !octets.isEmpty else { throw fault("\(title): no octets") }
      guard carrier == nil || linkType == nil else { throw fault("\(title): a carrier has its own link type") }
      let whole = carrier?.carry(octets) ?? octets
      var expectations = expectations
      if expectations.isEmpty { expectations = PacketCase.usualForms.map { Expectation(form: $0, lines: []) } }
      var source = source
      while source.last?.isEmpty == true { source.removeLast() }
      return PacketCase(
        title: title, linkType: linkType ?? .ethernet, octets: whole, len: whole.count + missing,
        carrierLength: whole.count - octets.count, carrierLayers: carrier?.layers ?? 0, silence: silence,
        expectations: expectations,
        source: source)
    }
  }
}

/// The headers that carry a packet of a case file, with correct lengths and checksums.
struct PacketCarrier: Sendable {
  private let builder: PacketBuilder
  /// The number of layers in these headers.
  let layers: Int

  /// `ethernet TYPE`, `llc DSAP SSAP`, `ip PROTOCOL`, `udp SOURCE DESTINATION`, `tcp SOURCE DESTINATION`, and `ip6`, `udp6`, `tcp6`.
  /// Numbers may be hexadecimal with 0x.
  init(_ text: String) throws(PacketCaseFile.Fault) {
    let words = text.split(separator: " ").map(String.init)
    let numbers = words.dropFirst().compactMap { word in
      word.hasPrefix("0x") ? UInt16(word.dropFirst(2), radix: 16) : UInt16(word)
    }
    let ethernet = PacketBuilder().ethernet()
    let (ipv4, ipv6) = (
      ("192.0.2.1", "192.0.2.2") as (IPv4Address, IPv4Address),
      ("2001:db8::1", "2001:db8::2") as (IPv6Address, IPv6Address)
    )
    let small = numbers.compactMap { UInt8(exactly: $0) }
    switch (words.first, numbers.count, words.count) {
    case ("ethernet", 1, 2): (builder, layers) = (PacketBuilder().ethernet(etherType: numbers[0]), 1)
    case ("llc", 2, 3) where small.count == 2: (builder, layers) = (ethernet.llc(dsap: small[0], ssap: small[1]), 2)
    case ("ip", 1, 2) where small.count == 1: (builder, layers) = (ethernet.ipv4(ipv4.0, ipv4.1, proto: small[0]), 2)
    case ("ip6", 1, 2) where small.count == 1: (builder, layers) = (ethernet.ipv6(ipv6.0, ipv6.1, proto: small[0]), 2)
    case ("udp", 2, 3): (builder, layers) = (ethernet.ipv4(ipv4.0, ipv4.1).udp(numbers[0], numbers[1]), 3)
    case ("udp6", 2, 3): (builder, layers) = (ethernet.ipv6(ipv6.0, ipv6.1).udp(numbers[0], numbers[1]), 3)
    case ("tcp", 2, 3):
      (builder, layers) = (ethernet.ipv4(ipv4.0, ipv4.1).tcp(numbers[0], numbers[1], flags: [.psh, .ack]), 3)
    case ("tcp6", 2, 3):
      (builder, layers) = (ethernet.ipv6(ipv6.0, ipv6.1).tcp(numbers[0], numbers[1], flags: [.psh, .ack]), 3)
    default:
      throw PacketCaseFile.Fault(
        description:
          "unknown carrier '\(text)': ethernet TYPE, llc DSAP SSAP, ip PROTOCOL, udp SOURCE DESTINATION and tcp SOURCE DESTINATION are possible, and ip6, udp6, tcp6"
      )
    }
  }

  func carry(_ octets: [UInt8]) -> [UInt8] { builder.payload(octets).octets }
}

/// A line of bytes in a case file.
enum PacketHex {
  /// The bytes of a line: `0010: 4500 0054 …`, or `"text\r\n"`. An offset, if given, must equal `offset`; text after # is a comment.
  static func octets(_ line: String, at offset: Int) throws(PacketCaseFile.Fault) -> [UInt8] {
    var text = line.trimmingCharacters(in: .whitespaces)
    if let colon = text.firstIndex(where: { $0 == ":" || $0 == "\"" || $0 == "#" }), text[colon] == ":" {
      var stated = text[..<colon]
      if stated.hasPrefix("0x") { stated.removeFirst(2) }
      guard Int(stated, radix: 16) == offset else {
        throw PacketCaseFile.Fault(
          description: "the offset is \(stated), and 0x\(String(offset, radix: 16)) octets stand before it")
      }
      text = text[text.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    if text.hasPrefix("\"") { return try quoted(text) }
    var octets: [UInt8] = []
    for word in text.prefix(while: { $0 != "#" }).split(whereSeparator: \.isWhitespace) {
      var rest = word
      while !rest.isEmpty {
        guard rest.count > 1, let octet = UInt8(rest.prefix(2), radix: 16) else {
          throw PacketCaseFile.Fault(description: "'\(word)' is not octets in hexadecimal")
        }
        octets.append(octet)
        rest.removeFirst(2)
      }
    }
    return octets
  }

  private static func quoted(_ text: String) throws(PacketCaseFile.Fault) -> [UInt8] {
    var octets: [UInt8] = []
    var rest = text.utf8.dropFirst()
    while let octet = rest.popFirst() {
      switch octet {
      case UInt8(ascii: "\""):
        let behind = String(rest)?.trimmingCharacters(in: .whitespaces)
        guard behind == "" || behind?.hasPrefix("#") == true else { break }
        return octets
      case UInt8(ascii: "\\"):
        switch rest.popFirst() {
        case UInt8(ascii: "r"): octets.append(0x0d)
        case UInt8(ascii: "n"): octets.append(0x0a)
        case UInt8(ascii: "t"): octets.append(0x09)
        case UInt8(ascii: "x"):
          guard let value = String(rest.prefix(2)).flatMap({ UInt8($0, radix: 16) }) else { break }
          octets.append(value)
          rest = rest.dropFirst(2)
          continue
        case let other? where other == UInt8(ascii: "\\") || other == UInt8(ascii: "\""): octets.append(other)
        default: throw PacketCaseFile.Fault(description: #"\r, \n, \t, \", \\ and \xHH are possible in quotes"#)
        }
        continue
      default:
        octets.append(octet)
        continue
      }
      break
    }
    throw PacketCaseFile.Fault(description: "no text in quotes: \(text)")
  }
}
