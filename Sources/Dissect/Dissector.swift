import PacketCore

/// One protocol: the name in its truncation marks, where it is found, and how it is printed.
///
/// To add a protocol, write one file in the folder of its layer (`Link/`, `Network/`, `Transport/`, `Routing/`,
/// `Application/`) with a `static let` of this type, and add its name to `Registry.all`.
///
/// The print function gets the octets from the protocol's first on. `bytes.count` is what can be read, `bytes.length` what
/// the enclosing protocol says is there. It reads by offset (`bytes.u16(at: 2)`), writes into `printer.out`, and lets errors
/// pass: a read past the capture ends the packet with ` [|name]`, `DecodeError.invalid` ends this protocol with ` (invalid)`.
///
/// What helps (in `Text/` unless another place is named):
/// - `ValueNames` (number → text, with `printer.write(names, value, unknown:)`) and `FlagNames` (`[a, b]`),
/// - `printer.reject("length", n, .less, 8)`: ` [length 4 < 8]` and `.invalid`,
/// - `printer.writeRelativeTime(seconds:)` (`1h2m`), `printer.write(escaped:)` for text from the wire,
/// - `printer.writeHost(_:)`, `printer.writePort(_:)` (names or numbers),
/// - `printer.dumpUnknown(_:indent:)` for octets that nobody reads, `printer.writeHexAndASCII(_:indent:)`,
/// - `printer.run(dissector, bytes)` for a payload that stands in its own right,
/// - `printer.network` for the enclosing IP header, `printer.options` for the flags of the command line.
struct Dissector: Sendable {
  /// Prints one protocol data unit.
  typealias Print = @Sendable (PacketBytes, inout Printer) throws(DecodeError) -> Void

  /// The name in truncation marks: ` [|name]`.
  let name: StaticString
  /// Where the protocol is found.
  let claims: [Claim]
  /// Prints the protocol's octets.
  let print: Print

  init(name: StaticString, claims: [Claim] = [], print: @escaping Print) {
    self.name = name
    self.claims = claims
    self.print = print
  }
}

/// A number under which an enclosing protocol announces a dissector's protocol.
///
/// Where both ports of a packet are claimed, the dissector that stands first in `Registry.all` gets it.
enum Claim: Sendable {
  /// The link type (DLT) of a capture.
  case linkType(LinkType)
  /// An EtherType (IEEE 802.3), in every protocol that carries EtherTypes.
  case etherType(UInt16)
  /// A service access point of IEEE 802.2.
  case sap(UInt8)
  /// A protocol identifier of SNAP, and the organisation that gave it.
  case snap(oui: UInt32, protocolID: UInt16)
  /// A message type of IGMP.
  case igmpType(UInt8)
  /// A protocol type of GRE that is no EtherType, or means something else there.
  case greProtocol(UInt16)
  /// A protocol number of PPP.
  case pppProtocol(UInt16)
  /// A protocol number of IPv4 and IPv6 (next header).
  case ipProtocol(UInt8)
  /// A UDP port, source or destination.
  case udpPort(UInt16)
  /// A UDP source port.
  case udpSourcePort(UInt16)
  /// A UDP destination port.
  case udpDestinationPort(UInt16)
  /// A TCP port, source or destination.
  case tcpPort(UInt16)
  /// A TCP source port.
  case tcpSourcePort(UInt16)
  /// A TCP destination port.
  case tcpDestinationPort(UInt16)
  /// What `-T` names, over UDP.
  case payloadType(PayloadType)
  /// What `-T` names, over TCP.
  case tcpPayloadType(PayloadType)
}
