import Dissect
import PacketCore

/// Subtypes of management frames.
private enum Subtype {
  static let associationRequest: UInt8 = 0
  static let associationResponse: UInt8 = 1
  static let reassociationRequest: UInt8 = 2
  static let reassociationResponse: UInt8 = 3
  static let probeRequest: UInt8 = 4
  static let probeResponse: UInt8 = 5
  static let beacon: UInt8 = 8
  static let disassociation: UInt8 = 10
  static let authentication: UInt8 = 11
  static let deauthentication: UInt8 = 12
  static let action: UInt8 = 13
}

/// Capability information (IEEE 802.11 section 9.4.1.4).
private enum Capability {
  static let ess: UInt16 = 0x0001
  static let privacy: UInt16 = 0x0010
}

/// Elements of management frames (IEEE 802.11 section 9.4.2).
///
///     0    1        2
///     +----+--------+-------------
///     | ID | length | information
///     +----+--------+-------------
private struct Elements {
  enum ID {
    static let ssid: UInt32 = 0
    static let rates: UInt32 = 1
    static let channel: UInt32 = 3
    static let trafficMap: UInt32 = 5
    static let meshID: UInt32 = 114
  }

  /// The offset of the information of the first element of a kind, and its length.
  typealias Place = (offset: Int, length: Int)

  var ssid: Place?
  var rates: Place?
  var meshID: Place?
  var channel: UInt8?
  /// The last element is longer than the rest of the body or than its maximum length: nothing after it can be read.
  var isCut = false

  func stopWhereCut() throws(DecodeError) {
    if isCut { throw .truncated }
  }

  static let layout = OptionLayout(typeWidth: 1, lengthWidth: 1, shortHeader: .endsListIfCut)

  /// The maximum length of an element's information.
  static func limit(_ id: UInt32) -> Int {
    switch id {
    case ID.ssid, ID.meshID: 32
    case ID.rates: 16
    case ID.trafficMap: 254
    default: 255
    }
  }
}

extension Printer {
  /// Prints the body of a management frame.
  mutating func printManagement(
    _ control: FrameControl, _ frame: PacketBytes, _ body: PacketBytes
  ) throws(DecodeError) {
    write(managementNames, control.subtype, unknown: .hex("Unhandled Management subtype(", ")"))
    if control.isProtected { return try printEncryption(body) }
    switch control.subtype {
    case Subtype.associationRequest:
      try recordCapabilities(body, at: 0, listenInterval: 2)
      let elements = try findElements(body, at: 4)
      try writeSSID(elements, body)
      try writeRates(elements, body)
      try elements.stopWhereCut()
    case Subtype.reassociationRequest:
      try recordCapabilities(body, at: 0, listenInterval: 2)
      try body.check(0, 10)
      let address = try body.mac(at: 4)
      if writesFields { fields.write("current_ap", address) }
      let elements = try findElements(body, at: 10)
      try writeSSID(elements, body)
      out.write(" AP : ")
      writeMAC(address)
      try elements.stopWhereCut()
    case Subtype.associationResponse, Subtype.reassociationResponse: try printAssociationResponse(body)
    case Subtype.probeRequest:
      let elements = try findElements(body, at: 0)
      try writeSSID(elements, body)
      try writeRates(elements, body)
      try elements.stopWhereCut()
    case Subtype.beacon, Subtype.probeResponse: try printBeacon(control, body)
    case Subtype.authentication: try printAuthentication(body)
    case Subtype.disassociation:
      try printReason(body)
    case Subtype.deauthentication:
      try body.check(0, 2)
      try writeSender(frame)
      try printReason(body)
    case Subtype.action: try printAction(frame, body)
    default: break
    }
  }

  /// ` (02:00:00:00:00:02)`, unless the addresses are shown anyway.
  private mutating func writeSender(_ frame: PacketBytes) throws(DecodeError) {
    if options.linkHeader { return }
    out.write(" (")
    writeMAC(try frame.mac(at: 10))
    out.write(")")
  }

  private mutating func printReason(_ body: PacketBytes) throws(DecodeError) {
    let reason = try body.u16le(at: 0)
    write(": ", "reason", reason, as: .named(reasonNames, key: "reason_name", unknown: "Reserved"))
  }

  ///     0              2        4                4                6                10
  ///     +--------------+--------+----------------+     +----------+------------------
  ///     | capabilities | status | association ID |  or | interval | current AP (6)
  ///     +--------------+--------+----------------+     +----------+------------------
  private mutating func printAssociationResponse(_ body: PacketBytes) throws(DecodeError) {
    try body.check(0, 6)
    let capabilities = try body.u16le(at: 0)
    let status = try body.u16le(at: 2)
    let identifier = try body.u16le(at: 4) & 0x3fff
    if writesFields {
      fields.write("capabilities", capabilities)
      fields.write("status", status, "status_name", statusNames)
      fields.write("association_id", identifier)
    }
    let elements = try findElements(body, at: 6)
    if writesFields { try recordElements(elements, body) }
    write(" AID(", identifier, as: .hex(1))
    out.write(") :")
    if capabilities & Capability.privacy != 0 { out.write(" PRIVACY ") }
    out.write(": ")
    writeStatus(status)
    try elements.stopWhereCut()
  }

  private mutating func writeStatus(_ status: UInt16) {
    if status > largestStatus { return out.write("n/a") }
    write(statusNames, status, unknown: "Reserved")
  }

  ///     0               8          10             12
  ///     +---------------+----------+--------------+----------
  ///     | timestamp (8) | interval | capabilities | elements     (IEEE 802.11 sections 9.3.3.2, 9.3.3.10)
  ///     +---------------+----------+--------------+----------
  private mutating func printBeacon(_ control: FrameControl, _ body: PacketBytes) throws(DecodeError) {
    try body.check(0, 12)
    let capabilities = try body.u16le(at: 10)
    if writesFields {
      fields.write("beacon_interval", try body.u16le(at: 8))
      fields.write("capabilities", capabilities)
    }
    let elements = try findElements(body, at: 12)
    try writeSSID(elements, body)
    try writeRates(elements, body)
    if control.subtype == Subtype.beacon {
      out.write(capabilities & Capability.ess != 0 ? " ESS" : " IBSS")
    }
    if let channel = elements.channel { write(" CH: ", "channel", channel) }
    if capabilities & Capability.privacy != 0 { out.write(", PRIVACY") }
    if let place = elements.meshID {
      let name = try body.slice(at: place.offset, length: place.length)
      if writesFields { fields.write("mesh_id", text: name) }
      out.write(" (MESHID: ")
      out.write(escaped: name.clamped(to: try name.lengthToNUL()))
      out.write(")")
    }
    try elements.stopWhereCut()
  }

  ///     0           2             4        6
  ///     +-----------+-------------+--------+----------
  ///     | algorithm | transaction | status | elements      (IEEE 802.11 section 9.3.3.11)
  ///     +-----------+-------------+--------+----------
  private mutating func printAuthentication(_ body: PacketBytes) throws(DecodeError) {
    try body.check(0, 6)
    let algorithm = try body.u16le(at: 0)
    let transaction = try body.u16le(at: 2)
    let status = try body.u16le(at: 4)
    if writesFields {
      fields.write("status", status, "status_name", statusNames)
    }
    let elements = try findElements(body, at: 6)
    write(" (", "algorithm", algorithm, as: .named(authenticationNames, key: "algorithm_name", unknown: "Reserved"))
    write(")-", "transaction", transaction, as: .hex(1))
    // The second and third frame of a shared key exchange have a challenge. The status is printed for odd transaction numbers.
    let hasChallenge = algorithm == 1 && (transaction == 2 || transaction == 3)
    out.write(hasChallenge ? " [Challenge Text] " : ": ")
    if transaction & 1 != 0 { writeStatus(status) }
    try elements.stopWhereCut()
  }

  ///     0          1        2
  ///     +----------+--------+------
  ///     | category | action | …        (IEEE 802.11 section 9.6)
  ///     +----------+--------+------
  private mutating func printAction(_ frame: PacketBytes, _ body: PacketBytes) throws(DecodeError) {
    try body.check(0, 2)
    let category = try body.u8(at: 0)
    let action = try body.u8(at: 1)
    let actions = ActionCategory.actions(of: category)
    if writesFields {
      fields.write("category", category, "category_name", ActionCategory.names)
      fields.write("action", action)
      if let name = actions?[action] { fields.write("action_name", name) }
    }
    try writeSender(frame)
    write(": ", category, as: .named(ActionCategory.names, unknown: .decimal("Reserved(", ")")))
    if let name = actions?[action] {
      out.write(" ")
      out.write(name)
    } else {
      write(" Act#", action)
    }
  }
}

/// Elements may come in any order, but the text has a fixed order: they are found first, and then written.
extension Printer {
  private mutating func findElements(_ body: PacketBytes, at start: Int) throws(DecodeError) -> Elements {
    try body.check(0, start)
    var elements = Elements()
    var list = openList(body, at: start, Elements.layout)
    while let element = try next(&list) {
      let length = element.length
      guard element.bytes.has(0, element.size), length <= Elements.limit(element.type) else {
        elements.isCut = true
        return elements
      }
      // Only the first element of a kind counts.
      let place = (offset: body.length &- element.rest &+ 2, length: length)
      switch element.type {
      case Elements.ID.ssid where elements.ssid == nil: elements.ssid = place
      case Elements.ID.rates where elements.rates == nil && length > 0: elements.rates = place
      case Elements.ID.meshID where elements.meshID == nil: elements.meshID = place
      case Elements.ID.channel where elements.channel == nil && length == 1:
        elements.channel = try body.u8(at: place.offset)
      default: break
      }
    }
    elements.isCut = list.remaining > 0
    return elements
  }

  /// ` (name)`.
  private mutating func writeSSID(_ elements: Elements, _ body: PacketBytes) throws(DecodeError) {
    guard let place = elements.ssid else { return }
    let name = try body.slice(at: place.offset, length: place.length)
    if writesFields { fields.write("ssid", text: name) }
    out.write(" (")
    out.write(escaped: name.clamped(to: try name.lengthToNUL()))
    out.write(")")
  }

  /// ` [1.0* 5.5 11.0 Mbit]`: a star marks rates that all stations must support.
  private mutating func writeRates(_ elements: Elements, _ body: PacketBytes) throws(DecodeError) {
    guard let place = elements.rates else { return }
    if writesFields { fields.beginArray("rates") }
    for index in 0..<place.length {
      let rate = try body.u8(at: place.offset &+ index)
      if writesFields { fields.element(rate) }
      out.write(index == 0 ? " [" : " ")
      writeHalves(rate & 0x7f)
      if rate & 0x80 != 0 { out.write("*") }
    }
    if writesFields { fields.end() }
    out.write(" Mbit]")
  }

  /// Half of a number, with one decimal.
  mutating func writeHalves(_ number: UInt8) {
    out.write(decimal: number / 2)
    out.write(number & 1 == 0 ? ".0" : ".5")
  }

  /// Records members that the text leaves out.
  private mutating func recordElements(_ elements: Elements, _ body: PacketBytes) throws(DecodeError) {
    guard let place = elements.rates else { return }
    fields.beginArray("rates")
    for index in 0..<place.length { fields.element(try body.u8(at: place.offset &+ index)) }
    fields.end()
  }

  private mutating func recordCapabilities(
    _ body: PacketBytes, at offset: Int, listenInterval: Int
  ) throws(DecodeError) {
    guard writesFields else { return }
    fields.write("capabilities", try body.u16le(at: offset))
    fields.write("listen_interval", try body.u16le(at: listenInterval))
  }
}
