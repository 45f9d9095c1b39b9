public import BPF

/// Why a filter expression was rejected: what is wrong, and which words of the expression are to blame.
public struct FilterError: Error, Hashable, Sendable {
  /// The kind of error.
  public enum Kind: Hashable, Sendable {
    /// The expression is syntactically wrong, whatever the link type.
    case syntax
    /// It means nothing for this link type or target, or contains an unknown name.
    case meaning
    /// No packet can match it.
    case contradiction
    /// The program was no longer wanted before it was finished (`CompileOptions.isCancelled`).
    case cancelled
  }

  public let kind: Kind
  /// What is wrong, without program name or full stop.
  public let message: String
  /// What to type instead, without full stop; nil if that is not known.
  public private(set) var hint: String?
  /// The words to blame, in the order of the text; none where the expression as a whole is wrong.
  public let ranges: [SourceRange]

  /// The program was no longer wanted before it was finished.
  public static let cancelled = FilterError("the compilation of the filter was interrupted", kind: .cancelled)

  /// The first words to blame.
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

  /// The same error with a hint, unless it already has one.
  func withHint(_ hint: @autoclosure () -> String?) -> FilterError {
    guard self.hint == nil else { return self }
    var error = self
    error.hint = hint()
    return error
  }

  /// The same error of another kind.
  func with(kind: Kind) -> FilterError { FilterError(message, hint: hint, at: ranges, kind: kind) }

  /// The text to show to the user: `apus: `, the message and the hint. Where `ranges` are known, the column of the first (from 1) and its
  /// line follow, then that line of the expression with a caret under every character in them. Lines end with a newline.
  public func rendered(expression: String) -> String {
    let message = SourceExcerpt.printable(hint.map { "\(self.message); \($0)" } ?? self.message)
    guard let first = ranges.first else { return "apus: \(message)\n" }
    let excerpt = SourceExcerpt(of: expression, around: first, marking: ranges)
    return "apus: \(message) (\(excerpt.position))\n  \(excerpt.line)\n  \(excerpt.marks)\n"
  }
}
