/// A column of a table, by its title.
struct TableColumn {
  /// The title in a pipe or a file.
  let title: StaticString
  /// The title on a terminal, where columns beside it may be missing.
  let terminalTitle: StaticString
  /// Set to the left, and shortened where the table is too wide.
  let isWords: Bool
  /// Columns of the highest rank go first where a terminal has no room for them, all of a rank together; those of rank 0 stay.
  var rank: Int
  /// Only terminals have the column: the form of tables in pipes does not change.
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

  /// A column of numbers that only terminals have.
  static func terminalNumber(_ title: StaticString, rank: Int) -> TableColumn {
    TableColumn(title, nil, rank, isWords: false, isForTerminals: true)
  }
}

/// Which columns of a table are shown, and how wide each is.
struct TableLayout {
  /// By column; nil for one that is left out.
  private(set) var widths: [Int?]
  private let columns: [TableColumn]

  /// The narrowest terminal that tables are fitted to.
  static let minimumWidth = 60
  /// Blanks between two columns.
  static let gap = 2
  /// Words are shortened to this many characters before columns of rank 1 are left out, and to the other one afterwards.
  private static let readableWords = 16
  private static let shortestWords = 6

  /// `natural` are the widths of what is in the columns, `width` is that of the terminal: nil where there is none, and nothing is fitted.
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

  /// Characters of a row.
  var total: Int {
    let shown = widths.compactMap(\.self)
    return shown.reduce(0, +) + Self.gap * max(0, shown.count - 1)
  }

  /// Leaves out columns of that rank or a higher one, the highest first.
  private mutating func drop(downTo lowest: Int, until room: Int) {
    while total > room {
      let shown = columns.indices.filter { widths[$0] != nil }
      guard let rank = shown.map({ columns[$0].rank }).max(), rank >= lowest else { return }
      for index in shown where columns[index].rank == rank { widths[index] = nil }
    }
  }

  /// Takes what is too much from the widest columns of words.
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
