package import Dissect
import PacketCore

extension Layer {
  static let hncp = Layer("hncp", "Home Networking Control Protocol", "RFC 7787 section 7, RFC 7788 section 10") {
    [Field("tlvs", .array(.shared(hncpTLV)), "TLVs, in order.", each: "One TLV.")]
  }
}

/// A TLV of DNCP (RFC 7787) or HNCP (RFC 7788).
private let hncpTLV: SharedObject = SharedObject(
  "hncp_tlv", "A TLV of HNCP, which may hold others; its members depend on its type."
) {
  [
    Field("type", .uint16, "TLV type.", always: true),
    Field("type_name", .text, "Name of the type.", always: true),
    Field("length", .uint16, "Bytes of the value.", always: true),
    Field("node_id", .linkAddress, "Node identifier."),
    Field("endpoint_id", .uint32, "Endpoint of the node."),
    Field("peer_node_id", .linkAddress, "Node identifier of a peer."),
    Field("peer_endpoint_id", .uint32, "Endpoint of the peer."),
    Field("network_state_hash", .hex, "Hash of the states of all nodes."),
    Field("node_state_hash", .hex, "Hash of the data of the node."),
    Field("sequence", .uint32, "Update sequence number of the node."),
    Field("age_milliseconds", .uint32, "Milliseconds since the node published its data."),
    Field("keepalive_interval_milliseconds", .uint32, "Milliseconds between keep-alives; 0 for none."),
    Field(
      "verdict", .uint8,
      "Trust verdict: 0 neutral, 1 cached trust, 2 cached distrust, 3 configured trust, 4 configured distrust."),
    Field("fingerprint", .hex, "SHA-256 hash of a certificate."),
    Field("common_name", .text, "Common name of the certificate."),
    Field("mdns_proxy", .uint4, "Priority as proxy of multicast DNS; 0 for none."),
    Field("prefix_delegation", .uint4, "Priority as server of prefix delegation; 0 for none."),
    Field("hostname_dhcp", .uint4, "Priority as DHCPv6 server that gives names to hosts; 0 for none."),
    Field("legacy_dhcp", .uint4, "Priority as DHCPv4 server; 0 for none."),
    Field("user_agent", .text, "Name and version of the implementation."),
    Field("valid_lifetime_milliseconds", .uint32, "Valid lifetime in milliseconds."),
    Field("preferred_lifetime_milliseconds", .uint32, "Preferred lifetime in milliseconds."),
    Field("prefix", .ip, "Address of the prefix."),
    Field("prefix_length", .uint8, "Bits of the prefix."),
    Field("prefix_priority", .uint4, "Priority of the assignment."),
    Field("policy", .uint8, "Policy type: 1 to 128 are the length of a destination prefix."),
    Field("policy_name", .text, "Name of the policy."),
    Field("address", .ip, "Address of the node, or of a DNS server."),
    Field("zone_flags", .uint8, "Flags of the zone: 1 search list, 2 browse, 4 legacy browse."),
    Field("domain", .domainName, "Domain name."),
    Field("name", .text, "Name of the node."),
    Field("text", .text, "An opaque policy."),
    Field("pre_shared_key", .hex, "Managed key."),
    Field(
      "options",
      .array(
        .object([
          Field("code", .uint16, "Option code.", always: true),
          Field("name", .text, "Name of the option."),
          Field("addresses", .array(.ip), "Servers."),
          Field("domains", .array(.domainName), "DNS search list."),
          Field("data", .hex, "Data of any other option."),
        ])), "Options of DHCPv4 or DHCPv6.", each: "One option."),
    Field("tlvs", .array(.shared(hncpTLV)), "TLVs inside, in order.", each: "One TLV."),
  ]
}

extension Dissector {
  /// Home Networking Control Protocol, RFC 7788: a profile of the Distributed Node Consensus Protocol, RFC 7787.
  package static let hncp = Dissector(name: "hncp", claims: [.udpPort(8231)], layers: [.hncp], print: printHNCP)
}

/// How the value of a TLV is written.
private enum Form {
  case requestNetworkState, requestNodeState, nodeEndpoint, networkState, nodeState, peer, keepalive, trustVerdict
  case version, externalConnection, delegatedPrefix, assignedPrefix, nodeAddress, dhcpv4, dhcpv6, zone, domainName
  case nodeName, managedKey, prefixPolicy
}

/// IANA "DNCP Registry" and "HNCP TLV Types".
private let tlvs: OptionTable<Form> = [
  1: OptionRow("Request network state", .requestNetworkState), 2: OptionRow("Request node state", .requestNodeState),
  3: OptionRow("Node endpoint", .nodeEndpoint), 4: OptionRow("Network state", .networkState),
  5: OptionRow("Node state", .nodeState), 8: OptionRow("Peer", .peer), 9: OptionRow("Keep-alive interval", .keepalive),
  10: OptionRow("Trust-Verdict", .trustVerdict), 32: OptionRow("HNCP-Version", .version),
  33: OptionRow("External-Connection", .externalConnection), 34: OptionRow("Delegated-Prefix", .delegatedPrefix),
  35: OptionRow("Assigned-Prefix", .assignedPrefix), 36: OptionRow("Node-Address", .nodeAddress),
  37: OptionRow("DHCPv4-Data", .dhcpv4), 38: OptionRow("DHCPv6-Data", .dhcpv6),
  39: OptionRow("DNS-Delegated-Zone", .zone), 40: OptionRow("Domain-Name", .domainName),
  41: OptionRow("Node-Name", .nodeName), 42: OptionRow("Managed-PSK", .managedKey),
  43: OptionRow("Prefix-Policy", .prefixPolicy),
]

/// The purpose of the range of a type that has no name (RFC 7787 section 13).
private func rangeName(_ type: UInt32) -> StaticString {
  switch type {
  case 0: "Reserved"
  case 32...511: "Unassigned"
  case 768...1023: "Private use"
  default: "Future use"
  }
}

/// The maximum nesting depth of TLVs that is parsed.
private let maximumNesting = 16
/// Length of type and length, in bytes.
private let headerLength = 4
/// TLVs begin at multiples of four bytes; the length includes neither header nor padding.
private let layout = OptionLayout(typeWidth: 2, lengthWidth: 2, alignment: 4, shortHeader: .endsListIfCut)

/// A list of TLVs: those of a message, or those inside one of its TLVs.
private struct TLVRange {
  /// Its range in the message.
  var start: Int
  var end: Int
  /// Nesting depth of the list.
  var depth: Int
}

/// Counts consecutive TLVs of the same name, in a list that shows only names.
private struct NameCount {
  var name: StaticString = ""
  var count = 0
  var isFirst = true

  /// Writes the counted name: `Node-Address (x4)`.
  mutating func write(_ depth: Int, _ printer: inout Printer) {
    guard count > 0 else { return }
    if !isFirst {
      printer.out.write(", ")
    } else if depth == 0 {
      printer.out.write(" ")
    } else {
      printer.writeLineStart(depth)
    }
    printer.out.write(name)
    if count > 1 {
      printer.write(" (x", count)
      printer.out.write(")")
    }
    isFirst = false
    count = 0
  }
}

@Sendable
private func printHNCP(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  printer.write("hncp (", bytes.length)
  printer.out.write(")")
  _ = printer.enter(.hncp)
  if printer.wantsLayersAlone { return }
  try printTLVs(bytes, TLVRange(start: 0, end: bytes.length, depth: 0), &printer)
}

extension Printer {
  /// Begins a new line for a TLV at nesting depth `depth`.
  mutating func writeLineStart(_ depth: Int) {
    out.write("\n\t")
    out.write(repeating: UInt8(ascii: "\t"), count: depth)
  }
}

///     0      2        4
///     +------+--------+-------+---------
///     | type | length | value | padding       RFC 7787 section 7
///     +------+--------+-------+---------
///
/// Each `-v` shows the values of one more level of TLVs, three those of all levels; of the level below only names are shown.
private func printTLVs(_ message: PacketBytes, _ range: TLVRange, _ printer: inout Printer) throws(DecodeError) {
  guard range.depth <= maximumNesting else { return printer.writeFault(" [nested too deep]") }
  let verbosity = printer.options.verbosity
  let showsNames = verbosity < 3 && verbosity <= range.depth
  var names = NameCount()
  var list = printer.openList(message.withLength(range.end), at: range.start, layout, array: "tlvs")
  while let tlv = try printer.next(&list) {
    if !showsNames { printer.writeLineStart(range.depth) }
    guard tlv.rest >= headerLength, tlv.bytes.has(0, tlv.size), !tlv.isTooLong else {
      let isCut = tlv.rest >= headerLength && !tlv.bytes.has(0, tlv.size)
      if isCut { printer.writeTruncation() } else { printer.writeFault(" (invalid)") }
      return printer.stop(&list)
    }
    let row = tlvs[type: tlv.type]
    let name = row?.name ?? rangeName(tlv.type)
    if showsNames {
      if !name.isEqual(to: names.name) { names.write(range.depth, &printer) }
      names.name = name
      names.count &+= 1
      continue
    }
    if printer.writesFields {
      printer.fields.beginObject()
      printer.fields.write("type", tlv.type)
      printer.fields.write("type_name", name)
      printer.fields.write("length", tlv.length)
    }
    printer.out.write(name)
    if row == nil { printer.write(": type=", tlv.type) }
    printer.write(" (", tlv.size)
    printer.out.write(")")
    guard let row else { continue }
    let start = message.count &- tlv.bytes.count &+ headerLength
    let inside = TLVRange(start: start, end: start &+ tlv.length, depth: range.depth &+ 1)
    if try !print(row.form, try tlv.wholeValue(), message, inside, &printer) { return printer.stop(&list) }
  }
  if list.remaining > 0 {
    if !showsNames { printer.writeLineStart(range.depth) }
    printer.writeTruncation()
  } else {
    names.write(range.depth, &printer)
  }
}

/// Prints the value of a TLV. `inside` is its range in the message, for values that end in TLVs. Returns false if the TLVs after this one
/// are not to be shown.
private func print(
  _ form: Form, _ value: PacketBytes, _ message: PacketBytes, _ inside: TLVRange, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  guard form.allows(value.length) else {
    printer.writeFault(" (invalid)")
    return true
  }
  // Length of the value before the TLVs inside it; nil if there are none.
  var fixed: Int?
  switch form {
  case .requestNetworkState: break
  case .requestNodeState: try writeNodeID(" NID: ", "node_id", value, at: 0, &printer)
  case .nodeEndpoint:
    try writeNodeID(" NID: ", "node_id", value, at: 0, &printer)
    printer.write(" EPID: ", "endpoint_id", try value.u32(at: 4), as: .hex(8))
  case .networkState: printer.write(" hash: ", "network_state_hash", hex: value)
  case .nodeState:
    ///     0 node  4 sequence number  8 milliseconds  12 hash (8)  20 TLVs
    try writeNodeID(" NID: ", "node_id", value, at: 0, &printer)
    printer.write(" seqno: ", "sequence", try value.u32(at: 4))
    writeSeconds(" ", "age_milliseconds", try value.u32(at: 8), &printer)
    printer.write(" hash: ", "node_state_hash", hex: try value.slice(at: 12, length: 8))
    fixed = 20
  case .peer:
    try writeNodeID(" Peer-NID: ", "peer_node_id", value, at: 0, &printer)
    printer.write(" Peer-EPID: ", "peer_endpoint_id", try value.u32(at: 4), as: .hex(8))
    printer.write(" Local-EPID: ", "endpoint_id", try value.u32(at: 8), as: .hex(8))
  case .keepalive:
    printer.write(" EPID: ", "endpoint_id", try value.u32(at: 0), as: .hex(8))
    writeSeconds(" Interval: ", "keepalive_interval_milliseconds", try value.u32(at: 4), &printer)
  case .trustVerdict:
    ///     0 verdict  1 reserved  4 fingerprint (32)  36 common name
    printer.write(" Verdict: ", "verdict", try value.u8(at: 0))
    printer.write(" Fingerprint: ", "fingerprint", hex: try value.slice(at: 4, length: 32))
    try writeString(" Common Name: ", "common_name", try value.dropping(36), &printer)
  case .version:
    ///     0 reserved  2 priorities, four bits each: multicast DNS, prefix delegation, DHCP, DHCPv4  4 user agent
    let (first, second) = (try value.u8(at: 2), try value.u8(at: 3))
    printer.write(" M: ", "mdns_proxy", first >> 4)
    printer.write(" P: ", "prefix_delegation", first & 15)
    printer.write(" H: ", "hostname_dhcp", second >> 4)
    printer.write(" L: ", "legacy_dhcp", second & 15)
    try writeString(" User-agent: ", "user_agent", try value.dropping(4), &printer)
  case .externalConnection: fixed = 0
  case .delegatedPrefix: fixed = try printDelegatedPrefix(value, &printer)
  case .assignedPrefix: fixed = try printAssignedPrefix(value, &printer)
  case .nodeAddress:
    printer.write(" EPID: ", "endpoint_id", try value.u32(at: 0), as: .hex(8))
    writeHNCPAddress(" IP Address: ", try value.ipv6(at: 4), &printer)
    fixed = 20
  case .dhcpv4: return try printHNCPData4(value, depth: inside.depth, &printer)
  case .dhcpv6: try printHNCPData6(value, depth: inside.depth, &printer)
  case .zone: fixed = try printHNCPZone(value, &printer)
  case .domainName:
    printer.out.write(" Domain: ")
    _ = try writeHNCPDomain(value, &printer)
  case .nodeName: fixed = try printHNCPNodeName(value, &printer)
  case .managedKey:
    printer.write(" PSK: ", "pre_shared_key", hex: try value.slice(at: 0, length: 32))
    fixed = 32
  case .prefixPolicy: try printPolicy(value, &printer)
  }
  guard let fixed else { return true }
  // The value begins at a multiple of four bytes, and so do the TLVs in it.
  let start = inside.start &+ (fixed &+ 3) / 4 &* 4
  if start < inside.end {
    try printTLVs(message, TLVRange(start: start, end: inside.end, depth: inside.depth), &printer)
  }
  return true
}

extension Form {
  /// True if a value can have this length.
  fileprivate func allows(_ length: Int) -> Bool {
    switch self {
    case .requestNetworkState: length == 0
    case .requestNodeState: length == 4
    case .nodeEndpoint, .networkState: length == 8
    case .peer: length == 12
    case .keepalive: length >= 8
    case .nodeState, .nodeAddress: length >= 20
    case .trustVerdict: length >= 37
    case .version: length >= 5
    case .externalConnection: true
    case .delegatedPrefix: length >= 9
    case .assignedPrefix: length >= 6
    case .dhcpv4, .dhcpv6, .domainName, .prefixPolicy: length >= 1
    case .zone, .nodeName: length >= 17
    case .managedKey: length >= 32
    }
  }
}

/// A node identifier, which has four bytes in HNCP.
private func writeNodeID(
  _ title: StaticString, _ key: StaticString, _ value: PacketBytes, at offset: Int, _ printer: inout Printer
) throws(DecodeError) {
  let node = try value.slice(at: offset, length: 4)
  if printer.writesFields { printer.recordLinkAddress(key, node) }
  printer.out.write(title)
  try printer.writeLinkAddress(node)
}

/// Milliseconds, as seconds with a fraction.
private func writeSeconds(
  _ title: StaticString, _ key: StaticString, _ milliseconds: UInt32, _ printer: inout Printer
) {
  if printer.writesFields { printer.fields.write(key, milliseconds) }
  printer.write(title, milliseconds / 1000)
  printer.out.write(".")
  printer.out.write(decimal: milliseconds % 1000, width: 3)
  printer.out.write("s")
}

/// Text up to a zero, or to the end of the value.
private func writeString(
  _ title: StaticString, _ key: StaticString, _ text: PacketBytes, _ printer: inout Printer
) throws(DecodeError) {
  try printer.write(title, key, text: text.clamped(to: try text.lengthToNUL()))
}

/// Number of leading bits that all IPv4 addresses in IPv6 form have in common (RFC 4291 section 2.5.5.2).
private let mappedLength: UInt8 = 96

/// Number of bytes that a prefix of a length in bits takes.
private func size(ofPrefix length: UInt8) -> Int { (Int(length) &+ 7) / 8 }

/// `2001:db8::/32`, or `192.0.2.0/24` for an IPv4 prefix in IPv6 form; false if the prefix is invalid.
private func writePrefix(
  _ length: UInt8, _ bytes: PacketBytes, _ printer: inout Printer
) throws(DecodeError) -> Bool {
  let size = size(ofPrefix: length)
  guard length <= 128, bytes.length >= size else { return false }
  var bits: UInt128 = 0
  for index in 0..<size { bits |= UInt128(try bytes.u8(at: index)) << UInt128(8 &* (15 &- index)) }
  if length < 128 { bits &= ~(UInt128.max >> UInt128(length)) }
  let address = IPv6Address(rawValue: bits)
  if length >= mappedLength, let mapped = address.mappedIPv4 {
    printer.write("", "prefix", mapped)
    printer.write("/", "prefix_length", length &- mappedLength)
  } else {
    printer.write("", "prefix", address)
    printer.write("/", "prefix_length", length)
  }
  return true
}

///     0 valid lifetime  4 preferred lifetime  8 prefix length  9 prefix, TLVs
private func printDelegatedPrefix(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  let length = try value.u8(at: 8)
  guard value.length >= 9 &+ size(ofPrefix: length) else {
    printer.writeFault(" (invalid)")
    return nil
  }
  writeSeconds(" VLSO: ", "valid_lifetime_milliseconds", try value.u32(at: 0), &printer)
  writeSeconds(" PLSO: ", "preferred_lifetime_milliseconds", try value.u32(at: 4), &printer)
  printer.out.write(" Prefix: ")
  guard try writePrefix(length, try value.dropping(9), &printer) else {
    printer.writeFault("(length is invalid)")
    return nil
  }
  return 9 &+ size(ofPrefix: length)
}

///     0 endpoint  4 reserved, priority  5 prefix length  6 prefix, TLVs
private func printAssignedPrefix(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) -> Int? {
  let length = try value.u8(at: 5)
  guard value.length >= 6 &+ size(ofPrefix: length) else {
    printer.writeFault(" (invalid)")
    return nil
  }
  printer.write(" EPID: ", "endpoint_id", try value.u32(at: 0), as: .hex(8))
  printer.write(" Prty: ", "prefix_priority", try value.u8(at: 4) & 15)
  printer.out.write(" Prefix: ")
  guard try writePrefix(length, try value.dropping(6), &printer) else {
    printer.writeFault(" (invalid)")
    return nil
  }
  return 6 &+ size(ofPrefix: length)
}

/// Policy types (RFC 7788 section 10.2); 1 to 128 are the length of a destination prefix.
private enum Policy {
  static let internet: UInt8 = 0
  static let domain: UInt8 = 129
  static let opaque: UInt8 = 130
  static let restrictive: UInt8 = 131
}

private func printPolicy(_ value: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  let type = try value.u8(at: 0)
  let rest = try value.dropping(1)
  if printer.writesFields { printer.fields.write("policy", type) }
  printer.out.write(" type: ")
  switch type {
  case Policy.internet where rest.length == 0: writePolicyName("Internet connectivity", &printer)
  case 1...128:
    writePolicyName("Dest-Prefix", &printer)
    printer.out.write(": ")
    if try !writePrefix(type, rest, &printer) { printer.writeFault(" (invalid)") }
  case Policy.domain:
    writePolicyName("DNS domain", &printer)
    printer.out.write(": ")
    _ = try writeHNCPDomain(rest, &printer)
  case Policy.opaque:
    writePolicyName("Opaque UTF-8", &printer)
    try writeString(": ", "text", rest, &printer)
  case Policy.restrictive where rest.length == 0: writePolicyName("Restrictive assignment", &printer)
  case Policy.internet, Policy.restrictive: printer.writeFault(" (invalid)")
  default:
    printer.write("Unknown (", type)
    printer.out.write(")")
  }
}

private func writePolicyName(_ name: StaticString, _ printer: inout Printer) {
  if printer.writesFields { printer.fields.write("policy_name", name) }
  printer.out.write(name)
}
