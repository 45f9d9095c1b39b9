/// A block in a section of the manual. In running text, options (`-r`), pages (`pcap-filter(7)`) and text between backquotes are bold,
/// `<values>` are italic.
enum ManualBlock {
  case paragraph(String)
  /// A term of one line, and its description.
  case item(String, String)
  /// Terms without space between them.
  case list([(term: String, text: String)])
  /// A command, as lines.
  case command(String)
  case subsection(String)
}

/// A section of the manual.
struct ManualSection {
  let title: String
  let blocks: [ManualBlock]
}

/// Writes man(7) macros: no line of text is longer than 79 bytes, and none contains anything that a formatter would take for a request.
struct RoffWriter {
  private(set) var text = ""

  mutating func section(_ section: ManualSection) {
    line(".SH \(section.title.uppercased())")
    // A heading also begins a paragraph.
    var isFirst = true
    for block in section.blocks {
      write(block, isFirst: isFirst)
      if case .subsection = block { isFirst = true } else { isFirst = false }
    }
  }

  private mutating func write(_ block: ManualBlock, isFirst: Bool) {
    switch block {
    case .subsection(let title): line(".SS \(title)")
    case .paragraph(let words):
      if !isFirst { line(".PP") }
      fill(words)
    case .item(let term, let words):
      line(".TP")
      line(Self.protected(Self.marked(term)))
      fill(words)
    case .list(let items):
      for (index, item) in items.enumerated() {
        line(".TP")
        // The items after the first follow without a blank line.
        if index == 0 { line(".PD 0") }
        line(Self.protected(Self.marked(item.term)))
        fill(item.text)
      }
      line(".PD")
    case .command(let command):
      line(".PP")
      line(".in +4n")
      line(".nf")
      for row in command.split(separator: "\n") { line(Self.protected("\\fB\(Self.escaped(row, literal: true))\\fR")) }
      line(".fi")
      line(".in")
    }
  }

  /// Appends a line unchanged.
  mutating func line(_ line: String) { text += line + "\n" }

  /// Appends running text, broken into lines.
  private mutating func fill(_ words: String) {
    var current = ""
    for word in Self.marked(words).split(separator: " ") {
      if !current.isEmpty, current.utf8.count + 1 + word.utf8.count > 76 {
        line(Self.protected(current))
        current = ""
      }
      current += current.isEmpty ? String(word) : " " + word
    }
    line(Self.protected(current))
  }

  /// The line, escaped if it begins like a request.
  private static func protected(_ line: String) -> String { line.hasPrefix(".") ? "\\&" + line : line }

  // MARK: Marks

  /// The text with its font markup.
  private static func marked(_ text: String) -> String {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
      if index % 2 == 1 { return bold(part) }
      return part.split(separator: " ", omittingEmptySubsequences: false).map(word).joined(separator: " ")
    }.joined()
  }

  /// A word of running text, marked without the punctuation around it.
  private static func word(_ word: Substring) -> String {
    let opening = word.prefix { "('\"[,".contains($0) }
    var core = word.dropFirst(opening.count)
    let closing = String(core.reversed().prefix { ".,;:!?'\"]".contains($0) }.reversed())
    core = core.dropLast(closing.count)
    return escaped(opening, literal: false) + font(core) + escaped(closing[...], literal: false)
  }

  private static func font(_ core: Substring) -> String {
    let name = core.prefix { $0.isLowercase || $0.isNumber || $0 == "-" || $0 == "_" }
    let chapter = core.dropFirst(name.count).prefix(3)
    if !name.isEmpty, chapter.first == "(", chapter.dropFirst().first?.isNumber == true, chapter.last == ")" {
      return bold(name) + escaped(core.dropFirst(name.count), literal: false)
    }
    let dashes = core.prefix { $0 == "-" }
    let isOption = core.dropFirst(dashes.count).first.map { $0.isLetter || $0 == "#" } ?? false
    if (1...2).contains(dashes.count), isOption {
      let option = core.prefix { $0.isLetter || $0.isNumber || $0 == "#" || $0 == "-" }
      return bold(option) + font(core.dropFirst(option.count))
    }
    if let start = core.firstIndex(of: "<"), let end = core[start...].firstIndex(of: ">") {
      let value = core[core.index(after: start)..<end]
      return font(core[..<start]) + "\\fI" + escaped(value, literal: true) + "\\fR"
        + font(core[core.index(after: end)...])
    }
    return escaped(core, literal: false)
  }

  private static func bold(_ text: Substring) -> String { "\\fB" + escaped(text, literal: true) + "\\fR" }

  /// Escapes characters that are special to a formatter; a hyphen of `literal` text can be copied as a minus sign.
  private static func escaped(_ text: Substring, literal: Bool) -> String {
    var result = ""
    for character in text {
      switch character {
      case "\\": result += "\\e"
      case "-": result += literal ? "\\-" : "-"
      case "'": result += "\\(aq"
      case "\"": result += "\\(dq"
      case "`": result += "\\(ga"
      case "^": result += "\\(ha"
      case "~": result += "\\(ti"
      default: result.append(character)
      }
    }
    return result
  }
}
