import PacketCore

extension MACAddress {
  /// The address written as six groups of one or two hexadecimal digits between `:`, `-` or `.`, in any mixture; as three groups of four
  /// digits between dots; or as twelve digits (pcap-filter(7), `ether dst`). Nil if it is none of these.
  init?(filterText text: [UInt8]) {
    func value(_ digits: some Sequence<UInt8>) -> UInt64? {
      UInt64(String(decoding: Array(digits), as: UTF8.self), radix: 16)
    }
    guard text.count >= 11 else { return nil }
    var separators = 0
    let hexadecimal = text.allSatisfy { byte in
      if byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") {
        separators += 1
        return true
      }
      return (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
    }
    // Most words are something else, for example an IPv4 address.
    guard hexadecimal, [0, 2, 5].contains(separators) else { return nil }
    let groups = text.split(omittingEmptySubsequences: false) {
      $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
    }
    var address: UInt64 = 0
    switch groups.count {
    case 6 where groups.allSatisfy({ $0.count == 1 || $0.count == 2 }):
      for group in groups { address = address << 8 | (value(group) ?? 0) }
    case 3 where groups.allSatisfy({ $0.count == 4 }) && text.count(where: { $0 == UInt8(ascii: ".") }) == 2:
      for group in groups { address = address << 16 | (value(group) ?? 0) }
    case 1 where text.count == 12:
      address = value(text) ?? 0
    default:
      return nil
    }
    self.init(rawValue: address)
  }
}

extension IPv4Address {
  /// The leading octets of an address in dotted decimal: `192.168` gives 192.168.0.0 of 2 octets. nil if a number is above
  /// 255, or there are more than four.
  static func parse(dotted text: some Sequence<UInt8>) -> (address: IPv4Address, octets: Int)? {
    var value: UInt32 = 0
    var octets = 1
    var octet: UInt32?
    for byte in text {
      if byte == UInt8(ascii: ".") {
        guard let known = octet, octets < 4 else { return nil }
        value = value << 8 | known
        octets += 1
        octet = nil
      } else {
        guard byte >= 0x30, byte <= 0x39 else { return nil }
        let longer = (octet ?? 0) * 10 + UInt32(byte - 0x30)
        guard longer <= 255 else { return nil }
        octet = longer
      }
    }
    guard let octet else { return nil }
    value = value << 8 | octet
    return (IPv4Address(rawValue: value << UInt32(8 * (4 - octets))), octets)
  }
}
