import Capture
import PacketCore

/// What a session counts of its packets for the ledger.
struct Bookkeeping {
  /// One account for each interface of a live capture; empty for files, which have no ledger.
  private(set) var accounts: [Ledger.Account]
  private let reports: LedgerReports?
  /// When the next report is due.
  private(set) var nextReport: Timestamp?

  /// The offset at which the text of each packet ends in the buffer that holds it, in bytes. Cleared together with the buffer.
  private var textEnds: [Int] = []
  private var printed: UInt64 = 0
  private var textLost: UInt64 = 0
  private var sampledOut: UInt64 = 0
  /// Packets that the savefile could not take.
  private var refused: UInt64 = 0

  init(_ interfaces: [String], _ reports: LedgerReports?) {
    accounts = interfaces.map { Ledger.Account(name: $0) }
    self.reports = reports
    if let reports, reports.interval > 0, !interfaces.isEmpty {
      nextReport = Timestamp.now.advanced(bySeconds: reports.interval)
    }
  }

  var isLive: Bool { !accounts.isEmpty }

  // MARK: Packets

  @inline(__always)
  mutating func filter(_ interface: Int) {
    if interface < accounts.count { accounts[interface].filtered &+= 1 }
  }

  @inline(__always)
  mutating func countSkipped(_ interface: Int) {
    if interface < accounts.count { accounts[interface].skipped &+= 1 }
  }

  @inline(__always)
  mutating func keep(_ interface: Int) {
    if interface < accounts.count { accounts[interface].kept &+= 1 }
  }

  /// A packet that was counted as kept came after the end, so it is counted as skipped instead.
  mutating func uncount(_ interface: Int) {
    guard interface < accounts.count else { return }
    accounts[interface].kept &-= 1
    accounts[interface].skipped &+= 1
  }

  // MARK: Text and file

  /// The text of a packet has been written to the buffer, and ends at the offset `end`.
  @inline(__always)
  mutating func print(to end: Int) {
    if isLive { textEnds.append(end) }
  }

  @inline(__always)
  mutating func countUnsampled() { sampledOut &+= 1 }

  /// The first `written` bytes of the buffer have been written out. The rest is lost, and a packet whose text was cut counts as lost.
  mutating func flushText(written: Int) {
    let whole = textEnds.count { $0 <= written }
    printed &+= UInt64(whole)
    textLost &+= UInt64(textEnds.count &- whole)
    textEnds.removeAll(keepingCapacity: true)
  }

  /// Adds the counts of packets whose text another thread prints.
  mutating func countTexts(printed: UInt64, lost: UInt64) {
    self.printed &+= printed
    textLost &+= lost
  }

  /// A packet was kept but not even printed, since its savefile has failed.
  mutating func countLost() { textLost &+= 1 }

  mutating func refuse() { refused &+= 1 }

  // MARK: Reports

  /// True if a report is due; schedules the next one an interval later.
  mutating func isReportDue(at now: Timestamp) -> Bool {
    guard let due = nextReport, let reports, now >= due else { return false }
    let next = due.advanced(bySeconds: reports.interval)
    // After a long pause one report is enough.
    nextReport = next > now ? next : now.advanced(bySeconds: reports.interval)
    return true
  }

  /// The ledger as it stands. `file` is the savefile's name, the packets that were handed to it, and the packets that it holds.
  func ledger(
    _ statistics: [LiveCapture.Statistics], file: (name: String, taken: UInt64, written: UInt64)?, prints: Bool,
    _ processes: Ledger.ProcessAccount?
  ) -> Ledger {
    var accounts = accounts
    for (index, statistics) in statistics.enumerated() where index < accounts.count {
      accounts[index].statistics = statistics
    }
    var outlets: [Ledger.Outlet] = []
    if let file {
      let lost = refused &+ (file.taken >= file.written ? file.taken &- file.written : 0)
      outlets.append(Ledger.Outlet(name: "file \(file.name)", verb: "written", done: file.written, lost: lost))
    }
    if prints {
      outlets.append(
        Ledger.Outlet(name: "text", verb: "printed", done: printed, lost: textLost, sampledOut: sampledOut))
    }
    return Ledger(accounts: accounts, outlets: outlets, processes: processes)
  }

  /// The report for a reason; empty if none was requested. An imbalance is always reported.
  func report(_ ledger: Ledger, _ reason: Ledger.ReportReason) -> TextBuffer {
    var text = TextBuffer()
    guard isLive, reason != .end || reports != nil || !ledger.isBalanced(reason) else { return text }
    ledger.write(reason, asJSON: reports?.isJSON ?? false, at: Timestamp.now, to: &text)
    return text
  }
}
