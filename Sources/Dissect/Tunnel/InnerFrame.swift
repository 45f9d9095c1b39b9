import PacketCore

extension Printer {
  /// An Ethernet frame inside another protocol.
  mutating func printInnerEthernet(_ bytes: PacketBytes) throws(DecodeError) { try run(.ethernet, bytes) }
}
