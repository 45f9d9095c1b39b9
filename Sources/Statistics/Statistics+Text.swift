import Dissect
import PacketCore
import Protocols

extension Statistics {
  /// Writes the counts as tables, after a blank line if other tables precede them; returns the `errno` of a failed write.
  public func writeTables(_ style: TableStyle, isContinued: Bool, to destination: ReportDestination) -> CInt? {
    var writer = tables(style, isContinued: isContinued, nil, destination)
    writer.flush(all: true)
    return writer.failure
  }

  /// The tables as text.
  public func tables(_ style: TableStyle = TableStyle()) -> String {
    tables(style, isContinued: false, nil, .memory).text.string
  }

  /// The tables for a terminal, with the rates since the snapshot next to the totals. `seconds` have passed since then; with
  /// `byPacketTimes` the elapsed time is taken from packet times instead.
  public func tables(_ style: TableStyle, secondsSinceSnapshot seconds: Double, byPacketTimes: Bool = false) -> String {
    let recent = recentRates(after: seconds, byPacketTimes: byPacketTimes)
    return tables(style, isContinued: false, recent, .memory).text.string
  }

  private func tables(
    _ style: TableStyle, isContinued: Bool, _ recent: RecentRates?, _ destination: ReportDestination
  ) -> ReportWriter {
    var options = settings.printing
    switch options.timestamp {
    case .utc, .rfc3339, .epoch: break
    case .time, .none, .sincePrevious, .sinceFirst, .date: options.timestamp = .date
    }
    var writer = ReportWriter(options, style, recent, destination)
    if isContinued { writer.text.write("\n") }
    if writer.isForTerminal { writeTotalForTerminal(&writer) } else { writeTotal(&writer) }
    for kind in settings.kinds {
      writer.text.write("\n")
      switch kind {
      case .protocols: writeProtocols(&writer)
      case .conversations: writeConversations(&writer)
      case .endpoints: writeEndpoints(&writer)
      case .ports: writePorts(&writer)
      case .processes: writePrograms(&writer)
      case .sizes: writeSizes(&writer)
      case .rate: writeRate(&writer)
      }
    }
    return writer
  }

  /// The number of rows in tables of unlimited length, unless another one is requested.
  static var defaultRows: Int { 20 }

  private func writeTotal(_ writer: inout ReportWriter) {
    writer.text.write(total.packets, "packet")
    writer.text.write(", ")
    writer.text.write(total.octets, "byte")
    if let times {
      writer.text.write(", ")
      writer.text.write(seconds: times.duration)
      writer.text.write(" s from \(writer.time(times.first)) to \(writer.time(times.last))")
    }
    writer.text.write("\n")
  }

  private func writeTotalForTerminal(_ writer: inout ReportWriter) {
    var text = TextBuffer(capacity: 256)
    text.write(grouped: total.packets)
    text.write(total.packets == 1 ? " packet, " : " packets, ")
    text.write(bytes: total.octets)
    var parts = [text.string]
    if let times {
      text.removeAll()
      text.write(duration: times.duration)
      if times.duration > 0 {
        text.write(", ")
        text.write(
          bitsPerSecond: Double((total - (rate?.timeless ?? Tally())).octets) * 8 / (Double(times.duration) / 1e9))
      }
      parts[0] += ", " + text.string
      let (first, last) = ("from \(writer.time(times.first))", "to \(writer.time(times.last))")
      parts += writer.fits("\(first) \(last)") ? ["\(first) \(last)"] : [first, last]
    }
    writer.writeLine(parts)
    guard let recent = writer.recent else { return }
    let rates = recent.rates(total, since: recent.snapshot.total)
    text.removeAll()
    text.write("now ")
    text.write(packetsPerSecond: rates.packets)
    text.write(" packets/s, ")
    text.write(bitsPerSecond: rates.bits)
    writer.writeLine([text.string])
  }

  // MARK: Protocols

  private func writeProtocols(_ writer: inout ReportWriter) {
    guard let protocols = protocols?.summed else { return }
    let key = settings.sortKey(of: .protocols)
    writer.table([.words("protocol")] + writer.shareColumns) { writer in
      // The nodes still to be written, the next one last.
      var open = protocols.children(of: 0, by: key).reversed().map { (node: $0, depth: 0) }
      while let (node, depth) = open.popLast() {
        let tally = protocols.nodes[node].tally
        writer.cells.out.write(repeating: UInt8(ascii: " "), count: 2 * depth)
        writer.cell(protocols.nodes[node].name)
        writer.shares(tally, of: total, \.protocols, row: node)
        writer.endRow(bar: tally.octets.share(of: total.octets))
        open += protocols.children(of: node, by: key).reversed().map { ($0, depth + 1) }
      }
      if protocols.unknown.packets > 0 {
        writer.cell("unknown")
        writer.shares(protocols.unknown, of: total)
        writer.endRow(bar: protocols.unknown.octets.share(of: total.octets))
      }
    }
    if protocols.cut.packets > 0 {
      let packets = "\(protocols.cut.packets) packet\(protocols.cut.packets == 1 ? "" : "s")"
      writer.writeLine(
        "the table is limited to \(protocols.limit) rows: inner headers of \(packets) have no row and count in the enclosing one"
      )
    }
  }

  // MARK: Conversations and endpoints

  private func writeConversations(_ writer: inout ReportWriter) {
    guard let conversations else { return }
    let table = conversations.table
    let key = settings.sortKey(of: .conversations)
    let shown = conversations.rows(settings.top ?? Self.defaultRows, by: key)
    let more = shown.reduce(total - conversations.others) { $0 - table[$1].total }
    let start = times?.first ?? 0
    // The column that the rows are sorted by is never left out.
    var columns: [TableColumn] = [
      .words("conversation", onTerminal: "proto"), .words("A"), .words("B"), .number("packets"),
      .number("bytes"),
    ]
    columns += writer.recentColumns
    columns += [
      .number("A>B packets", rank: 7), .number("bytes", onTerminal: "A>B bytes", rank: 5),
      .number("B>A packets", rank: 7), .number("bytes", onTerminal: "B>A bytes", rank: 5),
      .number("start s", onTerminal: "start", rank: key == .start ? 0 : 6),
      .number("duration s", onTerminal: "duration", rank: key == .duration ? 0 : 4),
      .terminalNumber("rate", rank: key == .rate ? 0 : 3),
    ]
    writer.table(columns) { writer in
      for row in shown {
        let key = table.rows[row].key
        let conversation = table[row]
        writer.writeProtocol(key)
        writer.writeEndpoint(key, isHigh: conversation.isReverse)
        writer.writeEndpoint(key, isHigh: !conversation.isReverse)
        writer.cells(conversation.total)
        writer.recent(conversation.total, \.conversations, row: row)
        writer.cells(conversation.fromA)
        writer.cells(conversation.fromB)
        if let times = conversation.times {
          writer.cell(nanoseconds: times.first &- start)
          writer.cell(nanoseconds: times.duration)
        } else {
          writer.blanks(2)
        }
        writer.cell(bitsPerSecond: conversation.bitsPerSecond)
        writer.endRow(bar: conversation.total.octets.share(of: total.octets))
      }
      writer.writeRest(table.rows.count - shown.count, blanks: 2, more, total)
      writer.writeOthers(blanks: 2, conversations.others, total)
    }
    writer.explainOthers(conversations.others, limit: table.limit)
  }

  private func writeEndpoints(_ writer: inout ReportWriter) {
    guard let endpoints else { return }
    let table = endpoints.table
    let shown = endpoints.rows(settings.top ?? Self.defaultRows, by: settings.sortKey(of: .endpoints))
    let more = shown.reduce(endpoints.sum(total) - endpoints.others.total) { $0 - table[$1].total }
    writer.table([.words("endpoint")] + writer.columnsOfBothWays) { writer in
      for row in shown {
        let key = table.rows[row].key
        writer.writeAddress(key.address, key.family)
        writer.endCell()
        writer.bothWays(table[row], \.endpoints, row: row)
        writer.endRow(bar: table[row].total.octets.share(of: total.octets))
      }
      writer.writeRest(table.rows.count - shown.count, blanks: 0, more, total)
      writer.writeOthers(blanks: 0, endpoints.others.total, total)
    }
    writer.explainOthers(endpoints.others.total, limit: table.limit)
  }

  private func writePorts(_ writer: inout ReportWriter) {
    guard let ports else { return }
    let table = ports.table
    let shown = ports.rows(settings.top ?? Self.defaultRows, by: settings.sortKey(of: .ports))
    let more = shown.reduce(ports.sum(total) - ports.others.total) { $0 - table[$1].total }
    let hasNames = settings.printing.numeric == 0
    let columns: [TableColumn] = [.words("protocol", onTerminal: "proto"), .number("port")]
    writer.table(columns + (hasNames ? [.words("service")] : []) + writer.columnsOfBothWays) { writer in
      for row in shown {
        let key = table.rows[row].key
        writer.cells.out.write(ipProtocol: key.protocolNumber)
        writer.endCell()
        writer.cells.out.write(decimal: key.port)
        writer.endCell()
        if hasNames { writer.writeService(key) }
        writer.bothWays(table[row], \.ports, row: row)
        writer.endRow(bar: table[row].total.octets.share(of: total.octets))
      }
      let blanks = hasNames ? 2 : 1
      writer.writeRest(table.rows.count - shown.count, blanks: blanks, more, total)
      writer.writeOthers(blanks: blanks, ports.others.total, total)
      if ports.withoutPorts.packets > 0 {
        writer.cell("(no ports)")
        writer.blanks(blanks)
        writer.cells(ports.withoutPorts)
        writer.endRow(bar: ports.withoutPorts.octets.share(of: total.octets), in: .dim)
      }
    }
    writer.explainOthers(ports.others.total, limit: table.limit)
  }

  // MARK: Sizes

  private func writeSizes(_ writer: inout ReportWriter) {
    guard let sizes else { return }
    writer.table([.words("size")] + writer.shareColumns) { writer in
      for index in 0..<sizes.shown {
        let tally = sizes.classes[index]
        writer.cells.out.write(decimal: Sizes.bounds[index])
        if let last = Sizes.last(index) {
          writer.cells.out.write("-")
          writer.cells.out.write(decimal: last)
        } else {
          writer.cells.out.write("+")
        }
        writer.endCell()
        writer.shares(tally, of: total, \.sizes, row: index)
        writer.endRow(bar: tally.packets.share(of: total.packets), in: tally.packets == 0 ? .dim : nil)
      }
    }
    guard total.packets > 0 else { return }
    var text = TextBuffer(capacity: 256)
    text.write("bytes: minimum ")
    writer.write(sizes.minimum, to: &text)
    text.write(", mean ")
    text.write(tenths: Double(total.octets) / Double(total.packets))
    text.write(", maximum ")
    writer.write(sizes.maximum, to: &text)
    writer.writeLine(text.string)
  }

  // MARK: Rate

  /// The maximum number of consecutive intervals without packets that are shown one by one; more are combined in one row.
  private static var shownGap: Int128 { 5 }

  private func writeRate(_ writer: inout ReportWriter) {
    guard let rate = rate?.presentable(times) else { return }
    let intervals = rate.intervals
    let peak = intervals.map(\.tally.octets).max() ?? 0
    let seconds = Double(rate.interval) / 1e9
    let columns: [TableColumn] = [
      .words("interval"), .number("packets"), .number("bytes"),
      .number("bit/s", onTerminal: "rate"),
    ]
    writer.table(columns) { writer in
      func write(_ number: Int128, _ tally: Tally, _ writer: inout ReportWriter) {
        writer.cells.write(time: Timestamp(sinceEpoch: rate.start(number)))
        writer.endCell()
        writer.cells(tally)
        writer.cell(bitsPerSecond: Double(tally.octets) * 8 / seconds)
        writer.endRow(bar: tally.octets.share(of: peak), in: tally.packets == 0 ? .dim : nil)
      }
      var next = intervals.first?.number ?? 0
      for (number, tally) in intervals {
        let gap = number &- next
        if gap > Self.shownGap {
          writer.cells.out.write("(\(gap) without packets)")
          writer.endCell()
          writer.endRow(in: .dim)
        } else if gap > 0 {
          while next < number {
            write(next, Tally(), &writer)
            next &+= 1
          }
        }
        write(number, tally, &writer)
        next = number &+ 1
      }
      if rate.others.packets > 0 { writer.writeOthers(blanks: 0, rate.others, total) }
      if rate.timeless.packets > 0 {
        writer.cell("(no time)")
        writer.cells(rate.timeless)
        writer.endRow(bar: rate.timeless.octets.share(of: peak))
      }
    }
    writer.explainOthers(rate.others, limit: settings.maximumRows)
    guard let times else { return }
    let count = Double(rate.count(times))
    let timed = total - rate.timeless
    var text = TextBuffer(capacity: 256)
    text.write("per ")
    text.write(interval: rate.interval)
    text.write(": mean ")
    text.write(tenths: Double(timed.packets) / count)
    text.write(" packets, ")
    writer.write(meanBytes: Double(timed.octets) / count, to: &text)
    text.write("; peak ")
    let packets = intervals.map(\.tally.packets).max() ?? 0
    writer.write(packets, to: &text)
    text.write(packets == 1 ? " packet, " : " packets, ")
    writer.write(bytes: peak, to: &text)
    writer.writeLine(text.string)
  }
}

extension UInt64 {
  /// A fraction from 0 to 1.
  func share(of whole: UInt64) -> Double { whole > 0 ? Double(self) / Double(whole) : 0 }
}
