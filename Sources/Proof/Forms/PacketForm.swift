/// A kind of well-formed packet: headers of known length one after the other, then payload.
///
/// Every byte has a value that a user would expect there. The bytes that make the packet one of this kind are fixed; the others may become
/// anything that a filter requires.
struct PacketForm: Sendable {
  /// Two bytes that hold the number of bytes from `origin` to the packet's end.
  struct LengthField: Sendable {
    let offset: Int
    let origin: Int
  }

  /// Numbers of one or two bytes that would make the packet one of another kind.
  struct Exclusion: Sendable {
    let offset: Int
    let octets: Int
    let ranges: [ClosedRange<UInt32>]
  }

  /// Bits of a byte that are fixed.
  struct FixedBits: Sendable {
    let offset: Int
    let mask: UInt8
  }

  /// The bytes of the headers.
  private(set) var octets: [UInt8] = []
  /// Which of them are fixed.
  private(set) var isFixed: [Bool] = []
  private(set) var lengths: [LengthField] = []
  private(set) var exclusions: [Exclusion] = []
  private(set) var bits: [FixedBits] = []
  var checksums: [ChecksumField] = []
  /// The start of the last network header.
  var networkHeader = 0
  /// True after the header of a tunnel.
  var isTunnelled = false
  /// The maximum length of a packet, in bytes.
  private(set) var maximumLength = Int(PacketFacts.maximumCaplen)

  /// The length of the headers, in bytes.
  var count: Int { octets.count }

  /// Adds bytes that must have these values.
  mutating func fix(_ values: UInt8...) {
    octets += values
    isFixed += values.map { _ in true }
  }

  /// Adds bytes that should have these values, but may have others.
  mutating func prefer(_ values: UInt8...) { prefer(values) }

  mutating func prefer(_ values: [UInt8]) {
    octets += values
    isFixed += values.map { _ in false }
  }

  mutating func fix(half: UInt16) { fix(UInt8(half >> 8), UInt8(half & 0xff)) }

  /// Adds two bytes that hold the length from `origin` on, at most `maximum` bytes.
  mutating func addLength(from origin: Int, maximum: Int = 0xffff) {
    lengths.append(LengthField(offset: count, origin: origin))
    maximumLength = min(maximumLength, origin + maximum)
    prefer(0, 0)
  }

  /// The last `size` bytes added may be anything but these numbers.
  mutating func exclude(_ ranges: [ClosedRange<UInt32>], octets size: Int) {
    exclusions.append(Exclusion(offset: count - size, octets: size, ranges: ranges))
  }

  /// These bits of the last byte added are fixed.
  mutating func fixBits(_ mask: UInt8) { bits.append(FixedBits(offset: count - 1, mask: mask)) }

  /// The packet of that length, with a payload of zeros, correct length fields, and usual values otherwise; checksums are not set.
  func packet(length: Int) -> [UInt8] {
    var packet = octets + [UInt8](repeating: 0, count: max(0, length - count))
    for field in lengths {
      let value = length - field.origin
      packet[field.offset] = UInt8(truncatingIfNeeded: value >> 8)
      packet[field.offset + 1] = UInt8(truncatingIfNeeded: value)
    }
    return packet
  }

  /// The bytes of a packet of that length that a filter cannot choose.
  func knownOctets(length: Int) -> [UInt32: UInt8] {
    var known = fixedOctets
    let packet = packet(length: length)
    for field in lengths {
      known[UInt32(field.offset)] = packet[field.offset]
      known[UInt32(field.offset + 1)] = packet[field.offset + 1]
    }
    return known
  }

  /// The bytes of a packet of any length that a filter cannot choose.
  var fixedOctets: [UInt32: UInt8] {
    var known: [UInt32: UInt8] = [:]
    for (offset, octet) in octets.enumerated() where isFixed[offset] { known[UInt32(offset)] = octet }
    return known
  }
}
