extension IPv4Address {
  /// Parses four decimal octets between dots, without leading zeros, as inet_pton() accepts them.
  public init?(text: some Collection<UInt8>) {
    var value: UInt32 = 0
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    for part in parts {
      guard let first = part.first, part.count <= 3, part.count == 1 || first != UInt8(ascii: "0") else { return nil }
      var octet: UInt32 = 0
      for digit in part {
        guard digit >= 0x30, digit <= 0x39 else { return nil }
        octet = octet * 10 + UInt32(digit - 0x30)
      }
      guard octet <= 255 else { return nil }
      value = value << 8 | octet
    }
    self.init(rawValue: value)
  }
}

extension IPv6Address {
  /// Parses one of the forms of RFC 4291 section 2.2, as inet_pton() accepts them.
  public init?(text: some Collection<UInt8>) {
    let colon = UInt8(ascii: ":")
    let parts = text.split(separator: colon, omittingEmptySubsequences: false)
    guard parts.count >= 3, parts.count <= 9 else { return nil }
    /// 16-bit groups before and after `::`.
    var head: [UInt16] = []
    var tail: [UInt16] = []
    var compressed = false
    for (index, part) in parts.enumerated() {
      if part.isEmpty {
        // An empty part is `::`; at either end of the text there is a second one.
        if index == 0 {
          guard parts[1].isEmpty else { return nil }
        } else if index == parts.count - 1 {
          guard parts[index - 1].isEmpty else { return nil }
        } else {
          guard !compressed else { return nil }
          compressed = true
        }
        continue
      }
      var groups: [UInt16] = []
      if index == parts.count - 1, let ipv4 = IPv4Address(text: part) {
        groups = [UInt16(truncatingIfNeeded: ipv4.rawValue >> 16), UInt16(truncatingIfNeeded: ipv4.rawValue)]
      } else {
        guard part.count <= 4 else { return nil }
        var group: UInt16 = 0
        for character in part {
          guard let digit = hexDigit(character) else { return nil }
          group = group << 4 | UInt16(digit)
        }
        groups = [group]
      }
      if compressed { tail += groups } else { head += groups }
    }
    let given = head.count + tail.count
    guard compressed ? given <= 7 : given == 8 else { return nil }
    var value: UInt128 = 0
    for group in head + [UInt16](repeating: 0, count: 8 - given) + tail { value = value << 16 | UInt128(group) }
    self.init(rawValue: value)
  }
}

extension MACAddress {
  /// Parses six groups of one or two hexadecimal digits, separated by colons or hyphens.
  public init?(text: some Collection<UInt8>) {
    let separator = UInt8(ascii: text.contains(UInt8(ascii: ":")) ? ":" : "-")
    let parts = text.split(separator: separator, omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var value: UInt64 = 0
    for part in parts {
      guard part.count == 1 || part.count == 2 else { return nil }
      var octet: UInt64 = 0
      for character in part {
        guard let digit = hexDigit(character) else { return nil }
        octet = octet << 4 | UInt64(digit)
      }
      value = value << 8 | octet
    }
    self.init(rawValue: value)
  }
}

/// The value of a hexadecimal digit in ASCII; nil for anything else.
private func hexDigit(_ character: UInt8) -> UInt8? {
  switch character {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
  default: nil
  }
}
