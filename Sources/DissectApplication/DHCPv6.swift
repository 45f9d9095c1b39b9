package import Dissect
import PacketCore

extension Dissector {
  /// Dynamic Host Configuration Protocol for IPv6, RFC 8415.
  package static let dhcp6 = Dissector(
    name: "dhcp6", claims: [.udpPort(546), .udpPort(547)], layers: [.dhcpv6], standsAlone: true
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    try printer.printDHCPv6(bytes)
  }
}

private enum MessageType {
  static let relayForward: UInt8 = 12
  static let relayReply: UInt8 = 13
  static let names: ValueNames = [
    1: "solicit", 2: "advertise", 3: "request", 4: "confirm", 5: "renew", 6: "rebind", 7: "reply", 8: "release",
    9: "decline", 10: "reconfigure", 11: "inf-req", 12: "relay-fwd", 13: "relay-reply", 14: "leasequery",
    15: "leasequery-reply",
  ]
}

/// The maximum nesting depth of messages and options that is parsed.
private let maximumNesting = 16

extension Printer {
  ///     client, server:  0 type  1 transaction identifier (3 bytes)  4 options
  ///     relay:           0 type  1 hop count  2 link address  18 peer address  34 options
  mutating func printDHCPv6(_ bytes: PacketBytes, nesting: Int = 0) throws(DecodeError) {
    out.write("dhcp6")
    if nesting == 0 { _ = enter(.dhcpv6) }
    if wantsLayersAlone { return }
    let type = try bytes.u8(at: 0)
    if writesFields { fields.write("type", type, "type_name", MessageType.names) }
    let isRelay = type == MessageType.relayForward || type == MessageType.relayReply
    let headerLength = isRelay ? 34 : 4
    // Type and transaction identifier are read as one word, so all four bytes must be there; the same holds for a relay's header.
    try bytes.check(0, 4)
    write(" ", type, as: .named(MessageType.names, unknown: .decimal("msgtype-")))
    guard options.verbosity > 0 else { return }
    out.write(" (")
    if isRelay {
      let link = try bytes.ipv6(at: 2)
      if writesFields {
        fields.write("hop_count", try bytes.u8(at: 1))
        fields.write("link_address", link)
      }
      write("linkaddr=", link)
      let peer = try bytes.ipv6(at: 18)
      write(" peeraddr=", "peer_address", peer)
    } else {
      if writesFields { fields.write("transaction_id", try bytes.u24(at: 1)) }
      out.write("xid=")
      out.write(hex: try bytes.u24(at: 1))
    }
    try printDHCPv6Options(bytes, from: headerLength, nesting: nesting)
    out.write(")")
  }

  ///     0      2        4
  ///     +------+--------+------
  ///     | code | length | data      (RFC 8415 section 21.1)
  ///     +------+--------+------
  mutating func printDHCPv6Options(_ bytes: PacketBytes, from start: Int, nesting: Int) throws(DecodeError) {
    guard nesting <= maximumNesting else {
      writeFault(" [nested too deep]")
      return
    }
    // An option that was not captured whole is not printed.
    let captured = bytes.clamped(to: min(bytes.count, bytes.length))
    let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, shortHeader: .endsList)
    var list = openList(captured, at: start, layout, array: "options")
    while let option = try next(&list) {
      if option.isTooLong { return writeTruncation() }
      let code = UInt16(truncatingIfNeeded: option.type)
      write(" (", code, as: .named(DHCPv6Option.names, unknown: .decimal("opt_")))
      if writesFields {
        fields.beginObject()
        fields.write("code", code, "name", DHCPv6Option.names)
        fields.write("length", option.length)
      }
      if try !printDHCPv6Option(code, option.value, nesting: nesting) { return }
    }
    if list.remaining > 0 { writeTruncation() }
  }

  /// A relayed message.
  mutating func printRelayedMessage(_ data: PacketBytes, nesting: Int) throws(DecodeError) {
    out.write(" (")
    let saved = protocolName
    let level = fields.level
    if writesFields { fields.beginObject("relayed_message") }
    if nesting >= maximumNesting {
      writeFault("dhcp6 [nested too deep]")
    } else {
      do throws(DecodeError) {
        try printDHCPv6(data, nesting: nesting &+ 1)
      } catch .truncated {
        if data.count < data.length { throw .truncated }
        writeTruncation()
      }
    }
    fields.end(downTo: level)
    protocolName = saved
    out.write(")")
  }
}
