import Capture
import Glibc
import PacketCore

/// The ledger of a live capture, which accounts for every packet.
///
/// For each interface, and for all of them together:
///
///     received = dropped + waiting + filtered + skipped + kept
///
/// and for each output (a savefile, text, or only a count):
///
///     kept = written + lost
///
/// - *received*: packets that passed the kernel's filter, as the kernel counts them
/// - *dropped*: those of them that found no room in its buffer, as the kernel counts them
/// - *waiting*: those that are still in the buffer; none at the end
/// - *filtered*: packets that the machine rejected
/// - *skipped*: accepted packets that `--skip` leaves out, and packets that came after the end (`-c`, a failure, a closed pipe)
/// - *kept*: packets that were to be output; in the text, those that `--print-sampling` leaves out count as sampled out
/// - *lost*: packets that could not be output because of a full disk or a reader that has left
///
/// Packets that the network card dropped never reached the filter, and are not part of the equation. The two sides of each equation are
/// counted in different places (the kernel, the buffer, the packet loop, the outputs), so a packet that gets lost on the way shows as an
/// imbalance.
struct Ledger {
  /// The counts of one interface.
  struct Account {
    let name: String
    var statistics = LiveCapture.Statistics(received: 0, droppedByKernel: 0, droppedByInterface: 0, taken: 0)
    /// Packets that the machine rejected.
    var filtered: UInt64 = 0
    /// Packets that came after the end, and those of `--skip`.
    var skipped: UInt64 = 0
    /// Packets that were to be output.
    var kept: UInt64 = 0

    /// Rejected packets, including those of the unwanted direction.
    var rejected: UInt64 { filtered &+ statistics.unwanted }

    /// Every packet taken from the buffer was counted once, and dropped and taken packets together do not exceed the received ones.
    var isBalanced: Bool {
      let (judged, first) = rejected.addingReportingOverflow(skipped)
      let (sum, second) = judged.addingReportingOverflow(kept)
      return !first && !second && sum == statistics.taken
        && statistics.received >= statistics.droppedByKernel
        && statistics.received &- statistics.droppedByKernel >= statistics.taken
    }
  }

  /// The counts of one destination of packets.
  struct Outlet {
    /// Its name: `file NAME`, `text` or `count`.
    let name: String
    /// The word for success: `written`, `printed` or `counted`.
    let verb: String
    var done: UInt64 = 0
    var lost: UInt64 = 0
    /// Packets whose text was not wanted (`--print-sampling`).
    var sampledOut: UInt64 = 0

    func isBalanced(_ kept: UInt64) -> Bool { done &+ lost &+ sampledOut == kept }
  }

  /// Why a report is made.
  enum ReportReason: String {
    case interval, signal, end
  }

  var accounts: [Account]
  var outlets: [Outlet]
  /// Counts of `--process`; not part of the equations.
  var processes: ProcessAccount?

  /// Packets kept on all interfaces.
  var kept: UInt64 { accounts.reduce(0) { $0 &+ $1.kept } }

  /// True if every equation holds and, at the end, no packet is waiting.
  func isBalanced(_ reason: ReportReason) -> Bool {
    accounts.allSatisfy { $0.isBalanced && (reason != .end || $0.statistics.waiting == 0) }
      && outlets.allSatisfy { $0.isBalanced(kept) }
  }

  // MARK: Text

  /// Writes the whole ledger: as lines of text, or as one line of JSON.
  func write(_ reason: ReportReason, asJSON: Bool, at time: Timestamp, to out: inout TextBuffer) {
    if asJSON { writeJSON(reason, time, &out) } else { writeText(reason, &out) }
  }

  private func writeText(_ reason: ReportReason, _ out: inout TextBuffer) {
    for account in accounts { writeText(account, &out) }
    if accounts.count > 1 { writeText(total, &out) }
    for outlet in outlets {
      out.write("ledger: \(outlet.name): \(kept) kept = \(outlet.done) \(outlet.verb)")
      if outlet.sampledOut > 0 { out.write(" + \(outlet.sampledOut) sampled out") }
      out.write(" + \(outlet.lost) lost\n")
    }
    if let processes {
      out.write("ledger: processes: \(processes.known) packets known + \(processes.unknown) unknown")
      out.write("; \(processes.eventsLost) events lost, \(processes.addressesDropped) addresses dropped\n")
    }
    out.write(isBalanced(reason) ? "ledger: balanced\n" : "ledger: NOT balanced\n")
  }

  private func writeText(_ account: Account, _ out: inout TextBuffer) {
    let counts = account.statistics
    out.write("ledger: \(account.name): \(counts.received) received = \(counts.droppedByKernel) dropped by kernel")
    out.write(" + \(counts.waiting) waiting + \(account.rejected) filtered + \(account.skipped) skipped")
    out.write(" + \(account.kept) kept; \(counts.droppedByInterface) dropped by interface\n")
    if !counts.countsWaiting { out.write("ledger: \(account.name): libpcap does not count packets that wait\n") }
  }

  /// The sum over all interfaces.
  private var total: Account {
    var total = Account(name: "all")
    for account in accounts {
      total.statistics.received &+= account.statistics.received
      total.statistics.droppedByKernel &+= account.statistics.droppedByKernel
      total.statistics.droppedByInterface &+= account.statistics.droppedByInterface
      total.statistics.taken &+= account.statistics.taken
      total.statistics.unwanted &+= account.statistics.unwanted
      total.statistics.countsWaiting = total.statistics.countsWaiting && account.statistics.countsWaiting
      total.filtered &+= account.filtered
      total.skipped &+= account.skipped
      total.kept &+= account.kept
    }
    return total
  }

  private func writeJSON(_ reason: ReportReason, _ time: Timestamp, _ out: inout TextBuffer) {
    out.write("{\"time\":\(time.seconds).")
    out.write(decimal: time.nanoseconds, width: 9)
    out.write(",\"occasion\":\"\(reason.rawValue)\",\"interfaces\":[")
    for (index, account) in accounts.enumerated() {
      if index > 0 { out.write(",") }
      writeJSON(account, &out)
    }
    out.write("],\"total\":")
    writeJSON(total, &out)
    out.write(",\"outputs\":[")
    for (index, outlet) in outlets.enumerated() {
      if index > 0 { out.write(",") }
      out.write("{\"name\":")
      Self.write(string: outlet.name, &out)
      out.write(",\"kept\":\(kept),\"\(outlet.verb)\":\(outlet.done),\"sampled_out\":\(outlet.sampledOut)")
      out.write(",\"lost\":\(outlet.lost)}")
    }
    out.write("],")
    if let processes {
      out.write("\"processes\":{\"known\":\(processes.known),\"unknown\":\(processes.unknown)")
      out.write(
        ",\"events_lost\":\(processes.eventsLost),\"addresses_dropped\":\(processes.addressesDropped)},")
    }
    out.write("\"balanced\":\(isBalanced(reason))}\n")
  }

  private func writeJSON(_ account: Account, _ out: inout TextBuffer) {
    let counts = account.statistics
    out.write("{\"name\":")
    Self.write(string: account.name, &out)
    out.write(",\"received\":\(counts.received),\"dropped_by_kernel\":\(counts.droppedByKernel)")
    out.write(",\"dropped_by_interface\":\(counts.droppedByInterface),\"waiting\":\(counts.waiting)")
    out.write(",\"counts_waiting\":\(counts.countsWaiting)")
    out.write(",\"filtered\":\(account.rejected),\"passed_over\":\(account.skipped),\"kept\":\(account.kept)}")
  }

  /// Writes a JSON string (RFC 8259 section 7).
  private static func write(string: String, _ out: inout TextBuffer) {
    out.write("\"")
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": out.write("\\\"")
      case "\\": out.write("\\\\")
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        out.write("\\u")
        out.write(hex: scalar.value, width: 4)
      default: out.write(String(scalar))
      }
    }
    out.write("\"")
  }
}

/// The settings of `--ledger`.
struct LedgerReports {
  /// Seconds between two reports; 0 for one at the end only.
  var interval: Int64
  var isJSON: Bool

  /// Parses `N`, `N,json` or `N,text`. Throws if the text is none of them.
  init(_ text: String) throws(CommandError) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    interval = try Quantity.seconds(parts.first ?? "", of: "ledger interval", in: 0...86_400)
    switch parts.count {
    case 1: isJSON = false
    case 2 where parts[1] == "json": isJSON = true
    case 2 where parts[1] == "text": isJSON = false
    default: throw CommandError("invalid ledger form \(text): use N, N,text or N,json")
    }
  }
}
