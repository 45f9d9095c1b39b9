/// The completions for zsh: a function for `compdef`, with the options in the syntax of `_arguments`.
struct ZshCompletions {
  private let options: [Flag]

  init(_ options: [Flag]) { self.options = options }

  var script: String {
    """
    #compdef apus
    # Completions of apus for zsh, made by: apus --completions zsh

    _apus_interfaces() {
      local -a names
      names=(${(f)"$(_call_program interfaces ${(q)words[1]} -D 2>/dev/null | \(Shell.namesOfInterfaces))"})
      _wanted interfaces expl interface compadd -a names
    }

    _apus_beginnings() { _wanted conditions expl condition compadd -S '' -- "$@" }

    _apus_filter() {
      local -a entries
      # A filter that is quoted is one word to the shell: its own words are completed.
      [[ -n $compstate[quote] ]] && compset -q
      case $words[CURRENT-1] in
        (host|gateway) _hosts && return ;;
        (port) _ports && return ;;
    \(operands)
      esac
      entries=(
    \(filterWords)
      )
      _describe -t filter-words 'filter word' entries
    }

    _apus() {
      _arguments -s -S : \\
    \(specifications)
        '*:filter word:_apus_filter'
    }

    if [[ $funcstack[1] == _apus ]]; then
      _apus "$@"
    else
      compdef _apus apus
    fi

    """
  }

  /// The options, each with all options that exclude it.
  private var specifications: String {
    options.map { option in
      option.names.map { name in
        let exclusion = option.repeats ? "*" : "(\(option.names.joined(separator: " ")))"
        let text = "[\(Self.escaped(option.help, "[]\\"))]"
        guard let value = option.value else { return exclusion + name + text }
        let message = Self.escaped(value.name, ":\\")
        let place =
          if value.defaultValue != nil { value.looksAhead ? "=" : "=-" } else { name.hasPrefix("--") ? "=" : "+" }
        let colon = value.defaultValue == nil ? ":" : "::"
        return exclusion + name + place + text + "\(colon)\(message):\(Self.action(value))"
      }.map { "    \(Shell.quoted($0)) \\" }.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private static func action(_ value: FlagValue) -> String {
    let words = value.words.map { escaped($0.word, ":") }.joined(separator: " ")
    return switch value.source {
    case .words: "(\(words))"
    case .list: " _sequence compadd - \(words)"
    case .beginnings: " _apus_beginnings \(words)"
    case .files: "_files"
    case .programs: "_command_names -e"
    case .users: "_users"
    case .interfaces: "_apus_interfaces"
    case .unknown: " "
    }
  }

  private var filterWords: String {
    Shell.filterWords.map { word, meaning in "    \(Shell.quoted("\(word):\(meaning)"))" }.joined(separator: "\n")
  }

  private var operands: String {
    Shell.operandWords.map { after, words in
      "    (\(after.joined(separator: "|"))) _wanted kinds expl kind compadd -- \(words.joined(separator: " ")) && return ;;"
    }.joined(separator: "\n")
  }

  /// `text` with a backslash before each of `characters`.
  private static func escaped(_ text: String, _ characters: String) -> String {
    text.reduce(into: "") { $0 += characters.contains($1) ? "\\\($1)" : String($1) }
  }
}
