import Dissect
import PacketCore

/// OSI addresses: network service access points, network entity titles, areas, and system identifiers.
extension Printer {
  /// An address, or the part of one that names an area, as `49.0001.0203`: the authority, then pairs of bytes. ISO 8348 allows one to
  /// twenty bytes. Throws `.truncated` unless all were captured.
  mutating func writeNSAP(_ bytes: PacketBytes) throws(DecodeError) {
    guard (1...20).contains(bytes.length) else {
      writeFault("isonsap_string: illegal length")
      return
    }
    try bytes.check(0, bytes.length)
    for index in 0..<bytes.length {
      if index & 1 != 0 { out.write(byte: UInt8(ascii: ".")) }
      out.write(hex: try bytes.u8(at: index), width: 2)
    }
  }

  /// The same as a member `key`.
  mutating func record(_ key: StaticString, nsap bytes: PacketBytes) {
    guard writesFields, (1...20).contains(bytes.length), bytes.count >= bytes.length else { return }
    let held = beginHeldText()
    try? writeNSAP(bytes)
    fields.write(key, text: out, from: held.start)
    endHeldText(held)
  }

  /// The same as an element of the open array.
  mutating func recordElement(nsap bytes: PacketBytes) {
    guard writesFields, (1...20).contains(bytes.length), bytes.count >= bytes.length else { return }
    let held = beginHeldText()
    try? writeNSAP(bytes)
    fields.element(text: out, from: held.start)
    endHeldText(held)
  }

  /// A six-byte system identifier as `1111.2222.3333`; a seventh byte for a pseudonode follows a dot, and an eighth for a fragment follows
  /// a hyphen. Throws `.truncated` unless all were captured.
  mutating func writeSystemID(_ bytes: PacketBytes) throws(DecodeError) {
    try bytes.check(0, bytes.length)
    for index in 0..<bytes.length {
      switch index {
      case 2, 4, 6: out.write(byte: UInt8(ascii: "."))
      case 7: out.write(byte: UInt8(ascii: "-"))
      default: break
      }
      out.write(hex: try bytes.u8(at: index), width: 2)
    }
  }

  /// The same as a member `key`.
  mutating func record(_ key: StaticString, systemID bytes: PacketBytes) {
    guard writesFields, bytes.count >= bytes.length else { return }
    let held = beginHeldText()
    try? writeSystemID(bytes)
    fields.write(key, text: out, from: held.start)
    endHeldText(held)
  }

  /// The same as an element of the open array.
  mutating func recordElement(systemID bytes: PacketBytes) {
    guard writesFields, bytes.count >= bytes.length else { return }
    let held = beginHeldText()
    try? writeSystemID(bytes)
    fields.element(text: out, from: held.start)
    endHeldText(held)
  }

  /// `title` and a system identifier, in the text and as a member `key`.
  mutating func write(_ title: StaticString, _ key: StaticString, systemID bytes: PacketBytes) throws(DecodeError) {
    try bytes.check(0, bytes.length)
    record(key, systemID: bytes)
    out.write(title)
    try writeSystemID(bytes)
  }
}

/// The checksum of ISO 8473 annex C, which ES-IS, IS-IS and OSPF use, too: two sums modulo 255 that are both 0 for a correct header.
enum OSIChecksum {
  /// Verifies the checksum at `offset` of the first `length` bytes; also returns the value that it should have. nil if the checksum was not
  /// computed (0), or cannot be verified because not all bytes were captured.
  static func verify(_ bytes: PacketBytes, at offset: Int, length: Int) -> (isCorrect: Bool, expected: UInt16)? {
    guard length >= offset &+ 2, bytes.count >= length, let stored = try? bytes.u16(at: offset), stored != 0 else {
      return nil
    }
    // Each sum is reduced after each byte, so that it cannot overflow.
    var first: UInt32 = 0
    var second: UInt32 = 0
    for index in 0..<length {
      guard let octet = try? bytes.u8(at: index) else { return nil }
      if index != offset, index != offset &+ 1 { first = (first &+ UInt32(octet)) % 255 }
      second = (second &+ first) % 255
    }
    // The checksum bytes that make both sums 0, given how many bytes follow them.
    let following = UInt32(truncatingIfNeeded: (length &- offset &- 1) % 255)
    let high = (following &* first &+ 255 &- second) % 255
    let low = (510 &- first &- high) % 255
    let expected = UInt16(high == 0 ? 255 : high) << 8 | UInt16(low == 0 ? 255 : low)
    let storedHigh = UInt32(stored >> 8) % 255
    let storedLow = UInt32(stored & 0xff) % 255
    return (storedHigh == high && storedLow == low, expected)
  }
}

extension Printer {
  /// ` (correct)`, ` (incorrect should be 0x1234)` or ` (unverified)` after a checksum.
  mutating func writeVerdict(_ verdict: (isCorrect: Bool, expected: UInt16)?, recorded: Bool = true) {
    guard let verdict else { return out.write(" (unverified)") }
    if recorded { recordChecksum(isCorrect: verdict.isCorrect) }
    if verdict.isCorrect { return out.write(" (correct)") }
    noteInvalid()
    write(" (incorrect should be 0x", verdict.expected, as: .hex(4))
    out.write(")")
  }
}

extension Printer {
  /// Dumps what was captured of `bytes`. Throws `.truncated` afterwards if that is not all.
  mutating func writeWholeHex(_ bytes: PacketBytes, indent: StaticString = "\n\t") throws(DecodeError) {
    writeHex(bytes, indent: indent)
    try bytes.check(0, bytes.length)
  }
}
