import BPF
import Names
import PacketCore

/// What to type instead of a test that is syntactically correct but cannot be compiled.
struct MeaningHints {
  let use: PrimitiveUse
  let error: FilterError
  /// The words of the whole test, or only those of the identifier if it inherits its qualifiers.
  let range: SourceRange
  let options: CompileOptions

  init(_ use: PrimitiveUse, _ error: FilterError, at range: SourceRange, _ options: CompileOptions) {
    self.use = use
    self.error = error
    self.range = range
    self.options = options
  }

  /// What to type instead; nil if nothing is known.
  var hint: String? {
    switch use {
    case .identifier(let qualifiers, let identifier):
      let hints = IdentifierHints(
        qualifiers: qualifiers, identifier: identifier, message: error.message, isInherited: range == identifier.range,
        names: options.names)
      return hints.hint ?? linkType
    case .word(let primitive, let operand): return nearestOperand(primitive, operand) ?? linkType
    case .cast where error.message.contains(text: "netmask not known"): return "give it with --netmask"
    case .abbreviation, .cast, .relation: return nil
    }
  }

  /// A hint for keywords of another link type.
  private var linkType: String? {
    let message = error.message
    if ["'type/subtype' not", "'dir' not", "is valid for 802.11 syntax only"].contains(where: {
      message.contains(text: $0)
    }) {
      if case .ieee80211 = LinkLayer(of: options.linkType).field { return nil }
      return message.hasSuffix("only")
        ? "set the link type with -y IEEE802_11_RADIO" : "only on 802.11, such as -y IEEE802_11_RADIO"
    }
    if message.hasSuffix("supported only on SS7") { return "set the link type with -y MTP2" }
    if message.hasSuffix("supported only on PFLOG linktype") { return "set the link type with -y PFLOG" }
    if message.hasSuffix("supported only on SUNATM") { return "set the link type with -y SUNATM" }
    return nil
  }

  private func nearestOperand(_ primitive: Primitive, _ operand: Operand) -> String? {
    guard case .name(let names) = primitive.shape, case .word(let name) = operand else { return nil }
    return Suggestion.hint(for: name, among: Set(names))
  }
}

/// What to type instead of an identifier that is not valid with its qualifiers.
struct IdentifierHints {
  let qualifiers: Qualifiers
  let identifier: Identifier
  let message: String
  /// True if the qualifiers come from an earlier test: `port 80 or tpc`.
  let isInherited: Bool
  let names: any NameResolver

  var hint: String? {
    switch identifier.value {
    case .name(let name):
      if message.hasPrefix("unknown") || message.hasPrefix("port '") { return unknownName(name) }
      return otherKind
    case .ipv4Prefix(let address, let length): return hostBits(address, length) ?? network ?? otherKind
    case .ipv4Masked(let address, let mask):
      let isPrefix = ~mask.rawValue & (~mask.rawValue &+ 1) == 0
      let length = UInt32(mask.rawValue.nonzeroBitCount)
      return (isPrefix ? hostBits(address, length) : nil) ?? network ?? otherKind
    case .ipv6Prefix(let address, let length): return hostBits(address, length) ?? network ?? otherKind
    case .dotted, .ipv6: return otherKind
    case .mac where message.hasPrefix("Ethernet address used"):
      return "write 'ether \(direction)host \(identifier.text)'"
    case .number, .mac, .octetAddress: return otherKind
    }
  }

  private var direction: String { qualifiers.direction.map { "\($0.rawValue) " } ?? "" }
  private var proto: String {
    qualifiers.proto.map { "\($0 == .link ? "ether" : $0.rawValue) " } ?? ""
  }

  // MARK: Networks

  /// `net 10.0.0.1/8`: suggests the network, or the host.
  private func hostBits(_ address: IPv4Address, _ length: UInt32) -> String? {
    let mask: UInt32 = length == 0 ? 0 : .max << (32 - min(length, 32))
    let form = FieldName.Form.ipv4
    return hostBits("\(form.text(address.rawValue & mask))/\(length)", form.text(address.rawValue))
  }

  private func hostBits(_ address: IPv6Address, _ length: UInt32) -> String? {
    let mask: UInt128 = length == 0 ? 0 : .max << UInt128(128 - min(length, 128))
    func text(_ address: IPv6Address) -> String {
      var text = TextBuffer(capacity: 48)
      text.write(address)
      return text.string
    }
    return hostBits("\(text(IPv6Address(rawValue: address.rawValue & mask)))/\(length)", text(address))
  }

  private func hostBits(_ network: String, _ host: String) -> String? {
    guard message.hasPrefix("non-network bits set") else { return nil }
    return "did you mean '\(proto)\(direction)net \(network)' or '\(proto)\(direction)host \(host)'?"
  }

  /// `host 10.0.0.0/8`.
  private var network: String? {
    guard message.hasPrefix("'host' is not a valid qualifier"), message.hasSuffix("'net' is") else { return nil }
    return "write '\(proto)\(direction)net \(identifier.text)'"
  }

  // MARK: Qualifiers that cannot be used with the value

  private var otherKind: String? {
    let kind = qualifiers.kind ?? .host
    if message.hasPrefix("illegal link-layer address"), case .dotted = identifier.value {
      return "write '\(direction)\(kind.rawValue) \(identifier.text)'"
    }
    let isAddress: Bool
    switch identifier.value {
    case .dotted, .ipv6, .ipv4Prefix, .ipv6Prefix, .ipv4Masked: isAddress = true
    default: isAddress = false
    }
    if message.hasPrefix("'\(kind.rawValue)' qualifier applied to"), isAddress {
      let isNetwork =
        if case .dotted = identifier.value { false } else if case .ipv6 = identifier.value { false } else { true }
      return "write '\(direction)\(isNetwork ? "net" : "host") \(identifier.text)'"
    }
    guard message.contains(text: "is not a valid qualifier for"), let proto = qualifiers.proto else { return nil }
    switch kind {
    case .host, .net:
      switch (proto, identifier.value) {
      case (.ip, .ipv6), (.ip, .ipv6Prefix): return "write 'ip6 \(direction)\(kind.rawValue) \(identifier.text)'"
      case (.ip6, .dotted), (.ip6, .ipv4Prefix), (.ip6, .ipv4Masked):
        return "write 'ip \(direction)\(kind.rawValue) \(identifier.text)'"
      case (.tcp, _), (.udp, _), (.sctp, _), (.icmp, _), (.icmp6, _), (.igmp, _), (.pim, _), (.esp, _), (.ah, _),
        (.vrrp, _), (.carp, _):
        guard qualifiers.direction?.isWireless != true else { return nil }
        return "write '\(proto.rawValue) and \(direction)\(kind.rawValue) \(identifier.text)'"
      default: return nil
      }
    case .port, .portrange:
      guard proto == .ip || proto == .ip6 else { return nil }
      return "write '\(proto.rawValue) and \(direction)\(kind.rawValue) \(identifier.text)'"
    case .gateway, .proto, .protochain: return nil
    }
  }

  // MARK: Names

  private func unknownName(_ name: String) -> String? {
    // A port name registered for one transport, used with another.
    if message.hasPrefix("port '"), let transport = message.split(separator: " ").last {
      return "write '\(transport) \(direction)\(qualifiers.kind?.rawValue ?? "port") \(name)'"
    }
    if isInherited, let test = otherTest(name) { return test }
    if message.hasPrefix("unknown Ethernet-like host") { return "its Ethernet address must be in /etc/ethers" }
    switch qualifiers.kind ?? .host {
    case .port: return port(name)
    case .portrange: return portRange(name)
    case .host, .gateway: return host(name)
    case .net:
      if let range = addresses(name) { return range }
      if !names.ipv4Addresses(ofHost: name).isEmpty { return "write '\(direction)host \(name)'" }
      return Suggestion.hint(for: name, among: names.knownNames(of: .network))
    case .proto, .protochain: return protocolName(name)
    }
  }

  /// What a name means on its own, where it is in a list only by mistake.
  private func otherTest(_ name: String) -> String? {
    if name != name.lowercased(), Keywords.contains(name.lowercased()) {
      return "keywords are lower case: write '\(name.lowercased())'"
    }
    guard !name.contains(".") else { return nil }
    if let known = KnownWord(name) { return known.hint() }
    if let constant = KnownFlag.constant(name) { return "write '\(KnownFlag.test([constant]))'" }
    return nil
  }

  private func port(_ name: String) -> String? {
    if SyntaxHints.portRange(name) != nil { return "write '\(proto)\(direction)portrange \(name)'" }
    let services = names.knownNames(of: .service)
    if services.contains(name.lowercased()) { return "did you mean '\(name.lowercased())'?" }
    if case .port(let number, _) = KnownWord(name) { return "write '\(proto)\(direction)port \(number)'" }
    if let near = Suggestion.nearest(to: name, among: services) { return "did you mean '\(near)'?" }
    return isInherited ? Suggestion.nearestKeyword(to: name).map { "did you mean '\($0)'?" } : nil
  }

  /// `htpp-https`: the range with each unknown name replaced.
  private func portRange(_ text: String) -> String? {
    let services = names.knownNames(of: .service)
    func known(_ name: String) -> String? {
      UInt16(name) != nil || services.contains(name) ? name : Suggestion.nearest(to: name, among: services)
    }
    for dash in text.indices where text[dash] == "-" {
      guard let first = known(String(text[..<dash])), let last = known(String(text[text.index(after: dash)...]))
      else { continue }
      return "did you mean '\(first)-\(last)'?"
    }
    if let name = known(text) { return "a range is two ports, such as '\(name)-\(name)'; write 'port \(name)' for one" }
    return nil
  }

  private func host(_ name: String) -> String? {
    if let range = addresses(name) { return range }
    if message.hasSuffix("for specified address family") {
      let other = names.ipv4Addresses(ofHost: name).isEmpty ? "ip6" : "ip"
      return "write '\(other) \(direction)host \(name)'"
    }
    if let (host, port) = SyntaxHints.dottedEndpoint(name) { return SyntaxHints.endpoint(host, port, qualifiers) }
    let hosts = names.knownNames(of: .host)
    if let near = Suggestion.nearest(to: name, among: hosts) { return "did you mean '\(near)'?" }
    if isInherited, let near = Suggestion.nearestKeyword(to: name) { return "did you mean '\(near)'?" }
    return names.reasonForUnknownHost(name)
  }

  /// Several addresses written as one word: `10.0.0.1-10.0.0.5`, `10.0.0.x`.
  private func addresses(_ name: String) -> String? {
    if let range = AddressRange(name) {
      switch qualifiers.direction {
      case nil, .sourceOrDestination: return "write '\(proto)\(range.expression(direction: nil))'"
      case .source: return "write '\(proto)\(range.expression(direction: "src"))'"
      case .destination: return "write '\(proto)\(range.expression(direction: "dst"))'"
      default: return nil
      }
    }
    return SyntaxHints.wildcard(name).map { "write '\(proto)\(direction)\($0)'" }
  }

  private func protocolName(_ name: String) -> String? {
    if case .port = KnownWord(name) { return KnownWord(name)?.hint() }
    var candidates: Set<String>
    switch qualifiers.proto {
    case nil, .ip, .ip6: candidates = names.knownNames(of: .protocol)
    case .link: candidates = Set(Lowering.linkProtocolNumbers.keys)
    case .iso: candidates = Set(Lowering.isoProtocolNumbers.keys)
    default: return nil
    }
    if let lower = candidates.contains(name.lowercased()) ? name.lowercased() : nil {
      return "did you mean '\(shown(lower))'?"
    }
    if case .keyword(let word) = KnownWord(name), candidates.contains(word) || Keywords.contains(word), word != name,
      !word.contains(" ")
    {
      return "did you mean '\(shown(word))'?"
    }
    // Common protocols first.
    let protocols = candidates.intersection(ProtocolName.allCases.map(\.rawValue))
    let near = Suggestion.nearest(to: name, among: protocols) ?? Suggestion.nearest(to: name, among: candidates)
    return near.map { "did you mean '\(shown($0))'?" }
  }

  /// A name as it has to be typed: a keyword needs a backslash.
  private func shown(_ name: String) -> String { Keywords.contains(name) ? "\\\(name)" : name }
}
