import PacketCore

/// Options of Neighbor Discovery (IANA "IPv6 Neighbor Discovery Option Formats").
private enum NeighborOption {
  static let sourceLinkAddress: UInt8 = 1
  static let targetLinkAddress: UInt8 = 2
  static let prefixInformation: UInt8 = 3
  static let redirectedHeader: UInt8 = 4
  static let maximumUnit: UInt8 = 5
  /// RFC 6275 sections 7.3 and 7.4.
  static let advertisementInterval: UInt8 = 7
  static let homeAgentInformation: UInt8 = 8
  /// RFC 3971 section 5.3.2.
  static let nonce: UInt8 = 14
  /// RFC 4191 section 2.3.
  static let routeInformation: UInt8 = 24
  /// RFC 8106 sections 5.1 and 5.2.
  static let recursiveServers: UInt8 = 25
  static let searchList: UInt8 = 31
  /// RFC 8781 section 4.
  static let pref64: UInt8 = 38

  static let names: ValueNames = [
    1: "source link-address", 2: "destination link-address", 3: "prefix info", 4: "redirected header", 5: "mtu",
    7: "advertisement interval", 8: "homeagent information", 14: "nonce", 24: "route info", 25: "rdnss", 31: "dnssl",
    38: "pref64",
  ]
}

private let routerFlags: FlagNames = [
  0x80: "managed", 0x40: "other stateful", 0x20: "home agent", 0x02: "ipv6 only",
]
private let neighborFlags: FlagNames = [0x80: "router", 0x40: "solicited", 0x20: "override"]
private let prefixFlags: FlagNames = [0x80: "onlink", 0x40: "auto", 0x20: "router"]
/// The prefix lengths that a PREF64 option can announce, by prefix length code.
private let pref64Lengths: ValueNames = [0: "96", 1: "64", 2: "56", 3: "48", 4: "40", 5: "32"]

extension Printer {
  ///     4 hop limit  5 flags  6 router lifetime  8 reachable time  12 retransmission timer  16 options
  /// RFC 4861 section 4.2; router preference: RFC 4191 section 2.2.
  mutating func printRouterAdvertisement(_ bytes: PacketBytes) throws(DecodeError) {
    guard options.verbosity > 0 else { return }
    try bytes.check(0, 16)
    out.write("\n\thop limit ")
    out.write(decimal: try bytes.u8(at: 4))
    let flags = try bytes.u8(at: 5)
    if writesFields {
      fields.write("hop_limit", try bytes.u8(at: 4))
      fields.write("managed", flags & 0x80 != 0)
      fields.write("other", flags & 0x40 != 0)
      fields.write("home_agent", flags & 0x20 != 0)
      fields.write("ipv6_only", flags & 0x02 != 0)
      recordPreference(flags)
      fields.write("router_lifetime", try bytes.u16(at: 6))
      fields.write("reachable_time", try bytes.u32(at: 8))
      fields.write("retransmission_timer", try bytes.u32(at: 12))
    }
    out.write(", Flags [")
    write(routerFlags, flags)
    out.write("], pref ")
    writePreference(flags)
    out.write(", router lifetime ")
    out.write(decimal: try bytes.u16(at: 6))
    out.write("s, reachable time ")
    out.write(decimal: try bytes.u32(at: 8))
    out.write("ms, retrans timer ")
    out.write(decimal: try bytes.u32(at: 12))
    out.write("ms")
    try printNeighborOptions(bytes, from: 16)
  }

  private mutating func recordPreference(_ flags: UInt8) {
    switch flags >> 3 & 3 {
    case 0: fields.write("router_preference", "medium")
    case 1: fields.write("router_preference", "high")
    case 3: fields.write("router_preference", "low")
    default: fields.write("router_preference", "reserved")
    }
  }

  /// The preference of a router or route, in bits 3 and 4.
  private mutating func writePreference(_ flags: UInt8) {
    switch flags >> 3 & 3 {
    case 0: out.write("medium")
    case 1: out.write("high")
    case 3: out.write("low")
    default: out.write("rsv")
    }
  }

  /// RFC 4861 section 4.4.
  mutating func printNeighborAdvertisement(_ bytes: PacketBytes) throws(DecodeError) {
    let target = try bytes.ipv6(at: 8)
    write(", tgt is ", target)
    guard options.verbosity > 0 else { return }
    out.write(", Flags [")
    write(neighborFlags, try bytes.u8(at: 4))
    out.write("]")
    try printNeighborOptions(bytes, from: 24)
  }

  /// Dynamic home agent address discovery reply, RFC 6275 section 6.6.
  mutating func printHomeAgentReply(_ bytes: PacketBytes) throws(DecodeError) {
    guard options.verbosity > 0 else { return }
    try writeMobilityIdentifier(bytes)
    var list = openList(bytes, at: 8, .elements(of: 16, lastIsCut: true), array: "agents")
    while let agent = try next(&list) { writeElement(", ", try agent.bytes.ipv6(at: 0)) }
  }

  /// The identifier that matches a reply to its request.
  mutating func writeMobilityIdentifier(_ bytes: PacketBytes) throws(DecodeError) {
    let identifier = try bytes.u16(at: 4)
    write(", id 0x", identifier, as: .hex(4))
  }

  /// Mobile prefix advertisement, RFC 6275 section 6.8.
  mutating func printPrefixAdvertisement(_ bytes: PacketBytes) throws(DecodeError) {
    guard options.verbosity > 0 else { return }
    try writeMobilityIdentifier(bytes)
    let flags = try bytes.u8(at: 6)
    if flags & 0xc0 != 0 { out.write(" ") }
    if flags & 0x80 != 0 { out.write("M") }
    if flags & 0x40 != 0 { out.write("O") }
    try printNeighborOptions(bytes, from: 8)
  }

  ///     0      1                     2
  ///     +------+---------------------+-------
  ///     | type | length in 8 octets  | value
  ///     +------+---------------------+-------
  mutating func printNeighborOptions(_ bytes: PacketBytes, from start: Int) throws(DecodeError) {
    let layout = OptionLayout(unit: 8, countsHeader: true)
    var list = openList(bytes.withLength(bytes.count), at: start, layout, array: "options")
    while let entry = try next(&list) {
      if entry.length == 0 { throw .truncated }
      let type = UInt8(truncatingIfNeeded: entry.type)
      let option = try entry.bytes.slice(at: 0, length: entry.size)
      if writesFields {
        fields.beginObject()
        fields.write("type", type)
        fields.write("length", entry.size)
      }
      write("\n\t  ", type, as: .named(NeighborOption.names, unknown: "unknown"))
      write(" option (", type)
      write("), length ", entry.size)
      write(" (", entry.length)
      out.write("): ")
      let isKnown = try printNeighborOption(type, option, units: entry.length, rest: entry.bytes)
      if options.verbosity > 1 {
        writeHex(try option.dropping(2), indent: "\n\t    ")
      } else if !isKnown {
        writeHex(try option.dropping(2), indent: "\n\t  ")
        return
      }
    }
  }

  /// Prints the value of one option; false if its type is unknown. `rest` is the message from this option to the end.
  private mutating func printNeighborOption(
    _ type: UInt8, _ option: PacketBytes, units: Int, rest: PacketBytes
  ) throws(DecodeError) -> Bool {
    switch type {
    case NeighborOption.sourceLinkAddress, NeighborOption.targetLinkAddress:
      if writesFields { recordLinkAddress("address", try option.dropping(2)) }
      try writeLinkAddress(try option.dropping(2))
    case NeighborOption.prefixInformation:
      // Read the prefix even from an option that is too short for it.
      let prefix = try rest.ipv6(at: 16)
      if writesFields {
        let flags = try option.u8(at: 3)
        fields.write("prefix", prefix)
        fields.write("prefix_length", try option.u8(at: 2))
        fields.write("on_link", flags & 0x80 != 0)
        fields.write("autonomous", flags & 0x40 != 0)
        fields.write("router_address", flags & 0x20 != 0)
        fields.write("valid_lifetime", try option.u32(at: 4))
        fields.write("preferred_lifetime", try option.u32(at: 8))
      }
      writeHost(prefix)
      out.write("/")
      out.write(decimal: try option.u8(at: 2))
      if units != 4 { writeFault("badlen") }
      out.write(", Flags [")
      write(prefixFlags, try option.u8(at: 3))
      out.write("], valid time ")
      writeLifetime(try option.u32(at: 4))
      out.write(", pref. time ")
      writeLifetime(try option.u32(at: 8))
    case NeighborOption.redirectedHeader:
      if writesFields { fields.write("data", hex: try option.dropping(2)) }
      writeHex(option, indent: "\n\t    ")
    case NeighborOption.maximumUnit:
      if writesFields { fields.write("mtu", try option.u32(at: 4)) }
      out.write(" ")
      out.write(decimal: try option.u32(at: 4))
      if units != 1 { writeFault("bad option length") }
    case NeighborOption.advertisementInterval:
      if writesFields { fields.write("interval", try option.u32(at: 4)) }
      out.write(" ")
      out.write(decimal: try option.u32(at: 4))
      out.write("ms")
    case NeighborOption.homeAgentInformation:
      if writesFields {
        fields.write("agent_preference", try option.u16(at: 4))
        fields.write("lifetime", try option.u16(at: 6))
      }
      out.write(" preference ")
      out.write(decimal: try option.u16(at: 4))
      out.write(", lifetime ")
      out.write(decimal: try option.u16(at: 6))
    case NeighborOption.nonce:
      if writesFields { fields.write("nonce", hex: try option.dropping(2)) }
      for offset in 2..<option.count {
        if offset > 2 { out.write(" ") }
        out.write(hex: try option.u8(at: offset), width: 2)
      }
    case NeighborOption.routeInformation: try printRouteInformation(option, units: units)
    case NeighborOption.recursiveServers:
      if writesFields {
        fields.write("lifetime", try option.u32(at: 4))
        fields.beginArray("addresses")
        for index in 0..<((units &- 1) / 2) { fields.element(try option.ipv6(at: 8 &+ index &* 16)) }
        fields.end()
      }
      out.write(" lifetime ")
      out.write(decimal: try option.u32(at: 4))
      out.write("s,")
      for index in 0..<((units &- 1) / 2) {
        out.write(" addr: ")
        writeHost(try option.ipv6(at: 8 &+ index &* 16))
      }
    case NeighborOption.searchList:
      out.write(" lifetime ")
      out.write(decimal: try option.u32(at: 4))
      out.write("s, domain(s):")
      if writesFields {
        fields.write("lifetime", try option.u32(at: 4))
        fields.beginArray("domains")
      }
      var offset = 8
      while offset < option.count, try option.u8(at: offset) != 0 {
        out.write(" ")
        offset = try writeDomainName(rest, at: offset)
        if writesFields { fields.elementDomainName() }
      }
    case NeighborOption.pref64:
      let scaled = try option.u16(at: 2)
      let upper = UInt128(try option.u64(at: 4)) << 64
      let prefix = upper | UInt128(try option.u32(at: 12)) << 32
      if writesFields {
        fields.write("prefix", IPv6Address(rawValue: prefix))
        fields.write("prefix_length_code", scaled & 7)
        fields.write("lifetime", scaled & 0xfff8)
      }
      writeHost(IPv6Address(rawValue: prefix))
      write("/", scaled & 7, as: .named(pref64Lengths, unknown: "??"))
      write(" (plc ", scaled & 7)
      write("), lifetime ", scaled & 0xfff8)
      out.write("s")
    default:
      if writesFields { fields.write("data", hex: try option.dropping(2)) }
      return false
    }
    return true
  }

  private mutating func printRouteInformation(_ option: PacketBytes, units: Int) throws(DecodeError) {
    var prefix: UInt128 = 0
    if units > 3 { throw .truncated }
    if units == 3 {
      prefix = try option.ipv6(at: 8).rawValue
    } else if units == 2 {
      prefix = UInt128(try option.u64(at: 8)) << 64
    }
    if writesFields {
      fields.write("prefix", IPv6Address(rawValue: prefix))
      fields.write("prefix_length", try option.u8(at: 2))
      recordPreference(try option.u8(at: 3))
      fields.write("lifetime", try option.u32(at: 4))
    }
    write(" ", IPv6Address(rawValue: prefix))
    out.write("/")
    out.write(decimal: try option.u8(at: 2))
    out.write(", pref=")
    writePreference(try option.u8(at: 3))
    out.write(", lifetime=")
    writeLifetime(try option.u32(at: 4))
  }

  /// Seconds, or `infinity` if all bits are set.
  private mutating func writeLifetime(_ seconds: UInt32) {
    if seconds == UInt32.max {
      out.write("infinity")
    } else {
      out.write(decimal: seconds)
      out.write("s")
    }
  }
}
