public import PacketCore

extension FieldWriter {
  /// The members `"time"` (RFC 3339 in UTC, left out if the year is not within 1 to 9999) and `"epoch"` (seconds), both with nanoseconds.
  public mutating func writeTimes(_ time: Timestamp) {
    var clock = Clock(utcOffset: 0)
    writeTimes(time, &clock)
  }

  /// The same with a UTC clock that keeps the date for the next packet.
  package mutating func writeTimes(_ time: Timestamp, _ clock: inout Clock) {
    // A broken savefile may state a second or more of nanoseconds: carry it into the seconds.
    let carried = time.nanoseconds.floorQuotient(1_000_000_000)
    let seconds = time.seconds &+ carried
    let nanoseconds = time.nanoseconds &- carried &* 1_000_000_000
    if carried == 0, seconds >= 0, Self.years.contains(seconds) {
      if second != seconds { keepTexts(of: seconds, &clock) }
      write(key: "time")
      json.write(contentsOf: secondText)
      json.write(decimal: nanoseconds, width: 9)
      json.write(contentsOf: epochText)
      json.write(decimal: nanoseconds, width: 9)
      return
    }
    if Self.years.contains(seconds) { writeDate(seconds, nanoseconds, &clock) }
    write(key: "epoch")
    // `nanoseconds` counts forward from the second; the fraction of a negative decimal number counts away from zero.
    let isBefore = seconds < 0 && nanoseconds > 0
    if seconds < 0 { json.write(byte: UInt8(ascii: "-")) }
    json.write(decimal: isBefore ? (seconds &+ 1).magnitude : seconds.magnitude)
    json.write(byte: UInt8(ascii: "."))
    json.write(decimal: isBefore ? 1_000_000_000 &- nanoseconds : nanoseconds, width: 9)
    if carried != 0 { write("invalid_timestamp", true) }
  }

  /// Writes the times of a packet whose capture has none: `epoch` is 0, since a reader may rely on a number.
  mutating func writeNoTime() {
    write(key: "epoch")
    json.write("0.000000000")
    write("has_no_time", true)
  }

  /// Seconds of the years 1 to 9999: RFC 3339 has no form for others.
  private static var years: Range<Int64> { -62_135_596_800..<253_402_300_800 }

  /// Most packets have the same second as the one before, so `"2026-11-23T22:55:49.` and `Z","epoch":1795474549.` are kept for the next
  /// packet.
  private mutating func keepTexts(of seconds: Int64, _ clock: inout Clock) {
    clock.set(seconds)
    second = seconds
    secondText.removeAll()
    Self.write(date: clock, into: &secondText)
    epochText.removeAll()
    epochText.write("Z\",\"epoch\":")
    epochText.write(decimal: seconds)
    epochText.write(byte: UInt8(ascii: "."))
  }

  /// `"2026-11-23T22:55:49.`
  private static func write(date clock: Clock, into text: inout TextBuffer) {
    text.write(byte: UInt8(ascii: "\""))
    text.write(decimal: clock.date.year, width: 4)
    text.write(byte: UInt8(ascii: "-"))
    text.write(decimal: clock.date.month, width: 2)
    text.write(byte: UInt8(ascii: "-"))
    text.write(decimal: clock.date.day, width: 2)
    text.write(byte: UInt8(ascii: "T"))
    text.write(octets: clock.timeOfDay)
    text.write(byte: UInt8(ascii: "."))
  }

  private mutating func writeDate(_ seconds: Int64, _ nanoseconds: Int64, _ clock: inout Clock) {
    clock.set(seconds)
    write(key: "time")
    Self.write(date: clock, into: &json)
    json.write(decimal: nanoseconds, width: 9)
    json.write("Z\"")
  }
}
