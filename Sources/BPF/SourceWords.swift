/// The words of a filter expression that something serves: ranges of its text, apart from each other and in the order of the text.
/// An instruction may serve several terms, for a compiler asks only once what they have in common.
public struct SourceWords: Hashable, Sendable {
  /// Each range of words; none where nothing is known.
  public private(set) var ranges: [SourceRange] = []

  /// More ranges than this are kept as the one range that covers them.
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

  /// Adds the words of `other`; ranges that have octets in common become one.
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
