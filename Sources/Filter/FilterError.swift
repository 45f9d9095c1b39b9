public import BPF

/// Why a filter expression was refused: what is wrong, and which words of the expression are meant.
public struct FilterError: Error, Hashable, Sendable {
  /// What is wrong, without program name, without full stop.
  public let message: String
  /// The words that are meant; nil where it is the expression as a whole.
  public let range: SourceRange?

  public init(_ message: String, at range: SourceRange? = nil) {
    self.message = message
    self.range = range
  }

  /// The text for a person: `apus: ` and the message; where words are meant, their column (from 1) and line, then that line of the
  /// expression and a caret under every character of them. Lines end with a newline.
  public func rendered(expression: String) -> String {
    guard let range else { return "apus: \(message)\n" }
    let text = Array(expression.utf8)
    let start = min(range.lowerBound, text.count)
    var lineStart = start
    while lineStart > 0, text[lineStart - 1] != UInt8(ascii: "\n") { lineStart -= 1 }
    var lineEnd = start
    while lineEnd < text.count, text[lineEnd] != UInt8(ascii: "\n") { lineEnd += 1 }
    // A very long line is shown around the words only.
    let shownStart = max(lineStart, start - 60)
    let shownEnd = min(lineEnd, max(start, min(range.upperBound, lineEnd)) + 60)
    let end = max(start + 1, min(range.upperBound, shownEnd))
    let line = Self.printable(text[shownStart..<shownEnd])
    let before = Self.printable(text[shownStart..<start])
    let marked = end <= shownEnd ? Self.printable(text[start..<end]) : " "
    let indent = String(repeating: " ", count: before.count)
    let carets = String(repeating: "^", count: max(1, marked.count))
    let column = Self.printable(text[lineStart..<start]).count + 1
    let lines = text[..<lineStart].count { $0 == UInt8(ascii: "\n") }
    let place = lines > 0 ? "line \(lines + 1), column \(column)" : "column \(column)"
    return "apus: \(message) (\(place))\n  \(line)\n  \(indent)\(carets)\n"
  }

  /// The text with control characters, which would move the carets away or reach the terminal, replaced by blanks.
  private static func printable(_ text: ArraySlice<UInt8>) -> String {
    String(decoding: text.map { $0 < 0x20 || $0 == 0x7f ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
  }
}
