package import PacketCore

/// One protocol: the name in its truncation marks, the numbers under which it is found, and the function that prints it.
///
/// To add a protocol, write one file with a `static let` of this type and its layer, add its name to the list in `Protocols`, and give the
/// layer its packets in `Fixtures/packets`.
///
/// The print function gets the bytes from the protocol's first byte on. `bytes.count` is how many were captured, `bytes.length` how many
/// the enclosing protocol says there are. It reads by offset (`bytes.u16(at: 2)`), writes into `printer.out`, and does not catch errors: a
/// read past the capture ends the packet with ` [|name]`, `DecodeError.invalid` ends this protocol with ` (invalid)`.
///
/// Helpers (in `Vocabulary/` unless another place is named):
/// - `ValueNames` (number → text, with `printer.write(names, value, unknown:)`) and `FlagNames` (`[a, b]`),
/// - `printer.reject("length", n, .less, 8)`: ` [length 4 < 8]` and `.invalid`,
/// - `printer.writeRelativeTime(seconds:)` (`1h2m`), `printer.write(escaped:)` for text from the wire,
/// - `printer.writeHost(_:)`, `printer.writePort(_:)` (names or numbers),
/// - `printer.dumpUnknown(_:indent:)` for bytes that no dissector reads, `printer.writeHexAndASCII(_:indent:)`,
/// - `printer.run(dissector, bytes)` for a payload that is a protocol of its own,
/// - `printer.network` for the enclosing IP header, `printer.options` for the flags of the command line.
package struct Dissector: Sendable {
  /// Prints one protocol data unit.
  package typealias Print = @Sendable (PacketBytes, inout Printer) throws(DecodeError) -> Void

  /// The name in truncation marks: ` [|name]`.
  package let name: StaticString
  /// The numbers under which the protocol is found.
  package let claims: [Claim]
  /// The headers that it parses.
  package let layers: [Layer]
  /// True if the printed text depends on these bytes alone: the dissector runs no other dissector, and reads and writes no `ProtocolState`.
  /// Any thread may print packets of such a protocol (`Printer.dependence`).
  package let standsAlone: Bool
  /// Prints the protocol's bytes.
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
