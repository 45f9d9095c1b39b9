import BPF
import PacketCore

/// Header fields, and the values they are compared with.
extension SyntaxHints {
  /// `tcp flags syn`, `tcp[tcpflags] = syn`, `syn`: TCP flags by name.
  var flags: String? {
    var index = place
    var constants: [String] = []
    let isNamed = word(index).map { ["flags", "flag"].contains($0.lowercased()) } ?? false
    if isNamed {
      index += 1
    } else {
      guard word(index).flatMap(KnownFlag.constant) != nil else { return nil }
    }
    // After `&`, and with `or` between them, one of the flags is enough.
    var isAny = sign(place - 1) == .ampersand || (sign(place - 1) == .leftParenthesis && sign(place - 2) == .ampersand)
    loop: while let token = token(index), index < place + 24 {
      switch token.kind {
      case .word(let word):
        if word == "or" { isAny = true }
        if let constant = KnownFlag.constant(word) {
          constants.append(constant)
        } else if !["and", "or", "is", "set"].contains(word) {
          break loop
        }
      case .number where words(index).hasPrefix("tcp-"): constants.append(words(index))
      case .sign(.bar), .sign(.plus), .sign(.ampersand), .sign(.equal), .sign(.equalEqual), .sign(.leftParenthesis),
        .sign(.minus):
        break
      default: break loop
      }
      index += 1
    }
    // Flags of a protocol other than TCP.
    if constants.isEmpty, word(place - 1) != "tcp" { return nil }
    return "write '\(KnownFlag.test(constants, isAny: isAny))'"
  }

  /// `icmp type 8`, `icmp echo`, `icmp[icmptype] = echo`.
  var icmpType: String? {
    // The protocol named before, or the one whose field is compared.
    var proto: String?
    for index in stride(from: place - 1, through: max(0, place - 6), by: -1) {
      if let word = word(index), ["icmp", "icmp6"].contains(word) {
        proto = word
        break
      }
      if beginsTest(index + 1) { return nil }
    }
    guard let proto else { return nil }
    let number = number(place + 1)
    switch word(place) {
    case "type", "types":
      let name = word(place + 1).flatMap { Self.icmpConstant($0, proto) }
      return (name ?? number.map { "\($0)" }).map { "write '\(proto)[\(proto)type] = \($0)'" }
    case "code": return number.map { "write '\(proto)[\(proto)code] = \($0)'" }
    case let word?:
      guard let constant = Self.icmpConstant(word, proto) else { return nil }
      if sign(place - 1).flatMap(RelationSign.init) != nil { return "did you mean '\(constant)'?" }
      return "write '\(proto)[\(proto)type] = \(constant)'"
    case nil: return nil
    }
  }

  /// The constant for an ICMP type: `echo` and `echo-request` are `icmp-echo`.
  private static func icmpConstant(_ word: String, _ proto: String) -> String? {
    let others = [
      "echo-request": "echo", "echorequest": "echo", "request": "echo", "ping": "echo", "echo-reply": "echoreply",
      "reply": "echoreply", "unreachable": proto == "icmp6" ? "destinationunreach" : "unreach",
      "time-exceeded": proto == "icmp6" ? "timeexceeded" : "timxceed",
      "timeexceeded": "timxceed", "toobig": "packettoobig", "ns": "neighborsolicit", "na": "neighboradvert",
      "rs": "routersolicit", "ra": "routeradvert",
    ]
    return ["\(proto)-\(word)", "\(proto)-\(others[word] ?? "")"].first { NamedConstant.all[$0] != nil }
  }

  /// `ttl < 5`, `size > 100`: a field by name.
  var field: String? {
    guard let word = word(place), !Keywords.contains(word), let field = KnownField.expression(word) else { return nil }
    if number(place - 1) != nil { return "leave out '\(word)'" }
    switch token(place + 1)?.kind {
    case .sign(let sign) where RelationSign(sign) != nil:
      let value = number(place + 2) != nil ? words(place + 2) : "64"
      return "write '\(field) \(sign.rawValue) \(value)'"
    case .number: return "write '\(field) = \(words(place + 1))'"
    default: return "compare it with a number, such as '\(field) = 64'"
    }
  }

  /// `port = 80`, `port != 80`, `port > 1024`: a value after qualifiers takes no comparison sign.
  var comparison: String? {
    guard let sign = sign(place), RelationSign(sign) != nil || sign == .not else { return nil }
    let value = rest(behind: place)
    guard !value.isEmpty, value.allSatisfy({ $0.isLetter || $0.isNumber || ".:/-_".contains($0) }) else { return nil }
    if word(place - 1) == "vlan" || word(place - 1) == "mpls" {
      return sign == .equal || sign == .equalEqual ? "write '\(words(place - 1)) \(value)'" : nil
    }
    guard let (start, qualifiers) = qualifiers(before: place), qualifiers.kind != nil || qualifiers.direction != nil
    else {
      guard let proto = word(place - 1).flatMap(ProtocolName.init(keyword:)), proto.standsAlone else { return nil }
      return "a field is compared by its offset, such as 'ip[8] < 5'"
    }
    let before = words(start, place - 1)
    switch sign {
    case .equal, .equalEqual: return "write '\(before) \(value)'"
    case .notEqual: return "write 'not \(before) \(value)'"
    default:
      guard qualifiers.kind == .port, let number = UInt16(value) else { return nil }
      let range: ClosedRange<UInt16>
      switch sign {
      case .greater where number < 65535: range = (number + 1)...65535
      case .greaterOrEqual: range = number...65535
      case .less where number > 0: range = 0...(number - 1)
      case .lessOrEqual: range = 0...number
      default: return nil
      }
      let kind = before.hasSuffix("port") ? before + "range" : before
      return "write '\(kind) \(range.lowerBound)-\(range.upperBound)'"
    }
  }

  /// `tcp-syn`, `icmp-echo`: a value of a field, without the field.
  var namedConstant: String? {
    guard number(place) != nil, beginsTest(place) else { return nil }
    let written = words(place)
    if written.hasPrefix("tcp-") { return "write '\(KnownFlag.test([written]))'" }
    for proto in ["icmp6", "icmp"] where written.hasPrefix(proto + "-") {
      return "write '\(proto)[\(proto)type] = \(written)'"
    }
    return nil
  }

  /// `tcp[13] & 2`, `ip[0]`, `len 100`: a number without a comparison.
  var uncomparedNumber: String? {
    guard error.message.hasSuffix(Parser.comparesNothing), let range = error.range else { return nil }
    let last = tokens.lastIndex { $0.kind != .end && $0.range.upperBound <= range.upperBound } ?? place
    let written = words(place, last)
    if number(last + 1) != nil { return "write '\(written) = \(words(last + 1))'" }
    let isTCPFlags =
      word(place) == "tcp" && sign(place + 1) == .leftBracket && number(place + 2) == 13
      && sign(place + 3) == .rightBracket
    if isTCPFlags, last == place + 3 { return "write '\(KnownFlag.test(["tcp-syn"]))'" }
    guard let mask = (place...max(place, last)).first(where: { sign($0) == .ampersand }), mask < last else {
      return "write '\(written) != 0'"
    }
    let numbers = (mask...last).compactMap { number($0) }
    let isPlain = (mask...last).allSatisfy { index in
      number(index) != nil || [.ampersand, .bar, .plus, .leftParenthesis, .rightParenthesis].contains(sign(index))
    }
    guard isTCPFlags, mask == place + 4, isPlain, let constants = KnownFlag.constants(of: numbers.reduce(0, |)) else {
      return "write '\(written) != 0'"
    }
    let sum = constants.joined(separator: "|")
    return "write 'tcp[tcpflags] & \(constants.count == 1 ? sum : "(\(sum))") != 0'"
  }
}
