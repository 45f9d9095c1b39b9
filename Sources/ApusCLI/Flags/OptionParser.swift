/// Parses arguments as getopt_long(3) does, which tcpdump's users are used to: bundles (`-nnvvX`), values joined to their letter (`-c1`,
/// `-nnrf`) or following a bundle (`-nnr f`), words (`--read-file f`, `--read-file=f`) that may be abbreviated (`--snap 96`), flags after
/// the expression, and `--` before words that begin with a dash.
struct OptionParser {
  /// The options from the flags parsed so far.
  private(set) var options = Options()
  /// The remaining arguments.
  private var rest: ArraySlice<String>

  /// Parses the arguments, without the program's name. Throws if a flag is unknown or lacks its value.
  static func options(_ arguments: [String]) throws(CommandError) -> Options {
    var parser = OptionParser(rest: arguments[...])
    try parser.read()
    return parser.options
  }

  private init(rest: ArraySlice<String>) { self.rest = rest }

  private mutating func read() throws(CommandError) {
    while let argument = rest.popFirst() {
      if argument == "--" {
        options.filter.expression += rest
        return
      }
      if argument.first != "-" || argument == "-" {
        options.filter.expression.append(argument)
      } else if argument.dropFirst().first == "-" {
        try readWord(argument.dropFirst(2))
      } else {
        try readLetters(argument)
      }
    }
  }

  /// Parses one word, with its value after an equals sign or in the next argument.
  private mutating func readWord(_ argument: Substring) throws(CommandError) {
    let sign = argument.firstIndex(of: "=")
    let flag = try Self.flag(named: argument[..<(sign ?? argument.endIndex)])
    let name = "--\(flag.word ?? "")"
    var stated = sign.map { String(argument[argument.index(after: $0)...]) }
    note(flag)
    switch flag.effect {
    case .plain(let effect):
      guard stated == nil else { throw CommandError("option \(name) takes no value") }
      effect(&options)
    case .value(let value, let effect) where value.takesRest:
      // As with env(1) and other tools, -- may precede the command.
      let words = (stated.map { [$0] } ?? []) + (stated == nil && rest.first == "--" ? rest.dropFirst() : rest[...])
      rest.removeAll()
      _ = try Self.checked(words.first, of: value, name)
      for word in words { effect(&options, word) }
    case .value(let value, let effect):
      if stated == nil, value.defaultValue == nil || value.looksAhead && rest.first?.hasPrefix("-") == false {
        stated = rest.popFirst()
      }
      effect(&options, try Self.checked(stated ?? value.defaultValue, of: value, name))
    }
  }

  /// Parses letters after one dash; the rest after a letter that takes a value is that value.
  private mutating func readLetters(_ argument: String) throws(CommandError) {
    var letters = argument.dropFirst()
    while let letter = letters.popFirst() {
      guard let flag = Flag.all.first(where: { $0.letter == letter }) else {
        throw UnknownFlag.error(letter: letter, in: argument)
      }
      note(flag)
      switch flag.effect {
      case .plain(let effect): effect(&options)
      case .value(let value, let effect):
        if let error = UnknownFlag.error(joinedFilter: argument) { throw error }
        let stated = letters.isEmpty ? rest.popFirst() : String(letters)
        effect(&options, try Self.checked(stated, of: value, "-\(letter)"))
        return
      }
    }
  }

  private mutating func note(_ flag: Flag) {
    if let name = flag.names.first, !options.stated.contains(name) { options.stated.append(name) }
  }

  /// The value of a flag. Throws if it is missing.
  private static func checked(_ text: String?, of value: FlagValue, _ name: String) throws(CommandError) -> String {
    guard let text, !text.isEmpty || value.mayBeEmpty else { throw CommandError("option \(name) needs a value") }
    return text
  }

  /// The flag of that word, or the only one that begins with it.
  private static func flag(named name: Substring) throws(CommandError) -> Flag {
    if let flag = Flag.all.first(where: { $0.word.map { $0 == name } ?? false }) { return flag }
    let candidates = Flag.all.filter { $0.word?.hasPrefix(name) == true }
    guard let flag = candidates.first else { throw UnknownFlag.error(word: String(name)) }
    guard candidates.count == 1 else {
      let words = candidates.compactMap(\.word).map { "--\($0)" }.joined(separator: ", ")
      throw CommandError("option --\(name) is ambiguous: \(words)")
    }
    return flag
  }
}
