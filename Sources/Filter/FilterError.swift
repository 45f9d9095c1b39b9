public import BPF

/// Why a filter expression was refused: what is wrong, and which words of the expression are meant.
public struct FilterError: Error, Hashable, Sendable {
  /// What kind of fault it is.
  public enum Kind: Hashable, Sendable {
    /// The expression is no sentence of the language, whatever packets it is meant for.
    case syntax
    /// It means nothing for the packets that it is compiled for, or a name in it is not known.
    case meaning
    /// No packet can match it.
    case contradiction
    /// The program was no longer wanted before it was made (`CompileOptions.isCancelled`).
    case cancelled
  }

  public let kind: Kind
  /// What is wrong, without program name, without full stop.
  public let message: String
  /// What to type instead, without full stop; nil if that is not known.
  public private(set) var hint: String?
  /// The words that are meant, in the order of the text; none where it is the expression as a whole.
  public let ranges: [SourceRange]

  /// The program was no longer wanted before it was made.
  public static let cancelled = FilterError("the compilation of the filter was interrupted", kind: .cancelled)

  /// The first words that are meant.
  public var range: SourceRange? { ranges.first }

  public init(_ message: String, hint: String? = nil, at range: SourceRange? = nil, kind: Kind = .meaning) {
    self.init(message, hint: hint, at: range.map { [$0] } ?? [], kind: kind)
  }

  public init(_ message: String, hint: String? = nil, at ranges: [SourceRange], kind: Kind = .meaning) {
    self.kind = kind
    self.message = message
    self.hint = hint
    self.ranges = ranges.sorted { $0.lowerBound < $1.lowerBound }
  }

  /// The same error with a hint, unless it has one.
  func withHint(_ hint: @autoclosure () -> String?) -> FilterError {
    guard self.hint == nil else { return self }
    var error = self
    error.hint = hint()
    return error
  }

  /// The same error of another kind.
  func with(kind: Kind) -> FilterError { FilterError(message, hint: hint, at: ranges, kind: kind) }

  /// The text for a person: `apus: `, the message and the hint; where words are meant, the column of the first (from 1) and its line, then
  /// that line of the expression and a caret under every character that is meant on it. Lines end with a newline.
  public func rendered(expression: String) -> String {
    let message = SourceExcerpt.printable(hint.map { "\(self.message); \($0)" } ?? self.message)
    guard let first = ranges.first else { return "apus: \(message)\n" }
    let excerpt = SourceExcerpt(of: expression, around: first, marking: ranges)
    return "apus: \(message) (\(excerpt.position))\n  \(excerpt.line)\n  \(excerpt.marks)\n"
  }
}
