/// A flag of the command line, as getopt_long(3) needs to know it.
struct GetoptFlag: Sendable {
  /// The letter after one dash; nil where there is none.
  let letter: Character?
  /// The word after two dashes; nil where there is none.
  let word: String?
  /// True where the next argument, or the rest of this one, belongs to it.
  let takesValue: Bool
  /// True where the value may be empty.
  let mayBeEmpty: Bool
  /// The value that follows `=`, where there may be none; nil where it is not left out.
  let usualValue: String?
  /// True where the value, which may be left out, may also be the next argument, if that is no flag.
  let looksAhead: Bool

  init(
    _ letter: Character?, _ word: String?, value takesValue: Bool = false, mayBeEmpty: Bool = false,
    usually usualValue: String? = nil, orNext looksAhead: Bool = false
  ) {
    self.letter = letter
    self.word = word
    self.takesValue = takesValue
    self.mayBeEmpty = mayBeEmpty
    self.usualValue = usualValue
    self.looksAhead = looksAhead
  }

  /// Every flag there is. A test holds it against what the option groups declare.
  static let all: [GetoptFlag] = [
    GetoptFlag("A", nil), GetoptFlag("b", nil), GetoptFlag("B", "buffer-size", value: true),
    GetoptFlag(nil, "bytecode", value: true), GetoptFlag(nil, "profile"), GetoptFlag(nil, "trace"),
    GetoptFlag(nil, "explain", usually: "packets"), GetoptFlag(nil, "annotate"), GetoptFlag(nil, "graph", value: true),
    GetoptFlag(nil, "lint"),
    GetoptFlag(nil, "emit", value: true), GetoptFlag(nil, "program-type", value: true),
    GetoptFlag(nil, "run-ebpf", value: true), GetoptFlag(nil, "memory", value: true, mayBeEmpty: true),
    GetoptFlag(nil, "section", value: true), GetoptFlag(nil, "kernel-filter", value: true),
    GetoptFlag("c", "packet-count", value: true),
    GetoptFlag("a", "autostop", value: true),
    GetoptFlag("C", "file-size", value: true), GetoptFlag("G", "rotate-seconds", value: true),
    GetoptFlag("W", "file-count", value: true), GetoptFlag("z", "postrotate-command", value: true),
    GetoptFlag("d", nil), GetoptFlag("D", "list-interfaces"), GetoptFlag("e", nil), GetoptFlag("f", nil),
    GetoptFlag("F", "filter-file", value: true), GetoptFlag("g", "ip-oneline"),
    GetoptFlag("H", nil), GetoptFlag("h", nil),
    GetoptFlag(nil, "help", mayBeEmpty: true, usually: "", orNext: true), GetoptFlag(nil, "manual"),
    GetoptFlag(nil, "completions", value: true),
    GetoptFlag(nil, "list-link-types"), GetoptFlag(nil, "list-primitives"),
    GetoptFlag(nil, "list-protocols"), GetoptFlag(nil, "json-schema"), GetoptFlag(nil, "stats-schema"),
    GetoptFlag("i", "interface", value: true), GetoptFlag("I", "monitor-mode"),
    GetoptFlag("j", "time-stamp-type", value: true),
    GetoptFlag("J", "list-time-stamp-types"), GetoptFlag("K", "dont-verify-checksums"), GetoptFlag("l", nil),
    GetoptFlag("L", "list-data-link-types"), GetoptFlag("n", nil), GetoptFlag("N", nil), GetoptFlag("O", "no-optimize"),
    GetoptFlag("p", "no-promiscuous-mode"), GetoptFlag("q", nil), GetoptFlag("Q", "direction", value: true),
    GetoptFlag("r", "read-file", value: true), GetoptFlag("s", "snapshot-length", value: true),
    GetoptFlag("S", "absolute-tcp-sequence-numbers"), GetoptFlag("t", nil),
    GetoptFlag("T", "payload-type", value: true),
    GetoptFlag("u", nil), GetoptFlag("U", "packet-buffered"), GetoptFlag("v", nil),
    GetoptFlag("V", "read-list", value: true), GetoptFlag(nil, "merge"), GetoptFlag(nil, "recover"),
    GetoptFlag(nil, "follow"), GetoptFlag(nil, "from", value: true), GetoptFlag(nil, "to", value: true),
    GetoptFlag(nil, "disorder", value: true), GetoptFlag(nil, "last", value: true),
    GetoptFlag("w", "write-file", value: true), GetoptFlag("x", nil),
    GetoptFlag("Z", "relinquish-privileges", value: true), GetoptFlag(nil, "no-sandbox"),
    GetoptFlag("X", nil), GetoptFlag("y", "linktype", value: true), GetoptFlag("#", "number"), GetoptFlag(nil, "count"),
    GetoptFlag(nil, "compress", value: true), GetoptFlag(nil, "format", value: true), GetoptFlag(nil, "sync"),
    GetoptFlag(nil, "color", value: true), GetoptFlag(nil, "dns"),
    GetoptFlag(nil, "json"), GetoptFlag(nil, "json-payload", value: true),
    GetoptFlag(nil, "immediate-mode"), GetoptFlag(nil, "lengths"), GetoptFlag(nil, "linux-extensions"),
    GetoptFlag(nil, "micro"),
    GetoptFlag(nil, "nano"), GetoptFlag(nil, "netmask", value: true), GetoptFlag(nil, "no-jit"),
    GetoptFlag(nil, "no-hints"),
    GetoptFlag(nil, "print"),
    GetoptFlag(nil, "print-sampling", value: true), GetoptFlag(nil, "savefile-order", value: true),
    GetoptFlag(nil, "skip", value: true),
    GetoptFlag(nil, "time", value: true), GetoptFlag(nil, "time-stamp-precision", value: true),
    GetoptFlag(nil, "version"), GetoptFlag(nil, "ledger", value: true), GetoptFlag(nil, "wait-interface"),
    GetoptFlag(nil, "engine", value: true), GetoptFlag(nil, "netns", value: true),
    GetoptFlag(nil, "stats", value: true), GetoptFlag(nil, "stats-interval", value: true),
    GetoptFlag(nil, "stats-top", value: true),
    GetoptFlag(nil, "witness"), GetoptFlag(nil, "compare", value: true),
    GetoptFlag(nil, "compare-bytecode", value: true), GetoptFlag(nil, "verify-optimizer"),
    GetoptFlag(nil, "proof-timeout", value: true),
    GetoptFlag(nil, "extcap-interfaces"), GetoptFlag(nil, "extcap-version", usually: "any"),
    GetoptFlag(nil, "extcap-interface", value: true), GetoptFlag(nil, "extcap-dlts"), GetoptFlag(nil, "extcap-config"),
    GetoptFlag(nil, "extcap-capture-filter", value: true, mayBeEmpty: true), GetoptFlag(nil, "capture"),
    GetoptFlag(nil, "fifo", value: true), GetoptFlag(nil, "extcap-control-in", value: true),
    GetoptFlag(nil, "extcap-control-out", value: true),
  ]
}

/// The command line in the one form that the option parser is given.
///
/// getopt_long(3), which tcpdump's users are used to, takes bundles (`-nnvvX`), values that stick to their letter (`-c1`,
/// `-nnrf`) or follow a bundle (`-nnr f`), abbreviated words (`--snap 96`), and flags after the expression. Here a bundle becomes
/// single letters, a flag with a value becomes `--word=value`, and the expression goes to the end, after `--`.
struct ArgumentVector {
  /// Flags, each with its value.
  private(set) var flags: [String] = []
  /// The words of the expression.
  private(set) var expression: [String] = []

  /// All of it, for the option parser.
  var arguments: [String] { flags + ["--"] + expression }

  /// Takes the arguments apart, program name left out. Throws where a flag is unknown or lacks its value.
  init(_ arguments: [String]) throws(CommandError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" {
        expression += rest
        return
      }
      if argument.hasPrefix("--") {
        try readWord(argument, &rest)
      } else if argument.hasPrefix("-"), argument != "-" {
        try readLetters(argument, &rest)
      } else {
        expression.append(argument)
      }
    }
  }

  private mutating func readWord(_ argument: String, _ rest: inout ArraySlice<String>) throws(CommandError) {
    let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(parts[0])
    let flag = try Self.flag(named: name)
    let word = flag.word ?? name
    if let usual = flag.usualValue {
      let next = flag.looksAhead && rest.first?.hasPrefix("-") == false ? rest.popFirst() : nil
      try append(flag, parts.count > 1 ? String(parts[1]) : next ?? usual, as: "--\(word)")
    } else if flag.takesValue {
      guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
        throw CommandError("option --\(word) needs a value")
      }
      try append(flag, value, as: "--\(word)")
    } else {
      guard parts.count == 1 else { throw CommandError("option --\(word) takes no value") }
      flags.append("--\(word)")
    }
  }

  private mutating func readLetters(_ argument: String, _ rest: inout ArraySlice<String>) throws(CommandError) {
    var letters = argument.dropFirst()
    while let letter = letters.popFirst() {
      guard let flag = GetoptFlag.all.first(where: { $0.letter == letter }) else {
        throw CommandError("unknown option -\(letter)\(argument.count > 2 ? " in \(argument)" : "")")
      }
      if flag.takesValue {
        guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
          throw CommandError("option -\(letter) needs a value")
        }
        try append(flag, value, as: "-\(letter)")
        return
      }
      flags.append(flag.word.map { "--\($0)" } ?? "-\(letter)")
    }
  }

  private mutating func append(_ flag: GetoptFlag, _ value: String, as name: String) throws(CommandError) {
    guard !value.isEmpty || flag.mayBeEmpty, let word = flag.word else {
      throw CommandError("option \(name) needs a value")
    }
    // The parser takes no empty value behind an equals sign.
    flags += value.isEmpty ? ["--\(word)", value] : ["--\(word)=\(value)"]
  }

  /// The flag of that word, or the only one that begins with it.
  private static func flag(named name: String) throws(CommandError) -> GetoptFlag {
    if let flag = GetoptFlag.all.first(where: { $0.word == name }) { return flag }
    let candidates = GetoptFlag.all.filter { $0.word?.hasPrefix(name) == true }
    guard let flag = candidates.first else { throw CommandError("unknown option --\(name)") }
    guard candidates.count == 1 else {
      let words = candidates.compactMap(\.word).map { "--\($0)" }.joined(separator: ", ")
      throw CommandError("option --\(name) is ambiguous: \(words)")
    }
    return flag
  }
}
