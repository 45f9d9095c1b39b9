import BPF
import PacketCore

/// Ports, addresses, networks and tags in notations that the filter language does not have.
extension SyntaxHints {
  // MARK: Lists

  /// `port 80,443`, `port {80 443}`, `host A B`.
  var list: String? {
    let items: [String]
    let first: Int
    if let (start, listed) = commaList {
      (first, items) = (start, listed)
    } else if let listed = braceList {
      (first, items) = (place, listed)
    } else if isValue(place), isValue(place - 1), qualifiers(before: place - 1)?.words.kind != nil {
      (first, items) = (place - 1, [words(place - 1), words(place)])
    } else {
      return nil
    }
    guard items.count > 1, items.allSatisfy(Self.isItem) else { return nil }
    var before = first
    while sign(before - 1) == .leftParenthesis { before -= 1 }
    guard let (start, qualifiers) = qualifiers(before: before) else {
      // A list without qualifiers: its items show what it is.
      if items.allSatisfy({ UInt16($0) != nil }) { return "write 'port \(items.joined(separator: " or "))'" }
      guard items.allSatisfy({ IPv4Address.parse(dotted: $0.utf8)?.octets == 4 }) else { return nil }
      return "write 'host \(items.joined(separator: " or "))'"
    }
    var words = words(start, before - 1)
    if qualifiers.kind == nil, qualifiers.direction == nil {
      guard items.allSatisfy({ UInt16($0) != nil }) else { return nil }
      words += " port"
    }
    guard qualifiers.kind == .port, items.contains(where: { Self.portRange($0) != nil }) else {
      return "write '\(words) \(items.joined(separator: " or "))'"
    }
    let tests = items.map { Self.portRange($0) == nil ? "\(words) \($0)" : "\(words)range \($0)" }
    return "write '\(tests.joined(separator: " or "))'"
  }

  /// The items of a comma-separated list whose first item ends before the error, and the index of its first token.
  private var commaList: (first: Int, items: [String])? {
    let comma = UInt8(ascii: ",")
    guard let start = token(place)?.range.lowerBound, start < text.count, text[start] == comma, place > 0 else {
      return nil
    }
    // The first item may be several tokens: `10.0.0.0/8`.
    var first = place - 1
    while first > 0, tokens[first - 1].range.upperBound == tokens[first].range.lowerBound,
      sign(first - 1) != .leftParenthesis
    {
      first -= 1
    }
    var items = [words(first, place - 1)]
    var position = start
    while position < text.count, text[position] == comma, items.count < 100 {
      position += 1
      while position < text.count, text[position] == UInt8(ascii: " ") { position += 1 }
      let item = text[position...].prefix { $0 != comma && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: ")") }
      guard !item.isEmpty else { break }
      items.append(String(decoding: item, as: UTF8.self))
      position += item.count
      let blanks = text[position...].prefix { $0 == UInt8(ascii: " ") }.count
      if position + blanks < text.count, text[position + blanks] == comma { position += blanks }
    }
    return (first, items)
  }

  /// The items between braces or brackets that begin at the error.
  private var braceList: [String]? {
    guard let start = token(place)?.range.lowerBound, start < text.count else { return nil }
    let close: UInt8
    switch text[start] {
    case UInt8(ascii: "{"): close = UInt8(ascii: "}")
    case UInt8(ascii: "["): close = UInt8(ascii: "]")
    default: return nil
    }
    guard let end = text[start...].prefix(2000).firstIndex(of: close) else { return nil }
    return String(decoding: text[(start + 1)..<end], as: UTF8.self).split { $0 == "," || $0 == " " }.map(String.init)
  }

  private static func isItem(_ item: String) -> Bool {
    !item.isEmpty && item.utf8.count < 100
      && item.utf8.allSatisfy { byte in
        (byte >= 0x2d && byte <= 0x3a) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
          || byte == UInt8(ascii: "_")
      }
  }

  /// A number or an address.
  func isValue(_ index: Int) -> Bool {
    switch token(index)?.kind {
    case .number, .dotted, .ipv6, .mac: true
    default: false
    }
  }

  // MARK: Ranges

  /// `80-90` as its two end points.
  static func portRange(_ text: String) -> (first: UInt32, last: UInt32)? {
    let sides = text.split(separator: "-", omittingEmptySubsequences: false)
    guard sides.count == 2, let first = UInt32(sides[0]), let last = UInt32(sides[1]) else { return nil }
    return (first, last)
  }

  /// `port 80 - 90`, `port 80:90`, `port 80 to 90`.
  var range: String? {
    let isSeparator = sign(place) == .minus || sign(place) == .colon || ["to", "through"].contains(word(place))
    if isSeparator, let (start, qualifiers) = qualifiers(before: place - 1), case .dotted = token(place - 1)?.kind,
      let addresses = AddressRange("\(words(place - 1))-\(words(place + 1))")
    {
      guard qualifiers.direction?.isWireless != true, qualifiers.direction != .sourceAndDestination else { return nil }
      let direction = qualifiers.direction == .sourceOrDestination ? nil : qualifiers.direction?.rawValue
      let proto = start < place - 1 && qualifiers.proto == .ip ? "ip " : ""
      return "write '\(proto)\(addresses.expression(direction: direction))'"
    }
    guard isSeparator, let first = number(place - 1), let last = number(place + 1),
      let (start, qualifiers) = qualifiers(before: place - 1), first <= 65535, last <= 65535
    else { return nil }
    guard qualifiers.kind == .port || qualifiers.kind == .portrange else { return nil }
    let words = words(start, place - 2)
    return "write '\(qualifiers.kind == .port ? words + "range" : words) \(first)-\(last)'"
  }

  /// `vlan 10 or 20`, `vlan 10-20`, `vlan 10,20`: several values for one tag.
  var listOfTags: String? {
    var start = place
    while start > 0, start > place - 40 {
      start -= 1
      switch tokens[start].kind {
      case .word("vlan"), .word("mpls"): return listOfTags(words(start), start + 1)
      case .number, .word("or"), .sign(.or), .sign(.leftParenthesis), .sign(.minus): continue
      default: return nil
      }
    }
    return nil
  }

  private func listOfTags(_ word: String, _ first: Int) -> String? {
    let field = word == "vlan" ? "ether[14:2] & 0xfff" : "ether[14:4] >> 12"
    if let (low, high) = Self.portRange(words(place)) ?? dashedNumbers(first) {
      let (low, high) = (min(low, high), max(low, high))
      return "write '\(word) and \(field) >= \(low) and \(field) <= \(high)'"
    }
    var numbers: [String]
    if let (_, items) = commaList {
      numbers = items
    } else {
      numbers = (first...max(first, place)).filter { number($0) != nil }.map { words($0) }
      var next = isOr(place) ? place : place + 1
      while isOr(next), number(next + 1) != nil, numbers.count < 100 {
        numbers.append(words(next + 1))
        next += 2
      }
    }
    guard numbers.count > 1, numbers.allSatisfy({ UInt32($0) != nil }) else { return nil }
    let tests = numbers.map { "\(field) = \($0)" }.joined(separator: " or ")
    let second = "\(word) \(numbers[0]) or \(word) \(numbers[1])"
    let what = word == "vlan" ? "tag" : "label"
    return
      "write '\(word) and (\(tests))': in '\(second)' the second '\(word)' looks at the \(what) after the first one"
  }

  private func isOr(_ index: Int) -> Bool { word(index) == "or" || sign(index) == .or }

  private func dashedNumbers(_ first: Int) -> (UInt32, UInt32)? {
    guard let low = number(first), sign(first + 1) == .minus, let high = number(first + 2) else { return nil }
    return (low, high)
  }

  // MARK: Addresses

  /// `192.0.2.1:80`, `[2001:db8::1]:80`: an address with a port. `fe80::1%eth0`: one with a zone.
  var endpoint: String? {
    if sign(place) == .percent, case .ipv6 = token(place - 1)?.kind {
      let before = qualifiers(before: place - 1).map { words($0.start, place - 1) } ?? "host \(words(place - 1))"
      return "packets have no zone: write '\(before)'"
    }
    if sign(place) == .leftBracket, case .ipv6 = token(place + 1)?.kind, sign(place + 2) == .rightBracket {
      let before = qualifiers(before: place)?.words ?? Qualifiers()
      guard sign(place + 3) == .colon, let port = number(place + 4), port <= 65535 else {
        return "write '\(before.direction.map { "\($0.rawValue) " } ?? "")host \(words(place + 1))'"
      }
      return Self.endpoint(words(place + 1), "\(port)", before)
    }
    let address = sign(place) == .colon ? place - 1 : place
    if sign(address + 1) == .colon, let port = number(address + 2), port <= 65535 {
      switch token(address)?.kind {
      case .dotted, .word: return endpoint(words(address), "\(port)", before: address)
      default: return nil
      }
    }
    guard let word = word(address), let (host, port) = Self.dottedEndpoint(word) else { return nil }
    return endpoint(host, port, before: address)
  }

  /// `192.0.2.1.80`, as tcpdump prints it.
  static func dottedEndpoint(_ text: String) -> (host: String, port: String)? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 5, parts.prefix(4).allSatisfy({ UInt8($0) != nil }), UInt16(parts[4]) != nil else {
      return nil
    }
    return (parts.prefix(4).joined(separator: "."), String(parts[4]))
  }

  private func endpoint(_ host: String, _ port: String, before index: Int) -> String {
    Self.endpoint(host, port, qualifiers(before: index)?.words ?? Qualifiers())
  }

  static func endpoint(_ host: String, _ port: String, _ qualifiers: Qualifiers) -> String {
    let direction = qualifiers.direction.map { "\($0.rawValue) " } ?? ""
    var transport = ""
    if let proto = qualifiers.proto, [.tcp, .udp, .sctp].contains(proto) { transport = "\(proto.rawValue) " }
    return "write '\(direction)host \(host) and \(transport)\(direction)port \(port)'"
  }

  /// `10.0.0.0/255.0.0.0`, `10.0.0.0 mask 8`, `10/8`, `80/tcp`.
  var netmask: String? {
    if sign(place + 1) == .slash, number(place) != nil {
      if let proto = word(place + 2), ["tcp", "udp", "sctp"].contains(proto) {
        return "write '\(proto) port \(words(place))'"
      }
      guard let network = number(place), network < 256, let length = number(place + 2), length <= 32 else { return nil }
      let mask: UInt32 = length == 0 ? 0 : .max << (32 - length)
      let kind = beginsTest(place) ? "net " : ""
      return "write '\(kind)\(FieldName.Form.ipv4.text(network << 24 & mask))/\(length)'"
    }
    let isMask = ["mask", "netmask"].contains(word(place - 1))
    guard sign(place - 1) == .slash || isMask, case .dotted = token(place - 2)?.kind,
      let (network, _) = IPv4Address.parse(dotted: words(place - 2).utf8)
    else { return nil }
    if isMask {
      guard let length = number(place), length <= 32 else { return nil }
      return "write '\(words(place - 2))/\(length)'"
    }
    guard case .dotted = token(place)?.kind, let (mask, octets) = IPv4Address.parse(dotted: words(place).utf8),
      octets == 4
    else { return nil }
    let masked = FieldName.Form.ipv4.text(network.rawValue & mask.rawValue)
    guard ~mask.rawValue & (~mask.rawValue &+ 1) == 0 else {
      return "write '\(masked) mask \(words(place))'"
    }
    return "write '\(masked)/\(mask.rawValue.nonzeroBitCount)'"
  }

  /// `10.0.0.*`: all addresses with this prefix.
  var wildcard: String? {
    for index in [place, place - 1] {
      guard sign(index + 1) == .star, let word = word(index), let network = Self.wildcard(word + "*") else { continue }
      return "write '\(network)'"
    }
    return nil
  }

  /// The network of `10.0.0.*` or `10.0.0.x`; nil if the text has another form.
  static func wildcard(_ text: String) -> String? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let fixed = parts.prefix { UInt8($0) != nil }
    guard (1...3).contains(fixed.count), parts.count > fixed.count, parts.count <= 4,
      parts.dropFirst(fixed.count).allSatisfy({ ["*", "x", "X"].contains($0) })
    else { return nil }
    let zeros = Array(repeating: "0", count: 4 - fixed.count)
    return "net \((fixed.map(String.init) + zeros).joined(separator: "."))/\(8 * fixed.count)"
  }

  // MARK: Values without qualifiers

  /// `80`, `192.0.2.1`: a value without the word that says what it is, on its own or after a protocol.
  var value: String? {
    guard let token = token(place) else { return nil }
    let isPrefixed = sign(place + 1) == .slash && number(place + 2) != nil
    let written = isPrefixed ? words(place, place + 2) : words(place)
    let kind: String
    switch token.kind {
    case .number(let number):
      guard number <= 65535 else { return nil }
      kind = "port"
    case .dotted(let text):
      guard let (_, octets) = IPv4Address.parse(dotted: text.utf8) else { return nil }
      kind = isPrefixed || octets < 4 ? "net" : "host"
    case .ipv6: kind = isPrefixed ? "net" : "host"
    case .mac: kind = "ether host"
    case .word(let word):
      guard beginsTest(place), word.contains("."), !word.hasPrefix("."), !word.hasSuffix(".") else { return nil }
      kind = "host"
    default: return nil
    }
    if beginsTest(place) { return "write '\(kind) \(written)'" }
    guard let name = word(place - 1), let proto = ProtocolName(keyword: name), proto.standsAlone else { return nil }
    switch (proto, kind) {
    case (.tcp, "port"), (.udp, "port"), (.sctp, "port"), (.ip, "host"), (.ip, "net"), (.ip6, "host"), (.ip6, "net"),
      (.arp, "host"), (.arp, "net"):
      return "write '\(name) \(kind) \(written)'"
    case (_, "host"), (_, "net"), (_, "ether host"): return "write '\(name) and \(kind) \(written)'"
    default: return nil
    }
  }
}
