extension TextBuffer {
  /// An IPv4 address in dotted decimal.
  public mutating func write(_ address: IPv4Address) {
    let value = address.rawValue
    write(decimal: value >> 24)
    write(byte: UInt8(ascii: "."))
    write(decimal: value >> 16 & 0xff)
    write(byte: UInt8(ascii: "."))
    write(decimal: value >> 8 & 0xff)
    write(byte: UInt8(ascii: "."))
    write(decimal: value & 0xff)
  }

  /// A MAC-48 address: six pairs of hexadecimal digits between colons.
  public mutating func write(_ address: MACAddress) {
    for index in 0..<6 {
      if index > 0 { write(byte: UInt8(ascii: ":")) }
      write(hex: UInt8(truncatingIfNeeded: address.rawValue >> UInt64(40 - 8 * index)), width: 2)
    }
  }

  /// An IPv6 address in the form of RFC 5952: the first longest run of two or more zero groups becomes `::`;
  /// IPv4-mapped (`::ffff:192.0.2.1`) and IPv4-compatible addresses end in dotted decimal, as inet_ntop() writes them.
  public mutating func write(_ address: IPv6Address) {
    let value = address.rawValue
    func group(_ index: Int) -> UInt16 { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * index)) }
    var bestStart = -1
    var bestLength = 1
    var start = -1
    for index in 0...8 {
      if index < 8, group(index) == 0 {
        if start < 0 { start = index }
      } else if start >= 0 {
        if index - start > bestLength {
          bestStart = start
          bestLength = index - start
        }
        start = -1
      }
    }
    let dotted =
      bestStart == 0
      && (bestLength == 6 || (bestLength == 7 && group(7) != 1) || (bestLength == 5 && group(5) == 0xffff))
    var index = 0
    while index < 8 {
      if index == bestStart {
        write("::")
        index += bestLength
        continue
      }
      if index > 0, index != bestStart + bestLength || bestStart < 0 { write(byte: UInt8(ascii: ":")) }
      if dotted, index == 6 {
        write(IPv4Address(rawValue: UInt32(truncatingIfNeeded: value)))
        return
      }
      write(hex: group(index))
      index += 1
    }
  }
}
