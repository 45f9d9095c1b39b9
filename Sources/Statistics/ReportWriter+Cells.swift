import Dissect
import PacketCore
import Protocols

/// Columns that several tables share.
extension ReportWriter {
  /// The columns for rates since the previous report; empty if they are not wanted.
  var recentColumns: [TableColumn] {
    recent == nil ? [] : [.terminalNumber("now packets/s", rank: 5), .terminalNumber("now bit/s", rank: 1)]
  }

  /// The cells of `recentColumns` for a row of a table.
  mutating func recent(_ tally: Tally, _ table: (StatisticsSnapshot) -> [Tally], row: Int) {
    guard let recent else { return }
    let rates = recent.rates(tally, since: table(recent.snapshot), row: row)
    cells.out.write(packetsPerSecond: rates.packets)
    endCell()
    cell(bitsPerSecond: rates.bits)
  }

  /// The columns for packets and bytes, each with its share of the total.
  var shareColumns: [TableColumn] {
    [.number("packets"), .number("%", rank: 3), .number("bytes"), .number("%", rank: 2)]
      + recentColumns
  }

  /// The cells of `shareColumns`.
  mutating func shares(_ tally: Tally, of total: Tally) {
    cell(tally.packets)
    cell(percentageOf: total.packets, tally.packets)
    cell(bytes: tally.octets)
    cell(percentageOf: total.octets, tally.octets)
  }

  /// The cells of `shareColumns` for a row of a table.
  mutating func shares(
    _ tally: Tally, of total: Tally, _ table: (StatisticsSnapshot) -> [Tally], row: Int
  ) {
    shares(tally, of: total)
    recent(tally, table, row: row)
  }

  /// The columns for sent and received packets.
  var columnsOfBothWays: [TableColumn] {
    [.number("packets"), .number("bytes")] + recentColumns + [
      .number("sent packets", rank: 4), .number("bytes", onTerminal: "sent bytes", rank: 3),
      .number("received packets", rank: 4), .number("bytes", onTerminal: "received bytes", rank: 3),
    ]
  }

  /// The cells of `columnsOfBothWays`.
  mutating func bothWays(_ tallies: SentAndReceived, _ table: (StatisticsSnapshot) -> [Tally], row: Int) {
    cells(tallies.total)
    recent(tallies.total, table, row: row)
    cells(tallies.sent)
    cells(tallies.received)
  }

  // MARK: Numbers in sentences

  /// Writes a number, with separators on a terminal.
  func write(_ number: UInt64, to text: inout TextBuffer) {
    if isForTerminal { text.write(grouped: number) } else { text.write(decimal: number) }
  }

  /// Writes `3262 bytes`, or on a terminal in a suitable unit.
  func write(bytes: UInt64, to text: inout TextBuffer) {
    if isForTerminal { text.write(bytes: bytes) } else { text.write(bytes, "byte") }
  }

  /// The same for a mean value.
  func write(meanBytes bytes: Double, to text: inout TextBuffer) {
    if isForTerminal { return text.write(bytes: UInt64(exactly: bytes.rounded()) ?? .max) }
    text.write(tenths: bytes)
    text.write(" bytes")
  }

  /// The text for a time in nanoseconds since the epoch.
  mutating func time(_ time: Int128) -> String {
    cells.out.removeAll()
    defer { cells.out.removeAll() }
    cells.write(time: Timestamp(sinceEpoch: time))
    return cells.out.string
  }

  // MARK: Names

  mutating func writeProtocol(_ key: ConversationKey) {
    switch key.family {
    case .ipv4, .ipv6: cells.out.write(ipProtocol: key.protocolNumber)
    case .ethernet, .none: cells.out.write(Registry.shared[key.layer]?.name ?? "unknown")
    }
    endCell()
  }

  mutating func writeEndpoint(_ key: ConversationKey, isHigh: Bool) {
    let endpoint = key.endpoint(isHigh: isHigh)
    writeAddress(endpoint.address, key.family)
    if let port = endpoint.port {
      cells.out.write(".")
      cells.write(port: port, ofProtocol: key.protocolNumber)
    }
    endCell()
  }

  /// Writes the name of the service at a port; nothing if it has none.
  mutating func writeService(_ key: PortKey) {
    let start = cells.out.count
    cells.write(port: key.port, ofProtocol: key.protocolNumber)
    if cells.out.string(from: start) == String(key.port) { cells.out.truncate(to: start) }
    endCell()
  }

  mutating func writeAddress(_ address: UInt128, _ family: PacketEndpoints.Family) {
    if family == .none { cells.out.write("(none)") } else { cells.write(address: address, of: family) }
  }

  /// Writes the row for entries that are not shown.
  mutating func writeRest(_ count: Int, blanks: Int, _ tally: Tally, _ total: Tally) {
    guard count > 0 else { return }
    cells.out.write("(\(count) more)")
    endCell()
    self.blanks(blanks)
    cells(tally)
    endRow(bar: tally.octets.share(of: total.octets), in: .dim)
  }

  /// Writes the row for entries that were not kept.
  mutating func writeOthers(blanks: Int, _ tally: Tally, _ total: Tally) {
    guard tally.packets > 0 else { return }
    cell("(others)")
    self.blanks(blanks)
    cells(tally)
    endRow(bar: tally.octets.share(of: total.octets), in: .dim)
  }

  mutating func explainOthers(_ tally: Tally, limit: Int) {
    guard tally.packets > 0 else { return }
    let packets = "\(tally.packets) packet\(tally.packets == 1 ? "" : "s")"
    writeLine(
      "the table is limited to \(limit) rows: the list is incomplete, each row is exact, and (others) are \(packets) without a row"
    )
  }
}

extension TextBuffer {
  /// The text from an offset on.
  fileprivate func string(from start: Int) -> String {
    String(decoding: (start..<count).map { byte(at: $0) }, as: UTF8.self)
  }

  /// Writes packets per second as a whole number with separators, or with one decimal if there are few.
  mutating func write(packetsPerSecond rate: Double) {
    if rate < 10 { write(tenths: rate) } else { write(grouped: UInt64(exactly: rate.rounded()) ?? .max) }
  }

  /// Writes the length of an interval: `10 ms`, `1 s`, `1 h`.
  mutating func write(interval nanoseconds: Int64) {
    let units: [(StaticString, Int64)] = [
      (" d", 86_400_000_000_000), (" h", 3_600_000_000_000), (" min", 60_000_000_000), (" s", 1_000_000_000),
      (" ms", 1_000_000), (" us", 1000), (" ns", 1),
    ]
    guard let (unit, length) = units.first(where: { nanoseconds % $0.1 == 0 }) else { return }
    write(decimal: nanoseconds / length)
    write(unit)
  }
}
