/// The lengths of packets on the wire.
struct Sizes: Sendable {
  /// The smallest length of each class in bytes. 1518 is the longest untagged Ethernet frame including its check sequence, which captures
  /// hardly ever contain.
  static let bounds: [UInt64] = [0, 64, 128, 256, 512, 1024, 1518, 2048, 4096, 8192, 16_384]

  private(set) var classes = [Tally](repeating: Tally(), count: bounds.count)
  private(set) var minimum = UInt64.max
  private(set) var maximum: UInt64 = 0

  mutating func add(_ length: UInt64) {
    var index = Self.bounds.count &- 1
    while index > 0, length < Self.bounds[index] { index &-= 1 }
    classes[index].add(length)
    minimum = min(minimum, length)
    maximum = max(maximum, length)
  }

  /// Adds a part's counts.
  mutating func merge(_ part: borrowing Sizes) {
    for index in classes.indices { classes[index] += part.classes[index] }
    minimum = min(minimum, part.minimum)
    maximum = max(maximum, part.maximum)
  }

  /// The largest length in a class; nil for no limit.
  static func last(_ index: Int) -> UInt64? { index + 1 < bounds.count ? bounds[index + 1] - 1 : nil }

  /// The number of classes to show: those of Ethernet always, larger ones up to the last with packets.
  var shown: Int { max(6, (classes.lastIndex { $0.packets > 0 } ?? 0) + 1) }
}
