/// A keyword of the filter language, for lists and shell completion.
public struct FilterWord: Sendable {
  /// How it can be spelled, the common way first.
  public let spellings: [String]
  /// What follows it, such as `<label>`, or `[<label>]` if it is optional; empty if nothing does.
  public let operand: String
  /// The words that can follow it.
  public let operandWords: [String]
  /// What it means, in a few words.
  public let meaning: String

  init(_ spellings: [String], operand: String = "", operandWords: [String] = [], _ meaning: String) {
    self.spellings = spellings
    self.operand = operand
    self.operandWords = operandWords
    self.meaning = meaning
  }

  init(_ spelling: String, operand: String = "", _ meaning: String) {
    self.init([spelling], operand: operand, meaning)
  }
}

/// Every keyword of the language described in pcap-filter(7), in sections, from the tables of the compiler.
public enum FilterVocabulary {
  /// Keywords of one kind.
  public struct Section: Sendable {
    public let title: String
    public let words: [FilterWord]
  }

  /// All sections.
  public static let sections = [
    Section(title: "What to match", words: Qualifiers.Kind.allCases.map(\.entry)),
    Section(title: "Where to look", words: Qualifiers.Direction.entries),
    Section(title: "Protocols, alone or before the words above", words: ProtocolName.allCases.map(\.entry)),
    Section(title: "Other tests", words: PrimitiveUse.Cast.allCases.map(\.entry) + Primitive.all.map(\.entry)),
    Section(title: "Between tests", words: connectives),
    Section(title: "Numbers, as in tcp[tcpflags] & tcp-syn != 0", words: lengths + NamedConstant.entries),
  ]

  private static let connectives = [
    FilterWord("and", "both tests, also '&&'"),
    FilterWord("or", "one of the tests, also '||'; 'and' and 'or' have the same precedence, from the left"),
    FilterWord("not", "the opposite of the test, also '!'"),
    FilterWord(["mask", "netmask"], operand: "<netmask>", "after an IPv4 network: its netmask"),
  ]

  private static let lengths = [FilterWord(["len", "length"], "length of the packet on the wire")]
}

extension Qualifiers.Kind {
  fileprivate var entry: FilterWord {
    switch self {
    case .host: FilterWord(rawValue, operand: "<address|name>", "an address; the default where no other word is given")
    case .net: FilterWord(rawValue, operand: "<network[/length]>", "a network")
    case .port: FilterWord(rawValue, operand: "<number|name>", "a TCP, UDP or SCTP port")
    case .portrange: FilterWord(rawValue, operand: "<first-last>", "ports from the first to the last")
    case .gateway:
      FilterWord(rawValue, operand: "<name>", "a host that forwards: its link-layer address, not its IP address")
    case .proto: FilterWord(rawValue, operand: "<number|\\name>", "the protocol that a header names")
    case .protochain: FilterWord(rawValue, operand: "<number|\\name>", "the same, after other headers of IP")
    }
  }
}

extension Qualifiers.Direction {
  fileprivate static let entries = [
    FilterWord(Self.source.rawValue, "the source"),
    FilterWord(Self.destination.rawValue, "the destination"),
    FilterWord(Self.receiver.rawValue, operand: "<address>", "IEEE 802.11 receiver"),
    FilterWord(Self.transmitter.rawValue, operand: "<address>", "IEEE 802.11 transmitter"),
    FilterWord([Self.addr1.rawValue, "address1"], operand: "<address>", "IEEE 802.11 address 1"),
    FilterWord([Self.addr2.rawValue, "address2"], operand: "<address>", "IEEE 802.11 address 2"),
    FilterWord([Self.addr3.rawValue, "address3"], operand: "<address>", "IEEE 802.11 address 3"),
    FilterWord([Self.addr4.rawValue, "address4"], operand: "<address>", "IEEE 802.11 address 4"),
  ]
}

extension PrimitiveUse.Cast {
  fileprivate var entry: FilterWord {
    switch self {
    case .broadcast: FilterWord(rawValue, "broadcast by the link layer or, after 'ip', in a network (--netmask)")
    case .multicast: FilterWord(rawValue, "multicast by the link layer or, after 'ip' or 'ip6', by IP")
    }
  }
}

extension Primitive {
  fileprivate var entry: FilterWord {
    FilterWord(keywords, operand: shape.text, operandWords: shape.words, help)
  }
}

extension Primitive.Shape {
  /// What follows the keyword, in the form of a synopsis.
  fileprivate var text: String {
    switch self {
    case .nothing: ""
    case .number(let what): "<\(Self.valueName(what))>"
    case .optionalNumber(let what): "[<\(Self.valueName(what))>]"
    case .byteTest: "<offset> <sign> <number>"
    case .optionalWord: "[<kind>]"
    case .name: "<name>"
    case .comparison(let maximum): "[<sign>] <0-\(maximum)>"
    case .frameType: "<type> [subtype <subtype>]"
    case .frameSubtype: "<subtype>"
    case .frameDirection: "<direction>"
    case .process(.process): "<number>"
    case .process(.user): "<name|number>"
    case .process(.name): "<name>"
    case .process(.controlGroup): "<path>"
    case .process(.container): "<digits>"
    }
  }

  /// The words that can follow it.
  fileprivate var words: [String] {
    switch self {
    case .nothing, .number, .optionalNumber, .byteTest, .comparison, .process: []
    case .optionalWord(let words), .name(let words): words
    case .frameType: IEEE80211Frame.types.keys.sorted()
    case .frameSubtype: IEEE80211Frame.subtypes.values.flatMap(\.keys).sorted()
    case .frameDirection: IEEE80211Frame.directions.keys.sorted()
    }
  }

  /// Turns `an interface index` into the name of a value: `interface-index`.
  private static func valueName(_ what: String) -> String {
    let words = what.split(separator: " ")
    return (words.first == "a" || words.first == "an" ? words.dropFirst() : words[...]).joined(separator: "-")
  }
}

extension NamedConstant {
  fileprivate static let entries = all.map { (name: $0.key, value: $0.value) }
    .sorted { (family($0.name), $0.value, $0.name) < (family($1.name), $1.value, $1.name) }
    .map { FilterWord($0.name, meaning(of: $0.name, $0.value)) }

  /// The word before the hyphen; empty for names without one, which sort first.
  private static func family(_ name: String) -> String {
    name.contains("-") ? String(name.prefix { $0 != "-" }) : ""
  }

  private static func meaning(of name: String, _ value: UInt32) -> String {
    switch family(name) {
    case "": "offset \(value) of that field"
    case "tcp": "TCP flag 0x\(value < 0x10 ? "0" : "")\(String(value, radix: 16))"
    case let family: "\(family == "icmp6" ? "ICMPv6" : "ICMP") type \(value)"
    }
  }
}
