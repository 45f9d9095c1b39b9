/// Every word that has a meaning of its own, and so is a name only after `\`.
enum Keywords {
  static let all = Set(FilterVocabulary.sections.flatMap { $0.words.flatMap(\.spellings) })

  /// The words without those for SS7, ATM and the logs of PF.
  static let common = all.subtracting(
    Primitive.all.filter { primitive in ["SS7 ", "ATM ", "PF "].contains { primitive.help.hasPrefix($0) } }.flatMap(
      \.keywords))

  static func contains(_ word: String) -> Bool { all.contains(word) }
}
