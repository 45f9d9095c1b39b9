import Capture
import Glibc
import PacketCore

/// Reports on a terminal, each replacing the previous one.
struct ReportScreen {
  private let descriptor: CInt
  /// The number of lines of the report on the screen, the terminal's columns when it was written, and the number of notes written by then.
  private var lines = 0
  private var columns = 0
  private var notes = 0

  /// Nil if the descriptor is not a terminal, or one that cannot move its cursor.
  init?(_ descriptor: CInt) {
    guard Terminal.size(descriptor) != nil, Terminal.takesSequences else { return nil }
    self.descriptor = descriptor
  }

  /// Writes the report: all of it if it is the last one, otherwise as many lines as fit on the terminal. Returns the `errno` of a failed
  /// write.
  mutating func show(_ report: String, isLast: Bool) -> CInt? {
    let size = Terminal.size(descriptor) ?? (80, 24)
    var text = TextBuffer()
    // Lines written by something else must not be overwritten. After a change of the terminal's width, lines may have been wrapped, so
    // their number is unknown.
    if lines > 0, columns == size.columns, notes == Diagnostics.notes {
      text.write("\r\u{1b}[\(lines)A\u{1b}[J")
    } else if lines > 0 {
      text.write("\n")
    }
    let all = report.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    // The cursor needs a line for itself.
    let room = max(1, size.rows - 1)
    let shown = isLast || all.count <= room ? all : all.prefix(room - 1)
    // Long lines are cut at the margin, so that each takes one row.
    if !isLast { text.write("\u{1b}[?7l") }
    for line in shown { text.write("\(line)\n") }
    if shown.count < all.count {
      text.write("(\(all.count - shown.count) more lines: the terminal has \(size.rows))\n")
    }
    if !isLast { text.write("\u{1b}[?7h") }
    lines = shown.count + (shown.count < all.count ? 1 : 0)
    columns = size.columns
    notes = Diagnostics.notes
    return text.flush(to: descriptor) { StopSignal.isRepeated }
  }
}
