package import PacketCore

/// The IP header around a payload: the parts that the payload's text and checksum need.
@usableFromInline
package struct NetworkHeader: BitwiseCopyable, Sendable {
  /// 4, 6, or 0 if there is none.
  package var version: UInt8 = 0
  /// The protocol number (next header) in the fixed header itself: extension headers may lead to another.
  package var headerProtocol: UInt8 = 0
  /// True in a fragment, whose checksums cannot be verified.
  package var isFragment = false
  /// Time to live or hop limit.
  package var hopLimit: UInt8 = 0
  /// Addresses; an IPv4 address is in the lower 32 bits.
  package var source: UInt128 = 0
  package var destination: UInt128 = 0
  /// The source address for checksums: the home address if the packet has one.
  package var checksumSource: UInt128 = 0
  /// The final destination, taken from a routing header if there is one: checksums cover this address.
  package var finalDestination: UInt128 = 0

  /// The sum over the pseudo-header that precedes a payload of `length` bytes (RFC 9293 section 3.1, RFC 8200 section 8.1).
  package func pseudoHeader(ipProtocol: UInt8, length: Int) -> InternetChecksum {
    var sum = InternetChecksum()
    if version == 4 {
      sum.add(UInt32(truncatingIfNeeded: checksumSource))
      sum.add(UInt32(truncatingIfNeeded: finalDestination))
    } else {
      sum.add(IPv6Address(rawValue: checksumSource))
      sum.add(IPv6Address(rawValue: finalDestination))
    }
    // IPv4 has only 16 bits for the length.
    sum.add(version == 4 ? UInt32(UInt16(truncatingIfNeeded: length)) : UInt32(truncatingIfNeeded: length))
    sum.add(UInt16(ipProtocol))
    return sum
  }
}

extension Printer {
  /// The source address of the enclosing IP header.
  @inline(__always)
  package mutating func writeSource() { write(networkAddress: network.source) }

  /// The destination address of the enclosing IP header.
  @inline(__always)
  package mutating func writeDestination() { write(networkAddress: network.destination) }

  @inline(__always)
  private mutating func write(networkAddress address: UInt128) {
    if network.version == 4 {
      writeHost(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address)))
    } else {
      writeHost(IPv6Address(rawValue: address))
    }
  }

  /// `A > B: ` of the enclosing IP header.
  package mutating func writeAddresses() {
    writeSource()
    out.write(" > ")
    writeDestination()
    out.write(": ")
  }
}
