import Filter

/// The manual page, apus(1), as man(7) source. Options and the words of filters come from their own tables.
enum ManualPage {
  /// The day of the version, as the page shows it.
  private static let date = "2026-11-25"

  static func text() -> String {
    var page = RoffWriter()
    page.line(".\\\" Made by apus --manual from what apus knows of its options.")
    page.line(".TH APUS 1 \(date) \"apus \(Command.version)\" \"General Commands Manual\"")
    page.line(".SH NAME")
    page.line("apus \\- capture, filter and print packets")
    for section in introduction { page.section(section) }
    page.section(ManualSection(title: "Options", blocks: aboutOptions + Flag.all.blocks))
    page.section(ManualSection(title: "Filters", blocks: aboutFilters + vocabulary))
    for section in subjects + conclusion { page.section(section) }
    return page.text
  }

  /// The words of the filter language, section by section.
  private static var vocabulary: [ManualBlock] {
    FilterVocabulary.sections.flatMap { section in
      [
        .subsection(section.title),
        .list(
          section.words.map { word in
            let words = word.operandWords.isEmpty ? "" : ": \(word.operandWords.joined(separator: ", "))"
            return (
              "`\(word.spellings.joined(separator: ", "))`" + (word.operand.isEmpty ? "" : " " + word.operand),
              word.meaning + words
            )
          }),
      ]
    }
  }
}

extension [Flag] {
  /// The options, each group under its title.
  fileprivate var blocks: [ManualBlock] {
    var blocks: [ManualBlock] = []
    var topic: HelpTopic?
    for option in self {
      if option.topic != topic { blocks.append(.subsection(option.topic.title)) }
      topic = option.topic
      blocks.append(.item(option.label, option.help))
    }
    return blocks
  }
}

extension Flag {
  /// The names with the value: `-r <file>, --read-file=<file>`.
  fileprivate var label: String {
    guard let value else { return names.joined(separator: ", ") }
    let shown = value.alternatives.isEmpty ? "<\(value.name)>" : "`\(value.name)`"
    return names.map { name in
      if value.defaultValue != nil { return "\(name)[=\(shown)]" }
      return name.hasPrefix("--") ? "\(name)=\(shown)" : "\(name) \(shown)"
    }.joined(separator: ", ")
  }
}
