import BPF
import PacketCore

/// Finds runs of consecutive packet records that a filter accepts, so that each run is copied at once.
struct RecordCopier {
  /// Finds the next packet that is accepted.
  private let accepting: RecordScan
  /// Finds the next packet that is rejected.
  private let rejecting: RecordScan

  /// Consecutive records.
  struct Run {
    /// Their range in the file.
    var octets: Range<Int>
    var packets: UInt64
  }

  /// Nil if native code is not available.
  init?(_ program: Program, _ layout: RecordLayout) {
    guard let accepting = try? RecordScan(program, layout),
      let rejecting = try? RecordScan(program, layout, seeking: .rejected)
    else { return nil }
    self.accepting = accepting
    self.rejecting = rejecting
  }

  /// The next run of records that begin before `limit`; nil if there is none. `position` is then after the run, and after the rejected
  /// record that ends it.
  func next(in file: RawSpan, from position: inout RecordPosition, before limit: Int) -> Run? {
    guard let start = accepting.pass(in: file, from: &position, before: limit) else { return nil }
    let before = position.packets &- 1
    if let end = rejecting.pass(in: file, from: &position, before: limit) {
      return Run(octets: start..<max(start, end), packets: position.packets &- 1 &- before)
    }
    return Run(octets: start..<max(start, position.offset), packets: position.packets &- before)
  }
}
