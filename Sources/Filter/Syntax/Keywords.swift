/// Every word that has a meaning of its own, and so is a name only behind `\`.
enum Keywords {
  static let all = Set(FilterVocabulary.sections.flatMap { $0.words.flatMap(\.spellings) })

  static func contains(_ word: String) -> Bool { all.contains(word) }
}
