import Dissect
import PacketCore

extension Printer {
  /// An address, or the name of its host, right-aligned in at least fifteen columns.
  mutating func writeRightAligned(_ address: IPv4Address) {
    let start = out.count
    writeHost(address)
    let length = out.count &- start
    guard length < 15 else { return }
    out.truncate(to: start)
    out.write(repeating: UInt8(ascii: " "), count: 15 &- length)
    writeHost(address)
  }
}
