/// A column of a table.
struct TableColumn {
  /// The title in a pipe or a file.
  let title: StaticString
  /// The title on a terminal, where neighbouring columns may be missing.
  let terminalTitle: StaticString
  /// Aligned left, and shortened if the table is too wide.
  let isWords: Bool
  /// If a terminal is too narrow, columns of the highest rank are left out first, all of one rank together; those of rank 0 stay.
  var rank: Int
  /// Only shown on terminals: the format of tables in pipes does not change.
  let isForTerminals: Bool

  private init(_ title: StaticString, _ terminalTitle: StaticString?, _ rank: Int, isWords: Bool, isForTerminals: Bool)
  {
    self.title = title
    self.terminalTitle = terminalTitle ?? title
    self.rank = rank
    self.isWords = isWords
    self.isForTerminals = isForTerminals
  }

  static func words(_ title: StaticString, onTerminal terminalTitle: StaticString? = nil, rank: Int = 0) -> TableColumn
  {
    TableColumn(title, terminalTitle, rank, isWords: true, isForTerminals: false)
  }

  static func number(_ title: StaticString, onTerminal terminalTitle: StaticString? = nil, rank: Int = 0) -> TableColumn
  {
    TableColumn(title, terminalTitle, rank, isWords: false, isForTerminals: false)
  }

  /// A column of numbers that is only shown on terminals.
  static func terminalNumber(_ title: StaticString, rank: Int) -> TableColumn {
    TableColumn(title, nil, rank, isWords: false, isForTerminals: true)
  }
}

/// Which columns of a table are shown, and how wide each is.
struct TableLayout {
  /// By column; nil if it is left out.
  private(set) var widths: [Int?]
  private let columns: [TableColumn]

  /// The narrowest terminal width that tables are fitted to.
  static let minimumWidth = 60
  /// Blanks between two columns.
  static let gap = 2
  /// Words are shortened to `readableWords` characters before columns of rank 1 are left out, and to `shortestWords` afterwards.
  private static let readableWords = 16
  private static let shortestWords = 6

  /// `natural` are the widths of the columns' contents, `width` is that of the terminal: nil without one, and nothing is fitted.
  init(_ columns: [TableColumn], natural: [Int], width: Int?) {
    self.columns = columns
    widths = zip(columns, natural).map { width == nil && $0.isForTerminals ? nil : $1 }
    guard let width else { return }
    let room = max(width, Self.minimumWidth)
    drop(downTo: 2, until: room)
    guard total > room else { return }
    let whole = widths
    shorten(to: Self.readableWords, until: room)
    guard total > room else { return }
    widths = whole
    drop(downTo: 1, until: room)
    shorten(to: Self.shortestWords, until: room)
  }

  /// The width of a row in characters.
  var total: Int {
    let shown = widths.compactMap(\.self)
    return shown.reduce(0, +) + Self.gap * max(0, shown.count - 1)
  }

  /// Leaves out columns with at least that rank, the highest ranks first.
  private mutating func drop(downTo lowest: Int, until room: Int) {
    while total > room {
      let shown = columns.indices.filter { widths[$0] != nil }
      guard let rank = shown.map({ columns[$0].rank }).max(), rank >= lowest else { return }
      for index in shown where columns[index].rank == rank { widths[index] = nil }
    }
  }

  /// Shortens the widest columns of words until the row fits.
  private mutating func shorten(to shortest: Int, until room: Int) {
    for _ in 0..<max(0, total - room) {
      let words = columns.indices.filter { columns[$0].isWords }
      guard let widest = words.max(by: { (widths[$0] ?? 0) < (widths[$1] ?? 0) }), let width = widths[widest],
        width > shortest
      else { return }
      widths[widest] = width - 1
    }
  }
}
