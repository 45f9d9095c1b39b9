import PacketCore
import TestSupport
import Testing

@testable import Dissect

/// A carried protocol does not affect what the carrier writes after it.
struct ScopeTests {
  private static let outer = Layer("outer", "carries") { [] }
  private static let inner = Layer("inner", "is carried") { [] }
  private static let payload = Layer("payload", "is carried by what is carried") { [] }

  private static func dissector(_ layer: Layer, print: @escaping Dissector.Print) -> Dissector {
    Dissector(name: layer.name, layers: [layer], print: print)
  }

  /// The fields of a dissector that gets `octets`.
  private func fields(_ dissector: Dissector, _ octets: [UInt8] = [1, 2, 3, 4]) -> String {
    var printer = Printer(
      options: .numbers, registry: Registry([dissector]), recording: .fields)
    printer.packet(PacketBytes(unsafe octets.span.bytes), dissector: 0)
    return String(printer.out.string.split(separator: "\n").last ?? "")
  }

  private static let carried = dissector(inner) { (bytes, printer) throws(DecodeError) in
    if printer.enter(inner) { printer.fields.write("a", 1 as UInt8) }
    try printer.run(
      dissector(payload) { (bytes, printer) throws(DecodeError) in
        if printer.enter(payload) {
          printer.fields.beginArray("open")
          printer.fields.element(7 as UInt8)
        }
        if try bytes.u8(at: 0) == 0xff { throw .invalid }
        _ = try bytes.u8(at: 3)
      }, bytes)
    printer.fields.write("b", 2 as UInt8)
  }

  @Test func laterFieldsAreTheParents() {
    let dissector = Self.dissector(Self.outer) { (bytes, printer) throws(DecodeError) in
      if printer.enter(Self.outer) { printer.fields.write("first", 1 as UInt8) }
      try printer.run(Self.carried, bytes)
      if printer.writesFields { printer.fields.write("second", 2 as UInt8) }
      try printer.run(Self.carried, bytes)
      if printer.writesFields { printer.fields.write("third", 3 as UInt8) }
    }
    let carried = #"{"layer":"inner","a":1,"b":2},{"layer":"payload","open":[7]}"#
    #expect(
      fields(dissector)
        == #"{"layers":[{"layer":"outer","first":1,"second":2,"third":3},"# + carried + "," + carried + "]}")
    // The carried packet is invalid; the carrier goes on.
    #expect(fields(dissector, [0xff, 0, 0, 0]).contains(#""second":2,"third":3}"#))
    // The capture ends in the carried packet: nothing more is written, and everything is closed.
    #expect(
      fields(dissector, [1, 2])
        == #"{"layers":[{"layer":"outer","first":1},{"layer":"inner","a":1},{"layer":"payload","open":[7]}]}"#)
  }

  /// Arrays that were open when the carried header began are open again afterwards.
  @Test func openArraysGoOn() {
    let dissector = Self.dissector(Self.outer) { (bytes, printer) throws(DecodeError) in
      if printer.enter(Self.outer) { printer.fields.beginArray("chunks") }
      for type in 0..<3 as Range<UInt8> {
        printer.fields.beginObject()
        printer.fields.write("type", type)
        try printer.run(Self.carried, bytes)
        if type == 1 { printer.fields.write("late", true) }
        printer.fields.end()
      }
      printer.fields.end()
      printer.fields.write("count", 3 as UInt8)
    }
    let carried = #",{"layer":"inner","a":1,"b":2},{"layer":"payload","open":[7]}"#
    #expect(
      fields(dissector)
        == #"{"layers":[{"layer":"outer","chunks":[{"type":0},{"type":1,"late":true},{"type":2}],"count":3}"#
        + carried + carried + carried + "]}")
  }

  /// A header too deep to be reopened does not write its fields into another header's object.
  @Test func noFieldsWithoutAnObject() {
    let dissector = Self.dissector(Self.outer) { (bytes, printer) throws(DecodeError) in
      try printer.run(Self.carried, bytes)
      let writesFields = printer.writesFields
      #expect(!writesFields)
    }
    #expect(
      fields(dissector) == #"{"layers":[{"layer":"inner","a":1,"b":2},{"layer":"payload","open":[7]}]}"#)
  }

  /// After a quoted packet, the current IP header is again the one that carries the quotation.
  @Test func theNetworkHeaderIsTheOwn() {
    let dissector = Self.dissector(Self.outer) { (bytes, printer) throws(DecodeError) in
      printer.network.source = 1
      try printer.nest(bytes) { (_, printer) throws(DecodeError) in
        printer.network.source = 2
        printer.context.scope.carrierFlags = 3
        throw .invalid
      }
      let scope = printer.context.scope
      #expect(scope.network.source == 1)
      #expect(scope.carrierFlags == 0)
      printer.recordOnly(bytes) { (_, printer) throws(DecodeError) in
        printer.network.source = 2
        printer.noteInvalid()
        throw .truncated
      }
      let (source, faults) = (printer.network.source, printer.context.faults.count)
      #expect(source == 1)
      #expect(faults == 1)
    }
    _ = fields(dissector)
  }

  @Test func aProtocolKeepsItsState() {
    final class Count { var packets = 0 }
    let state = ProtocolState { Count() }
    let dissector = Self.dissector(Self.outer) { (_, printer) throws(DecodeError) in
      printer.state(state).packets += 1
      printer.out.write(decimal: printer.state(state).packets)
    }
    var printer = Printer(options: .numbers, registry: Registry([dissector]))
    for _ in 0..<3 { printer.packet(PacketBytes(unsafe [0 as UInt8].span.bytes), dissector: 0) }
    #expect(printer.out.string == "1\n2\n3\n")
    var another = Printer(options: .numbers, registry: Registry([dissector]))
    another.packet(PacketBytes(unsafe [0 as UInt8].span.bytes), dissector: 0)
    #expect(another.out.string == "1\n")
  }
}
