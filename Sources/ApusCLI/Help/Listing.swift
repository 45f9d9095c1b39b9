import Dissect
import Filter
import PacketCore
import Protocols
import Statistics

/// Lists of what the program supports, in aligned columns.
enum Listing {
  /// `--list-link-types`.
  static var linkTypes: String {
    let header = ["DLT", "file", "name", "filters", "printed", "description"]
    let rows = LinkType.all.map { type in
      [
        "\(type.rawValue)", "\(type.fileValue)", type.name ?? "", type.filterSupport.rawValue,
        type.isPrinted ? "yes" : "no", type.details ?? "",
      ]
    }
    return table([header] + rows, numbers: 2)
  }

  /// `--list-primitives`.
  static var primitives: String {
    FilterVocabulary.sections.map { section in
      "\(section.title):\n" + table(section.words.map(cells), indent: "  ", columns: 100)
    }.joined(separator: "\n")
  }

  /// `--list-protocols`: the layers, by name.
  static var protocols: String {
    let registry = Registry.shared
    let rows = registry.layers.sorted { "\($0.name)" < "\($1.name)" }.map { layer in
      ["\(layer.name)", "\(layer.title)", "\(layer.reference)", registry.claims(of: layer).joined(separator: ", ")]
    }
    return table([["name", "title", "specification", "found at"]] + rows)
  }

  /// `--json-schema`.
  static var jsonSchema: String {
    var text = TextBuffer()
    PacketSchema(.shared).write(to: &text)
    return text.string
  }

  /// `--stats-schema`.
  static var statisticsSchema: String {
    var text = TextBuffer()
    StatisticsSchema.write(to: &text)
    return text.string
  }

  /// The description of a word: its spellings, what may follow it, its meaning.
  private static func cells(_ word: FilterWord) -> [String] {
    let words = word.operandWords.isEmpty ? "" : ": \(word.operandWords.joined(separator: ", "))"
    return [word.spellings.joined(separator: ", "), word.operand, word.meaning + words]
  }

  /// Rows in columns as wide as their contents. The first `numbers` columns are aligned to the right; an empty column is left out; the text
  /// of the last column is wrapped at `columns`.
  private static func table(_ rows: [[String]], numbers: Int = 0, indent: String = "", columns: Int = .max) -> String {
    let count = rows.map(\.count).max() ?? 0
    let widths = (0..<count).map { column in rows.compactMap { column < $0.count ? $0[column].count : nil }.max() ?? 0 }
    return rows.map { row in
      var line = indent
      for (column, cell) in row.enumerated().dropLast() where widths[column] > 0 {
        let blanks = String(repeating: " ", count: widths[column] - cell.count)
        line += (column < numbers ? blanks + cell : cell + blanks) + "  "
      }
      let words = (row.last ?? "").split(separator: " ").map(String.init)
      let margin = String(repeating: " ", count: line.count)
      return HelpText.wrapped(words, first: line, indent: margin, columns: columns) + "\n"
    }.joined()
  }
}
