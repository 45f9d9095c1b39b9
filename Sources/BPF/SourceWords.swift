/// The words of a filter expression that something implements: ranges of its text, not overlapping and in the order of the text. An
/// instruction may implement several terms, since the compiler tests only once what they have in common.
public struct SourceWords: Hashable, Sendable {
  /// The ranges; none if they are not known.
  public private(set) var ranges: [SourceRange] = []

  /// More ranges than this are merged into the one range that covers them.
  private static let most = 24

  /// No words.
  public init() {}

  /// One range of words, or none.
  public init(_ range: SourceRange?) {
    if let range { ranges = [range] }
  }

  public var isEmpty: Bool { ranges.isEmpty }

  /// The smallest range that covers all of them; nil if there are none.
  public var hull: SourceRange? {
    guard let first = ranges.first, let last = ranges.last else { return nil }
    return SourceRange(first.lowerBound, last.upperBound)
  }

  /// Adds the words of `other`; overlapping ranges are merged.
  public mutating func formUnion(_ other: SourceWords) {
    if other.ranges.isEmpty || other == self { return }
    if ranges.isEmpty {
      ranges = other.ranges
      return
    }
    var joined: [SourceRange] = []
    for range in (ranges + other.ranges).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = joined.last, range.lowerBound < last.upperBound || range == last {
        joined[joined.count - 1] = last.union(range)
      } else {
        joined.append(range)
      }
    }
    ranges = joined
    if ranges.count > Self.most, let hull { ranges = [hull] }
  }

  /// Both together.
  public func union(_ other: SourceWords) -> SourceWords {
    var result = self
    result.formUnion(other)
    return result
  }
}
