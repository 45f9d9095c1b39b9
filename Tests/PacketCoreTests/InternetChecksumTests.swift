import PacketCore
import TestSupport
import Testing

/// The sum of RFC 1071 section 4.1, word by word.
private func plainChecksum(_ octets: [UInt8]) -> UInt16 {
  var sum: UInt64 = 0
  for index in stride(from: 0, to: octets.count, by: 2) {
    sum += UInt64(octets[index]) << 8 | (index + 1 < octets.count ? UInt64(octets[index + 1]) : 0)
  }
  while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
  return ~UInt16(sum)
}

private func checksum(_ octets: [UInt8]) -> UInt16 {
  var checksum = InternetChecksum()
  // Safe: the bytes outlive the view.
  checksum.add(unsafe PacketBytes(octets.span.bytes))
  return checksum.value
}

@Suite struct InternetChecksumTests {
  @Test func header() {
    // An IPv4 header with the correct checksum 0xb861.
    let header: [UInt8] = [
      0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00,
      0xc7,
    ]
    #expect(checksum(header) == 0)
    var without = header
    without[10] = 0
    without[11] = 0
    #expect(checksum(without) == 0xb861)
  }

  @Test func anyLength() {
    var random = SeededRandom(seed: 5)
    #expect(checksum([]) == 0xffff)
    for length in 0..<200 {
      let octets = random.octets(length)
      #expect(checksum(octets) == plainChecksum(octets))
    }
    let ones = [UInt8](repeating: 0xff, count: 65535)
    #expect(checksum(ones) == plainChecksum(ones))
  }

  @Test func parts() {
    var checksum = InternetChecksum()
    checksum.add(IPv4Address(rawValue: 0x0102_0304))
    checksum.add(IPv6Address(rawValue: 0x0506_0708_090a_0b0c_0d0e_0f10_1112_1314))
    checksum.add(UInt16(0x1516))
    checksum.add(UInt32(0x1718_191a))
    #expect(checksum.value == plainChecksum(Array(0x01...0x1a)))
  }
}
