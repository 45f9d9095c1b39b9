import Dissect
import PacketCore
import Protocols

/// Where a report goes.
public enum ReportDestination: Sendable {
  /// Nowhere: the whole text is kept.
  case memory
  /// To a file descriptor, while it is made: a long report need not be held. `givesUp` ends the wait for a reader that does not read.
  case descriptor(CInt, givesUp: @Sendable () -> Bool)
}

/// How tables are laid out.
public struct TableStyle: Sendable {
  /// Columns of the terminal; nil where there is none: tables are as wide as what is in them, numbers are exact, and no bars are drawn.
  public var width: Int?
  /// The terminal shows characters that are not ASCII: bars are made of block elements (U+2588 …), not of `#`.
  public var hasBlocks: Bool
  /// Titles and bars have colours.
  public var isColored: Bool

  public init(width: Int? = nil, hasBlocks: Bool = false, isColored: Bool = false) {
    self.width = width
    self.hasBlocks = hasBlocks
    self.isColored = isColored
  }
}

/// Writes tables: columns as wide as what stands in them, words to the left, numbers to the right, and bars after. On a terminal columns
/// are left out or shortened where it has no room for them, and numbers have separators and units.
struct ReportWriter: ~Copyable {
  /// Writes names and times; its text is the cells of the row at hand.
  var cells: Printer
  /// The report, as far as it is not written out.
  var text = TextBuffer()
  private let style: TableStyle
  /// What came since the report before, where rates stand beside totals.
  let recent: RecentRates?
  private let destination: ReportDestination
  /// Why nothing more can be written out.
  private(set) var failure: CInt?

  private var columns: [TableColumn] = []
  private var layout = TableLayout([], natural: [], width: nil)
  /// Where the cells of the row at hand end.
  private var ends: [Int] = []
  /// The widths of what is in the columns, while they are taken.
  private var naturalWidths: [Int]?

  init(_ options: PrintOptions, _ style: TableStyle, _ recent: RecentRates?, _ destination: ReportDestination) {
    cells = Printer(options: options)
    self.style = style
    self.recent = recent
    self.destination = destination
  }

  /// The report is for a person, who reads `1.2 MB` more easily than `1234567`.
  var isForTerminal: Bool { style.width != nil }

  /// Writes out what is held, if it is much or everything is wanted.
  mutating func flush(all: Bool = false) {
    guard case .descriptor(let descriptor, let givesUp) = destination, all || text.count >= 1 << 16 else { return }
    if failure == nil { failure = text.flush(to: descriptor, givesUp: givesUp) }
    if failure != nil { text.removeAll() }
  }

  // MARK: Tables

  /// A table whose rows `body` writes. It is called twice: first the widths are taken.
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

  /// Bits per second; nothing where they are not known.
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

  /// Two cells: packets and bytes.
  mutating func cells(_ tally: Tally) {
    cell(tally.packets)
    cell(bytes: tally.octets)
  }

  /// `12.3`: hundredths of `whole`; nothing where that is 0.
  mutating func cell(percentageOf whole: UInt64, _ part: UInt64) {
    if whole > 0 { cells.out.write(tenths: Double(part) / Double(whole) * 100) }
    endCell()
  }

  /// Nanoseconds as seconds, to the microsecond, or on a terminal in a suitable unit.
  mutating func cell(nanoseconds: Int128) {
    if isForTerminal { cells.out.write(duration: nanoseconds) } else { cells.out.write(seconds: nanoseconds) }
    endCell()
  }

  /// Cells with nothing in them.
  mutating func blanks(_ count: Int) {
    for _ in 0..<count { endCell() }
  }

  /// Ends the row, with a bar of so much of its full length after all columns.
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

  /// What is in a cell, without its middle where it is wider than the column: addresses differ at both ends.
  private mutating func writeCell(_ cell: Range<Int>, _ width: Int) {
    guard cell.count > width else { return text.write(cell, of: cells.out) }
    let head = cell.lowerBound..<cells.out.characterBoundary(cell.lowerBound + width / 2)
    let tail = cells.out.characterBoundary(cell.upperBound - (width - 1 - width / 2))..<cell.upperBound
    text.write(head, of: cells.out)
    text.write(style.hasBlocks ? "\u{2026}" : "~")
    text.write(tail, of: cells.out)
  }

  /// The longest bar, in characters, and the shortest for which there must be room.
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

  /// The text fits in a line of the terminal.
  func fits(_ text: String) -> Bool { style.width.map { text.utf8.count <= max($0, TableLayout.minimumWidth) } ?? true }

  /// Parts of a sentence with blanks between them, on a terminal in as many lines as it needs.
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

  /// A sentence, on a terminal in as many lines as it needs.
  mutating func writeLine(_ sentence: String) {
    writeLine(isForTerminal ? sentence.split(separator: " ").map(String.init) : [sentence])
  }
}

extension TextBuffer {
  /// A part of what another buffer holds.
  fileprivate mutating func write(_ range: Range<Int>, of other: borrowing TextBuffer) {
    write(other.bytes.extracting(range))
  }

  /// The offset, or that of the first byte of the UTF-8 character that it is in.
  fileprivate func characterBoundary(_ offset: Int) -> Int {
    var offset = offset
    while offset > 0, (0x80..<0xc0).contains(byte(at: offset)) { offset -= 1 }
    return offset
  }

  /// A number that is not negative, with one digit after the point.
  mutating func write(tenths number: Double) {
    let tenths = UInt64(exactly: (number * 10).rounded()) ?? .max
    write(decimal: tenths / 10)
    write(byte: UInt8(ascii: "."))
    write(decimal: tenths % 10)
  }

  /// Nanoseconds as seconds, to the microsecond.
  mutating func write(seconds nanoseconds: Int128) {
    write(decimal: UInt64(clamping: nanoseconds / 1_000_000_000))
    write(byte: UInt8(ascii: "."))
    write(decimal: UInt64(clamping: nanoseconds % 1_000_000_000 / 1000), width: 6)
  }

  /// `1 packet`, `2 packets`.
  mutating func write(_ count: UInt64, _ singular: StaticString) {
    write(decimal: count)
    write(byte: UInt8(ascii: " "))
    write(singular)
    if count != 1 { write(byte: UInt8(ascii: "s")) }
  }
}
