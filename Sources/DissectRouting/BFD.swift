package import Dissect
import PacketCore

extension Layer {
  static let bfd = Layer(
    "bfd", "Bidirectional Forwarding Detection", "RFC 5880, RFC 5881, RFC 5883, RFC 7130, RFC 7881"
  ) {
    [
      Field(
        "purpose", .words(["control", "echo", "multihop", "lag", "seamless"]), "What the port says.", always: true),
      Field("version", .uint8, "Version."),
      Field("diagnostic", .uint8, "Why the session's state changed last."),
      Field("diagnostic_name", .text, "Its name."),
      Field("session_state", .words(["AdminDown", "Down", "Init", "Up"]), "State of the session, in version 1."),
      Field("flag_bits", .uint8, "The second byte: with version 1 the state in the two upper bits, then flags."),
      Field("detection_multiplier", .uint8, "Intervals after which the session counts as down."),
      Field("length", .uint8, "Bytes of the message, as it states."),
      Field("my_discriminator", .uint32, "The sender's number for the session."),
      Field("your_discriminator", .uint32, "The receiver's number for the session."),
      Field("desired_transmit_interval", .uint32, "Microseconds between the sender's messages at least."),
      Field("required_receive_interval", .uint32, "Microseconds between messages that the sender can take."),
      Field("required_echo_interval", .uint32, "The same of echo messages; 0 for none."),
      Field(
        "authentication",
        .object([
          Field("type", .uint8, "Authentication type.", always: true),
          Field("type_name", .text, "Name of the type."),
          Field("length", .uint8, "Bytes of the section.", always: true),
          Field("key_id", .uint8, "Key identifier."),
          Field("password", .text, "Password."),
          Field("sequence", .uint32, "Sequence number."),
          Field("digest", .hex, "Digest."),
        ]), "Authentication section."),
    ]
  }
}

extension Dissector {
  package static let bfdControl = bfd(.control, 3784)
  package static let bfdEcho = bfd(.echo, 3785)
  package static let bfdMultihop = bfd(.multihop, 4784)
  package static let bfdLAG = bfd(.lag, 6784)
  package static let seamlessBFD = bfd(.seamless, 7784)

  private static func bfd(_ kind: Kind, _ port: UInt16) -> Dissector {
    Dissector(name: "bfd", claims: [.udpPort(port)], layers: [.bfd]) {
      (bytes: PacketBytes, printer: inout Printer) throws(DecodeError) in
      try printer.printBFD(kind, bytes)
    }
  }
}

/// The purpose of a message, which depends on the port.
private enum Kind {
  case control, echo, multihop, lag, seamless

  var title: StaticString {
    switch self {
    case .control: "Control"
    case .echo: "Echo"
    case .multihop: "Multihop"
    case .lag: "LAG"
    case .seamless: "S-BFD"
    }
  }

  var key: StaticString {
    switch self {
    case .control: "control"
    case .echo: "echo"
    case .multihop: "multihop"
    case .lag: "lag"
    case .seamless: "seamless"
    }
  }
}

private let diagnostics: ValueNames = [
  0: "No Diagnostic", 1: "Control Detection Time Expired", 2: "Echo Function Failed",
  3: "Neighbor Signaled Session Down", 4: "Forwarding Plane Reset", 5: "Path Down", 6: "Concatenated Path Down",
  7: "Administratively Down", 8: "Reverse Concatenated Path Down",
]
private let states: ValueNames = [0: "AdminDown", 1: "Down", 2: "Init", 3: "Up"]
private let flags0: FlagNames = [
  0x80: "I Hear You", 0x40: "Demand", 0x20: "Poll", 0x10: "Final", 0x08: "Control Plane Independent",
  0x04: "Authentication Present",
]
private let flags1: FlagNames = [
  0x20: "Poll", 0x10: "Final", 0x08: "Control Plane Independent", 0x04: "Authentication Present", 0x02: "Demand",
  0x01: "Multipoint",
]
private let authenticationPresent: UInt8 = 0x04

private enum Authentication {
  static let password: UInt8 = 1
  static let names: ValueNames = [
    1: "Simple Password", 2: "Keyed MD5", 3: "Meticulous Keyed MD5", 4: "Keyed SHA1", 5: "Meticulous Keyed SHA1",
  ]

  static func isSHA1(_ type: UInt8) -> Bool { type == 4 || type == 5 }

  /// Length in bytes of an authentication section with a digest; nil for other types.
  static func length(_ type: UInt8) -> Int? {
    switch type {
    case 2, 3: 24
    case 4, 5: 28
    default: nil
    }
  }
}

///     0                     1             2            3        4    8      12           16           20
///     +---------------------+-------------+------------+--------+----+------+------------+------------+---------------+-----
///     | version, diagnostic | state,flags | multiplier | length | my | your | desired Tx | required Rx| required echo | auth.
///     +---------------------+-------------+------------+--------+----+------+------------+------------+---------------+-----
/// RFC 5880 section 4.1; intervals are microseconds.
private let headerLength = 24

extension Printer {
  fileprivate mutating func printBFD(_ kind: Kind, _ bytes: PacketBytes) throws(DecodeError) {
    if enter(.bfd) { fields.write("purpose", kind.key) }
    if kind == .echo {
      out.write("BFD, Echo, length: ")
      out.write(decimal: bytes.length)
      if options.verbosity > 0 { writeHex(bytes) }
      return
    }
    try bytes.check(0, headerLength)
    let version = try bytes.u8(at: 0) >> 5
    let second = try bytes.u8(at: 1)
    if writesFields { try recordBFD(bytes) }
    let isVerbose = options.verbosity > 0
    out.write("BFDv")
    out.write(decimal: version)
    guard version < 2 else {
      // The meaning of the port is only known for version 1.
      writeKindAndLength(.control, bytes)
      if isVerbose { writeHex(bytes) }
      return
    }
    if isVerbose {
      out.write(", length: ")
      out.write(decimal: bytes.length)
      out.write("\n\t")
    } else {
      out.write(", ")
    }
    // Version 0 has no other kind.
    out.write(version == 0 ? Kind.control.title : kind.title)
    if version == 1 {
      out.write(", State ")
      write(states, second >> 6, unknown: "")
    }
    out.write(", Flags: [")
    write(version == 1 ? flags1 : flags0, second)
    out.write("]")
    guard isVerbose else {
      out.write(", length: ")
      out.write(decimal: bytes.length)
      return
    }
    try writeDetails(bytes)
    if second & authenticationPresent != 0 { try printAuthentication(try bytes.dropping(headerLength)) }
  }

  private mutating func writeKindAndLength(_ kind: Kind, _ bytes: PacketBytes) {
    out.write(", ")
    out.write(kind.title)
    out.write(", length: ")
    out.write(decimal: bytes.length)
  }

  private mutating func recordBFD(_ bytes: PacketBytes) throws(DecodeError) {
    let version = try bytes.u8(at: 0) >> 5
    let second = try bytes.u8(at: 1)
    fields.write("version", version)
    guard version < 2 else { return }
    fields.write("diagnostic", try bytes.u8(at: 0) & 0x1f, "diagnostic_name", diagnostics)
    if version == 1, let state = states[second >> 6] { fields.write("session_state", state) }
    fields.write("flag_bits", second)
    fields.write("detection_multiplier", try bytes.u8(at: 2))
    fields.write("length", try bytes.u8(at: 3))
    fields.write("my_discriminator", try bytes.u32(at: 4))
    fields.write("your_discriminator", try bytes.u32(at: 8))
    fields.write("desired_transmit_interval", try bytes.u32(at: 12))
    fields.write("required_receive_interval", try bytes.u32(at: 16))
    fields.write("required_echo_interval", try bytes.u32(at: 20))
  }

  private mutating func writeDetails(_ bytes: PacketBytes) throws(DecodeError) {
    let diagnostic = try bytes.u8(at: 0) & 0x1f
    out.write(", Diagnostic: ")
    write(diagnostics, diagnostic, unknown: "unknown")
    out.write(" (0x")
    out.write(hex: diagnostic, width: 2)
    out.write(")\n\tDetection Timer Multiplier: ")
    let multiplier = try bytes.u8(at: 2)
    let transmit = try bytes.u32(at: 12)
    out.write(decimal: multiplier)
    out.write(" (")
    out.write(decimal: UInt64(multiplier) * UInt64(transmit) / 1000)
    out.write(" ms Detection time), BFD Length: ")
    out.write(decimal: try bytes.u8(at: 3))
    out.write("\n\tMy Discriminator: 0x")
    out.write(hex: try bytes.u32(at: 4), width: 8)
    out.write(", Your Discriminator: 0x")
    out.write(hex: try bytes.u32(at: 8), width: 8)
    writeInterval("\n\t  Desired min Tx Interval:    ", transmit)
    writeInterval("\n\t  Required min Rx Interval:   ", try bytes.u32(at: 16))
    writeInterval("\n\t  Required min Echo Interval: ", try bytes.u32(at: 20))
  }

  /// Milliseconds, in at least four columns.
  private mutating func writeInterval(_ title: StaticString, _ microseconds: UInt32) {
    out.write(title)
    out.write(decimal: microseconds / 1000, width: 4, pad: UInt8(ascii: " "))
    out.write(" ms")
  }

  ///     0      1        2        3 password, or  3 reserved  4 sequence   8 digest
  /// RFC 5880 section 4.2 to 4.4.
  private mutating func printAuthentication(_ bytes: PacketBytes) throws(DecodeError) {
    try bytes.check(0, 4)
    let type = try bytes.u8(at: 0)
    let length = Int(try bytes.u8(at: 1))
    if writesFields {
      fields.beginObject("authentication")
      fields.write("type", type, "type_name", Authentication.names)
      fields.write("length", length)
    }
    out.write("\n\tAuthentication: ")
    write(Authentication.names, type, unknown: "Unknown")
    out.write(" (")
    out.write(decimal: type)
    out.write("), length: ")
    out.write(decimal: length)
    out.write("\n\t  Auth Key ID: ")
    let key = try bytes.u8(at: 2)
    if writesFields { fields.write("key_id", key) }
    out.write(decimal: key)
    if type == Authentication.password {
      // The password has one to sixteen bytes.
      guard (4...19).contains(length) else { return writeInvalidAuthentication(length) }
      out.write(", Password: ")
      let password = try bytes.dropping(3)
      if writesFields { fields.write("password", text: password.clamped(to: length - 3)) }
      try writeText(password, length: length - 3)
    } else if let expected = Authentication.length(type) {
      guard length == expected else { return writeInvalidAuthentication(length) }
      let sequence = try bytes.u32(at: 4)
      out.write(", Sequence Number: 0x")
      out.write(hex: sequence, width: 8)
      let digest = try bytes.slice(at: 8, length: length - 8)
      if writesFields {
        fields.write("sequence", sequence)
        fields.write("digest", hex: digest)
      }
      out.write(Authentication.isSHA1(type) ? "\n\t  Hash: " : "\n\t  Digest: ")
      try writeHexOctets(digest, length - 8)
    }
    if writesFields { fields.end() }
  }

  private mutating func writeInvalidAuthentication(_ length: Int) {
    writeFault("[invalid length ")
    out.write(decimal: length)
    out.write("]")
  }
}
