/// What is known about a 32-bit number: its bounds, gaps between them, and the bits that are known.
///
/// It may contain numbers that are impossible, but it never lacks one that is possible.
struct ValueRange: Hashable, Sendable {
  /// Greater than `maximum` if the range is empty: then the path that leads here is never taken.
  private(set) var minimum: UInt32
  private(set) var maximum: UInt32
  /// Excluded ranges between `minimum` and `maximum`, in rising order, with numbers between them.
  private var gaps: [ClosedRange<UInt32>] = []
  /// The bits that are the same in every number.
  private(set) var knownMask: UInt32 = 0
  /// Their values; 0 outside `knownMask`.
  private(set) var knownBits: UInt32 = 0

  /// At most this many gaps are kept.
  private static let gapLimit = 24
  /// Up to this many numbers are handled one by one.
  private static let fewNumbers = 16

  static let all = ValueRange(0...UInt32.max)
  static let none = ValueRange()

  private init() {
    minimum = 1
    maximum = 0
  }

  init(_ number: UInt32) {
    minimum = number
    maximum = number
    knownMask = .max
    knownBits = number
  }

  init(_ range: ClosedRange<UInt32>) {
    minimum = range.lowerBound
    maximum = range.upperBound
    settle()
  }

  /// The numbers whose bits under `mask` are `bits`.
  init(mask: UInt32, bits: UInt32) {
    minimum = bits & mask
    maximum = bits & mask | ~mask
    knownMask = mask
    knownBits = bits & mask
    settle()
  }

  /// The numbers of `list`, which need not be in order.
  init(numbers list: [UInt32]) {
    self.init(ranges: list.sorted().map { $0...$0 })
  }

  /// The numbers in these ranges, which are sorted by lower bound.
  init(ranges: [ClosedRange<UInt32>]) {
    self.init()
    guard let first = ranges.first else { return }
    minimum = first.lowerBound
    maximum = first.upperBound
    for range in ranges.dropFirst() {
      if maximum < range.lowerBound, range.lowerBound - maximum > 1 {
        gaps.append((maximum + 1)...(range.lowerBound - 1))
      }
      maximum = max(maximum, range.upperBound)
    }
    if gaps.count > Self.gapLimit { gaps = [] }
    settle()
  }

  // MARK: Queries

  var isEmpty: Bool { minimum > maximum }
  /// The bits that can be set.
  var possibleBits: UInt32 { ~knownMask | knownBits }
  /// The only number, if there is just one.
  var single: UInt32? { minimum == maximum ? minimum : nil }

  /// The numbers as ranges without gaps, in rising order.
  var ranges: [ClosedRange<UInt32>] {
    if isEmpty { return [] }
    var result: [ClosedRange<UInt32>] = []
    var start = minimum
    for gap in gaps {
      result.append(start...(gap.lowerBound - 1))
      start = gap.upperBound + 1
    }
    result.append(start...maximum)
    return result
  }

  func contains(_ number: UInt32) -> Bool {
    minimum <= number && number <= maximum && number & knownMask == knownBits
      && !gaps.contains { $0.contains(number) }
  }

  /// All numbers, if they are few.
  var few: [UInt32]? {
    if isEmpty { return [] }
    // There is at least one number between two gaps.
    if gaps.count >= Self.fewNumbers { return nil }
    var count = UInt64(maximum - minimum) + 1
    for gap in gaps { count -= UInt64(gap.upperBound - gap.lowerBound) + 1 }
    guard count <= Self.fewNumbers else { return nil }
    return ranges.flatMap { Array($0) }.filter { $0 & knownMask == knownBits }
  }

  /// Whether the relation to `operand` holds for all numbers (true), for none (false), or only for some (nil).
  func holds(_ relation: Relation, _ operand: UInt32) -> Bool? {
    switch relation {
    case .equal:
      if !contains(operand) { return false }
      return single == operand ? true : nil
    case .greater:
      if minimum > operand { return true }
      return maximum <= operand ? false : nil
    case .greaterOrEqual:
      if minimum >= operand { return true }
      return maximum < operand ? false : nil
    case .anyBitsSet:
      if possibleBits & operand == 0 { return false }
      if knownBits & operand != 0 { return true }
      guard let few else { return nil }
      if few.allSatisfy({ $0 & operand != 0 }) { return true }
      return few.allSatisfy { $0 & operand == 0 } ? false : nil
    }
  }

  // MARK: Narrowing

  /// The numbers in this range for which the relation to `operand` has this outcome.
  func narrowed(_ relation: Relation, _ operand: UInt32, _ outcome: Bool) -> ValueRange {
    switch (relation, outcome) {
    case (.equal, true): return contains(operand) ? ValueRange(operand) : .none
    case (.equal, false): return without(operand)
    case (.greater, true): return operand == .max ? .none : intersection((operand + 1)...UInt32.max)
    case (.greater, false): return intersection(0...operand)
    case (.greaterOrEqual, true): return intersection(operand...UInt32.max)
    case (.greaterOrEqual, false): return operand == 0 ? .none : intersection(0...(operand - 1))
    case (.anyBitsSet, false): return narrowed(mask: operand, bits: 0)
    case (.anyBitsSet, true):
      let open = operand & possibleBits
      if open == 0 { return .none }
      if open & (open - 1) == 0 { return narrowed(mask: open, bits: open) }
      guard let few else { return self }
      return ValueRange(numbers: few.filter { $0 & operand != 0 })
    }
  }

  /// The numbers in this range whose bits under `mask` are `bits`.
  func narrowed(mask: UInt32, bits: UInt32) -> ValueRange {
    if isEmpty || (knownBits ^ bits) & knownMask & mask != 0 { return .none }
    if mask & ~knownMask == 0 { return self }
    var result = self
    result.knownMask |= mask
    result.knownBits |= bits & mask
    result.settle()
    return result
  }

  func intersection(_ range: ClosedRange<UInt32>) -> ValueRange {
    if range.lowerBound <= minimum && maximum <= range.upperBound { return self }
    var result = self
    result.minimum = max(minimum, range.lowerBound)
    result.maximum = min(maximum, range.upperBound)
    result.settle()
    return result
  }

  func intersection(_ other: ValueRange) -> ValueRange {
    if isEmpty || other.isEmpty { return .none }
    var result = narrowed(mask: other.knownMask, bits: other.knownBits).intersection(other.minimum...other.maximum)
    if result.isEmpty || other.gaps.isEmpty || result.gaps == other.gaps { return result }
    for gap in other.gaps where result.gaps.count < Self.gapLimit { result.leaveOut(gap) }
    result.settle()
    return result
  }

  private func without(_ number: UInt32) -> ValueRange {
    guard contains(number) else { return self }
    if number == minimum || number == maximum {
      if minimum == maximum { return .none }
      return number == minimum ? intersection((number + 1)...maximum) : intersection(minimum...(number - 1))
    }
    if gaps.count >= Self.gapLimit { return self }
    var result = self
    result.leaveOut(number...number)
    result.settle()
    return result
  }

  /// Adds a gap and merges it with those that it touches.
  private mutating func leaveOut(_ range: ClosedRange<UInt32>) {
    var range = range
    var kept: [ClosedRange<UInt32>] = []
    kept.reserveCapacity(gaps.count + 1)
    for gap in gaps {
      let isApart =
        gap.upperBound < range.lowerBound && range.lowerBound - gap.upperBound > 1
        || range.upperBound < gap.lowerBound && gap.lowerBound - range.upperBound > 1
      if isApart {
        kept.append(gap)
      } else {
        range = min(range.lowerBound, gap.lowerBound)...max(range.upperBound, gap.upperBound)
      }
    }
    kept.insert(range, at: kept.firstIndex { $0.lowerBound > range.lowerBound } ?? kept.count)
    gaps = kept
  }

  // MARK: Where paths meet

  func union(_ other: ValueRange) -> ValueRange {
    if self == other || other.isEmpty { return self }
    if isEmpty { return other }
    let isSimple = gaps.isEmpty && other.gaps.isEmpty && overlaps(other)
    var result =
      isSimple
      ? ValueRange(min(minimum, other.minimum)...max(maximum, other.maximum))
      : ValueRange(ranges: (ranges + other.ranges).sorted { $0.lowerBound < $1.lowerBound })
    // The bits on which both agree.
    let mask = knownMask & other.knownMask & ~(knownBits ^ other.knownBits)
    result.knownMask |= mask
    result.knownBits |= knownBits & mask
    return result
  }

  private func overlaps(_ other: ValueRange) -> Bool {
    minimum <= other.maximum && other.minimum <= maximum
  }

  /// Propagates between bounds, gaps and bits.
  private mutating func settle() {
    minimum = max(minimum, knownBits)
    maximum = min(maximum, possibleBits)
    if !isEmpty && !gaps.isEmpty { trimGaps() }
    if isEmpty {
      self = .none
      return
    }
    if let few {
      settle(exactly: few)
      return
    }
    // The bits above the highest one in which the bounds differ.
    let shared = (minimum ^ maximum).leadingZeroBitCount
    let prefix = shared == 0 ? 0 : ~UInt32(0) << UInt32(32 - shared)
    knownMask |= prefix
    knownBits |= minimum & prefix
  }

  /// Keeps the gaps that lie between the bounds; where a gap touches a bound, the bound moves.
  private mutating func trimGaps() {
    while let first = gaps.first, first.lowerBound <= minimum {
      if first.upperBound >= maximum {
        self = .none
        return
      }
      minimum = max(minimum, first.upperBound + 1)
      gaps.removeFirst()
    }
    while let last = gaps.last, last.upperBound >= maximum {
      if last.lowerBound > maximum {
        gaps.removeLast()
        continue
      }
      maximum = last.lowerBound - 1
      gaps.removeLast()
    }
  }

  /// Sets the range to exactly these numbers, in rising order: the bits on which they agree are known.
  private mutating func settle(exactly numbers: [UInt32]) {
    guard let first = numbers.first, let last = numbers.last else {
      self = .none
      return
    }
    let differing = numbers.reduce(0) { $0 | ($1 ^ first) }
    minimum = first
    maximum = last
    gaps = []
    var previous = first
    for number in numbers.dropFirst() {
      if number - previous > 1 { gaps.append((previous + 1)...(number - 1)) }
      previous = number
    }
    knownMask = ~differing
    knownBits = first & knownMask
  }
}
