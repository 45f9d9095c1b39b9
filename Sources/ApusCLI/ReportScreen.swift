import Capture
import Glibc
import PacketCore

/// Reports on a terminal, each in the place of the one before.
struct ReportScreen {
  private let descriptor: CInt
  /// Lines of the report that stands there, the terminal's columns when it was written, and the notes that had been written by then.
  private var lines = 0
  private var columns = 0
  private var notes = 0

  /// Nil where the descriptor is no terminal that moves its cursor.
  init?(_ descriptor: CInt) {
    guard Terminal.size(descriptor) != nil, Terminal.takesSequences else { return nil }
    self.descriptor = descriptor
  }

  /// Writes the report: as many lines as the terminal has room for, or, where it is the last one, all. Gives the `errno` of a write that
  /// has failed.
  mutating func show(_ report: String, isLast: Bool) -> CInt? {
    let size = Terminal.size(descriptor) ?? (80, 24)
    var text = TextBuffer()
    // A line that something else has written must not be written over, and one that the terminal has broken anew is no longer one.
    if lines > 0, columns == size.columns, notes == Diagnostics.notes {
      text.write("\r\u{1b}[\(lines)A\u{1b}[J")
    } else if lines > 0 {
      text.write("\n")
    }
    let all = report.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    // The cursor stands in a line of its own.
    let room = max(1, size.rows - 1)
    let shown = isLast || all.count <= room ? all : all.prefix(room - 1)
    // Lines that are too long end at the margin, so that each is one.
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
