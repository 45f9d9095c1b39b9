/// What fish completes: one `complete` for every option.
struct FishCompletions {
  private let options: [DeclaredOption]

  init(_ options: [DeclaredOption]) { self.options = options }

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

    function __apus_filter_words
        printf '%s\\t%s\\n' \\
    \(filterWords)
    end

    complete -c apus -f
    complete -c apus -a '(__apus_filter)'
    \(options.map(Self.line).joined(separator: "\n"))

    """
  }

  private static func line(_ option: DeclaredOption) -> String {
    var line = "complete -c apus"
    if let letter = option.letter { line += " -s \(Shell.quoted(String(letter)))" }
    if let word = option.word { line += " -l \(word)" }
    if option.valueName != nil { line += arguments(ValueSource(option), isOptional: option.usualValue != nil) }
    return line + " -d \(quoted(option.help))"
  }

  private static func arguments(_ source: ValueSource, isOptional: Bool) -> String {
    let required = isOptional ? "" : " -x"
    return switch source {
    case .words(let words), .beginnings(let words): "\(required) -a \(quoted(words.joined(separator: " ")))"
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

  /// What follows some words: those of filters, and options whose value may be left out or be the next word.
  private var operands: String {
    let values: [(after: [String], words: [String])] = options.filter(\.looksAhead).compactMap { option in
      guard case .words(let words) = ValueSource(option), let word = option.word else { return nil }
      return (["--\(word)"], words)
    }
    return (values + Shell.operandWords).map { after, words in
      """
              case \(after.joined(separator: " "))
                  printf '%s\\n' \(words.joined(separator: " "))
      """
    }.joined(separator: "\n")
  }

  /// `text` as one word: within quotes fish knows backslashes.
  private static func quoted(_ text: String) -> String {
    "'\(text.reduce(into: "") { $0 += "'\\".contains($1) ? "\\\($1)" : String($1) })'"
  }
}
