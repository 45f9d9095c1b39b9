/// Every keyword; it can only be used as a name after `\`.
enum Keywords {
  static let all = Set(FilterVocabulary.sections.flatMap { $0.words.flatMap(\.spellings) })

  /// The keywords without those for SS7, ATM and PF logs.
  static let common = all.subtracting(
    Primitive.all.filter { primitive in ["SS7 ", "ATM ", "PF "].contains { primitive.help.hasPrefix($0) } }.flatMap(
      \.keywords))

  static func contains(_ word: String) -> Bool { all.contains(word) }
}
