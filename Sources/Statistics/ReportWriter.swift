import Dissect
import PacketCore
import Protocols

/// Where a report goes.
public enum ReportDestination: Sendable {
  /// Into memory: the whole text is kept.
  case memory
  /// To a file descriptor, while the report is being made, so that a long one need not be kept. `givesUp` ends the wait for a reader that
  /// does not read.
  case descriptor(CInt, givesUp: @Sendable () -> Bool)
}

/// How tables are laid out.
public struct TableStyle: Sendable {
  /// Columns of the terminal; nil without a terminal: tables are as wide as their contents, numbers are exact, and no bars are drawn.
  public var width: Int?
  /// The terminal shows non-ASCII characters: bars consist of block elements (U+2588 …) instead of `#`.
  public var hasBlocks: Bool
  /// Titles and bars are coloured.
  public var isColored: Bool

  public init(width: Int? = nil, hasBlocks: Bool = false, isColored: Bool = false) {
    self.width = width
    self.hasBlocks = hasBlocks
    self.isColored = isColored
  }
}

/// Writes tables: columns are as wide as their contents, words aligned left, numbers aligned right, and bars follow. On a terminal, columns
/// are left out or shortened if it is too narrow, and numbers have separators and units.
struct ReportWriter: ~Copyable {
  /// Writes names and times; its text is the cells of the current row.
  var cells: Printer
  /// The part of the report that is not written out yet.
  var text = TextBuffer()
  private let style: TableStyle
  /// Data for rates since the previous report, if these are shown next to the totals.
  let recent: RecentRates?
  private let destination: ReportDestination
  /// The `errno` after which nothing more is written out.
  private(set) var failure: CInt?

  private var columns: [TableColumn] = []
  private var layout = TableLayout([], natural: [], width: nil)
  /// The offsets at which the cells of the current row end.
  private var ends: [Int] = []
  /// The widths of the columns' contents, while they are measured.
  private var naturalWidths: [Int]?

  init(_ options: PrintOptions, _ style: TableStyle, _ recent: RecentRates?, _ destination: ReportDestination) {
    cells = Printer(options: options)
    self.style = style
    self.recent = recent
    self.destination = destination
  }

  /// The report is for a person, who reads `1.2 MB` more easily than `1234567`.
  var isForTerminal: Bool { style.width != nil }

  /// Writes out buffered text if there is much of it, or all of it if `all` is set.
  mutating func flush(all: Bool = false) {
    guard case .descriptor(let descriptor, let givesUp) = destination, all || text.count >= 1 << 16 else { return }
    if failure == nil { failure = text.flush(to: descriptor, givesUp: givesUp) }
    if failure != nil { text.removeAll() }
  }

  // MARK: Tables

  /// Writes a table whose rows `body` writes. `body` is called twice: the first time measures the widths.
  mutating func table(_ columns: [TableColumn], _ body: (inout ReportWriter) -> Void) {
    self.columns = columns
    cells.out.removeAll()
    ends.removeAll(keepingCapacity: true)
    let titles = columns.map { isForTerminal ? $0.terminalTitle : $0.title }
    naturalWidths = titles.map(\.utf8CodeUnitCount)
    body(&self)
    layout = TableLayout(columns, natural: naturalWidths ?? [], width: style.width)
    naturalWidths = nil
    for title in titles { cell(title) }
    endRow(in: .bold)
    body(&self)
  }

  /// Ends the cell that was written into `cells.out`.
  mutating func endCell() { ends.append(cells.out.count) }

  mutating func cell(_ words: StaticString) {
    cells.out.write(words)
    endCell()
  }

  mutating func cell(_ words: String) {
    cells.out.write(words)
    endCell()
  }

  mutating func cell(_ number: UInt64) {
    if isForTerminal { cells.out.write(grouped: number) } else { cells.out.write(decimal: number) }
    endCell()
  }

  mutating func cell(bytes: UInt64) {
    if isForTerminal { cells.out.write(bytes: bytes) } else { cells.out.write(decimal: bytes) }
    endCell()
  }

  /// Writes bits per second; nothing if unknown.
  mutating func cell(bitsPerSecond rate: Double?) {
    if let rate {
      if isForTerminal {
        cells.out.write(bitsPerSecond: rate)
      } else {
        cells.out.write(decimal: UInt64(exactly: rate.rounded()) ?? .max)
      }
    }
    endCell()
  }

  /// Writes two cells: packets and bytes.
  mutating func cells(_ tally: Tally) {
    cell(tally.packets)
    cell(bytes: tally.octets)
  }

  /// Writes `12.3`, a percentage of `whole`; nothing if that is 0.
  mutating func cell(percentageOf whole: UInt64, _ part: UInt64) {
    if whole > 0 { cells.out.write(tenths: Double(part) / Double(whole) * 100) }
    endCell()
  }

  /// Writes nanoseconds as seconds with six decimals, or on a terminal in a suitable unit.
  mutating func cell(nanoseconds: Int128) {
    if isForTerminal { cells.out.write(duration: nanoseconds) } else { cells.out.write(seconds: nanoseconds) }
    endCell()
  }

  /// Writes empty cells.
  mutating func blanks(_ count: Int) {
    for _ in 0..<count { endCell() }
  }

  /// Ends the row, with a bar after all columns that has this share of its full length.
  mutating func endRow(bar share: Double? = nil, in textStyle: TextStyle? = nil) {
    if share != nil { blanks(max(0, columns.count - ends.count)) }
    defer {
      cells.out.removeAll()
      ends.removeAll(keepingCapacity: true)
    }
    var start = 0
    if let widths = naturalWidths {
      for (index, end) in ends.enumerated() where index < widths.count {
        naturalWidths?[index] = max(widths[index], end - start)
        start = end
      }
      return
    }
    let textStyle = style.isColored ? textStyle : nil
    if let textStyle { text.write(textStyle.sequence) }
    var blanks = 0
    for (index, end) in ends.enumerated() where index < columns.count {
      defer { start = end }
      guard let width = layout.widths[index] else { continue }
      let padding = max(0, width - (end - start))
      if !columns[index].isWords { blanks += padding }
      if end > start {
        text.write(repeating: UInt8(ascii: " "), count: blanks)
        blanks = 0
        writeCell(start..<end, width)
      }
      blanks += (columns[index].isWords ? padding : 0) + TableLayout.gap
    }
    if textStyle != nil { text.write(TextStyle.reset) }
    if let share { writeBar(share, behind: blanks) }
    text.write("\n")
    flush()
  }

  /// Writes the contents of a cell. If it is wider than the column, its middle is left out: addresses differ at both ends.
  private mutating func writeCell(_ cell: Range<Int>, _ width: Int) {
    guard cell.count > width else { return text.write(cell, of: cells.out) }
    let head = cell.lowerBound..<cells.out.characterBoundary(cell.lowerBound + width / 2)
    let tail = cells.out.characterBoundary(cell.upperBound - (width - 1 - width / 2))..<cell.upperBound
    text.write(head, of: cells.out)
    text.write(style.hasBlocks ? "\u{2026}" : "~")
    text.write(tail, of: cells.out)
  }

  /// The minimum and the maximum length of bars in characters; without room for the minimum, none is drawn.
  private static let barLengths = 8...40

  private mutating func writeBar(_ share: Double, behind blanks: Int) {
    guard let width = style.width else { return }
    let room = width - layout.total - TableLayout.gap
    guard room >= Self.barLengths.lowerBound, share > 0 else { return }
    let length = min(1, share) * Double(min(room, Self.barLengths.upperBound))
    text.write(repeating: UInt8(ascii: " "), count: blanks)
    if style.isColored { text.write(TextStyle.cyan.sequence) }
    defer { if style.isColored { text.write(TextStyle.reset) } }
    guard style.hasBlocks else { return text.write(repeating: UInt8(ascii: "#"), count: max(1, Int(length.rounded()))) }
    let eighths = max(1, Int((length * 8).rounded()))
    for _ in 0..<eighths / 8 { text.write("\u{2588}") }
    // U+2589 … U+258F are seven eighths to one eighth of a block.
    if eighths % 8 > 0, let block = Unicode.Scalar(UInt32(0x2590 - eighths % 8)) { text.write(String(block)) }
  }

  // MARK: Sentences

  /// True if the text fits in a line of the terminal.
  func fits(_ text: String) -> Bool { style.width.map { text.utf8.count <= max($0, TableLayout.minimumWidth) } ?? true }

  /// Writes parts of a sentence separated by blanks, on a terminal in as many lines as needed.
  mutating func writeLine(_ parts: [String]) {
    var column = 0
    for part in parts {
      if column > 0 {
        let fits = style.width.map { column + 1 + part.utf8.count <= max($0, TableLayout.minimumWidth) } ?? true
        text.write(fits ? " " : "\n")
        column = fits ? column + 1 : 0
      }
      text.write(part)
      column += part.utf8.count
    }
    text.write("\n")
  }

  /// Writes a sentence, on a terminal in as many lines as needed.
  mutating func writeLine(_ sentence: String) {
    writeLine(isForTerminal ? sentence.split(separator: " ").map(String.init) : [sentence])
  }
}

extension TextBuffer {
  /// Appends a range of another buffer's text.
  fileprivate mutating func write(_ range: Range<Int>, of other: borrowing TextBuffer) {
    write(other.bytes.extracting(range))
  }

  /// The offset itself or, within a UTF-8 character, the offset of its first byte.
  fileprivate func characterBoundary(_ offset: Int) -> Int {
    var offset = offset
    while offset > 0, (0x80..<0xc0).contains(byte(at: offset)) { offset -= 1 }
    return offset
  }

  /// Writes a non-negative number with one digit after the point.
  mutating func write(tenths number: Double) {
    let tenths = UInt64(exactly: (number * 10).rounded()) ?? .max
    write(decimal: tenths / 10)
    write(byte: UInt8(ascii: "."))
    write(decimal: tenths % 10)
  }

  /// Writes nanoseconds as seconds with six decimals.
  mutating func write(seconds nanoseconds: Int128) {
    write(decimal: UInt64(clamping: nanoseconds / 1_000_000_000))
    write(byte: UInt8(ascii: "."))
    write(decimal: UInt64(clamping: nanoseconds % 1_000_000_000 / 1000), width: 6)
  }

  /// Writes `1 packet`, `2 packets`.
  mutating func write(_ count: UInt64, _ singular: StaticString) {
    write(decimal: count)
    write(byte: UInt8(ascii: " "))
    write(singular)
    if count != 1 { write(byte: UInt8(ascii: "s")) }
  }
}
