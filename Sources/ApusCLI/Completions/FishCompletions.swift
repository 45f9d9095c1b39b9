/// The completions for fish: one `complete` for every option.
struct FishCompletions {
  private let options: [Flag]

  init(_ options: [Flag]) { self.options = options }

  var script: String {
    """
    # Completions of apus for fish, made by: apus --completions fish

    function __apus_interfaces
        set -l words (commandline -opc)
        $words[1] -D 2>/dev/null | \(Shell.namesOfInterfaces)
    end

    # The words that may stand at this place of a filter. One that is quoted is one word to the shell.
    function __apus_filter
        set -l token (commandline -ct | string trim --left --chars "'\\"")
        set -l before (string match --regex '^.* ' -- $token)
        set -l words (commandline -opc) (string split --no-empty ' ' -- $before)
        switch $words[-1]
    \(operands)
            case '*'
                __apus_filter_words
        end | string replace --regex '^' -- "$before"
    end

    # Words with what they stand for, each behind those of a list that the token has before its last comma.
    function __apus_list
        set -l token (commandline -ct | string replace --regex '^--[^=]*=' '')
        set -l before (string match --regex '^.*,' -- $token)
        printf '%s\\n' $argv | string replace --regex '^' -- "$before"
    end

    function __apus_filter_words
        printf '%s\\t%s\\n' \\
    \(filterWords)
    end

    complete -c apus -f
    complete -c apus -a '(__apus_filter)'
    \(options.map(Self.line).joined(separator: "\n"))

    """
  }

  private static func line(_ option: Flag) -> String {
    var line = "complete -c apus"
    if let letter = option.letter { line += " -s \(Shell.quoted(String(letter)))" }
    if let word = option.word { line += " -l \(word)" }
    if let value = option.value { line += arguments(value) }
    return line + " -d \(quoted(option.help))"
  }

  private static func arguments(_ value: FlagValue) -> String {
    let required = value.defaultValue == nil ? " -x" : ""
    return switch value.source {
    case .words, .beginnings: "\(required) -a \(quoted(described(value.words)))"
    case .list: "\(required) -a \(quoted("(__apus_list \(described(value.words)))"))"
    case .files: " -r -F"
    case .programs: "\(required) -a '(__fish_complete_command)'"
    case .users: "\(required) -a '(__fish_complete_users)'"
    case .interfaces: "\(required) -a '(__apus_interfaces)'"
    case .unknown: required
    }
  }

  private var filterWords: String {
    Shell.filterWords.map { word, meaning in "        \(word) \(Self.quoted(meaning))" }.joined(separator: " \\\n")
  }

  /// What may follow certain words: filter words, and values of options that are optional and may be the next argument.
  private var operands: String {
    let values: [(after: [String], words: String)] = options.compactMap { option in
      guard let word = option.word, let value = option.value, value.looksAhead, !value.words.isEmpty else { return nil }
      return (["--\(word)"], Self.described(value.words))
    }
    return (values + Shell.operandWords.map { ($0.after, $0.words.joined(separator: " ")) }).map { after, words in
      """
              case \(after.joined(separator: " "))
                  printf '%s\\n' \(words)
      """
    }.joined(separator: "\n")
  }

  /// Words, each followed by a tab and its meaning.
  private static func described(_ words: [FlagValue.Word]) -> String {
    words.map { $0.meaning.isEmpty ? $0.word : "\($0.word)\\t\(quoted($0.meaning))" }.joined(separator: " ")
  }

  /// `text` as one quoted word: fish interprets backslashes in quotes.
  private static func quoted(_ text: String) -> String {
    "'\(text.reduce(into: "") { $0 += "'\\".contains($1) ? "\\\($1)" : String($1) })'"
  }
}
