import PacketCore

/// A packet in the memory of its source, valid until the next packet is taken.
@unsafe
struct BorrowedPacket {
  let start: UnsafeRawPointer
  /// Captured bytes.
  let caplen: Int
  /// Bytes on the wire.
  let len: Int
  let timestamp: Timestamp
  let direction: PacketDirection
}
