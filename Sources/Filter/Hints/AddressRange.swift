import PacketCore

/// IPv4 addresses from a first to a last one. The filter language has no syntax for such ranges.
struct AddressRange {
  let first: UInt32
  let last: UInt32

  /// `10.0.0.1-10.0.0.5`, or with only the last octet of the second address: `10.0.0.1-5`. Nil if the text is not a range.
  init?(_ text: String) {
    let sides = text.split(separator: "-", omittingEmptySubsequences: false)
    guard sides.count == 2, let first = IPv4Address.parse(dotted: sides[0].utf8), first.octets == 4 else { return nil }
    let last: UInt32
    if let octet = UInt8(sides[1]) {
      last = first.address.rawValue & 0xffff_ff00 | UInt32(octet)
    } else if let second = IPv4Address.parse(dotted: sides[1].utf8), second.octets == 4 {
      last = second.address.rawValue
    } else {
      return nil
    }
    self.first = min(first.address.rawValue, last)
    self.last = max(first.address.rawValue, last)
  }

  /// The fewest networks that cover exactly these addresses, in rising order: 62 at most.
  var networks: [(address: UInt32, length: Int)] {
    var networks: [(UInt32, Int)] = []
    var start = UInt64(first)
    while start <= UInt64(last) {
      // The largest network that begins here and does not extend past the last address.
      var bits = start == 0 ? 32 : min(32, start.trailingZeroBitCount)
      while start + (1 << UInt64(bits)) - 1 > UInt64(last) { bits -= 1 }
      networks.append((UInt32(start), 32 - bits))
      start += 1 << UInt64(bits)
    }
    return networks
  }

  /// The range as a list of networks, or, if that list is long, as comparisons of numbers. `direction` is `src`, `dst` or nil for both.
  func expression(direction: String?) -> String {
    let networks = networks
    if networks.count <= 4 {
      let list = networks.map { "\(FieldName.Form.ipv4.text($0.address))/\($0.length)" }.joined(separator: " or ")
      return "\(direction.map { "\($0) " } ?? "")net \(list)"
    }
    func hexadecimal(_ address: UInt32) -> String {
      let digits = String(address, radix: 16)
      return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
    }
    func sides(_ offset: Int) -> String {
      "ip[\(offset):4] >= \(hexadecimal(first)) and ip[\(offset):4] <= \(hexadecimal(last))"
    }
    switch direction {
    case "src": return sides(12)
    case "dst": return sides(16)
    default: return "(\(sides(12))) or (\(sides(16)))"
    }
  }
}
