/// Which flags can be combined; each rule is stated once. Names are those of `Flag.names`, the letter if there is one.
enum FlagRules {
  /// Flags that exclude each other: any of `flags` and any of `others`; if `others` is empty, any two of `flags`.
  struct Exclusion {
    let flags: [String]
    let others: [String]
    /// The reason, or what to do instead; nil if it is obvious.
    let reason: String?

    init(_ flags: [String], with others: [String] = [], _ reason: String? = nil) {
      self.flags = flags
      self.others = others
      self.reason = reason
    }
  }

  /// Flags that have no meaning without another one.
  struct Requirement {
    let flags: [String]
    /// One of these is needed.
    let needed: [String]
    /// One of these is accepted as well, but not suggested.
    let others: [String]

    init(_ flags: [String], need needed: [String], or others: [String] = []) {
      self.flags = flags
      self.needed = needed
      self.others = others
    }
  }

  private static let proofs = ["--witness", "--compare", "--compare-bytecode", "--verify-optimizer"]
  /// Flags that print the filter itself.
  private static let views = ["-d", "--emit", "--annotate", "--graph", "--lint"]
  private static let requests = ["--extcap-interfaces", "--extcap-dlts", "--extcap-config", "--capture"]

  static let exclusions = [
    Exclusion(["-r", "-V"]),
    Exclusion(["-t", "--time"]),
    Exclusion(["--netns"], with: ["-r", "-V"], "files are read in any namespace"),
    Exclusion(["--last"], with: ["--from", "--to"]),
    Exclusion(["--last"], with: ["--follow"], "the last packet has not arrived yet"),
    Exclusion(["--follow", "--recover"]),
    Exclusion(["--annotate", "--graph"]),
    Exclusion(["--run"], with: ["-r", "-V", "--trace", "--profile", "--explain"] + views + proofs + requests),
    Exclusion(["--process"], with: ["--trace", "--profile", "--explain", "--count"] + views + proofs),
    Exclusion(["--explain"], with: ["--trace", "--profile", "-w", "--count"] + views),
    Exclusion(["--explain", "--lint"], with: ["--bytecode"], "bytecode has no terms"),
    Exclusion(["--trace", "--profile"], with: ["-w", "--count"]),
    Exclusion(["--json", "--stats"], with: ["--trace", "--profile", "--explain"] + views + proofs),
    Exclusion(["--json"], with: ["--count"]),
    Exclusion(["--json"], with: ["-x", "-X", "-A"], "use --json-payload for payloads"),
    Exclusion(proofs),
    Exclusion(proofs, with: ["-d", "--trace", "--profile", "--count"]),
    Exclusion(requests),
    Exclusion(["--capture"], with: ["-i", "-r", "-V"], "it captures on --extcap-interface"),
    Exclusion(["--capture"], with: ["-w", "--format", "--compress", "--count"], "it writes to --fifo"),
  ]

  static let requirements = [
    Requirement(["--merge", "--recover", "--follow", "--from", "--to", "--last"], need: ["-r", "-V"]),
    Requirement(["-C", "-G", "-W", "-z", "--format", "--compress"], need: ["-w"], or: ["--capture"]),
    Requirement(["--json-payload"], need: ["--json"]),
    Requirement(["--stats-interval", "--stats-top", "--sort"], need: ["--stats"]),
    Requirement(["--memory", "--section"], need: ["--run-ebpf"]),
    Requirement(["--program-type"], need: ["--emit", "--run-ebpf"]),
    Requirement(["--proof-timeout"], need: proofs),
    Requirement(["--fifo", "--extcap-control-in", "--extcap-control-out"], need: ["--capture"]),
  ]

  /// Throws if flags of these names exclude each other, or one has no meaning without another.
  static func check(_ stated: [String]) throws(CommandError) {
    for rule in exclusions {
      guard let first = rule.flags.first(where: stated.contains),
        let second = (rule.others.isEmpty ? rule.flags.filter { $0 != first } : rule.others).first(
          where: stated.contains)
      else { continue }
      throw CommandError("\(first) cannot be combined with \(second)" + (rule.reason.map { ": \($0)" } ?? ""))
    }
    for rule in requirements {
      guard let flag = rule.flags.first(where: stated.contains), !rule.needed.contains(where: stated.contains),
        !rule.others.contains(where: stated.contains)
      else { continue }
      throw CommandError("\(flag) requires \(alternatives(rule.needed))")
    }
  }

  /// `a`, `a or b`, `a, b or c`.
  private static func alternatives(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " or \(last)"
  }
}
