import BPF
import PacketCore

/// Finds runs of packet records, one after the other, that a filter accepts, so that they can be copied together.
struct RecordCopier {
  /// Finds the next packet that is accepted.
  private let accepting: RecordScan
  /// Finds the next packet that is rejected.
  private let rejecting: RecordScan

  /// Records that follow each other.
  struct Run {
    /// Where they lie in the file.
    var octets: Range<Int>
    var packets: UInt64
  }

  /// Nil where there is no native code here.
  init?(_ program: Program, _ layout: RecordLayout) {
    guard let accepting = try? RecordScan(program, layout),
      let rejecting = try? RecordScan(program, layout, seeking: .rejected)
    else { return nil }
    self.accepting = accepting
    self.rejecting = rejecting
  }

  /// The next run of records that begin before `limit`; nil where there is none. The position is then after it, and after the
  /// rejected record that ends it.
  func next(in file: RawSpan, from position: inout RecordPosition, before limit: Int) -> Run? {
    guard let start = accepting.pass(in: file, from: &position, before: limit) else { return nil }
    let before = position.packets &- 1
    if let end = rejecting.pass(in: file, from: &position, before: limit) {
      return Run(octets: start..<max(start, end), packets: position.packets &- 1 &- before)
    }
    return Run(octets: start..<max(start, position.offset), packets: position.packets &- before)
  }
}
