/// Why a dissector stopped.
public enum DecodeError: Error, Equatable, Sendable {
  /// The capture ends before the octets that were requested: the fault of the snapshot length, not of the packet.
  case truncated
  /// The packet contradicts itself or its protocol. What is wrong has been written by the one who throws.
  case invalid
}
