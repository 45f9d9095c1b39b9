import BPF
import PacketCore

/// DECnet Phase IV addresses in routing headers.
extension Lowering {
  /// A DECnet address is `area.node`: 6 and 10 bits, little-endian on the wire. It is in a short or a long routing header, with or without
  /// a byte of padding before it.
  mutating func decnetHost(_ text: String, _ direction: Qualifiers.Direction?) throws(FilterError) -> Condition {
    let parts = text.split(separator: ".").map { UInt32($0) }
    guard parts.count == 2, let area = parts[0], let node = parts[1], area < 64, node < 1024 else {
      throw error("invalid DECnet address '\(text)'")
    }
    if let direction, direction.isWireless { throw error("'\(direction.rawValue)' is valid for 802.11 syntax only") }
    let address = (area << 10 | node).byteSwapped >> 16
    let isDECnet = try linkProtocol(EtherType.decnet)
    let fields = self.direction(direction, source: 0, destination: 1) { lowering, side in
      side == 0 ? lowering.decnetSource(address) : lowering.decnetDestination(address)
    }
    return .all([isDECnet, fields])
  }

  /// Two length bytes precede the flags, whose low three bits are 2 for the short header and 6 for the long one; a byte 0x81 before them is
  /// padding.
  private mutating func decnetSource(_ address: UInt32) -> Condition {
    let header = layers.networkHeader
    return .any([
      .all([equal(.byte, header, 2, mask: 0x07, 0x02), equal(.half, header, 5, address)]),
      .all([equal(.half, header, 2, mask: 0xff07, 0x8102), equal(.half, header, 6, address)]),
      .all([equal(.byte, header, 2, mask: 0x07, 0x06), equal(.half, header, 17, address)]),
      .all([equal(.half, header, 2, mask: 0xff07, 0x8106), equal(.half, header, 18, address)]),
    ])
  }

  private mutating func decnetDestination(_ address: UInt32) -> Condition {
    let header = layers.networkHeader
    return .any([
      // In the short header the address follows the flags, so one load reads both.
      equal(.word, header, 2, mask: 0x07ff_ff00, 0x0200_0000 | address << 8),
      equal(.word, header, 2, mask: 0xff07_ffff, 0x8102_0000 | address),
      .all([equal(.byte, header, 2, mask: 0x07, 0x06), equal(.half, header, 9, address)]),
      .all([equal(.half, header, 2, mask: 0xff07, 0x8106), equal(.half, header, 10, address)]),
    ])
  }
}
