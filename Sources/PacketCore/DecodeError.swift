/// Why a dissector stopped.
public enum DecodeError: Error, Equatable, Sendable {
  /// The capture ends before the requested bytes, because of the snapshot length and not because of the packet.
  case truncated
  /// The packet contradicts itself or its protocol. The code that throws has already written what is wrong.
  case invalid
}
