import PacketCore

/// The first packets that a filter has rejected, from a source that cannot be read twice. They are kept to find the reason.
struct PacketSample {
  /// The maximum number of packets.
  private static let maximumPackets = 1000
  /// The maximum number of bytes, of all packets and of each.
  private static let maximumBytes = 1 << 20
  private static let maximumLength = 1024

  private struct Entry {
    var start: Int
    var count: Int
    var len: UInt32
    var linkType: LinkType
  }

  /// More packets are wanted.
  private(set) var isOpen = false
  private var bytes: [UInt8] = []
  private var entries: [Entry] = []

  /// Starts or stops keeping packets, as long as there is room.
  mutating func open(_ isWanted: Bool) {
    isOpen = isWanted && entries.count < Self.maximumPackets && bytes.count < Self.maximumBytes
  }

  /// Keeps a packet.
  @inline(never)
  mutating func add(_ packet: borrowing Packet) {
    let start = bytes.count
    let count = min(packet.caplen, Self.maximumLength, Self.maximumBytes - start)
    // Safe: the packet is valid during this call, and `append` copies it.
    unsafe packet.bytes.rawSpan.extracting(first: count).withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    entries.append(
      Entry(start: start, count: count, len: UInt32(truncatingIfNeeded: packet.len), linkType: packet.linkType))
    open(true)
  }

  /// Passes the kept packets to a search.
  func search(with search: inout NearMissSearch) {
    let span = bytes.span
    for entry in entries where search.isOpen {
      // Safe: an array of bytes has no padding.
      let octets = unsafe span.bytes.extracting(entry.start..<(entry.start + entry.count))
      search.add(octets, len: entry.len, entry.linkType)
    }
  }
}
