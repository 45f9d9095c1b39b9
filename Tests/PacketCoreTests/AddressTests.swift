import Glibc
import PacketCore
import TestSupport
import Testing

/// IPv6 addresses and their text form: RFC 5952 sections 4 and 5, with embedded IPv4 addresses written as inet_ntop() does.
private let ipv6Texts: [(raw: UInt128, text: String)] = [
  (0, "::"),
  (1, "::1"),
  (0x2001_0db8_0000_0000_0000_0000_0000_0001, "2001:db8::1"),
  (0x2001_0db8_0000_0000_0000_0000_0002_0001, "2001:db8::2:1"),
  (0x2001_0db8_0000_0001_0001_0001_0001_0001, "2001:db8:0:1:1:1:1:1"),
  (0x2001_0000_0000_0001_0000_0000_0000_0001, "2001:0:0:1::1"),
  (0x2001_0db8_0000_0000_0001_0000_0000_0001, "2001:db8::1:0:0:1"),
  (0xfe80_0000_0000_0000_0000_0000_0000_0000, "fe80::"),
  (0x0000_0000_0000_0001_0000_0000_0000_0000, "0:0:0:1::"),
  (0x0001_0000_0000_0000_0000_0000_0000_0000, "1::"),
  (0x0000_0000_0000_0000_0000_ffff_c000_0201, "::ffff:192.0.2.1"),
  (0x0000_0000_0000_0000_0000_0000_c000_0201, "::192.0.2.1"),
  (0x0000_0000_0000_0000_0000_0000_0001_0000, "::0.1.0.0"),
  (0x0064_ff9b_0000_0000_0000_0000_c000_0201, "64:ff9b::c000:201"),
  (UInt128.max, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
]

@Suite struct AddressTests {
  @Test(arguments: ipv6Texts)
  func ipv6(_ raw: UInt128, _ text: String) {
    #expect(written { $0.write(IPv6Address(rawValue: raw)) } == text)
    #expect(IPv6Address(text: text.utf8)?.rawValue == raw)
  }

  /// Every pattern of zero, one and larger groups, compared with inet_ntop().
  @Test func ipv6LikeTheSystem() {
    let groups: [UInt128] = [0, 1, 0xffff]
    for pattern in 0..<6561 {
      var rest = pattern
      var raw: UInt128 = 0
      for _ in 0..<8 {
        raw = raw << 16 | groups[rest % 3]
        rest /= 3
      }
      let octets = (0..<16).map { UInt8(truncatingIfNeeded: raw >> UInt128(120 - 8 * $0)) }
      var buffer = [CChar](repeating: 0, count: 64)
      let expected = unsafe String(cString: inet_ntop(AF_INET6, octets, &buffer, socklen_t(buffer.count)))
      #expect(written { $0.write(IPv6Address(rawValue: raw)) } == expected)
      #expect(IPv6Address(text: expected.utf8)?.rawValue == raw)
    }
  }

  @Test func ipv4() {
    for (raw, text) in [(UInt32(0), "0.0.0.0"), (0xc000_02ff, "192.0.2.255"), (.max, "255.255.255.255")] {
      #expect(written { $0.write(IPv4Address(rawValue: raw)) } == text)
      #expect(IPv4Address(text: text.utf8)?.rawValue == raw)
    }
    for wrong in [
      "", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.", "1..2.3", "1.2.3.4 ", "a.b.c.d", "1.2.3.1000",
    ] {
      #expect(IPv4Address(text: wrong.utf8) == nil)
    }
  }

  @Test func mac() {
    #expect(written { $0.write(MACAddress(rawValue: 0x0a0b_0c00_00ff)) } == "0a:0b:0c:00:00:ff")
    #expect(MACAddress(text: "a:b:C:0:00:fF".utf8)?.rawValue == 0x0a0b_0c00_00ff)
    #expect(MACAddress(text: "0a-0b-0c-00-00-ff".utf8)?.rawValue == 0x0a0b_0c00_00ff)
    for wrong in ["", "0:1:2:3:4", "0:1:2:3:4:5:6", "0:1:2:3:4:", "0:1:2:3:4:100", "0:1:2:3:4:g", "0:1-2:3:4:5"] {
      #expect(MACAddress(text: wrong.utf8) == nil)
    }
  }

  /// Random text is accepted or refused as by inet_pton().
  @Test func parsingLikeTheSystem() {
    var random = SeededRandom(seed: 11)
    let alphabet = ["::", ":", ":", ":", "0", "1", "ab", "fFff", "12345", "1.2.3.4", "255", ".", "g"]
    for _ in 0..<20000 {
      let text = (0..<Int.random(in: 1..<16, using: &random)).map { _ in
        alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
      }.joined()
      var octets = [UInt8](repeating: 0, count: 16)
      let known = unsafe inet_pton(AF_INET6, text, &octets) == 1
      let expected = known ? octets.reduce(UInt128(0)) { $0 << 8 | UInt128($1) } : nil
      #expect(IPv6Address(text: text.utf8)?.rawValue == expected, "\(text)")
    }
  }
}
