package import PacketCore

/// One protocol: the name in its truncation marks, where it is found, and how it is printed.
///
/// To add a protocol, write one file with a `static let` of this type and its layer, add its name to the list in `Protocols`, and give the layer
/// its packets in `Fixtures/packets`.
///
/// The print function gets the octets from the protocol's first on. `bytes.count` is what can be read, `bytes.length` what
/// the enclosing protocol says is there. It reads by offset (`bytes.u16(at: 2)`), writes into `printer.out`, and lets errors
/// pass: a read past the capture ends the packet with ` [|name]`, `DecodeError.invalid` ends this protocol with ` (invalid)`.
///
/// What helps (in `Vocabulary/` unless another place is named):
/// - `ValueNames` (number → text, with `printer.write(names, value, unknown:)`) and `FlagNames` (`[a, b]`),
/// - `printer.reject("length", n, .less, 8)`: ` [length 4 < 8]` and `.invalid`,
/// - `printer.writeRelativeTime(seconds:)` (`1h2m`), `printer.write(escaped:)` for text from the wire,
/// - `printer.writeHost(_:)`, `printer.writePort(_:)` (names or numbers),
/// - `printer.dumpUnknown(_:indent:)` for octets that nobody reads, `printer.writeHexAndASCII(_:indent:)`,
/// - `printer.run(dissector, bytes)` for a payload that stands in its own right,
/// - `printer.network` for the enclosing IP header, `printer.options` for the flags of the command line.
package struct Dissector: Sendable {
  /// Prints one protocol data unit.
  package typealias Print = @Sendable (PacketBytes, inout Printer) throws(DecodeError) -> Void

  /// The name in truncation marks: ` [|name]`.
  package let name: StaticString
  /// Where the protocol is found.
  package let claims: [Claim]
  /// The headers that it parses.
  package let layers: [Layer]
  /// True where what is printed follows from these octets alone: it runs no other dissector, and reads and writes no `ProtocolState`.
  /// Packets of such a protocol are printed by any thread (`Printer.dependence`).
  package let standsAlone: Bool
  /// Prints the protocol's octets.
  package let print: Print

  package init(
    name: StaticString, claims: [Claim] = [], layers: [Layer] = [], standsAlone: Bool = false, print: @escaping Print
  ) {
    self.name = name
    self.claims = claims
    self.layers = layers
    self.standsAlone = standsAlone
    self.print = print
  }
}
