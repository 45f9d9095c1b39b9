import PacketCore

extension Printer {
  /// An NTP timestamp (RFC 5905 section 6): seconds of an era and a 32-bit fraction, then the date. Numbers without the upper bit are of
  /// era 1, from 2036 on; zero seconds have no date.
  package mutating func writeNTPTime(_ value: UInt64) {
    let seconds = Int64(value >> 32)
    out.write(decimal: seconds)
    out.write(".")
    out.write(decimal: ((value & 0xffff_ffff) * 1_000_000_000) >> 32, width: 9)
    guard seconds != 0 else { return }
    let epoch: Int64 = 2_208_988_800
    out.write(" (")
    writeUTC(seconds: seconds &- epoch &+ (seconds & 0x8000_0000 == 0 ? 1 << 32 : 0))
    out.write(")")
  }
}
