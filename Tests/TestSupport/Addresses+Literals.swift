import Glibc
public import PacketCore

// Addresses as text literals, such as `let host: IPv4Address = "192.0.2.1"`. A malformed literal is a mistake in the test and traps.

extension IPv4Address: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) {
    var address = in_addr()
    // Safe: inet_pton() fills the four bytes of the structure it is given.
    let status = unsafe inet_pton(AF_INET, text, &address)
    precondition(status == 1, "no IPv4 address: \(text)")
    self.init(rawValue: UInt32(bigEndian: address.s_addr))
  }
}

extension IPv6Address: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) {
    var octets = [UInt8](repeating: 0, count: 16)
    // Safe: inet_pton() fills the sixteen bytes of the array.
    let status = unsafe octets.withUnsafeMutableBytes { unsafe inet_pton(AF_INET6, text, $0.baseAddress) }
    precondition(status == 1, "no IPv6 address: \(text)")
    self.init(rawValue: octets.reduce(0) { $0 << 8 | UInt128($1) })
  }
}

extension MACAddress: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) {
    let octets = text.split(separator: ":").compactMap { UInt64($0, radix: 16) }
    precondition(octets.count == 6 && octets.allSatisfy { $0 < 256 }, "no MAC address: \(text)")
    self.init(rawValue: octets.reduce(0) { $0 << 8 | $1 })
  }
}
