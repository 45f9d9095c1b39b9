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
  /// Columns of the terminal; nil where there is none, and no bars are drawn.
  public var width: Int?
  /// Bars may be made of block elements (U+2588 …), not of `#`.
  public var hasBlocks: Bool

  public init(width: Int? = nil, hasBlocks: Bool = false) {
    self.width = width
    self.hasBlocks = hasBlocks
  }
}

/// Writes tables: columns as wide as what stands in them, words to the left, numbers to the right, and bars after.
struct ReportWriter: ~Copyable {
  /// A column of a table, by its title.
  struct Column {
    let title: StaticString
    let isWords: Bool

    static func words(_ title: StaticString) -> Column { Column(title: title, isWords: true) }
    static func number(_ title: StaticString) -> Column { Column(title: title, isWords: false) }
  }

  /// Writes names and times; its text is the cells of the row at hand.
  var cells: Printer
  /// The report, as far as it is not written out.
  var text = TextBuffer()
  private let style: TableStyle
  private let destination: ReportDestination
  /// Why nothing more can be written out.
  private(set) var failure: CInt?

  private var columns: [Column] = []
  private var widths: [Int] = []
  /// Where the cells of the row at hand end.
  private var ends: [Int] = []
  private var isMeasuring = false

  init(_ options: PrintOptions, _ style: TableStyle, _ destination: ReportDestination) {
    cells = Printer(options: options)
    self.style = style
    self.destination = destination
  }

  /// Writes out what is held, if it is much or everything is wanted.
  mutating func flush(all: Bool = false) {
    guard case .descriptor(let descriptor, let givesUp) = destination, all || text.count >= 1 << 16 else { return }
    if failure == nil { failure = text.flush(to: descriptor, givesUp: givesUp) }
    if failure != nil { text.removeAll() }
  }

  // MARK: Tables

  /// A table whose rows `body` writes. It is called twice: first the widths are taken.
  mutating func table(_ columns: [Column], _ body: (inout ReportWriter) -> Void) {
    self.columns = columns
    widths = columns.map { $0.title.utf8CodeUnitCount }
    cells.out.removeAll()
    ends.removeAll(keepingCapacity: true)
    isMeasuring = true
    body(&self)
    isMeasuring = false
    for column in columns { cell(column.title) }
    endRow()
    body(&self)
  }

  /// Ends the cell that was written into `cells.out`.
  mutating func endCell() { ends.append(cells.out.count) }

  mutating func cell(_ words: StaticString) {
    cells.out.write(words)
    endCell()
  }

  mutating func cell(_ number: UInt64) {
    cells.out.write(decimal: number)
    endCell()
  }

  /// Two cells: packets and octets.
  mutating func cells(_ tally: Tally) {
    cell(tally.packets)
    cell(tally.octets)
  }

  /// `12.3`: hundredths of `whole`; nothing where that is 0.
  mutating func cell(percentageOf whole: UInt64, _ part: UInt64) {
    if whole > 0 { cells.out.write(tenths: Double(part) / Double(whole) * 100) }
    endCell()
  }

  /// Nanoseconds as seconds, to the microsecond.
  mutating func cell(nanoseconds: Int128) {
    cells.out.write(seconds: nanoseconds)
    endCell()
  }

  /// Cells with nothing in them.
  mutating func blanks(_ count: Int) {
    for _ in 0..<count { endCell() }
  }

  /// Ends the row, with a bar of so much of its full length after all columns.
  mutating func endRow(bar share: Double? = nil) {
    if share != nil { blanks(max(0, columns.count - ends.count)) }
    defer {
      cells.out.removeAll()
      ends.removeAll(keepingCapacity: true)
    }
    var start = 0
    if isMeasuring {
      for (index, end) in ends.enumerated() where index < widths.count {
        widths[index] = max(widths[index], end - start)
        start = end
      }
      return
    }
    var blanks = 0
    for (index, end) in ends.enumerated() where index < widths.count {
      let padding = widths[index] - (end - start)
      if !columns[index].isWords { blanks += padding }
      if end > start {
        text.write(repeating: UInt8(ascii: " "), count: blanks)
        blanks = 0
        text.write(start..<end, of: cells.out)
      }
      blanks += (columns[index].isWords ? padding : 0) + 2
      start = end
    }
    if let share { writeBar(share, behind: blanks) }
    text.write("\n")
    flush()
  }

  /// The longest bar, in characters, and the shortest for which there must be room.
  private static let barLengths = 8...40

  private mutating func writeBar(_ share: Double, behind blanks: Int) {
    guard let width = style.width else { return }
    let room = width - widths.reduce(0) { $0 + $1 + 2 }
    guard room >= Self.barLengths.lowerBound, share > 0 else { return }
    let length = min(1, share) * Double(min(room, Self.barLengths.upperBound))
    text.write(repeating: UInt8(ascii: " "), count: blanks)
    guard style.hasBlocks else { return text.write(repeating: UInt8(ascii: "#"), count: max(1, Int(length.rounded()))) }
    let eighths = max(1, Int((length * 8).rounded()))
    for _ in 0..<eighths / 8 { text.write("\u{2588}") }
    // U+2589 … U+258F are seven eighths to one eighth of a block.
    if eighths % 8 > 0, let block = Unicode.Scalar(UInt32(0x2590 - eighths % 8)) { text.write(String(block)) }
  }
}

extension TextBuffer {
  /// A part of what another buffer holds.
  fileprivate mutating func write(_ range: Range<Int>, of other: borrowing TextBuffer) {
    write(other.bytes.extracting(range))
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
