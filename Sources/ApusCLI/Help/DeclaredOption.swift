import ArgumentParser
import FoundationEssentials

/// An option as its group declares it: help, manual and completions are made from these, so that none of them can lack one.
struct DeclaredOption {
  /// The letter behind one dash; nil where there is none.
  let letter: Character?
  /// The word behind two dashes; nil where there is none.
  let word: String?
  /// What its value is called; nil where it takes none.
  let valueName: String?
  /// The value that it has without one; nil where it needs one.
  let usualValue: String?
  /// True where the value, which may be left out, may also be the next argument.
  let looksAhead: Bool
  /// True where stating it twice is more than stating it once.
  let repeats: Bool
  /// What it does, in one sentence.
  let help: String
  /// The title of its group.
  let group: String

  /// The names with their dashes, the letter first.
  var names: [String] { [letter.map { "-\($0)" }, word.map { "--\($0)" }].compactMap(\.self) }

  /// The values that are possible, where the name of the value lists them: `in|out|inout`.
  var alternatives: [String] {
    guard let valueName, valueName.contains("|") else { return [] }
    return valueName.split(separator: "|").map(String.init)
  }
}

extension DeclaredOption {
  /// Every option, group by group. It is asked for only where help is: making it takes a few milliseconds.
  static func all() throws(CommandError) -> [DeclaredOption] {
    let table: Table
    do {
      table = try JSONDecoder().decode(Table.self, from: Data(Options._dumpHelp().utf8))
    } catch {
      throw CommandError("the table of options cannot be read: \(error)")
    }
    return table.command.arguments.filter { $0.kind != "positional" }.map(DeclaredOption.init)
  }

  private init(_ row: Table.Row) {
    let word = row.names?.first { $0.kind == "long" }?.name
    let letter = row.names?.first { $0.kind == "short" }?.name.first
    let flag = GetoptFlag.all.first { word == nil ? $0.letter == letter : $0.word == word }
    self.letter = letter
    self.word = word
    valueName = row.kind == "option" ? row.valueName : nil
    usualValue = flag?.usualValue
    looksAhead = flag?.looksAhead ?? false
    repeats = row.isRepeating
    help = row.abstract ?? ""
    group = row.sectionTitle ?? ""
  }

  /// The part of what the option parser tells of itself (its `ToolInfoV0`) that is needed here.
  private struct Table: Decodable {
    struct Command: Decodable { let arguments: [Row] }
    struct Name: Decodable { let kind, name: String }
    struct Row: Decodable {
      let kind: String
      let names: [Name]?
      let valueName, abstract, sectionTitle: String?
      let isRepeating: Bool
    }
    let command: Command
  }
}
