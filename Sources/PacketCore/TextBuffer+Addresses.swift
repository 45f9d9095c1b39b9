// Disfavoured where an address type could be initialised by a literal: a literal shall be text.
extension TextBuffer {
  /// An IPv4 address in dotted decimal.
  @_disfavoredOverload
  public mutating func write(_ address: IPv4Address) {
    guard reserve(16) else { return }
    let value = address.rawValue
    var place = count
    place &+= storeOctet(value >> 24, at: place)
    place &+= storeOctet(value >> 16 & 0xff, at: place)
    place &+= storeOctet(value >> 8 & 0xff, at: place)
    place &+= storeOctet(value & 0xff, at: place)
    // The last dot is one too many.
    count = place &- 1
  }

  /// Stores a number below 256 and a dot; the caller has reserved room. Returns the number of characters.
  @inline(__always)
  private func storeOctet(_ octet: UInt32, at place: Int) -> Int {
    let text = Self.octetTexts[Int(octet)]
    store(text, at: place)
    return 4 &- text.leadingZeroBitCount / 8
  }

  /// The digits of each octet and a dot, the first in the lowest octet: `1.` is 0x2e31.
  private static let octetTexts: [UInt32] = (0..<256).map { octet in
    "\(octet).".utf8.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// A MAC-48 address: six pairs of hexadecimal digits between colons.
  @_disfavoredOverload
  public mutating func write(_ address: MACAddress) {
    guard reserve(24) else { return }
    let upper = HexLine.digits(of: UInt32(truncatingIfNeeded: address.rawValue >> 16).bigEndian)
    let lower = HexLine.digits(of: UInt32(truncatingIfNeeded: address.rawValue << 16).bigEndian)
    let pairs = (upper, upper >> 16, upper >> 32, upper >> 48, lower, lower >> 16)
    storePair(pairs.0, at: count)
    storePair(pairs.1, at: count &+ 3)
    storePair(pairs.2, at: count &+ 6)
    storePair(pairs.3, at: count &+ 9)
    storePair(pairs.4, at: count &+ 12)
    storePair(pairs.5, at: count &+ 15)
    // The last colon is one too many.
    count &+= 17
  }

  /// Stores two digits and a colon; the caller has reserved room.
  @inline(__always)
  private func storePair(_ digits: UInt64, at place: Int) {
    store(UInt32(truncatingIfNeeded: digits & 0xffff) | 0x3a_0000, at: place)
  }

  /// An IPv6 address in the form of RFC 5952: the first longest run of two or more zero groups becomes `::`;
  /// IPv4-mapped (`::ffff:192.0.2.1`) and IPv4-compatible addresses end in dotted decimal, as inet_ntop() writes them.
  @_disfavoredOverload
  public mutating func write(_ address: IPv6Address) {
    let value = address.rawValue
    let upper = UInt64(truncatingIfNeeded: value >> 64)
    let lower = UInt64(truncatingIfNeeded: value)
    func group(_ index: Int) -> UInt16 {
      UInt16(truncatingIfNeeded: (index < 4 ? upper : lower) >> UInt64(48 &- 16 &* (index & 3)))
    }
    var bestStart = -1
    var bestLength = 1
    var start = -1
    for index in 0...8 {
      if index < 8, group(index) == 0 {
        if start < 0 { start = index }
      } else if start >= 0 {
        if index &- start > bestLength {
          bestStart = start
          bestLength = index &- start
        }
        start = -1
      }
    }
    let dotted =
      bestStart == 0
      && (bestLength == 6 || (bestLength == 7 && group(7) != 1) || (bestLength == 5 && group(5) == 0xffff))
    guard reserve(48) else { return }
    var place = count
    var index = 0
    while index < 8 {
      if index == bestStart {
        store(UInt32(0x3a3a), at: place)
        place &+= 2
        index &+= bestLength
        continue
      }
      if index > 0, index != bestStart &+ bestLength || bestStart < 0 {
        store(UInt32(0x3a), at: place)
        place &+= 1
      }
      if dotted, index == 6 {
        count = place
        write(IPv4Address(rawValue: UInt32(truncatingIfNeeded: value)))
        return
      }
      place &+= storeGroup(group(index), at: place)
      index &+= 1
    }
    count = place
  }

  /// Stores the hexadecimal digits of a group; the caller has reserved room. Returns their number.
  @inline(__always)
  private func storeGroup(_ group: UInt16, at place: Int) -> Int {
    let leading = min(3, group.leadingZeroBitCount / 4)
    let digits = UInt32(truncatingIfNeeded: HexLine.digits(of: UInt32(group.bigEndian)))
    store(digits >> UInt32(8 &* leading), at: place)
    return 4 &- leading
  }
}
