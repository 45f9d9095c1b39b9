import Dissect
import PacketCore

/// Neighbors and prefixes of IS-IS.

private let innerIndent: StaticString = "\n\t        "

///     0         1       2         3
///     +---------+-------+---------+-------+
///     | default | delay | expense | error |   ISO/IEC 10589 section 9.8: six bits of a metric
///     +---------+-------+---------+-------+
/// 0x40 marks an external metric. 0x80 marks an unsupported metric or, in the first metric of a prefix, the direction down.
private enum Metric {
  static let unsupported: UInt8 = 0x80
  static let external: UInt8 = 0x40
  static let value: UInt8 = 0x3f
}

extension Printer {
  /// `10, Internal`.
  private mutating func writeMetric(_ metric: UInt8) {
    out.write(decimal: metric & Metric.value)
    out.write(metric & Metric.external != 0 ? ", External" : ", Internal")
  }

  /// The three optional metrics at `offset`, if they are supported.
  private mutating func writeOptionalMetrics(
    _ bytes: PacketBytes, at offset: Int, indent: StaticString
  ) throws(DecodeError) {
    for index in 0..<3 {
      let metric = try bytes.u8(at: offset &+ index)
      if metric & Metric.unsupported != 0 { continue }
      out.write(indent)
      out.write(index == 0 ? "Delay Metric: " : index == 1 ? "Expense Metric: " : "Error Metric: ")
      writeMetric(metric)
    }
  }

  /// IS Reachability: whether links are virtual, then four metrics and the identifier of each neighbor.
  mutating func printNeighbors(_ value: PacketBytes) throws(DecodeError) {
    guard value.length > 0 else { return }
    let virtual = try value.u8(at: 0)
    switch virtual {
    case 0: out.write("\n\t      IsNotVirtual")
    case 1: out.write("\n\t      IsVirtual")
    default: write("\n\t      bogus virtual flag 0x", virtual, as: .hex(2))
    }
    var list = openList(value, at: 1, .elements(of: 11), objects: "neighbor_systems")
    while let element = try next(&list) { try printNeighbor(try element.wholeValue(), "\n\t      IS Neighbor: ", 7) }
  }

  mutating func printEndSystems(_ value: PacketBytes) throws(DecodeError) {
    var list = openList(value, .elements(of: 10), objects: "neighbor_systems")
    while let element = try next(&list) { try printNeighbor(try element.wholeValue(), "\n\t      ES Neighbor: ", 6) }
  }

  private mutating func printNeighbor(
    _ entry: PacketBytes, _ title: StaticString, _ idLength: Int
  ) throws(DecodeError) {
    let metric = try entry.u8(at: 0)
    try write(title, "system_id", systemID: try entry.slice(at: 4, length: idLength))
    if writesFields { fields.write("metric", metric & Metric.value) }
    out.write(", Default Metric: ")
    writeMetric(metric)
    try writeOptionalMetrics(entry, at: 1, indent: "\n\t\t  ")
  }

  /// Prefixes of OSI addresses, each preceded by its length in units of four bits.
  mutating func printPrefixNeighbors(_ value: PacketBytes) throws(DecodeError) {
    guard value.length >= 4 else { return }
    try value.check(0, 4)
    out.write("\n\t      Metric Block, Default Metric: ")
    writeMetric(try value.u8(at: 0))
    try writeOptionalMetrics(value, at: 1, indent: "\n\t\t  ")
    var offset = 4
    while offset < value.length {
      let units = Int(try value.u8(at: offset))
      if units < 2 {
        out.write("\n\t\tAddress: ")
        writeFault("prefix length ")
        out.write(decimal: units)
        out.write(" < 2")
        return
      }
      if value.length &- offset < 1 &+ units / 2 { return }
      let prefix = try value.slice(at: offset &+ 1, length: units / 2)
      out.write("\n\t\tAddress: ")
      try writeNSAP(prefix)
      write("/", units &* 4)
      offset &+= 1 &+ units / 2
    }
  }

  /// Extended IS Reachability (RFC 5305 section 3).
  mutating func printExtendedNeighbors(_ value: PacketBytes) throws(DecodeError) {
    try printNeighborEntries(value, hasMetric: true)
  }

  /// IS Alias ID (RFC 5311 section 4.3).
  mutating func printAliases(_ value: PacketBytes) throws(DecodeError) {
    try printNeighborEntries(value, hasMetric: false)
  }

  ///     0           7 metric (3)   10 length of sub-TLVs   11 sub-TLVs        an alias has no metric
  private mutating func printNeighborEntries(_ value: PacketBytes, hasMetric: Bool) throws(DecodeError) {
    if writesFields { fields.beginArray("neighbor_systems") }
    let level = fields.level
    let headerLength = hasMetric ? 11 : 8
    var offset = 0
    while offset < value.length {
      let entry = try value.dropping(offset)
      if writesFields { fields.beginObject() }
      try write("\n\t      IS Neighbor: ", "system_id", systemID: try entry.slice(at: 0, length: 7))
      if hasMetric { write(", Metric: ", "metric", try entry.u24(at: 7)) }
      let stated = Int(try entry.u8(at: headerLength &- 1))
      if stated == 0 {
        out.write(", no sub-TLVs present")
      } else {
        write(", sub-TLVs present (", stated)
        out.write(")")
      }
      let size = try printSubTLVs(entry, at: headerLength, stated: stated, .neighbor)
      if writesFields { fields.end(downTo: level) }
      guard let size else { break }
      try reject("remaining tlv length", entry.length, .less, size)
      offset &+= size
    }
    if writesFields { fields.end() }
  }

  ///     0 default metric  1 other metrics (3)  4 address  8 mask            RFC 1195 section 3.2
  /// False if the last entry is too short or was not captured whole: the TLVs after this one are then not read.
  mutating func printPrefixes(_ value: PacketBytes) throws(DecodeError) -> Bool {
    var list = openList(value, .elements(of: 12), objects: "prefixes")
    while let element = try next(&list) {
      guard element.bytes.has(0, element.size) else { return false }
      let entry = element.value
      let metric = try entry.u8(at: 0)
      let address = try entry.ipv4(at: 4)
      let mask = try entry.u32(at: 8)
      let prefixLength = (~mask).leadingZeroBitCount
      let isPrefix = prefixLength == 32 || mask << UInt32(prefixLength) == 0
      if writesFields {
        fields.write("prefix", address)
        if isPrefix { fields.write("prefix_length", prefixLength) } else { fields.write("mask", try entry.ipv4(at: 8)) }
        fields.write("metric", metric & Metric.value)
        fields.write("is_down", metric & Metric.unsupported != 0)
        fields.write("is_external", metric & Metric.external != 0)
      }
      out.write("\n\t      IPv4 prefix: ")
      if isPrefix {
        writePadded(address)
        write("/", prefixLength)
      } else {
        out.write(address)
        write(" mask ", try entry.ipv4(at: 8))
      }
      out.write(metric & Metric.unsupported != 0 ? ", Distribution: down" : ", Distribution: up")
      out.write(", Metric: ")
      writeMetric(metric)
      try writeOptionalMetrics(entry, at: 1, indent: innerIndent)
    }
    if list.remaining > 0 {
      writeFault("short IPv4 Reachability (")
      out.write(decimal: list.remaining)
      out.write(" vs 12)")
      return false
    }
    return true
  }

  /// An address, right-aligned in fifteen columns.
  private mutating func writePadded(_ address: IPv4Address) {
    var width = 3
    for index in 0..<4 as Range<UInt32> {
      let octet = address.rawValue >> (8 &* index) & 0xff
      width &+= octet >= 100 ? 3 : octet >= 10 ? 2 : 1
    }
    out.write(repeating: UInt8(ascii: " "), count: 15 &- width)
    out.write(address)
  }

  ///     0 metric (4)  4 down, has sub-TLVs, prefix length (6)  5 prefix, length of sub-TLVs, sub-TLVs   RFC 5305 section 4
  mutating func printExtendedPrefixes(_ value: PacketBytes) throws(DecodeError) {
    try printPrefixEntries(value, isIPv6: false)
  }

  ///     0 metric (4)  4 down, external, has sub-TLVs  5 prefix length  6 prefix, …                      RFC 5308 section 2
  mutating func printIPv6Prefixes(_ value: PacketBytes) throws(DecodeError) {
    try printPrefixEntries(value, isIPv6: true)
  }

  private mutating func printPrefixEntries(_ value: PacketBytes, isIPv6: Bool) throws(DecodeError) {
    if writesFields { fields.beginArray("prefixes") }
    let level = fields.level
    var offset = 0
    while offset < value.length {
      let entry = try value.dropping(offset)
      if writesFields { fields.beginObject() }
      let size = try printPrefixEntry(entry, isIPv6: isIPv6)
      if writesFields { fields.end(downTo: level) }
      guard let size else { break }
      try reject("remaining tlv length", entry.length, .less, size)
      offset &+= size
    }
    if writesFields { fields.end() }
  }

  /// Returns the length of the entry in bytes; nil if nothing after it can be read.
  private mutating func printPrefixEntry(_ entry: PacketBytes, isIPv6: Bool) throws(DecodeError) -> Int? {
    let metric = try entry.u32(at: 0)
    let flags = try entry.u8(at: 4)
    let bits = isIPv6 ? Int(try entry.u8(at: 5)) : Int(flags & 0x3f)
    let isExternal = isIPv6 && flags & 0x40 != 0
    let hasSubTLVs = flags & (isIPv6 ? 0x20 : 0x40) != 0
    out.write(isIPv6 ? "\n\t      IPv6 prefix: " : "\n\t      IPv4 prefix: ")
    guard bits <= (isIPv6 ? 128 : 32) else {
      writeFault("bad bit length ")
      out.write(decimal: bits)
      throw .truncated
    }
    let start = isIPv6 ? 6 : 5
    let length = (bits &+ 7) / 8
    let prefix = try entry.slice(at: start, length: length)
    var address: UInt128 = 0
    for index in 0..<length { address = address << 8 | UInt128(try prefix.u8(at: index)) }
    if isIPv6 {
      let whole = IPv6Address(rawValue: address << UInt128(8 &* (16 &- length)))
      if writesFields { fields.write("prefix", whole) }
      out.write(whole)
    } else {
      let whole = IPv4Address(rawValue: UInt32(truncatingIfNeeded: address << UInt128(8 &* (4 &- length))))
      if writesFields { fields.write("prefix", whole) }
      writePadded(whole)
    }
    let isDown = flags & 0x80 != 0
    if writesFields {
      fields.write("prefix_length", bits)
      fields.write("metric", metric)
      fields.write("is_down", isDown)
      if isIPv6 { fields.write("is_external", isExternal) }
    }
    write("/", bits)
    out.write(isDown ? ", Distribution: down" : ", Distribution: up")
    write(", Metric: ", metric)
    if isIPv6 { out.write(isExternal ? ", External" : ", Internal") }
    guard hasSubTLVs else { return start &+ length }
    let stated = Int(try entry.u8(at: start &+ length))
    write(", sub-TLVs present (", stated)
    out.write(")")
    return try printSubTLVs(entry, at: start &+ length &+ 1, stated: stated, .prefix)
  }
}
