#if canImport(Glibc)
  import Glibc
#endif

extension TextBuffer {
  /// An unsigned decimal number.
  @inlinable @inline(__always)
  public mutating func write(decimal value: some UnsignedInteger & FixedWidthInteger) {
    write(decimal64: UInt64(truncatingIfNeeded: value))
  }

  /// A signed decimal number, with `-` if it is negative.
  @inlinable @inline(__always)
  public mutating func write(decimal value: some SignedInteger & FixedWidthInteger) {
    if value < 0 { write(byte: UInt8(ascii: "-")) }
    write(decimal64: UInt64(truncatingIfNeeded: value.magnitude))
  }

  /// An unsigned decimal number of at least `width` characters, padded on the left with `pad`.
  @inlinable @inline(__always)
  public mutating func write(decimal value: some FixedWidthInteger, width: Int, pad: UInt8 = UInt8(ascii: "0")) {
    write(decimal64: UInt64(truncatingIfNeeded: value), width: width, pad: pad)
  }

  @usableFromInline
  mutating func write(decimal64 value: UInt64) {
    guard reserve(24) else { return }
    if value < 10 {
      put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value))
      return
    }
    if value < 100 {
      let tens = (value &* 103) >> 10
      store(UInt32(truncatingIfNeeded: 0x3030 | tens | (value &- tens &* 10) << 8), at: count)
      count &+= 2
      return
    }
    if value < 10_000 {
      putDigits(ofFour: UInt32(truncatingIfNeeded: value))
      return
    }
    var rest = value
    if rest >= 100_000_000 {
      let upper = rest / 100_000_000
      rest &-= upper &* 100_000_000
      if upper >= 100_000_000 {
        let top = upper / 100_000_000
        putDigits(of: top)
        store(Self.digits(upper &- top &* 100_000_000) | Self.zeros, at: count)
        count &+= 8
      } else {
        putDigits(of: upper)
      }
      store(Self.digits(rest) | Self.zeros, at: count)
      count &+= 8
    } else {
      putDigits(of: rest)
    }
  }

  /// The digits of a number below 10^8 without leading zeros; there is room for eight.
  @inline(__always)
  private mutating func putDigits(of value: UInt64) {
    let digits = Self.digits(value)
    // The first digit is in the lowest byte, so leading zeros are zero bits there. The last digit is always kept.
    let leading = (digits | 1 << 56).trailingZeroBitCount / 8
    store((digits | Self.zeros) >> UInt64(8 &* leading), at: count)
    count &+= 8 &- leading
  }

  /// The digits of a number below 10 000 without leading zeros; there is room for four.
  @inline(__always)
  private mutating func putDigits(ofFour value: UInt32) {
    let hundreds = (value &* 5243) >> 19
    let twos = hundreds | (value &- hundreds &* 100) << 16
    let tens = (twos &* 103) >> 10 & 0x000f_000f
    let digits = tens | (twos &- tens &* 10) << 8
    let leading = (digits | 1 << 24).trailingZeroBitCount / 8
    store((digits | 0x3030_3030) >> UInt32(8 &* leading), at: count)
    count &+= 4 &- leading
  }

  private static let zeros: UInt64 = 0x3030_3030_3030_3030

  /// The eight decimal digits of a number below 10^8, the first in the lowest byte: all parts of a word are split into halves at once.
  @inline(__always)
  private static func digits(_ value: UInt64) -> UInt64 {
    let fours = value / 10_000 | (value % 10_000) << 32
    // x / 100 of numbers below 10 000, and x / 10 of numbers below 100, by multiplication.
    let hundreds = (fours &* 10_486) >> 20 & 0x0000_007f_0000_007f
    let twos = hundreds | (fours &- hundreds &* 100) << 16
    let tens = (twos &* 103) >> 10 & 0x000f_000f_000f_000f
    return tens | (twos &- tens &* 10) << 8
  }

  @usableFromInline
  mutating func write(decimal64 value: UInt64, width: Int, pad: UInt8) {
    if pad == UInt8(ascii: "0"), width >= 1, width <= 9, value < 1_000_000_000 {
      // Fractions of a second: eight digits, of which the first are dropped.
      guard reserve(16) else { return }
      let first = value / 100_000_000
      if width == 9 {
        put(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: first))
        store(Self.digits(value &- first &* 100_000_000) | Self.zeros, at: count)
        count &+= 8
        return
      }
      let digits = Self.digits(value &- first &* 100_000_000)
      let surplus = UInt64(8 &* (8 &- width))
      if first == 0, digits & (1 << surplus &- 1) == 0 {
        store((digits | Self.zeros) >> surplus, at: count)
        count &+= width
        return
      }
    }
    let start = count
    write(decimal64: value)
    let missing = min(width, 64) &- (count &- start)
    guard missing > 0 else { return }
    guard reserve(missing) else { return }
    // Safe: reserve made room for `missing` bytes after those that are moved; they are within the initialised bytes.
    unsafe memmove(base + start + missing, base + start, count &- start)
    for place in start..<(start &+ missing) { unsafe base[place] = pad }
    count &+= missing
  }

  /// A lower-case hexadecimal number without prefix, of at least `width` digits, padded with zeros.
  @inlinable @inline(__always)
  public mutating func write(hex value: some FixedWidthInteger & UnsignedInteger, width: Int = 1) {
    write(hex64: UInt64(truncatingIfNeeded: value), width: width)
  }

  @usableFromInline
  mutating func write(hex64 value: UInt64, width: Int) {
    let digits = max(1, (67 &- value.leadingZeroBitCount) / 4)
    let length = max(digits, min(width, 64))
    guard reserve(length) else { return }
    var rest = value
    var position = count &+ length
    while position > count {
      position &-= 1
      let digit = UInt8(truncatingIfNeeded: rest & 15)
      // Safe: reserve made room for `length` bytes.
      unsafe base[position] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
      rest >>= 4
    }
    count &+= length
  }
}
