import Dissect
public import PacketCore
import Protocols

/// The version of the object's format: it is incremented when a member changes its meaning or is removed.
let statisticsVersion: UInt8 = 1

extension Statistics {
  /// Writes the counts as a JSON object (RFC 8259) on its own line; returns the `errno` of a failed write. `occasion` is the reason for the
  /// report, `time` the time at which it is made. Times are in seconds since the epoch, and addresses are numeric.
  public func writeJSON(_ occasion: String, at time: Timestamp, to destination: ReportDestination) -> CInt? {
    var writer = JSONReport(destination)
    write(occasion, at: time, to: &writer)
    writer.flush(all: true)
    return writer.failure
  }

  /// The object as text.
  public func json(_ occasion: String = "end", at time: Timestamp) -> String {
    var writer = JSONReport(.memory)
    write(occasion, at: time, to: &writer)
    return writer.fields.json.string
  }

  private func write(_ occasion: String, at time: Timestamp, to writer: inout JSONReport) {
    writer.fields.beginObject()
    writer.fields.write("version", statisticsVersion)
    writer.fields.write("occasion", occasion)
    writer.fields.writeTimes(time)
    writer.write(total)
    if let times {
      writer.write("first", seconds: times.first)
      writer.write("last", seconds: times.last)
    }
    for kind in settings.kinds {
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
    writer.fields.end()
    writer.fields.json.write("\n")
  }

  private func writeProtocols(_ writer: inout JSONReport) {
    guard let protocols = protocols?.summed else { return }
    writer.fields.beginObject("protocols")
    writer.fields.beginArray("tree")
    // The recursion is as deep as the nested headers of a packet, which the printer limits.
    func write(childrenOf parent: Int, _ writer: inout JSONReport) {
      for node in protocols.children(of: parent, by: settings.sortKey(of: .protocols)) {
        writer.fields.beginObject()
        writer.fields.write("layer", protocols.nodes[node].layer.flatMap { Registry.shared[$0] }?.name ?? "")
        writer.write(protocols.nodes[node].tally)
        writer.fields.beginArray("inside")
        write(childrenOf: node, &writer)
        writer.fields.end()
        writer.fields.end()
        writer.flush()
      }
    }
    write(childrenOf: 0, &writer)
    writer.fields.end()
    writer.write("unknown", protocols.unknown)
    writer.fields.write("is_complete", protocols.cut.packets == 0)
    writer.fields.end()
  }

  private func writeConversations(_ writer: inout JSONReport) {
    guard let conversations else { return }
    let table = conversations.table
    let shown = conversations.rows(settings.top ?? .max, by: settings.sortKey(of: .conversations))
    let more = shown.reduce(total - conversations.others) { $0 - table[$1].total }
    writer.fields.beginObject("conversations")
    writer.fields.beginArray("rows")
    for row in shown {
      let key = table.rows[row].key
      let conversation = table[row]
      writer.fields.beginObject()
      writer.write("protocol", key)
      writer.write("a", key, isHigh: conversation.isReverse)
      writer.write("b", key, isHigh: !conversation.isReverse)
      writer.write("a_to_b", conversation.fromA)
      writer.write("b_to_a", conversation.fromB)
      if let times = conversation.times {
        writer.write("first", seconds: times.first)
        writer.write("last", seconds: times.last)
      }
      writer.fields.end()
      writer.flush()
    }
    writer.fields.end()
    writer.writeRest(table.rows.count, shown.count, more, conversations.others)
    writer.fields.end()
  }

  private func writeEndpoints(_ writer: inout JSONReport) {
    guard let endpoints else { return }
    let table = endpoints.table
    let shown = endpoints.rows(settings.top ?? .max, by: settings.sortKey(of: .endpoints))
    let more = shown.reduce(endpoints.sum(total) - endpoints.others.total) { $0 - table[$1].total }
    writer.fields.beginObject("endpoints")
    writer.fields.beginArray("rows")
    for row in shown {
      writer.fields.beginObject()
      writer.write("address", table.rows[row].key.address, table.rows[row].key.family)
      writer.write(table[row])
      writer.fields.end()
      writer.flush()
    }
    writer.fields.end()
    writer.writeRest(table.rows.count, shown.count, more, endpoints.others.total)
    writer.fields.end()
  }

  private func writePorts(_ writer: inout JSONReport) {
    guard let ports else { return }
    let table = ports.table
    let shown = ports.rows(settings.top ?? .max, by: settings.sortKey(of: .ports))
    let more = shown.reduce(ports.sum(total) - ports.others.total) { $0 - table[$1].total }
    writer.fields.beginObject("ports")
    writer.fields.beginArray("rows")
    for row in shown {
      writer.fields.beginObject()
      writer.fields.write(key: "protocol")
      writer.fields.json.write("\"")
      writer.fields.json.write(ipProtocol: table.rows[row].key.protocolNumber)
      writer.fields.json.write("\"")
      writer.fields.write("port", table.rows[row].key.port)
      writer.write(table[row])
      writer.fields.end()
      writer.flush()
    }
    writer.fields.end()
    writer.writeRest(table.rows.count, shown.count, more, ports.others.total)
    writer.write("without_ports", ports.withoutPorts)
    writer.fields.end()
  }

  private func writePrograms(_ writer: inout JSONReport) {
    guard let programs else { return }
    let table = programs.table
    let shown = programs.rows(settings.top ?? .max, by: settings.sortKey(of: .processes))
    let more = shown.reduce(programs.sum - programs.others.total) { $0 - table[$1].traffic.total }
    writer.fields.beginObject("processes")
    writer.fields.beginArray("rows")
    for row in shown {
      let key = table.rows[row].key
      writer.fields.beginObject()
      if key.name.isEmpty {
        writer.fields.write("pid", key.process)
      } else {
        writer.fields.write("comm", key.name.text)
      }
      writer.write(table[row].traffic)
      writer.fields.write("connections", table[row].connections)
      writer.fields.end()
      writer.flush()
    }
    writer.fields.end()
    writer.writeRest(table.rows.count, shown.count, more, programs.others.total)
    writer.write("unknown", programs.unknown)
    writer.fields.write("counts_all_connections", !programs.isMissingConnections)
    writer.fields.end()
  }

  private func writeSizes(_ writer: inout JSONReport) {
    guard let sizes else { return }
    writer.fields.beginObject("sizes")
    if total.packets > 0 {
      writer.fields.write("minimum", sizes.minimum)
      writer.fields.write("maximum", sizes.maximum)
      writer.fields.write(key: "mean")
      writer.fields.json.write("\(Double(total.octets) / Double(total.packets))")
    }
    writer.fields.beginArray("rows")
    for index in Sizes.bounds.indices {
      writer.fields.beginObject()
      writer.fields.write("from", Sizes.bounds[index])
      if let last = Sizes.last(index) { writer.fields.write("to", last) }
      writer.write(sizes.classes[index])
      writer.fields.end()
    }
    writer.fields.end()
    writer.fields.end()
  }

  private func writeRate(_ writer: inout JSONReport) {
    guard let rate = rate?.presentable(times) else { return }
    let intervals = rate.intervals
    writer.fields.beginObject("rate")
    writer.write("interval", seconds: Int128(rate.interval))
    if let times {
      let count = Double(rate.count(times))
      writer.fields.write("intervals", rate.count(times))
      writer.fields.write(key: "mean_packets")
      writer.fields.json.write("\(Double((total - rate.timeless).packets) / count)")
      writer.fields.write(key: "mean_octets")
      writer.fields.json.write("\(Double((total - rate.timeless).octets) / count)")
      writer.fields.write("peak_packets", intervals.map(\.tally.packets).max() ?? 0)
      writer.fields.write("peak_octets", intervals.map(\.tally.octets).max() ?? 0)
    }
    writer.fields.beginArray("rows")
    for (number, tally) in intervals {
      writer.fields.beginObject()
      writer.write("start", seconds: rate.start(number))
      writer.write(tally)
      writer.fields.end()
      writer.flush()
    }
    writer.fields.end()
    writer.write("others", rate.others)
    if rate.timeless.packets > 0 { writer.write("without_time", rate.timeless) }
    writer.fields.write("is_complete", rate.others.packets == 0)
    writer.fields.end()
  }
}

/// The JSON members of statistics, and their destination.
private struct JSONReport: ~Copyable {
  var fields = FieldWriter()
  private let destination: ReportDestination
  /// The `errno` after which nothing more is written out.
  private(set) var failure: CInt?

  init(_ destination: ReportDestination) { self.destination = destination }

  /// Writes out buffered text if there is much of it, or all of it if `all` is set.
  mutating func flush(all: Bool = false) {
    guard case .descriptor(let descriptor, let givesUp) = destination, all || fields.json.count >= 1 << 16 else {
      return
    }
    if failure == nil { failure = fields.json.flush(to: descriptor, givesUp: givesUp) }
    if failure != nil { fields.json.removeAll() }
  }

  /// Writes `packets` and `octets` into the open object.
  mutating func write(_ tally: Tally) {
    fields.write("packets", tally.packets)
    fields.write("octets", tally.octets)
  }

  mutating func write(_ key: StaticString, _ tally: Tally) {
    fields.beginObject(key)
    write(tally)
    fields.end()
  }

  /// Writes `sent`, `received`, and `total`, which counts packets to itself once.
  mutating func write(_ tallies: SentAndReceived) {
    write("sent", tallies.sent)
    write("received", tallies.received)
    write("total", tallies.total)
  }

  /// Writes nanoseconds as seconds with nine decimals.
  mutating func write(_ key: StaticString, seconds nanoseconds: Int128) {
    fields.write(key: key)
    if nanoseconds < 0 { fields.json.write("-") }
    fields.json.write(decimal: UInt64(clamping: nanoseconds.magnitude / 1_000_000_000))
    fields.json.write(".")
    fields.json.write(decimal: UInt64(clamping: nanoseconds.magnitude % 1_000_000_000), width: 9)
  }

  mutating func write(_ name: StaticString, _ key: ConversationKey) {
    fields.write(key: name)
    fields.json.write("\"")
    switch key.family {
    case .ipv4, .ipv6: fields.json.write(ipProtocol: key.protocolNumber)
    case .ethernet, .none: fields.json.write(Registry.shared[key.layer]?.name ?? "unknown")
    }
    fields.json.write("\"")
  }

  mutating func write(_ name: StaticString, _ key: ConversationKey, isHigh: Bool) {
    let endpoint = key.endpoint(isHigh: isHigh)
    fields.beginObject(name)
    write("address", endpoint.address, key.family)
    if let port = endpoint.port { fields.write("port", port) }
    fields.end()
  }

  /// Writes an address as a string in numeric form; null if there is none.
  mutating func write(_ name: StaticString, _ address: UInt128, _ family: PacketEndpoints.Family) {
    fields.write(key: name)
    guard family != .none else { return fields.json.write("null") }
    fields.json.write("\"")
    switch family {
    case .none: break
    case .ethernet: fields.json.write(MACAddress(rawValue: UInt64(truncatingIfNeeded: address)))
    case .ipv4: fields.json.write(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address)))
    case .ipv6: fields.json.write(IPv6Address(rawValue: address))
    }
    fields.json.write("\"")
  }

  /// Writes the number of rows, the sum of those that are not shown, and the packets that were counted without a row.
  mutating func writeRest(_ count: Int, _ shown: Int, _ more: Tally, _ others: Tally) {
    fields.write("count", UInt64(count))
    if shown < count { write("more", more) }
    write("others", others)
    fields.write("is_complete", others.packets == 0)
  }
}
