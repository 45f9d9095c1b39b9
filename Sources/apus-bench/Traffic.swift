import PacketCore
import TestSupport

/// Packets of synthetic traffic in memory, as they follow each other in a pcap file.
struct Traffic {
  /// The records, one after the other, in the host's byte order.
  private(set) var octets: [UInt8] = []
  let layout: RecordLayout
  let packets: Int

  /// So many packets, of which no more than `snaplen` octets are captured.
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

  /// Calls `body` with the octets of each packet and their number on the wire, and counts how often it is true.
  @inline(__always)
  func count(where body: (UnsafeRawBufferPointer, UInt32) -> Bool) -> Int {
    var count = 0
    unsafe octets.withUnsafeBytes { octets in
      var offset = 0
      while offset < octets.count {
        // Safe: whole records follow each other up to the end.
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
