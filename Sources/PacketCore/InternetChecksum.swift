/// The Internet checksum: the ones' complement of the ones' complement sum of 16-bit words (RFC 1071).
///
/// Add the parts in order; a part of odd length is padded with a zero byte, so only the last one may be odd.
public struct InternetChecksum: Sendable {
  @usableFromInline var sum: UInt64 = 0

  @inlinable public init() {}

  /// Adds the bytes of `bytes`.
  @inlinable public mutating func add(_ bytes: borrowing PacketBytes) {
    let count = bytes.count
    var offset = 0
    while offset &+ 8 <= count {
      // Safe: the loop condition proved that eight bytes are left.
      let words = unsafe bytes.span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
      let number = UInt64(bigEndian: words)
      sum &+= (number >> 32) &+ (number & 0xffff_ffff)
      offset &+= 8
    }
    if offset &+ 4 <= count {
      // Safe: the condition proved that four bytes are left.
      let word = unsafe bytes.span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self)
      sum &+= UInt64(UInt32(bigEndian: word))
      offset &+= 4
    }
    if offset &+ 2 <= count {
      // Safe: the condition proved that two bytes are left.
      let word = unsafe bytes.span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self)
      sum &+= UInt64(UInt16(bigEndian: word))
      offset &+= 2
    }
    if offset < count {
      // Safe: the condition proved that one byte is left.
      let last = unsafe bytes.span.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt8.self)
      sum &+= UInt64(last) << 8
    }
  }
  /// Adds one 16-bit word.
  @inlinable public mutating func add(_ word: UInt16) { sum &+= UInt64(word) }
  /// Adds one 32-bit word.
  @inlinable public mutating func add(_ word: UInt32) { sum &+= UInt64(word) }
  /// Adds the four bytes of an IPv4 address.
  @inlinable public mutating func add(_ address: IPv4Address) { sum &+= UInt64(address.rawValue) }
  /// Adds the sixteen bytes of an IPv6 address.
  @inlinable public mutating func add(_ address: IPv6Address) {
    add(UInt32(truncatingIfNeeded: address.rawValue >> 96))
    add(UInt32(truncatingIfNeeded: address.rawValue >> 64))
    add(UInt32(truncatingIfNeeded: address.rawValue >> 32))
    add(UInt32(truncatingIfNeeded: address.rawValue))
  }

  /// The checksum: 0 for bytes that include their own correct checksum.
  @inlinable public var value: UInt16 {
    var folded = sum
    while folded > 0xffff { folded = (folded & 0xffff) &+ (folded >> 16) }
    return ~UInt16(truncatingIfNeeded: folded)
  }
}
