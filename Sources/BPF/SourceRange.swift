/// A range of bytes (UTF-8 offsets) in the text of a filter expression: the words that something came from.
public struct SourceRange: Hashable, Sendable, BitwiseCopyable {
  /// The first byte.
  public let lowerBound: Int
  /// One past the last byte; never below `lowerBound`.
  public let upperBound: Int

  public init(_ lowerBound: Int, _ upperBound: Int) {
    self.lowerBound = lowerBound
    self.upperBound = max(lowerBound, upperBound)
  }

  /// The smallest range that covers both.
  public func union(_ other: SourceRange) -> SourceRange {
    SourceRange(min(lowerBound, other.lowerBound), max(upperBound, other.upperBound))
  }
}
