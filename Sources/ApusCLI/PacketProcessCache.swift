import Glibc
import PacketCore

/// A cache of the latest packets' processes, together with the pcapng options that encode them: packets of one connection have the same
/// processes again and again.
struct PacketProcessCache: Sendable {
  private struct Entry {
    let processes: PacketProcesses
    let direction: PacketDirection
    let options: [UInt8]
    let isByteSwapped: Bool
    /// The options contain nothing else.
    let isOwn: Bool
  }

  private var entries: [Entry] = []
  /// The entry to replace next.
  private var next = 0

  private static let capacity = 16

  /// The processes in the options of a packet.
  mutating func processes(of packet: borrowing Packet) -> PacketProcesses {
    guard !packet.options.isEmpty else { return PacketProcesses() }
    for index in entries.indices {
      let entry = entries[index]
      if entry.direction == packet.direction, entry.isByteSwapped == packet.options.isByteSwapped,
        packet.options.octets.equals(entry.options)
      {
        return entry.processes
      }
    }
    let processes = PacketProcesses(packet.options, packet.direction)
    let octets = packet.options.octets
    // Safe: every offset is within the options.
    let options = (0..<octets.byteCount).map { unsafe octets.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
    add(
      Entry(
        processes: processes, direction: packet.direction, options: options,
        isByteSwapped: packet.options.isByteSwapped, isOwn: false))
    return processes
  }

  /// The pcapng options for a packet in this direction, in the host's byte order.
  mutating func options(of processes: PacketProcesses, _ direction: PacketDirection) -> [UInt8] {
    for index in entries.indices
    where entries[index].isOwn && entries[index].direction == direction && entries[index].processes == processes {
      return entries[index].options
    }
    var options: [UInt8] = []
    processes.appendOptions(direction, to: &options)
    add(Entry(processes: processes, direction: direction, options: options, isByteSwapped: false, isOwn: true))
    return options
  }

  private mutating func add(_ entry: Entry) {
    if entries.count < Self.capacity { entries.append(entry) } else { entries[next] = entry }
    next = (next + 1) % Self.capacity
  }
}

extension RawSpan {
  fileprivate func equals(_ octets: [UInt8]) -> Bool {
    guard byteCount == octets.count else { return false }
    // Safe: both have that many bytes.
    return unsafe withUnsafeBytes { own in
      unsafe octets.withUnsafeBytes { other in
        guard let own = own.baseAddress, let other = other.baseAddress else { return true }
        return unsafe memcmp(own, other, octets.count) == 0
      }
    }
  }
}
