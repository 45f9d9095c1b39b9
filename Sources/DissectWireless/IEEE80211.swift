package import Dissect
import PacketCore

extension Layer {
  static let ieee80211 = Layer(
    "ieee80211", "Wireless LAN", "IEEE 802.11 section 9", marks: ["802.11"],
    note: "Members after `key_id` are those of the bodies of management frames."
  ) {
    [
      Field("type", .uint8, "Type of frame.", always: true),
      Field("type_name", .text, "Name of the type.", always: true),
      Field("subtype", .uint8, "Subtype of frame.", always: true),
      Field("subtype_name", .text, "Name of the subtype."),
      Field("flag_bits", .uint8, "Second byte of the frame control field.", always: true),
      Field("to_ds", .flag, "The frame goes to the distribution system."),
      Field("from_ds", .flag, "The frame comes from the distribution system."),
      Field("more_fragments", .flag, "Another fragment follows."),
      Field("retransmission", .flag, "The frame is sent again."),
      Field("protected_frame", .flag, "The body is encrypted."),
      Field("duration", .uint16, "Duration in microseconds."),
      Field("receiver", .mac, "Receiver address."),
      Field("transmitter", .mac, "Transmitter address."),
      Field("destination", .mac, "Destination address."),
      Field("source", .mac, "Source address."),
      Field("bssid", .mac, "Basic service set identifier."),
      Field("fragment_number", .uint8, "Number of the fragment."),
      Field("sequence_number", .uint16, "Sequence number."),
      Field("traffic_id", .uint8, "Traffic identifier of QoS data."),
      Field("mesh_ttl", .uint8, "Mesh header: hops left."),
      Field("mesh_sequence", .uint32, "Mesh header: sequence number."),
      Field("mesh_address_4", .mac, "Mesh header: first of its addresses."),
      Field("mesh_address_5", .mac, "Mesh header: second of its addresses."),
      Field("mesh_address_6", .mac, "Mesh header: third of its addresses."),
      Field("block_ack_control", .uint16, "Control field of a block acknowledgment request."),
      Field("block_ack_start", .uint16, "Starting sequence control of a block acknowledgment request."),
      Field("initialization_vector", .uint24, "Initialization vector of an encrypted body."),
      Field("key_id", .uint8, "Key identifier of an encrypted body."),
      Field("ssid", .text, "Service set identifier."),
      Field("mesh_id", .text, "Mesh identifier."),
      Field("rates", .array(.uint8), "Supported rates in units of 500 kb/s; 128 more for basic rates."),
      Field("channel", .uint8, "Channel that the frame says it is sent on."),
      Field("beacon_interval", .uint16, "Time between beacons in units of 1024 microseconds."),
      Field("capabilities", .uint16, "Capability information."),
      Field("listen_interval", .uint16, "How often the station wakes, in beacon intervals."),
      Field("current_ap", .mac, "Access point that the station leaves."),
      Field("association_id", .uint16, "Association identifier."),
      Field("status", .uint16, "Status code."),
      Field("status_name", .text, "What the status code means."),
      Field("reason", .uint16, "Reason code."),
      Field("reason_name", .text, "What the reason code means."),
      Field("algorithm", .uint16, "Authentication algorithm."),
      Field("algorithm_name", .text, "Name of the algorithm."),
      Field("transaction", .uint16, "Place of the frame in the authentication, from 1."),
      Field("category", .uint8, "Category of an action."),
      Field("category_name", .text, "Name of the category."),
      Field("action", .uint8, "Action within its category."),
      Field("action_name", .text, "Name of the action."),
    ]
  }
}

extension Dissector {
  package static let ieee80211 = Dissector(
    name: "802.11", claims: [.linkType(.ieee80211)], layers: [.ieee80211]
  ) {
    (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
    printer.context.linkHeaderLength = try printer.printIEEE80211(bytes)
  }
}

///     0               2          4           10          16          22         24
///     +---------------+----------+-----------+-----------+-----------+----------+-----------+-----+----+------
///     | frame control | duration | address 1 | address 2 | address 3 | sequence | address 4 | QoS | HT | body
///     +---------------+----------+-----------+-----------+-----------+----------+-----------+-----+----+------
///
/// Numbers are little-endian (IEEE 802.11 section 9.2.4). Address 4 (6 bytes) is present only in frames between distribution systems, QoS
/// control (2 bytes) only in QoS data, HT control (4 bytes) only in management frames and QoS data with the order bit set. The header
/// of a control frame ends somewhere before that.
private let shortHeaderLength = 24
private let fourthAddressLength = 6
private let qosControlLength = 2
private let htControlLength = 4

///     bit 0   2      4         8                                                            15
///     +-------+------+---------+-------+---------+------+-------+-------+------+-----------+-------+
///     | 0     | type | subtype | to DS | from DS | more | retry | power | more | protected | order |
///     |       |      |         |       |         | frag |       | mgmt  | data | frame     |       |
///     +-------+------+---------+-------+---------+------+-------+-------+------+-----------+-------+
struct FrameControl {
  let type: UInt8
  let subtype: UInt8
  let flags: UInt8

  enum FrameType {
    static let management: UInt8 = 0
    static let control: UInt8 = 1
    static let data: UInt8 = 2
  }

  init(_ frame: PacketBytes) throws(DecodeError) {
    try frame.check(0, 2)
    let first = try frame.u8(at: 0)
    type = first >> 2 & 3
    subtype = first >> 4
    flags = try frame.u8(at: 1)
  }

  var isToDS: Bool { flags & 0x01 != 0 }
  var isFromDS: Bool { flags & 0x02 != 0 }
  var hasMoreFragments: Bool { flags & 0x04 != 0 }
  var isRetry: Bool { flags & 0x08 != 0 }
  var hasOrderBit: Bool { flags & 0x80 != 0 }
  var isProtected: Bool { flags & 0x40 != 0 }
  /// A data frame with QoS control.
  var isQoS: Bool { subtype & 8 != 0 }
  /// A data frame without a body.
  var isNull: Bool { subtype & 4 != 0 }

  /// Length of the header of a management frame, in bytes.
  var managementHeaderLength: Int { shortHeaderLength &+ (hasOrderBit ? htControlLength : 0) }
  /// The offset at which a data frame has its QoS control, or would have it.
  var qosControlOffset: Int { shortHeaderLength &+ (isToDS && isFromDS ? fourthAddressLength : 0) }
  /// Length of the header of a data frame in bytes, without padding and mesh header.
  var dataHeaderLength: Int {
    qosControlOffset &+ (isQoS ? qosControlLength &+ (hasOrderBit ? htControlLength : 0) : 0)
  }

  var subtypeName: StaticString? {
    switch type {
    case FrameType.management: managementNames[subtype]
    case FrameType.control: controlNames[subtype]
    case FrameType.data: dataNames[subtype]
    default: nil
    }
  }

  static let flagNames: FlagNames = [
    0x20: "More Data", 0x04: "More Fragments", 0x10: "Pwr Mgmt", 0x08: "Retry", 0x80: "Strictly Ordered",
    0x40: "Protected",
  ]
}

/// Subtypes of control frames.
private enum ControlSubtype {
  static let wrapper: UInt8 = 7
  static let blockAckRequest: UInt8 = 8
  static let blockAck: UInt8 = 9
  static let powerSavePoll: UInt8 = 10
  static let requestToSend: UInt8 = 11
  static let clearToSend: UInt8 = 12
  static let acknowledgment: UInt8 = 13

  /// Length of the header in bytes; nil for unknown subtypes.
  static func headerLength(_ subtype: UInt8) -> Int? {
    switch subtype {
    case blockAckRequest: 20
    case blockAck, clearToSend, acknowledgment: 10
    case wrapper, powerSavePoll, requestToSend, 14, 15: 16
    default: nil
    }
  }
}

extension Printer {
  /// Prints a frame without its frame check sequence; returns the length of its headers. The capturing system may have padded the header of
  /// a data frame to a multiple of four bytes.
  mutating func printIEEE80211(_ frame: PacketBytes, padsHeader: Bool = false) throws(DecodeError) -> Int {
    protocolName = "802.11"
    let control = try FrameControl(frame)
    if enter(.ieee80211) { record(control) }
    switch control.type {
    case FrameControl.FrameType.management:
      let length = control.managementHeaderLength
      try frame.check(0, length)
      if writesFields { try recordManagement(frame) }
      if options.linkHeader {
        try writeFrameControl(frame, control)
        try writeLabeledMAC("BSSID:", frame, at: 16)
        try writeLabeledMAC("DA:", frame, at: 4)
        try writeLabeledMAC("SA:", frame, at: 10)
      }
      try printManagement(control, frame, try frame.dropping(length))
      return length
    case FrameControl.FrameType.control:
      guard let length = ControlSubtype.headerLength(control.subtype) else {
        write("unknown 802.11 ctrl frame subtype (", control.subtype)
        out.write(")")
        return 0
      }
      try frame.check(0, length)
      if writesFields { try recordControl(frame, control, length) }
      try printControl(frame, control)
      return length
    case FrameControl.FrameType.data:
      return try printData(frame, control, padsHeader: padsHeader)
    default:
      write("unknown 802.11 frame type (", control.type)
      out.write(")")
      return 0
    }
  }

  /// `BSSID:02:00:00:00:00:01 `.
  private mutating func writeLabeledMAC(
    _ label: StaticString, _ frame: PacketBytes, at offset: Int
  ) throws(DecodeError) {
    out.write(label)
    writeMAC(try frame.mac(at: offset))
    out.write(" ")
  }

  /// `Retry 314us `, with `-v`.
  private mutating func writeFrameControl(_ frame: PacketBytes, _ control: FrameControl) throws(DecodeError) {
    guard options.verbosity > 0 else { return }
    if control.flags & 0xfc != 0 {
      write(FrameControl.flagNames, control.flags, separator: " ")
      out.write(" ")
    }
    // Power save polls have an association identifier instead of a duration.
    guard control.type != FrameControl.FrameType.control || control.subtype != ControlSubtype.powerSavePoll else {
      return
    }
    write("", try frame.u16le(at: 2))
    out.write("us ")
  }

  /// The start of an encrypted body: `Data IV:30201 Pad 0 KeyID 1`.
  ///
  ///     0                       3                 4
  ///     +-----------------------+-----+-----------+---------
  ///     | initialization vector | pad | key ID(2) | data      (IEEE 802.11 section 12.3.2, WEP; TKIP and CCMP place theirs likewise)
  ///     +-----------------------+-----+-----------+---------
  mutating func printEncryption(_ body: PacketBytes) throws(DecodeError) {
    let word = try body.u32le(at: 0)
    let (vector, key) = (word & 0xff_ffff, word >> 30)
    if writesFields {
      fields.write("initialization_vector", vector)
      fields.write("key_id", key)
    }
    out.write(" IV:")
    // At least three columns wide.
    if vector < 0x100 { out.write(" ") }
    if vector < 0x10 { out.write(" ") }
    out.write(hex: vector)
    write(" Pad ", word >> 24 & 0x3f, as: .hex(1))
    write(" KeyID ", key, as: .hex(1))
  }
}

/// Control frames.
extension Printer {
  private mutating func printControl(_ frame: PacketBytes, _ control: FrameControl) throws(DecodeError) {
    let showsHeader = options.linkHeader
    if showsHeader {
      try writeFrameControl(frame, control)
      switch control.subtype {
      case ControlSubtype.blockAckRequest: try writeBlockAckRequest(frame)
      case ControlSubtype.blockAck, ControlSubtype.clearToSend, ControlSubtype.acknowledgment:
        try writeLabeledMAC("RA:", frame, at: 4)
      case ControlSubtype.powerSavePoll:
        try writeLabeledMAC("BSSID:", frame, at: 4)
        try writeLabeledMAC("TA:", frame, at: 10)
      case ControlSubtype.requestToSend:
        try writeLabeledMAC("RA:", frame, at: 4)
        try writeLabeledMAC("TA:", frame, at: 10)
      case ControlSubtype.wrapper: break
      default:
        try writeLabeledMAC("RA:", frame, at: 4)
        try writeLabeledMAC("BSSID:", frame, at: 10)
      }
    }
    write(controlNames, control.subtype, unknown: "")
    switch control.subtype {
    case ControlSubtype.powerSavePoll:
      write(" AID(", try frame.u16le(at: 2), as: .hex(1))
      out.write(")")
    case ControlSubtype.wrapper: break
    case _ where showsHeader: break
    case ControlSubtype.blockAckRequest: try writeBlockAckRequest(frame)
    case ControlSubtype.requestToSend: try writeLabeledMAC(" TA:", frame, at: 10)
    default: try writeLabeledMAC(" RA:", frame, at: 4)
    }
  }

  /// ` RA:02:00:00:00:00:01 TA:02:00:00:00:00:02 CTL(5) SEQ(16) `.
  private mutating func writeBlockAckRequest(_ frame: PacketBytes) throws(DecodeError) {
    try writeLabeledMAC(" RA:", frame, at: 4)
    try writeLabeledMAC("TA:", frame, at: 10)
    write("CTL(", try frame.u16le(at: 16), as: .hex(1))
    write(") SEQ(", try frame.u16le(at: 18))
    out.write(") ")
  }
}

/// Data frames.
extension Printer {
  private mutating func printData(
    _ frame: PacketBytes, _ control: FrameControl, padsHeader: Bool
  ) throws(DecodeError) -> Int {
    var length = control.dataHeaderLength
    if padsHeader { length = (length &+ 3) / 4 &* 4 }
    let mesh = try meshHeader(frame, control, at: length)
    try frame.check(0, length &+ (mesh?.length ?? 0))
    let addresses = try DataAddresses(frame, control)
    if writesFields {
      try recordData(frame, control, addresses)
      if let mesh { try record(mesh, frame, at: length) }
    }
    if options.linkHeader {
      try writeFrameControl(frame, control)
      if let mesh { try write(mesh, frame, at: length) }
      try writeDataHeader(frame, control)
    }
    length &+= mesh?.length ?? 0
    if control.isNull { return length }
    let body = try frame.dropping(length)
    if control.isProtected {
      out.write("Data")
      try printEncryption(body)
      return length
    }
    if let llcLength = try printLLC(body, source: addresses.source, destination: addresses.destination) {
      return length &+ llcLength
    }
    dumpUnknown(body)
    return length
  }

  /// `CF Ack+QoS `, and the addresses by their roles.
  private mutating func writeDataHeader(_ frame: PacketBytes, _ control: FrameControl) throws(DecodeError) {
    if control.subtype & 0x0b != 0 {
      out.write("CF ")
      switch control.subtype & 3 {
      case 1: out.write("Ack")
      case 2: out.write("Poll")
      case 3: out.write("Ack/Poll")
      default: break
      }
      if control.isQoS { out.write("+QoS") }
      out.write(" ")
    }
    switch (control.isToDS, control.isFromDS) {
    case (false, false):
      try writeLabeledMAC("DA:", frame, at: 4)
      try writeLabeledMAC("SA:", frame, at: 10)
      try writeLabeledMAC("BSSID:", frame, at: 16)
    case (true, false):
      try writeLabeledMAC("BSSID:", frame, at: 4)
      try writeLabeledMAC("SA:", frame, at: 10)
      try writeLabeledMAC("DA:", frame, at: 16)
    case (false, true):
      try writeLabeledMAC("DA:", frame, at: 4)
      try writeLabeledMAC("BSSID:", frame, at: 10)
      try writeLabeledMAC("SA:", frame, at: 16)
    case (true, true):
      try writeLabeledMAC("RA:", frame, at: 4)
      try writeLabeledMAC("TA:", frame, at: 10)
      try writeLabeledMAC("DA:", frame, at: 16)
      try writeLabeledMAC("SA:", frame, at: 24)
    }
  }
}

/// Source and destination of a data frame, by the roles of its addresses (IEEE 802.11 section 9.3.2.1).
private struct DataAddresses {
  let source: MACAddress
  let destination: MACAddress
  /// Nil between distribution systems, in which case the frame has no BSSID.
  let bssid: MACAddress?

  init(_ frame: PacketBytes, _ control: FrameControl) throws(DecodeError) {
    let (first, second, third) = (try frame.mac(at: 4), try frame.mac(at: 10), try frame.mac(at: 16))
    switch (control.isToDS, control.isFromDS) {
    case (false, false): (destination, source, bssid) = (first, second, third)
    case (true, false): (bssid, source, destination) = (first, second, third)
    case (false, true): (destination, bssid, source) = (first, second, third)
    case (true, true): (destination, source, bssid) = (third, try frame.mac(at: 24), nil)
    }
  }
}

/// The mesh header of IEEE 802.11s drafts; nothing in the frame says that it is present.
///
///     0       1     2          6
///     +-------+-----+----------+---------------------------
///     | flags | TTL | sequence | up to three addresses       the number of addresses is in the two lowest bits of the flags
///     +-------+-----+----------+---------------------------
private struct MeshHeader {
  let addresses: Int
  var length: Int { 6 &+ addresses &* 6 }
}

extension Printer {
  /// The mesh header of QoS data, if `-H` was given and the bytes at its offset look like one.
  private mutating func meshHeader(
    _ frame: PacketBytes, _ control: FrameControl, at offset: Int
  ) throws(DecodeError) -> MeshHeader? {
    guard options.mesh80211s, control.isQoS else { return nil }
    let flags = try frame.u8(at: offset)
    return flags & ~3 == 0 ? MeshHeader(addresses: Int(flags & 3)) : nil
  }

  /// `MeshData (AE 1 TTL 31 seq 4660 A4:02:00:00:00:00:01) `.
  private mutating func write(_ mesh: MeshHeader, _ frame: PacketBytes, at offset: Int) throws(DecodeError) {
    write("MeshData (AE ", mesh.addresses)
    write(" TTL ", try frame.u8(at: offset &+ 1))
    write(" seq ", try frame.u32le(at: offset &+ 2))
    for index in 0..<mesh.addresses {
      write(" A", 4 &+ index)
      out.write(":")
      writeMAC(try frame.mac(at: offset &+ 6 &+ index &* 6))
    }
    out.write(") ")
  }

  private mutating func record(_ mesh: MeshHeader, _ frame: PacketBytes, at offset: Int) throws(DecodeError) {
    fields.write("mesh_ttl", try frame.u8(at: offset &+ 1))
    fields.write("mesh_sequence", try frame.u32le(at: offset &+ 2))
    for index in 0..<mesh.addresses {
      let address = try frame.mac(at: offset &+ 6 &+ index &* 6)
      switch index {
      case 0: fields.write("mesh_address_4", address)
      case 1: fields.write("mesh_address_5", address)
      default: fields.write("mesh_address_6", address)
      }
    }
  }
}

/// Members of structured output.
extension Printer {
  private mutating func record(_ control: FrameControl) {
    fields.write("type", control.type, "type_name", frameTypeNames)
    fields.write("subtype", control.subtype)
    if let name = control.subtypeName { fields.write("subtype_name", name) }
    fields.write("flag_bits", control.flags)
    fields.write("to_ds", control.isToDS)
    fields.write("from_ds", control.isFromDS)
    fields.write("more_fragments", control.hasMoreFragments)
    fields.write("retransmission", control.isRetry)
    fields.write("protected_frame", control.isProtected)
  }

  private mutating func recordManagement(_ frame: PacketBytes) throws(DecodeError) {
    fields.write("duration", try frame.u16le(at: 2))
    fields.write("destination", try frame.mac(at: 4))
    fields.write("source", try frame.mac(at: 10))
    fields.write("bssid", try frame.mac(at: 16))
    try recordSequence(frame)
  }

  private mutating func recordSequence(_ frame: PacketBytes) throws(DecodeError) {
    let sequence = try frame.u16le(at: 22)
    fields.write("fragment_number", sequence & 0x0f)
    fields.write("sequence_number", sequence >> 4)
  }

  private mutating func recordControl(
    _ frame: PacketBytes, _ control: FrameControl, _ length: Int
  ) throws(DecodeError) {
    let duration = try frame.u16le(at: 2)
    if control.subtype == ControlSubtype.powerSavePoll {
      fields.write("association_id", duration & 0x3fff)
    } else {
      fields.write("duration", duration)
    }
    fields.write("receiver", try frame.mac(at: 4))
    if control.subtype == ControlSubtype.wrapper { return }
    if length >= 16 { fields.write("transmitter", try frame.mac(at: 10)) }
    if control.subtype == ControlSubtype.blockAckRequest {
      fields.write("block_ack_control", try frame.u16le(at: 16))
      fields.write("block_ack_start", try frame.u16le(at: 18))
    }
  }

  private mutating func recordData(
    _ frame: PacketBytes, _ control: FrameControl, _ addresses: DataAddresses
  ) throws(DecodeError) {
    fields.write("duration", try frame.u16le(at: 2))
    fields.write("receiver", try frame.mac(at: 4))
    fields.write("transmitter", try frame.mac(at: 10))
    fields.write("destination", addresses.destination)
    fields.write("source", addresses.source)
    if let bssid = addresses.bssid { fields.write("bssid", bssid) }
    try recordSequence(frame)
    if control.isQoS {
      fields.write("traffic_id", try frame.u8(at: control.qosControlOffset) & 0x0f)
    }
  }
}
