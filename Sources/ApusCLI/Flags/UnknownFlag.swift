import Filter

/// The error messages for unknown flags, with what to type instead if that can be known.
enum UnknownFlag {
  /// Letters of tcpdump and tshark that apus does not have, with the alternative.
  private static let foreign: [(letter: Character, advice: String)] = [
    ("E", "tcpdump decrypts ESP with it; apus does not decrypt: save the packets with -w FILE for a program that does"),
    ("M", "tcpdump checks TCP MD5 signatures with it; apus prints the signatures unchecked"),
    ("m", "tcpdump loads a MIB module with it; apus prints SNMP object identifiers as numbers"),
    (
      "Y",
      "tshark's display filters are not supported: use a pcap-filter(7) expression, as in: apus -r FILE 'tcp port 80'"
    ),
  ]

  /// The message for an unknown letter.
  static func error(letter: Character, in argument: String) -> CommandError {
    let place = argument.count > 2 ? " in \(argument)" : ""
    // A word after a single dash: the user probably means the word.
    let word = argument.dropFirst().prefix { $0 != "=" }
    if word.count > 2, let name = Flag.all.compactMap(\.word).first(where: { $0 == word }) {
      return CommandError("unknown option -\(letter)\(place): --\(name) has two dashes")
    }
    if let (_, advice) = foreign.first(where: { $0.letter == letter }) {
      return CommandError("unknown option -\(letter)\(place): \(advice)")
    }
    let other = letter.isLowercase ? letter.uppercased() : letter.lowercased()
    guard Flag.all.contains(where: { $0.letter.map(String.init) == other }) else {
      return CommandError("unknown option -\(letter)\(place): apus -h lists the options")
    }
    return CommandError("unknown option -\(letter)\(place): did you mean -\(other)?")
  }

  /// The message for an unknown word, with the closest known word if it is similar.
  static func error(word: String) -> CommandError {
    let words = Flag.all.compactMap(\.word)
    // Up to a third of a word may differ: the rest shows what was meant.
    let limit = max(1, word.count / 3)
    let near = words.map { (word: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
    guard let near, near.distance <= limit else {
      return CommandError("unknown option --\(word): apus --help all lists the options")
    }
    return CommandError("unknown option --\(word): did you mean --\(near.word)?")
  }

  /// The message for an argument that joins tshark's `-f` and a filter, `-ftcp port 80`; nil for all others.
  static func error(joinedFilter argument: String) -> CommandError? {
    guard argument.hasPrefix("-f"), let blank = argument.firstIndex(of: " ") else { return nil }
    let word = argument[..<blank].dropFirst(2)
    let isFilter = FilterVocabulary.sections.contains { section in
      section.words.contains { $0.spellings.contains { $0 == word } }
    }
    guard isFilter else { return nil }
    return CommandError("option -f takes no value: the filter is a separate argument: '\(argument.dropFirst(2))'")
  }

  /// The number of letters to change, add, remove or swap with their neighbour to turn one word into the other.
  static func distance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first.utf8.prefix(64)), Array(second.utf8.prefix(64)))
    var before: [Int] = []
    var previous = Array(0...second.count)
    for (row, letter) in first.enumerated() {
      var current = [row + 1]
      for (column, other) in second.enumerated() {
        var cost = min(previous[column] + (letter == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
          cost = min(cost, before[column - 1] + 1)
        }
        current.append(cost)
      }
      (before, previous) = (previous, current)
    }
    return previous[second.count]
  }
}
