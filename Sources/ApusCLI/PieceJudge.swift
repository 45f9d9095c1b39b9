import BPF
import PacketCore
import Savefile

/// Finds the accepted packets in a part of a mapped file: the work of one thread on one piece.
struct PieceJudge: Sendable {
  let form: RecordForm
  /// Native code that skips rejected packets; nil if there is none for such records, or nothing is rejected.
  let scan: RecordScan?
  /// The machine for packets that native code cannot scan; nil if all are accepted.
  let machine: Machine?

  /// Continues at `position` over records that begin before `limit`, up to one that cannot be read here, and counts the accepted packets,
  /// up to `wanted`.
  func count(in file: RawSpan, from position: inout RecordPosition, before limit: Int, wanted: UInt64) -> UInt64 {
    if let scan { return scan.count(in: file, from: &position, before: limit, wanted: wanted) }
    if machine == nil, wanted == .max, let layout = form.layout {
      let packets = position.packets
      layout.pass(in: file, from: &position, before: limit)
      return position.packets &- packets
    }
    var counted: UInt64 = 0
    guard wanted > 0 else { return 0 }
    var walk = PacketWalk(form)
    while let packet = walk.next(in: file, from: &position, before: limit) {
      guard accepts(packet) else { continue }
      counted &+= 1
      if counted == wanted { break }
    }
    return counted
  }

  /// Continues at `position` over records that begin before `limit`, up to one that cannot be read here, and passes the accepted packets to
  /// `body`, with the places of their records.
  func forEach(
    in file: RawSpan, from position: inout RecordPosition, before limit: Int,
    _ body: (borrowing Packet, _ place: Int) -> Void
  ) {
    var walk = PacketWalk(form)
    while true {
      if let scan, !scan.find(in: file, from: &position, before: limit) { return }
      let place = position.offset
      guard let packet = walk.next(in: file, from: &position, before: limit) else { return }
      if scan != nil || accepts(packet) { body(packet, place) }
    }
  }

  @inline(__always)
  private func accepts(_ packet: borrowing Packet) -> Bool {
    guard let machine else { return true }
    return machine.run(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len)) != 0
  }
}
