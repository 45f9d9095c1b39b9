import Dissect
import PacketCore
import Protocols

extension Statistics {
  /// Writes what has been counted as tables, after a blank line where others stand before them; gives the `errno` of a write that has
  /// failed.
  public func writeTables(_ style: TableStyle, isContinued: Bool, to destination: ReportDestination) -> CInt? {
    var writer = tables(style, isContinued: isContinued, destination)
    writer.flush(all: true)
    return writer.failure
  }

  /// The tables as text.
  public func tables(_ style: TableStyle = TableStyle()) -> String {
    tables(style, isContinued: false, .memory).text.string
  }

  private func tables(_ style: TableStyle, isContinued: Bool, _ destination: ReportDestination) -> ReportWriter {
    var options = settings.printing
    switch options.timestamp {
    case .utc, .rfc3339, .epoch: break
    case .time, .none, .sincePrevious, .sinceFirst, .date: options.timestamp = .date
    }
    var writer = ReportWriter(options, style, destination)
    if isContinued { writer.text.write("\n") }
    writeTotal(&writer)
    for kind in settings.kinds {
      writer.text.write("\n")
      switch kind {
      case .protocols: writeProtocols(&writer)
      case .conversations: writeConversations(&writer)
      case .endpoints: writeEndpoints(&writer)
      case .sizes: writeSizes(&writer)
      case .rate: writeRate(&writer)
      }
    }
    return writer
  }

  /// Rows of tables that may have any number, where nothing else is requested.
  private static var defaultRows: Int { 20 }

  private func writeTotal(_ writer: inout ReportWriter) {
    writer.text.write(total.packets, "packet")
    writer.text.write(", ")
    writer.text.write(total.octets, "byte")
    if let times {
      writer.text.write(", ")
      writer.text.write(seconds: times.duration)
      writer.text.write(" s from ")
      writer.writeTime(times.first)
      writer.text.write(" to ")
      writer.writeTime(times.last)
    }
    writer.text.write("\n")
  }

  // MARK: Protocols

  private func writeProtocols(_ writer: inout ReportWriter) {
    guard let protocols = protocols?.summed else { return }
    writer.table([.words("protocol"), .number("packets"), .number("%"), .number("bytes"), .number("%")]) { writer in
      // The nodes that are still to be written, the next one last.
      var open = protocols.children(of: 0).reversed().map { (node: $0, depth: 0) }
      while let (node, depth) = open.popLast() {
        writer.cells.out.write(repeating: UInt8(ascii: " "), count: 2 * depth)
        writeShares(
          protocols.nodes[node].layer.flatMap { Registry.shared[$0] }?.name ?? "", protocols.nodes[node].tally, &writer)
        open += protocols.children(of: node).reversed().map { ($0, depth + 1) }
      }
      if protocols.unknown.packets > 0 { writeShares("unknown", protocols.unknown, &writer) }
    }
    if protocols.cut.packets > 0 {
      writer.text.write("the table is limited to \(protocols.limit) rows: inner headers of ")
      writer.text.write(protocols.cut.packets, "packet")
      writer.text.write(" have no row and count in the enclosing one\n")
    }
  }

  /// A row with the shares of all packets and octets.
  private func writeShares(_ name: StaticString, _ tally: Tally, _ writer: inout ReportWriter) {
    writer.cell(name)
    writer.cell(tally.packets)
    writer.cell(percentageOf: total.packets, tally.packets)
    writer.cell(tally.octets)
    writer.cell(percentageOf: total.octets, tally.octets)
    writer.endRow(bar: tally.octets.share(of: total.octets))
  }

  // MARK: Conversations and endpoints

  private func writeConversations(_ writer: inout ReportWriter) {
    guard let conversations else { return }
    let table = conversations.table
    let shown = table.largest(settings.top ?? Self.defaultRows) { $0.total.octets }
    let more = shown.reduce(total - conversations.others) { $0 - table[$1].total }
    let start = times?.first ?? 0
    writer.table([
      .words("conversation"), .words("A"), .words("B"), .number("packets"), .number("bytes"), .number("A>B packets"),
      .number("bytes"), .number("B>A packets"), .number("bytes"), .number("start s"), .number("duration s"),
    ]) { writer in
      for row in shown {
        let key = table.rows[row].key
        let conversation = table[row]
        writer.writeProtocol(key)
        writer.writeEndpoint(key, isHigh: conversation.isReverse)
        writer.writeEndpoint(key, isHigh: !conversation.isReverse)
        writer.cells(conversation.total)
        writer.cells(conversation.fromA)
        writer.cells(conversation.fromB)
        if let times = conversation.times {
          writer.cell(nanoseconds: times.first &- start)
          writer.cell(nanoseconds: times.duration)
        } else {
          writer.blanks(2)
        }
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
    let shown = table.largest(settings.top ?? Self.defaultRows) { $0.total.octets }
    let all = total + total
    let more = shown.reduce(all - endpoints.others.total) { $0 - table[$1].total }
    writer.table([
      .words("endpoint"), .number("packets"), .number("bytes"), .number("sent packets"), .number("bytes"),
      .number("received packets"), .number("bytes"),
    ]) { writer in
      for row in shown {
        let key = table.rows[row].key
        writer.writeAddress(key.address, key.family)
        writer.endCell()
        writer.cells(table[row].total)
        writer.cells(table[row].sent)
        writer.cells(table[row].received)
        writer.endRow(bar: table[row].total.octets.share(of: total.octets))
      }
      writer.writeRest(table.rows.count - shown.count, blanks: 0, more, total)
      writer.writeOthers(blanks: 0, endpoints.others.total, total)
    }
    writer.explainOthers(endpoints.others.total, limit: table.limit)
  }

  // MARK: Sizes

  private func writeSizes(_ writer: inout ReportWriter) {
    guard let sizes else { return }
    writer.table([.words("size"), .number("packets"), .number("%"), .number("bytes"), .number("%")]) { writer in
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
        writer.cell(tally.packets)
        writer.cell(percentageOf: total.packets, tally.packets)
        writer.cell(tally.octets)
        writer.cell(percentageOf: total.octets, tally.octets)
        writer.endRow(bar: tally.packets.share(of: total.packets))
      }
    }
    guard total.packets > 0 else { return }
    writer.text.write("bytes: minimum \(sizes.minimum), mean ")
    writer.text.write(tenths: Double(total.octets) / Double(total.packets))
    writer.text.write(", maximum \(sizes.maximum)\n")
  }

  // MARK: Rate

  /// Intervals without packets that are shown one by one; where there are more, one row stands for all of them.
  private static var shownGap: Int128 { 5 }

  private func writeRate(_ writer: inout ReportWriter) {
    guard let rate = rate?.presentable(times) else { return }
    let intervals = rate.intervals
    let peak = intervals.map(\.tally.octets).max() ?? 0
    let seconds = Double(rate.interval) / 1e9
    writer.table([.words("interval"), .number("packets"), .number("bytes"), .number("bit/s")]) { writer in
      func write(_ number: Int128, _ tally: Tally, _ writer: inout ReportWriter) {
        writer.cells.write(time: Timestamp(sinceEpoch: rate.start(number)))
        writer.endCell()
        writer.cells(tally)
        writer.cell(UInt64(exactly: (Double(tally.octets) * 8 / seconds).rounded()) ?? .max)
        writer.endRow(bar: tally.octets.share(of: peak))
      }
      var next = intervals.first?.number ?? 0
      for (number, tally) in intervals {
        let gap = number &- next
        if gap > Self.shownGap {
          writer.cells.out.write("(\(gap) without packets)")
          writer.endCell()
          writer.endRow()
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
    writer.text.write("per ")
    writer.writeLength(rate.interval)
    writer.text.write(": mean ")
    writer.text.write(tenths: Double((total - rate.timeless).packets) / count)
    writer.text.write(" packets, ")
    writer.text.write(tenths: Double((total - rate.timeless).octets) / count)
    writer.text.write(" bytes; peak ")
    writer.text.write(intervals.map(\.tally.packets).max() ?? 0, "packet")
    writer.text.write(", ")
    writer.text.write(peak, "byte")
    writer.text.write("\n")
  }
}

extension ReportWriter {
  /// A time, in nanoseconds since the epoch.
  fileprivate mutating func writeTime(_ time: Int128) {
    cells.out.removeAll()
    cells.write(time: Timestamp(sinceEpoch: time))
    text.write(contentsOf: cells.out)
    cells.out.removeAll()
  }

  /// The length of an interval: `10 ms`, `1 s`, `1 h`.
  fileprivate mutating func writeLength(_ nanoseconds: Int64) {
    let units: [(StaticString, Int64)] = [
      (" d", 86_400_000_000_000), (" h", 3_600_000_000_000), (" min", 60_000_000_000), (" s", 1_000_000_000),
      (" ms", 1_000_000), (" us", 1000), (" ns", 1),
    ]
    guard let (unit, length) = units.first(where: { nanoseconds % $0.1 == 0 }) else { return }
    text.write(decimal: nanoseconds / length)
    text.write(unit)
  }

  fileprivate mutating func writeProtocol(_ key: ConversationKey) {
    switch key.family {
    case .ipv4, .ipv6: cells.out.write(ipProtocol: key.protocolNumber)
    case .ethernet, .none: cells.out.write(Registry.shared[key.layer]?.name ?? "unknown")
    }
    endCell()
  }

  fileprivate mutating func writeEndpoint(_ key: ConversationKey, isHigh: Bool) {
    let endpoint = key.endpoint(isHigh: isHigh)
    writeAddress(endpoint.address, key.family)
    if let port = endpoint.port {
      cells.out.write(".")
      cells.write(port: port, ofProtocol: key.protocolNumber)
    }
    endCell()
  }

  fileprivate mutating func writeAddress(_ address: UInt128, _ family: PacketEndpoints.Family) {
    if family == .none { cells.out.write("(none)") } else { cells.write(address: address, of: family) }
  }

  /// The row of those that are not shown.
  fileprivate mutating func writeRest(_ count: Int, blanks: Int, _ tally: Tally, _ total: Tally) {
    guard count > 0 else { return }
    cells.out.write("(\(count) more)")
    endCell()
    self.blanks(blanks)
    cells(tally)
    endRow(bar: tally.octets.share(of: total.octets))
  }

  /// The row of those that were not kept.
  fileprivate mutating func writeOthers(blanks: Int, _ tally: Tally, _ total: Tally) {
    guard tally.packets > 0 else { return }
    cell("(others)")
    self.blanks(blanks)
    cells(tally)
    endRow(bar: tally.octets.share(of: total.octets))
  }

  fileprivate mutating func explainOthers(_ tally: Tally, limit: Int) {
    guard tally.packets > 0 else { return }
    text.write(
      "the table is limited to \(limit) rows: the list is incomplete, each row is exact, and (others) are ")
    text.write(tally.packets, "packet")
    text.write(" without a row\n")
  }
}

extension UInt64 {
  /// From 0 to 1.
  func share(of whole: UInt64) -> Double { whole > 0 ? Double(self) / Double(whole) : 0 }
}
