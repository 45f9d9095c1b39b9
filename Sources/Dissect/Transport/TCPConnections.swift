import PacketCore

/// Sequence numbers of a segment as they are printed, and the initial numbers that they are relative to.
public struct TCPSequence: Sendable, BitwiseCopyable {
  /// True if the segment goes from the flow table's `high` endpoint to its `low` endpoint.
  var isReverse = false
  /// Initial numbers of the flow, from `low` to `high` and from `high` to `low`.
  var forwardBase: UInt32 = 0
  var backwardBase: UInt32 = 0
  var sequence: UInt32
  var acknowledgment: UInt32
}

/// The TCP connections that a printer has seen, with their initial sequence numbers.
struct TCPConnections {
  private var ipv4 = FlowTable<UInt32>()
  private var ipv6 = FlowTable<UInt128>()

  /// Makes the numbers of a segment between two ports relative to those of the first segment with ACK of its connection.
  @inline(__always)
  mutating func makeRelative(
    _ numbers: inout TCPSequence, _ network: NetworkHeader, _ source: UInt16, _ destination: UInt16, isSYN: Bool
  ) {
    numbers.isReverse =
      source > destination || (source == destination && network.source > network.destination)
    let ports =
      numbers.isReverse
      ? UInt32(destination) << 16 | UInt32(source) : UInt32(source) << 16 | UInt32(destination)
    let low = numbers.isReverse ? network.destination : network.source
    let high = numbers.isReverse ? network.source : network.destination
    if network.version == 4 {
      let key = FlowTable<UInt32>.Key(
        low: UInt32(truncatingIfNeeded: low), high: UInt32(truncatingIfNeeded: high), ports: ports)
      ipv4.makeRelative(&numbers, key, isSYN: isSYN)
    } else {
      ipv6.makeRelative(&numbers, FlowTable<UInt128>.Key(low: low, high: high, ports: ports), isSYN: isSYN)
    }
  }
}

extension FlowTable {
  /// Makes the numbers of a segment relative to those of its flow; a new flow begins with this segment.
  @inline(__always)
  fileprivate mutating func makeRelative(_ numbers: inout TCPSequence, _ key: Key, isSYN: Bool) {
    let place = place(of: key)
    var entry = self[place]
    if !entry.isUsed || isSYN {
      entry.isUsed = true
      entry.forward = numbers.isReverse ? numbers.acknowledgment &- 1 : numbers.sequence
      entry.backward = numbers.isReverse ? numbers.sequence : numbers.acknowledgment &- 1
      self[place] = entry
    } else {
      numbers.sequence &-= numbers.isReverse ? entry.backward : entry.forward
      numbers.acknowledgment &-= numbers.isReverse ? entry.forward : entry.backward
    }
    numbers.forwardBase = entry.forward
    numbers.backwardBase = entry.backward
  }
}
