public import BPF

/// A line of a filter expression with marks under some of its words, to show to the user.
public struct SourceExcerpt: Hashable, Sendable {
  /// The line with the first words, or, if it is very long, the part around them. Control characters become blanks.
  public let line: String
  /// A mark under every character of the marked words on this line; no trailing blanks.
  public let marks: String
  /// Where the first words begin, counted from 1: `column 5`, or `line 2, column 5`.
  public let position: String

  /// The line of `expression` where `first` begins, with marks under `ranges`, which are in the order of the text.
  public init(
    of expression: String, around first: SourceRange, marking ranges: [SourceRange], with mark: Character = "^"
  ) {
    let text = Array(expression.utf8)
    let start = min(first.lowerBound, text.count)
    let lineStart = (text[..<start].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
    let lineEnd = text[start...].firstIndex(of: UInt8(ascii: "\n")) ?? text.count
    // A very long line is shown around the words only.
    let last = ranges.last { $0.lowerBound <= lineEnd }?.upperBound ?? start
    let shown = max(lineStart, start - 60)..<min(lineEnd, max(start, min(last, lineEnd, start + 200)) + 60)
    var marks = ""
    var place = shown.lowerBound
    for range in ranges where min(range.lowerBound, text.count) <= lineEnd {
      let from = max(place, min(range.lowerBound, shown.upperBound))
      let to = max(from, min(range.upperBound, shown.upperBound))
      marks += String(repeating: " ", count: Self.printable(text[place..<from]).count)
      // The end of the expression has no character, but it is marked all the same.
      let least = from == to && range == first ? 1 : 0
      marks += String(repeating: mark, count: max(least, Self.printable(text[from..<to]).count))
      place = to
    }
    let column = Self.printable(text[lineStart..<start]).count + 1
    let lines = text[..<lineStart].count { $0 == UInt8(ascii: "\n") }
    position = lines > 0 ? "line \(lines + 1), column \(column)" : "column \(column)"
    line = Self.printable(text[shown])
    self.marks = marks
  }

  /// Words of an expression on one line, no longer than `limit` characters.
  public static func words(_ range: SourceRange, of expression: String, limit: Int = 60) -> String {
    let text = Array(expression.utf8)
    let lower = min(max(0, range.lowerBound), text.count)
    let octets = text[lower..<min(max(lower, range.upperBound), text.count)].prefix(8 * limit)
    let words = printable(octets).split(separator: " ").joined(separator: " ")
    return words.count > limit ? words.prefix(limit - 1) + "…" : words
  }

  private static func printable(_ text: ArraySlice<UInt8>) -> String {
    printable(String(decoding: text, as: UTF8.self))
  }

  /// The text with control characters (C0, DEL, C1), which would move the marks away or reach the terminal, replaced by blanks.
  static func printable(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 < 0x20 || $0 >= 0x7f }) else { return text }
    var printable = ""
    for scalar in text.unicodeScalars {
      let isControl = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
      printable.unicodeScalars.append(isControl ? " " : scalar)
    }
    return printable
  }
}
