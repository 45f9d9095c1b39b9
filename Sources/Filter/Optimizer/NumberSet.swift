/// What is known about a 32-bit number: the ranges it lies in, and the bits of it that are known.
///
/// It may hold more numbers than are possible, never fewer.
struct NumberSet: Hashable, Sendable {
  /// In rising order, with gaps between them. None: there is no such number, the way that leads here is never taken.
  private(set) var ranges: [ClosedRange<UInt32>]
  /// The bits that are the same in every number.
  private(set) var knownMask: UInt32 = 0
  /// Their values; 0 outside `knownMask`.
  private(set) var knownBits: UInt32 = 0

  /// More gaps than this are not remembered.
  private static let rangeLimit = 24
  /// So many numbers are looked at one by one.
  private static let fewNumbers = 16

  static let all = NumberSet(ranges: [0...UInt32.max])
  static let none = NumberSet(ranges: [])

  private init(ranges: [ClosedRange<UInt32>]) {
    self.ranges = ranges
  }

  init(_ number: UInt32) { self.init(number...number) }

  init(_ range: ClosedRange<UInt32>) {
    ranges = [range]
    settle()
  }

  /// The numbers whose bits under `mask` are `bits`.
  init(mask: UInt32, bits: UInt32) {
    self.init((bits & mask)...(bits & mask | ~mask))
    knownMask = mask
    knownBits = bits & mask
  }

  /// The numbers of `list`, which need not be in order.
  init(numbers list: [UInt32]) {
    ranges = []
    for number in list.sorted() {
      if let last = ranges.last, number <= last.upperBound || number == last.upperBound &+ 1 {
        ranges[ranges.count - 1] = last.lowerBound...max(number, last.upperBound)
      } else {
        ranges.append(number...number)
      }
    }
    settle()
  }

  // MARK: Questions

  var isEmpty: Bool { ranges.isEmpty }
  var minimum: UInt32 { ranges.first?.lowerBound ?? 0 }
  var maximum: UInt32 { ranges.last?.upperBound ?? 0 }
  /// The bits that can be set.
  var possibleBits: UInt32 { ~knownMask | knownBits }

  /// The only number, where there is just one.
  var single: UInt32? {
    guard ranges.count == 1, minimum == maximum else { return nil }
    return minimum
  }

  func contains(_ number: UInt32) -> Bool {
    number & knownMask == knownBits && ranges.contains { $0.contains(number) }
  }

  /// Every number, where there are few.
  var few: [UInt32]? {
    var count = 0
    for range in ranges {
      count += Int(range.upperBound - range.lowerBound) + 1
      if count > Self.fewNumbers { return nil }
    }
    return ranges.flatMap { Array($0) }.filter { $0 & knownMask == knownBits }
  }

  /// Whether the relation to `operand` holds for all numbers (true), for none (false), or for some.
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

  /// The numbers of it for which the relation to `operand` is as `outcome` says.
  func narrowed(_ relation: Relation, _ operand: UInt32, _ outcome: Bool) -> NumberSet {
    switch (relation, outcome) {
    case (.equal, true): return contains(operand) ? NumberSet(operand) : .none
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
      return NumberSet(numbers: few.filter { $0 & operand != 0 })
    }
  }

  /// The numbers of it whose bits under `mask` are `bits`.
  func narrowed(mask: UInt32, bits: UInt32) -> NumberSet {
    if (knownBits ^ bits) & knownMask & mask != 0 { return .none }
    var result = self
    result.knownMask |= mask
    result.knownBits |= bits & mask
    result.settle()
    return result
  }

  func intersection(_ range: ClosedRange<UInt32>) -> NumberSet {
    var result = self
    result.ranges = ranges.compactMap { $0.overlaps(range) ? $0.clamped(to: range) : nil }
    result.settle()
    return result
  }

  func intersection(_ other: NumberSet) -> NumberSet {
    if self == other { return self }
    var result = narrowed(mask: other.knownMask, bits: other.knownBits)
    var common: [ClosedRange<UInt32>] = []
    for range in result.ranges {
      for otherRange in other.ranges where range.overlaps(otherRange) { common.append(range.clamped(to: otherRange)) }
    }
    if common.count > Self.rangeLimit { return result }
    result.ranges = common
    result.settle()
    return result
  }

  private func without(_ number: UInt32) -> NumberSet {
    guard contains(number) else { return self }
    var result = self
    result.ranges = []
    for range in ranges {
      guard range.contains(number) else {
        result.ranges.append(range)
        continue
      }
      if range.lowerBound < number { result.ranges.append(range.lowerBound...(number - 1)) }
      if number < range.upperBound { result.ranges.append((number + 1)...range.upperBound) }
    }
    if result.ranges.count > Self.rangeLimit { return self }
    result.settle()
    return result
  }

  // MARK: Where ways meet

  func union(_ other: NumberSet) -> NumberSet {
    if self == other || other.isEmpty { return self }
    if isEmpty { return other }
    var result = self
    result.knownMask = knownMask & other.knownMask & ~(knownBits ^ other.knownBits)
    result.knownBits = knownBits & result.knownMask
    result.ranges = []
    for range in (ranges + other.ranges).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.ranges.last, last.upperBound == .max || range.lowerBound <= last.upperBound + 1 {
        result.ranges[result.ranges.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.ranges.append(range)
      }
    }
    if result.ranges.count > Self.rangeLimit { result.ranges = [result.minimum...result.maximum] }
    result.settle()
    return result
  }

  /// Lets ranges and bits tell each other what they know.
  private mutating func settle() {
    let low = knownBits
    let high = possibleBits
    if !ranges.isEmpty, minimum < low || maximum > high {
      ranges = ranges.compactMap { $0.overlaps(low...high) ? $0.clamped(to: low...high) : nil }
    }
    if let few {
      // Exactly these: the bits that they agree on are known.
      if let first = few.first {
        let differing = few.reduce(0) { $0 | $1 ^ first }
        knownMask = ~differing
        knownBits = first & knownMask
        ranges = NumberSet.ranges(of: few)
      } else {
        ranges = []
      }
    } else if !ranges.isEmpty {
      // The bits above the highest one in which the ends differ.
      let shared = (minimum ^ maximum).leadingZeroBitCount
      let prefix = shared == 0 ? 0 : ~UInt32(0) << UInt32(32 - shared)
      knownMask |= prefix
      knownBits |= minimum & prefix
    }
    if ranges.isEmpty { self = .none }
  }

  /// The ranges of numbers that are in rising order.
  private static func ranges(of numbers: [UInt32]) -> [ClosedRange<UInt32>] {
    var ranges: [ClosedRange<UInt32>] = []
    for number in numbers {
      if let last = ranges.last, number == last.upperBound &+ 1 {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges
  }
}
