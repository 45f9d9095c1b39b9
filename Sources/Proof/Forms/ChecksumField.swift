import PacketCore

/// Where a packet stores an Internet checksum (RFC 1071), and what it covers.
struct ChecksumField: Sendable {
  /// What precedes the covered bytes in the sum.
  enum PseudoHeader: Sendable {
    /// Nothing.
    case none
    /// Addresses and protocol of the IPv4 header that begins there (RFC 9293 section 3.1).
    case ipv4(at: Int, proto: UInt8)
    /// The same of an IPv6 header (RFC 8200 section 8.1).
    case ipv6(at: Int, proto: UInt8)
  }

  /// The checksum's first byte.
  let offset: Int
  /// The first byte that it covers.
  let start: Int
  /// The number of bytes that it covers; nil for all up to the packet's end.
  var count: Int?
  var pseudoHeader = PseudoHeader.none
  /// True if 0 means that there is no checksum, so that 0xffff is stored instead (RFC 768).
  var isOptional = false

  /// Sets the correct checksum, if the packet is long enough to have one.
  func set(in packet: inout [UInt8]) {
    let end = count.map { start + $0 } ?? packet.count
    guard start <= end, end <= packet.count, offset + 2 <= end else { return }
    packet[offset] = 0
    packet[offset + 1] = 0
    var sum = InternetChecksum()
    func add(_ range: Range<Int>) {
      for place in stride(from: range.lowerBound, to: range.upperBound, by: 2) {
        let second = place + 1 < range.upperBound ? packet[place + 1] : 0
        sum.add(UInt16(packet[place]) << 8 | UInt16(second))
      }
    }
    switch pseudoHeader {
    case .none: break
    case .ipv4(let header, let proto):
      add(header + 12..<header + 20)
      sum.add(UInt16(proto))
      sum.add(UInt16(truncatingIfNeeded: end - start))
    case .ipv6(let header, let proto):
      add(header + 8..<header + 40)
      sum.add(UInt16(proto))
      sum.add(UInt16(truncatingIfNeeded: end - start))
    }
    add(start..<end)
    var value = sum.value
    if value == 0, isOptional { value = 0xffff }
    packet[offset] = UInt8(value >> 8)
    packet[offset + 1] = UInt8(value & 0xff)
  }
}
