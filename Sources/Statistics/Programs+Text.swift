import Dissect
import PacketCore

extension Statistics {
  /// The table of programs.
  func writePrograms(_ writer: inout ReportWriter) {
    guard let programs else { return }
    let table = programs.table
    let key = settings.sortKey(of: .processes)
    let shown = programs.rows(settings.top ?? Self.defaultRows, by: key)
    let more = shown.reduce(programs.sum - programs.others.total) { $0 - table[$1].traffic.total }
    // The column that the rows are sorted by is never left out.
    let connections = TableColumn.number("connections", rank: key == .connections ? 0 : 2)
    writer.table([.words("program"), connections] + writer.columnsOfBothWays) { writer in
      for row in shown {
        writer.write(program: table.rows[row].key)
        writer.cell(table[row].connections)
        writer.bothWays(table[row].traffic, \.programs, row: row)
        writer.endRow(bar: table[row].traffic.total.octets.share(of: total.octets))
      }
      writer.writeRest(table.rows.count - shown.count, blanks: 1, more, total)
      writer.writeOthers(blanks: 1, programs.others.total, total)
      if programs.unknown.packets > 0 {
        writer.cell("(unknown)")
        writer.blanks(1)
        writer.cells(programs.unknown)
        writer.endRow(bar: programs.unknown.octets.share(of: total.octets), in: .dim)
      }
    }
    writer.explainOthers(programs.others.total, limit: table.limit)
    guard programs.isMissingConnections else { return }
    writer.writeLine("connections are limited to \(settings.maximumRows): their counts are too low")
  }
}

extension ReportWriter {
  /// Writes the name of a program, or the number of a process without a known name.
  fileprivate mutating func write(program key: ProgramKey) {
    if key.name.isEmpty {
      cells.out.write("pid ")
      cells.out.write(decimal: key.process)
    }
    for index in 0..<key.name.count { cells.out.write(escaped: key.name[index]) }
    endCell()
  }
}
