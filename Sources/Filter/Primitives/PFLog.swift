import PacketCore

/// Keywords for packets logged by the packet filter of OpenBSD or FreeBSD (pflog(4)).
///
///     Length (1 byte) | Address family (1) | Action (1) | Reason (1) | Interface name (16) | Ruleset name (16)
///     | Rule number (4) | Rule number in the ruleset (4) | … | Direction (at 60)
extension Primitive {
  static let pfInterface = Primitive(
    keywords: ["ifname", "on"], shape: .name([]), help: "PF logged it on this interface", lower: lowerInterface)
  static let pfRuleset = Primitive(
    keywords: ["ruleset", "rset"], shape: .name([]), help: "PF matched a rule of this ruleset", lower: lowerRuleset)
  static let pfRule = Primitive(
    keywords: ["rnr", "rulenum"], shape: .number("a rule number"), help: "PF matched the rule of this number",
    lower: lowerRule)
  static let pfSubrule = Primitive(
    keywords: ["srnr", "subrulenum"], shape: .number("a rule number"),
    help: "PF matched the rule of this number in an anchored ruleset", lower: lowerSubrule)
  static let pfReason = Primitive(
    keywords: ["reason"], shape: .name(reasons.keys.sorted()), help: "PF logged it for this reason", lower: lowerReason)
  static let pfAction = Primitive(
    keywords: ["action"], shape: .name(actions.keys.sorted()), help: "PF took this action", lower: lowerAction)
}

extension Lowering {
  fileprivate func checkPF(_ word: String) throws(FilterError) {
    guard options.linkType == .pflog else { throw error("'\(word)' supported only on PFLOG linktype") }
  }

  /// Compares the bytes of `name`, from the last to the first, with loads as large as possible.
  fileprivate mutating func equal(_ start: Position, _ name: [UInt8]) -> Condition {
    var end = name.count
    var parts: [Condition] = []
    while end > 0 {
      let size: LoadSize = end >= 4 ? .word : end >= 2 ? .half : .byte
      end -= Int(size.rawValue)
      let number = name[end..<(end + Int(size.rawValue))].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      parts.append(equal(size, start, UInt32(end), number))
    }
    return .all(parts)
  }

  fileprivate mutating func pfName(_ word: String, _ what: String, at offset: UInt32, _ operand: Operand)
    throws(FilterError) -> Condition
  {
    try checkPF(word)
    guard case .word(let name) = operand else { return .constant(false) }
    let longest = 15
    guard name.utf8.count <= longest else { throw error("\(what) can only be \(longest) characters") }
    return equal(Position(offset), Array(name.utf8))
  }

  fileprivate mutating func pfNumber(_ word: String, at offset: UInt32, _ operand: Operand) throws(FilterError)
    -> Condition
  {
    try checkPF(word)
    guard case .number(let number) = operand else { return .constant(false) }
    return equal(.word, Position(offset), number)
  }

  fileprivate mutating func pfCode(
    _ word: String, at offset: UInt32, _ operand: Operand, _ codes: [String: UInt32]
  ) throws(FilterError) -> Condition {
    try checkPF(word)
    guard case .word(let name) = operand else { return .constant(false) }
    guard let code = codes[name] else { throw error("unknown PF \(word) \"\(name)\"") }
    return equal(.byte, Position(offset), code)
  }
}

private let reasons: [String: UInt32] = [
  "match": 0, "bad-offset": 1, "fragment": 2, "short": 3, "normalize": 4, "memory": 5, "bad-timestamp": 6,
  "congestion": 7, "ip-option": 8, "proto-cksum": 9, "state-mismatch": 10, "state-insert": 11, "state-limit": 12,
  "src-limit": 13, "synproxy": 14,
]

private let actions: [String: UInt32] = [
  "pass": 0, "accept": 0, "block": 1, "drop": 1, "scrub": 2, "noscrub": 3, "nat": 4, "nonat": 5, "binat": 6,
  "nobinat": 7, "rdr": 8, "nordr": 9, "synproxy-drop": 10,
]

@Sendable
private func lowerInterface(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.pfName("ifname", "ifname interface names", at: 4, operand)
}

@Sendable
private func lowerRuleset(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.pfName("ruleset", "ruleset names", at: 20, operand)
}

@Sendable
private func lowerRule(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.pfNumber("rnr", at: 36, operand)
}

@Sendable
private func lowerSubrule(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.pfNumber("srnr", at: 40, operand)
}

@Sendable
private func lowerReason(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.pfCode("reason", at: 3, operand, reasons)
}

@Sendable
private func lowerAction(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.pfCode("action", at: 2, operand, actions)
}
