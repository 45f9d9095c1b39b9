/// A kind of well-formed packet: headers of known length one after the other, then payload.
///
/// Every octet has a value that a person would expect there. What makes the packet one of this kind is fixed; the rest may become
/// anything that a filter asks for.
struct PacketForm: Sendable {
  /// Two octets that hold how many octets there are from `origin` to the packet's end.
  struct LengthField: Sendable {
    let offset: Int
    let origin: Int
  }

  /// A number of one or two octets that would make the packet one of another kind.
  struct Exclusion: Sendable {
    let offset: Int
    let octets: Int
    let ranges: [ClosedRange<UInt32>]
  }

  /// Bits of an octet that have to be as they are.
  struct FixedBits: Sendable {
    let offset: Int
    let mask: UInt8
  }

  /// The headers.
  private(set) var octets: [UInt8] = []
  /// Which of them are fixed.
  private(set) var isFixed: [Bool] = []
  private(set) var lengths: [LengthField] = []
  private(set) var exclusions: [Exclusion] = []
  private(set) var bits: [FixedBits] = []
  var checksums: [ChecksumField] = []
  /// Where the last network header begins.
  var networkHeader = 0
  /// True after the header of a tunnel.
  var isTunnelled = false
  /// Octets of the longest packet.
  private(set) var maximumLength = Int(PacketFacts.maximumCaplen)

  /// Octets of the headers.
  var count: Int { octets.count }

  /// Adds octets that have to be so.
  mutating func fix(_ values: UInt8...) {
    octets += values
    isFixed += values.map { _ in true }
  }

  /// Adds octets that had better be so.
  mutating func prefer(_ values: UInt8...) { prefer(values) }

  mutating func prefer(_ values: [UInt8]) {
    octets += values
    isFixed += values.map { _ in false }
  }

  mutating func fix(half: UInt16) { fix(UInt8(half >> 8), UInt8(half & 0xff)) }

  /// Adds two octets that hold the length from `origin` on, of `maximum` octets at most.
  mutating func addLength(from origin: Int, maximum: Int = 0xffff) {
    lengths.append(LengthField(offset: count, origin: origin))
    maximumLength = min(maximumLength, origin + maximum)
    prefer(0, 0)
  }

  /// The last octets added, so many, may be anything but these numbers.
  mutating func exclude(_ ranges: [ClosedRange<UInt32>], octets size: Int) {
    exclusions.append(Exclusion(offset: count - size, octets: size, ranges: ranges))
  }

  /// Of the last octet added, these bits have to be as they are.
  mutating func fixBits(_ mask: UInt8) { bits.append(FixedBits(offset: count - 1, mask: mask)) }

  /// The packet of that length with its payload 0, its lengths right, and all else as expected; checksums are not set.
  func packet(length: Int) -> [UInt8] {
    var packet = octets + [UInt8](repeating: 0, count: max(0, length - count))
    for field in lengths {
      let value = length - field.origin
      packet[field.offset] = UInt8(truncatingIfNeeded: value >> 8)
      packet[field.offset + 1] = UInt8(truncatingIfNeeded: value)
    }
    return packet
  }

  /// The octets of a packet of that length that a filter cannot choose.
  func knownOctets(length: Int) -> [UInt32: UInt8] {
    var known = fixedOctets
    let packet = packet(length: length)
    for field in lengths {
      known[UInt32(field.offset)] = packet[field.offset]
      known[UInt32(field.offset + 1)] = packet[field.offset + 1]
    }
    return known
  }

  /// The octets of a packet of any length that a filter cannot choose.
  var fixedOctets: [UInt32: UInt8] {
    var known: [UInt32: UInt8] = [:]
    for (offset, octet) in octets.enumerated() where isFixed[offset] { known[UInt32(offset)] = octet }
    return known
  }
}
