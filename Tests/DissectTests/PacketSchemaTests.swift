import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

@testable import Dissect
import Protocols

/// `Fixtures/schema/packet.schema.json` describes exactly the objects that are printed.
struct PacketSchemaTests {
  static let file = Fixture.folder.appendingPathComponent("schema/packet.schema.json")

  private func schema() throws -> JSONValue { try JSONValue(try Data(contentsOf: Self.file)) }

  /// The validator for the schema, read once.
  static let validator = Result { try JSONSchema(JSONValue(Data(contentsOf: file))) }

  /// The file is generated from the declarations of the layers: `apus --json-schema` prints it.
  @Test func schemaFollowsFromTheDeclarations() throws {
    var text = TextBuffer()
    PacketSchema(.shared).write(to: &text)
    #expect(text.string == String(decoding: try Data(contentsOf: Self.file), as: UTF8.self))
  }

  /// A member name has the same type in all layers, at any depth, so that readers that infer one type per column work.
  @Test func aNameHasOneType() {
    var types: [String: (type: String, layer: String)] = [:]
    func type(of form: Field.Form) -> String {
      switch form {
      case .uint4, .uint8, .uint16, .uint24, .uint32, .uint48, .uint64, .int8, .int32, .integer, .length: "integer"
      case .number: "number"
      case .flag, .mark: "boolean"
      case .text, .words, .hex, .mac, .linkAddress, .ipv4, .ipv6, .ip, .domainName, .reference: "string"
      case .object, .shared: "object"
      case .array(let element): "array of \(type(of: element))"
      case .layers: "layers"
      }
    }
    func check(_ fields: [Field], _ layer: String, depth: Int) {
      for field in fields {
        let found = type(of: field.form)
        let known = types["\(field.name)"] ?? (found, layer)
        types["\(field.name)"] = known
        #expect(known.type == found, "\(field.name): \(known.type) in \(known.layer), \(found) in \(layer)")
        switch field.form {
        case .object(let members), .array(.object(let members)): check(members, layer, depth: depth)
        case .shared(let object), .array(.shared(let object)):
          // An object may contain itself.
          if depth < 3 { check(object.fields(), layer, depth: depth + 1) }
        default: break
        }
      }
    }
    for layer in Registry.shared.layers { check(layer.fields(), "\(layer.name)", depth: 0) }
    #expect(types.count > 300)
  }

  /// No number is claimed twice, and the truncation marks of all dissectors belong to a layer.
  @Test func claimsAndMarksAreUnambiguous() {
    for conflict in Registry.shared.conflicts {
      Issue.record("\(conflict.space.name) \(conflict.number) is claimed by \(conflict.names)")
    }
    for dissector in Registry.shared.dissectors {
      #expect(Registry.shared.layer(mark: dissector.name, last: nil) != nil, "\(dissector.name)")
      #expect(!dissector.layers.isEmpty, "\(dissector.name)")
    }
    let names = Registry.shared.layers.map { "\($0.name)" }
    #expect(Set(names).count == names.count)
  }

  /// Every layer has one description, which allows only the members that it names.
  @Test func layersAreDescribed() throws {
    let schema = try schema()
    let references = try #require(schema["$defs"]?["packet"]?["properties"]?["layers"]?["items"]?["oneOf"]).elements
    let names = references.compactMap { $0["$ref"]?.text?.split(separator: "/").last.map(String.init) }
    #expect(names.sorted() == Registry.shared.layers.map { "\($0.name)" }.sorted())
    for name in names {
      let layer = try #require(schema["$defs"]?[name])
      #expect(layer["properties"]?["layer"]?["const"] == .string(name))
      #expect(layer["required"]?.elements.contains(.string("layer")) ?? false)
    }
  }

  /// Objects are closed, and every member has a description.
  @Test func membersAreDescribed() throws {
    func check(_ value: JSONValue, at path: String) {
      guard case .object(let members) = value else {
        for element in value.elements { check(element, at: path) }
        return
      }
      if case .object(let properties)? = members["properties"], members["type"] == .string("object") {
        #expect(members["additionalProperties"] == .bool(false), "\(path)")
        #expect(members["description"]?.text != nil, "\(path)")
        for (name, property) in properties where property["const"] == nil {
          #expect(property["description"]?.text != nil, "\(path).\(name)")
          #expect(name.allSatisfy { $0 == "_" || $0.isLowercase || $0.isNumber }, "\(path).\(name)")
        }
      }
      for (name, member) in members { check(member, at: "\(path).\(name)") }
    }
    check(try schema(), at: "$")
  }

  /// Every packet of every capture, including the conformance data where it exists.
  @Test(arguments: SavefileList.all)
  func packetsAreAsDescribed(_ file: SavefileList.Entry) throws {
    let schema = try Self.validator.get()
    for payload in [nil, PrintOptions.PayloadForm.base64] {
      try file.forEachPacket { packet, number, interface in
        var options = PrintOptions()
        options.payloadForm = payload
        var printer = Printer(options: options.forFields, recording: .fields)
        printer.json(packet, number: number, interface: interface)
        try check(printer.out.string, schema, "\(file) \(number)")
      }
      if packetsAreMany(file) { break }
    }
  }

  private func packetsAreMany(_ file: SavefileList.Entry) -> Bool { file.size > 20_000 }

  /// Truncated packets, and packets with flipped bits.
  @Test(arguments: SavefileList.own)
  func brokenPacketsAreAsDescribed(_ file: SavefileList.Entry) throws {
    let schema = try Self.validator.get()
    var random = SeededRandom(seed: 7)
    try file.forEachPacket { packet, number, _ in
      guard number <= 3 else { return }
      let octets = packet.bytes.rawSpan.octets
      for length in stride(from: 1, through: min(octets.count, 200), by: 3) {
        try check(
          json(Array(octets.prefix(length)), packet.linkType, len: packet.len), schema, "\(file) \(number) /\(length)")
      }
      for turn in 0..<30 {
        var broken = octets
        for _ in 0..<(1 + turn % 8) {
          broken[Int(random.next() % UInt64(broken.count))] ^= 1 << UInt8(random.next() % 8)
        }
        try check(json(broken, packet.linkType), schema, "\(file) \(number) turn \(turn)")
      }
    }
  }

  /// Packets inside packets, and options inside options, are parsed up to a limit that the object reports.
  @Test func nestingIsBounded() throws {
    let schema = try Self.validator.get()
    // IPv4 in IPv4, each with its own correct length, after an Ethernet header.
    var packet: [UInt8] = []
    for _ in 0..<150 {
      let length = UInt16(packet.count + 20)
      packet =
        [0x45, 0, UInt8(length >> 8), UInt8(length & 0xff), 0, 0, 0, 0, 64, 4, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
        + packet
    }
    let tunnel = json([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8, 0] + packet)
    try check(tunnel, schema, "tunnels")
    let object = try JSONValue(tunnel.utf8.dropLast())
    #expect(object["layers"]?.elements.count ?? 0 <= 100)
    #expect(object["has_more_layers"] != nil || object["invalid"] != nil)

    // DHCPv6: client data of a lease query nested inside client data.
    var options: [UInt8] = []
    var headers: [[UInt8]] = []
    for index in 0..<15_000 { headers.append([0, 45, UInt8((index * 4) >> 8), UInt8(index * 4 & 0xff)]) }
    for header in headers.reversed() { options += header }
    let query = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(546, 547).payload([1, 0, 0, 1] + options)
    let line = json(query.octets)
    try check(line, schema, "options")
    #expect(try JSONValue(line.utf8.dropLast())["invalid"] == .array([.string("dhcpv6")]))
  }

  /// A packet with impossible lengths does not report the faults of the packet before it.
  @Test func faultsAreThoseOfOnePacket() throws {
    // An inverse ARP request over Frame Relay, whose target is not a connection identifier.
    let octets: [UInt8] =
      [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6, 0, 15, 8, 0, 2, 4, 0, 8, 0x18, 0x41, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0]
    var printer = Printer(options: PrintOptions().forFields, recording: .fields)
    for length in [octets.count, 3] {
      printer.json(
        Packet(
          bytes: PacketBytes(unsafe octets.span.bytes, length: length),
          timestamp: Timestamp(seconds: 0, nanoseconds: 0),
          linkType: .ethernet), number: 1, interface: nil)
    }
    let objects = try printer.out.string.split(separator: "\n").map { try JSONValue($0.utf8) }
    try #require(objects.count == 2)
    #expect(objects[0]["invalid"] != nil && objects[0]["invalid_lengths"] == nil)
    #expect(objects[1]["invalid"] == nil && objects[1]["invalid_lengths"] != nil)
  }

  @Test func eventsAreAsDescribed() throws {
    var printer = Printer(options: PrintOptions().forFields, recording: .fields)
    printer.json(
      event: "went_down", "eth\"0 went down", interface: 0, name: "eth\"0", at: Timestamp(seconds: 1, nanoseconds: 2))
    printer.json(
      event: "interface_up", "eth0 is back after 1.500 s", interface: 1, name: "eth0", outage: 1_500_000_000,
      at: Timestamp(seconds: 1, nanoseconds: 2))
    let lines = printer.out.string.split(separator: "\n")
    #expect(lines.count == 2)
    let schema = try Self.validator.get()
    for line in lines { try check(String(line), schema, "an event") }
    #expect(try JSONValue(lines[1].utf8)["outage_seconds"] == .number("1.500000000"))
  }

  /// The validator finds the faults that it should find.
  @Test func validatorValidates() throws {
    let schema = try Self.validator.get()
    let good = json(PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(40000, 9).octets)
    try schema.validate(JSONValue(good.utf8))
    for (old, new) in [
      ("\"ttl\":64", "\"ttl\":\"64\""), ("\"ttl\":64", "\"ttl\":256"), ("\"ttl\":64", "\"tl\":64"),
      ("\"layer\":\"udp\"", "\"layer\":\"ip\""), ("\"source\":\"192.0.2.1\"", "\"source\":\"192.0.2\""),
      ("\"version\":2", "\"version\":1"), ("\"number\":1,", ""), ("\"layers\":[", "\"layers\":[{},"),
    ] {
      #expect(good.contains(old))
      let bad = good.replacing(old, with: new)
      #expect(throws: JSONSchema.Fault.self) { try schema.validate(JSONValue(bad.utf8)) }
    }
    #expect(throws: JSONValue.Fault.self) { try JSONValue(#"{"a":1,"a":1}"#.utf8) }
  }

  private func check(_ line: String, _ schema: JSONSchema, _ name: String) throws {
    do {
      try schema.validate(JSONValue(line.utf8.dropLast(line.hasSuffix("\n") ? 1 : 0)))
    } catch {
      Issue.record("\(name): \(error)\n\(line)")
    }
  }
}

extension RawSpan {
  fileprivate var octets: [UInt8] {
    // Safe: the bytes are copied while the span is valid.
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}
