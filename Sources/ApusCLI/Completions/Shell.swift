import Filter

/// A shell for which there are completions.
enum Shell: String, CaseIterable {
  case bash, zsh, fish

  /// The completion script for the shell.
  var completions: String {
    switch self {
    case .bash: BashCompletions(Flag.all).script
    case .zsh: ZshCompletions(Flag.all).script
    case .fish: FishCompletions(Flag.all).script
    }
  }

  /// `text` as one quoted word, which the shells take literally.
  static func quoted(_ text: String) -> String {
    "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
  }

  /// A command that extracts the names from a list of interfaces as printed by `-D`.
  static let namesOfInterfaces = #"sed -n 's/^[0-9]*\.\([^ ]*\).*/\1/p'"#

  /// Every word of the filter language, with what it means.
  static var filterWords: [(word: String, meaning: String)] {
    FilterVocabulary.sections.flatMap(\.words).flatMap { entry in entry.spellings.map { ($0, entry.meaning) } }
  }

  /// The words that one of a few others may follow.
  static var operandWords: [(after: [String], words: [String])] {
    FilterVocabulary.sections.flatMap(\.words).filter { !$0.operandWords.isEmpty }
      .map { ($0.spellings, $0.operandWords) }
  }
}
