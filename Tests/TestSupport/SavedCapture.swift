public import Foundation
public import PacketCore

/// A savefile in memory.
public struct SavedCapture: Sendable {
  public let linkType: LinkType
  public let snaplen: UInt32
  /// True if the file's byte order is not this machine's.
  public let isByteSwapped: Bool
  public let packets: [SavedPacket]

  public init(linkType: LinkType, snaplen: UInt32 = 262_144, isByteSwapped: Bool = false, packets: [SavedPacket]) {
    self.linkType = linkType
    self.snaplen = snaplen
    self.isByteSwapped = isByteSwapped
    self.packets = packets
  }
}

/// One packet of a savefile.
public struct SavedPacket: Hashable, Sendable {
  /// The captured bytes.
  public var octets: [UInt8]
  /// Length on the wire.
  public var len: UInt32
  public var timestamp: Timestamp

  /// A packet; `len` defaults to the number of bytes.
  public init(octets: [UInt8], len: UInt32? = nil, timestamp: Timestamp = Timestamp(seconds: 0, nanoseconds: 0)) {
    self.octets = octets
    self.len = len ?? UInt32(clamping: octets.count)
    self.timestamp = timestamp
  }
}

/// The classic pcap format, in any of its four forms.
public struct PcapFormat: Sendable {
  public var bigEndian = false
  public var nanoseconds = false

  public init(bigEndian: Bool = false, nanoseconds: Bool = false) {
    self.bigEndian = bigEndian
    self.nanoseconds = nanoseconds
  }

  /// The 24-byte header of a file.
  public func header(linkType: LinkType, snaplen: UInt32 = 262_144) -> [UInt8] {
    let version = bigEndian ? [0, 2, 0, 4] as [UInt8] : [2, 0, 4, 0]
    return word(nanoseconds ? 0xa1b2_3c4d : 0xa1b2_c3d4) + version + word(0) + word(0) + word(snaplen)
      + word(linkType.fileValue)
  }

  /// A packet with its 16-byte record header.
  public func record(_ packet: SavedPacket) -> [UInt8] {
    let fraction = nanoseconds ? packet.timestamp.nanoseconds : packet.timestamp.nanoseconds / 1000
    return word(UInt32(truncatingIfNeeded: packet.timestamp.seconds)) + word(UInt32(truncatingIfNeeded: fraction))
      + word(UInt32(clamping: packet.octets.count)) + word(packet.len) + packet.octets
  }

  /// A whole file.
  public func file(_ capture: SavedCapture) -> Data {
    var octets = header(linkType: capture.linkType, snaplen: capture.snaplen)
    for packet in capture.packets { octets += record(packet) }
    return Data(octets)
  }

  private func word(_ value: UInt32) -> [UInt8] {
    let shifts: [UInt32] = bigEndian ? [24, 16, 8, 0] : [0, 8, 16, 24]
    return shifts.map { UInt8(truncatingIfNeeded: value >> $0) }
  }
}
