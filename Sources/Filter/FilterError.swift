public import BPF

/// Why a filter expression was refused: what is wrong, and which words of the expression are meant.
public struct FilterError: Error, Hashable, Sendable {
  /// What is wrong, without program name, without full stop.
  public let message: String
  /// The words that are meant, in the order of the text; none where it is the expression as a whole.
  public let ranges: [SourceRange]

  /// The first words that are meant.
  public var range: SourceRange? { ranges.first }

  public init(_ message: String, at range: SourceRange? = nil) {
    self.init(message, at: range.map { [$0] } ?? [])
  }

  public init(_ message: String, at ranges: [SourceRange]) {
    self.message = message
    self.ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }
  }

  /// The text for a person: `apus: ` and the message; where words are meant, the column of the first (from 1) and its line, then that
  /// line of the expression and a caret under every character that is meant on it. Lines end with a newline.
  public func rendered(expression: String) -> String {
    guard let first = ranges.first else { return "apus: \(message)\n" }
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
      // The end of the expression has no character, and is marked all the same.
      let least = from == to && range == first ? 1 : 0
      marks += String(repeating: "^", count: max(least, Self.printable(text[from..<to]).count))
      place = to
    }
    let column = Self.printable(text[lineStart..<start]).count + 1
    let lines = text[..<lineStart].count { $0 == UInt8(ascii: "\n") }
    let position = lines > 0 ? "line \(lines + 1), column \(column)" : "column \(column)"
    return "apus: \(message) (\(position))\n  \(Self.printable(text[shown]))\n  \(marks)\n"
  }

  /// The text with control characters, which would move the carets away or reach the terminal, replaced by blanks.
  private static func printable(_ text: ArraySlice<UInt8>) -> String {
    String(decoding: text.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
  }
}
