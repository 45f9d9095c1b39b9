/// The completions for bash: a function that `complete -F` calls.
struct BashCompletions {
  private let options: [Flag]

  init(_ options: [Flag]) { self.options = options }

  var script: String {
    """
    # Completions of apus for bash, made by: apus --completions bash

    # Finds the letter whose value the rest of a bundle is, as in -nnr or -rfile.
    _apus_bundle() {
      local letters=${1#-}
      [[ $1 == -[!-]* ]] || return 1
      while [[ -n $letters ]]; do
        case ${letters:0:1} in
          [\(lettersWithValue)])
            option=-${letters:0:1} rest=${letters:1}
            return 0
            ;;
        esac
        letters=${letters:1}
      done
      return 1
    }

    # Takes the lines of standard input that begin with the word at hand, quoted: a name may hold anything, and is only ever a word.
    _apus_names() {
      local name
      while IFS= read -r name; do
        [[ $name == "$current"* ]] && COMPREPLY+=("$(printf %q "$name")")
      done
    }

    # Leaves the words of a list that stand before its last comma as they are; another comma may follow.
    _apus_list() {
      compopt -o nospace 2>/dev/null
      [[ $current == *,* ]] || return
      prefix+=${current%,*},
      current=${current##*,}
    }

    _apus() {
      local command=$1 current=${COMP_WORDS[COMP_CWORD]} previous= before= option= rest= prefix= words= ended= word index
      ((COMP_CWORD > 0)) && previous=${COMP_WORDS[COMP_CWORD - 1]}
      ((COMP_CWORD > 1)) && before=${COMP_WORDS[COMP_CWORD - 2]}
      COMPREPLY=()
      for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do [[ $word == -- ]] && ended=yes; done

      # Readline takes '=' and ':' for words of their own.
      if [[ $current == = ]]; then
        option=$previous current=
      elif [[ $previous == = ]]; then
        option=$before
      elif [[ $current == : || $previous == : ]]; then
        return
      elif [[ $current == --*=* ]]; then
        option=${current%%=*} prefix=$option= current=${current#*=}
      elif _apus_bundle "$previous" && [[ -z $rest ]]; then
        :
      elif _apus_bundle "$current" && [[ -n $rest || ${#current} -gt 2 ]]; then
        # The letters before it stay; right behind a bundle, as in -nni, a value is begun.
        prefix=${current%"$rest"} current=$rest
      else
        option=
        case $previous in
          \(wordsWithValue.joined(separator: " | "))) option=$previous ;;
        esac
      fi

      if [[ -n $option ]]; then
        case $option in
    \(values)
        esac
      elif [[ -z $ended && $current == -* ]]; then
        words=\(Shell.quoted(options.flatMap(\.names).joined(separator: " ")))
      else
        # A filter that is quoted is one word to the shell: the last of its own words is completed.
        case $current in
          [\\'\\"]*)
            current=${current:1}
            prefix=${current%"${current##* }"}
            word=${prefix% }
            previous=${word##* } current=${current##* }
            ;;
        esac
        case $previous in
          host | gateway) _apus_names < <(compgen -A hostname -- "$current") ;;
          port) _apus_names < <(compgen -A service -- "$current") ;;
    \(operands)
          *) words=\(Shell.quoted(Shell.filterWords.map(\.word).joined(separator: " "))) ;;
        esac
      fi
      [[ -n $words ]] && mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
      for index in "${!COMPREPLY[@]}"; do COMPREPLY[index]=$prefix${COMPREPLY[index]}; done
    }

    complete -F _apus apus

    """
  }

  /// The letters that take a value.
  private var lettersWithValue: String {
    String(options.compactMap { $0.value != nil && $0.value?.defaultValue == nil ? $0.letter : nil })
  }

  /// The words whose value may be the next argument.
  private var wordsWithValue: [String] {
    options.compactMap { option in
      guard let word = option.word, let value = option.value, value.defaultValue == nil || value.looksAhead else {
        return nil
      }
      return "--\(word)"
    }
  }

  /// How to complete the value of each option that takes one.
  private var values: String {
    options.compactMap { option in
      guard let value = option.value else { return nil }
      let words = "words=\(Shell.quoted(value.words.map(\.word).joined(separator: " ")))"
      let source =
        switch value.source {
        case .words: words
        case .list: "_apus_list; \(words)"
        case .beginnings: "compopt -o nospace 2>/dev/null; \(words)"
        case .files:
          #"compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")"#
        case .programs: #"_apus_names < <(compgen -c -- "$current")"#
        case .users: #"_apus_names < <(compgen -u -- "$current")"#
        case .interfaces: "_apus_names < <(\"$command\" -D 2>/dev/null | \(Shell.namesOfInterfaces))"
        case .unknown: ":"
        }
      return "      \(option.names.joined(separator: " | "))) \(source) ;;"
    }.joined(separator: "\n")
  }

  /// The filter words that may follow certain others.
  private var operands: String {
    Shell.operandWords.map { after, words in
      "      \(after.joined(separator: " | "))) words=\(Shell.quoted(words.joined(separator: " "))) ;;"
    }.joined(separator: "\n")
  }
}
