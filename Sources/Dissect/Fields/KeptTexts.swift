import PacketCore

/// A cache of texts that are made once and written often, each under a number below `count`.
struct KeptTexts: ~Copyable {
  /// The maximum number of texts.
  let count: Int
  private var text = TextBuffer(capacity: 64)
  /// Where each text begins and ends in `text`; allocated when the first one is kept.
  private var places: [(start: Int32, end: Int32)] = []

  init(count: Int) { self.count = count }

  /// Writes the text of a number; false if none is kept.
  @inline(__always)
  func write(_ number: Int, into out: inout TextBuffer) -> Bool {
    guard number >= 0, number < places.count, places[number].end > 0 else { return false }
    out.write(contentsOf: text, from: Int(places[number].start), to: Int(places[number].end))
    return true
  }

  /// Keeps the text in `out` from `start` on.
  mutating func keep(_ number: Int, _ out: borrowing TextBuffer, from start: Int) {
    if places.isEmpty { places = Array(repeating: (start: 0, end: 0), count: count) }
    guard number >= 0, number < places.count else { return }
    let begin = Int32(clamping: text.count)
    text.write(contentsOf: out, from: start)
    places[number] = (begin, Int32(clamping: text.count))
  }
}
