/// Durations and sizes, in the syntax that all options share: a plain number in the option's own unit, or numbers followed by units, `90s`,
/// `1h30m`, `1.5GiB`. An error lists what is possible.
enum Quantity {
  /// Units of time, the longest first, in nanoseconds.
  private static let times: [(names: [String], nanoseconds: Int128)] = [
    (["d"], 86_400_000_000_000), (["h"], 3_600_000_000_000), (["m", "min"], 60_000_000_000), (["s"], 1_000_000_000),
    (["ms"], 1_000_000), (["us"], 1000), (["ns"], 1),
  ]

  /// Units of size, in bytes.
  private static let sizes: [(names: [String], octets: Int128)] = [
    (["b"], 1), (["k", "kib"], 1 << 10), (["m", "mib"], 1 << 20), (["g", "gib"], 1 << 30), (["t", "tib"], 1 << 40),
    (["kb"], 1000), (["mb"], 1_000_000), (["gb"], 1_000_000_000), (["tb"], 1_000_000_000_000),
  ]

  // MARK: Durations

  /// Whole seconds. `what` describes the option's value in words. Throws if the text is not a duration, or not within `range`.
  static func seconds(_ text: String, of what: String, in range: ClosedRange<Int64>) throws(CommandError) -> Int64 {
    guard let nanoseconds = duration(text, plainUnit: 1_000_000_000) else { throw refusal(text, what, range) }
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    guard rest == 0, let seconds = Int64(exactly: seconds), range.contains(seconds) else {
      throw refusal(text, what, range)
    }
    return seconds
  }

  private static func refusal(_ text: String, _ what: String, _ range: ClosedRange<Int64>) -> CommandError {
    CommandError(
      "invalid \(what) \(text): seconds (90), or numbers with the units s, m, h or d (90s, 1h30m), whole seconds from "
        + "\(range.lowerBound) to \(range.upperBound)")
  }

  /// Seconds, rounded up; otherwise as above.
  static func secondsRoundedUp(
    _ text: String, of what: String, in range: ClosedRange<Int64>, also word: String
  ) throws(CommandError) -> Int64 {
    guard let nanoseconds = duration(text, plainUnit: 1_000_000_000),
      let seconds = Int64(exactly: (nanoseconds + 999_999_999) / 1_000_000_000), range.contains(seconds)
    else {
      throw CommandError(
        "invalid \(what) \(text): seconds (90), numbers with the units us, ms, s, m, h or d (90s, 1h30m), or \(word)")
    }
    return seconds
  }

  /// Nanoseconds, at least one, from numbers with units; plain numbers mean seconds if `takesPlain` is set. Nil if the text is not a
  /// duration.
  static func nanoseconds(_ text: String, takesPlain: Bool) -> Int64? {
    guard let sum = duration(text, plainUnit: takesPlain ? 1_000_000_000 : nil), sum > 0 else { return nil }
    return Int64(exactly: sum)
  }

  /// True if the text is a duration with units.
  static func isDuration(_ text: String) -> Bool { duration(text, plainUnit: nil) != nil }

  private static func duration(_ text: String, plainUnit: Int128?) -> Int128? {
    var rest = Array(text.utf8)[...]
    if let plainUnit, rest.allSatisfy(isDigit) {
      guard let number = number(&rest), rest.isEmpty else { return nil }
      return number.scaled(by: plainUnit)
    }
    var sum: Int128 = 0
    var shorter = times[...]
    repeat {
      guard let number = number(&rest) else { return nil }
      let name = String(decoding: rest.prefix { !isDigit($0) && $0 != UInt8(ascii: ".") }, as: UTF8.self)
      // Each unit must be shorter than those before it.
      guard let place = shorter.firstIndex(where: { $0.names.contains(name) }),
        let part = number.scaled(by: times[place].nanoseconds)
      else { return nil }
      sum += part
      shorter = shorter[(place + 1)...]
      rest = rest.dropFirst(name.utf8.count)
    } while !rest.isEmpty
    return sum
  }

  // MARK: Sizes

  /// Bytes. `what` describes the option's value in words, `plainUnit` is the number of bytes in the unit of plain numbers, and `plainName`
  /// the name of that unit. Throws if the text is not a size, or not within `range`.
  static func octets(
    _ text: String, of what: String, plainUnit: UInt64, plainName: String, in range: ClosedRange<UInt64>
  ) throws(CommandError) -> UInt64 {
    guard let octets = size(text, Int128(plainUnit)), let octets = UInt64(exactly: octets), range.contains(octets)
    else {
      throw CommandError(
        "invalid \(what) \(text): \(plainName), or a number with k, m, g (KiB, MiB, GiB), kB, MB, GB or b (bytes) after it, "
          + "from \(range.lowerBound) to \(range.upperBound) bytes")
    }
    return octets
  }

  private static func size(_ text: String, _ plainUnit: Int128) -> Int128? {
    var rest = Array(text.utf8)[...]
    guard let number = number(&rest) else { return nil }
    let name = String(decoding: rest, as: UTF8.self).lowercased()
    if name.isEmpty { return number.fraction == 0 ? number.scaled(by: plainUnit) : nil }
    guard let unit = sizes.first(where: { $0.names.contains(name) }) else { return nil }
    return number.scaled(by: unit.octets)
  }

  // MARK: Numbers

  /// A decimal number with at most nine digits after the point.
  private struct Number {
    var whole: Int128
    /// In units of 10^-9.
    var fraction: Int128

    /// The number times `unit`; nil if that is not a whole number.
    func scaled(by unit: Int128) -> Int128? {
      let (part, rest) = (fraction * unit).quotientAndRemainder(dividingBy: 1_000_000_000)
      return rest == 0 ? whole * unit + part : nil
    }
  }

  private static func isDigit(_ octet: UInt8) -> Bool { (0x30...0x39).contains(octet) }

  /// Takes a number from the start of the text; nil if there is none, or it has more than 18 digits.
  private static func number(_ text: inout ArraySlice<UInt8>) -> Number? {
    let digits = text.prefix(while: isDigit)
    guard (1...18).contains(digits.count) else { return nil }
    text = text.dropFirst(digits.count)
    var number = Number(whole: digits.reduce(0) { $0 * 10 + Int128($1 - 0x30) }, fraction: 0)
    guard text.first == UInt8(ascii: ".") else { return number }
    let decimals = text.dropFirst().prefix(while: isDigit)
    guard (1...9).contains(decimals.count) else { return nil }
    text = text.dropFirst(decimals.count + 1)
    number.fraction = decimals.reduce(0) { $0 * 10 + Int128($1 - 0x30) }
    for _ in decimals.count..<9 { number.fraction *= 10 }
    return number
  }
}
