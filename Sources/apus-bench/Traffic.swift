import PacketCore
import TestSupport

/// Packets of synthetic traffic in memory, in the layout of a pcap file.
struct Traffic {
  /// The records, one after the other, in the host's byte order.
  private(set) var octets: [UInt8] = []
  let layout: RecordLayout
  let packets: Int

  /// That many packets, with at most `snaplen` captured bytes each.
  init(packets: Int, snaplen: Int) {
    self.packets = packets
    layout = RecordLayout(isByteSwapped: false, largestCaplen: 262_144, snaplen: 262_144)
    for packet in SyntheticCapture(seed: 1).prefix(packets) {
      let captured = packet.octets.prefix(snaplen)
      append(UInt32(truncatingIfNeeded: packet.timestamp.seconds))
      append(UInt32(truncatingIfNeeded: packet.timestamp.nanoseconds / 1000))
      append(UInt32(captured.count))
      append(packet.len)
      octets += captured
    }
  }

  private mutating func append(_ word: UInt32) {
    unsafe withUnsafeBytes(of: word) { unsafe octets.append(contentsOf: $0) }
  }

  /// Calls `body` with the bytes of each packet and its length on the wire, and counts how often it returns true.
  @inline(__always)
  func count(where body: (UnsafeRawBufferPointer, UInt32) -> Bool) -> Int {
    var count = 0
    unsafe octets.withUnsafeBytes { octets in
      var offset = 0
      while offset < octets.count {
        // Safe: the memory consists of whole records.
        let caplen = unsafe octets.loadUnaligned(fromByteOffset: offset &+ RecordLayout.caplenOffset, as: UInt32.self)
        let len = unsafe octets.loadUnaligned(fromByteOffset: offset &+ RecordLayout.lenOffset, as: UInt32.self)
        let start = offset &+ RecordLayout.headerLength
        offset = start &+ Int(caplen)
        let packet = unsafe UnsafeRawBufferPointer(
          start: octets.baseAddress.map { unsafe $0 + start }, count: Int(caplen))
        count &+= unsafe body(packet, len) ? 1 : 0
      }
    }
    return count
  }
}
