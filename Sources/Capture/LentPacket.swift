import PacketCore

/// A packet where its source has it, until the source is asked for the one after it.
@unsafe
struct LentPacket {
  let start: UnsafeRawPointer
  /// Octets captured.
  let caplen: Int
  /// Octets on the wire.
  let len: Int
  let timestamp: Timestamp
  let direction: PacketDirection
}
