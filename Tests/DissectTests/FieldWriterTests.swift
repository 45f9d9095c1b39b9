import PacketCore
import TestSupport
import Testing

@testable import Dissect
import Protocols

/// The output of a field writer, parsed again.
private func written(_ write: (inout FieldWriter) -> Void) throws -> JSONValue {
  var fields = FieldWriter()
  write(&fields)
  return try JSONValue(fields.json.string.utf8)
}

private func bytes(_ octets: [UInt8], _ use: (PacketBytes) -> Void) { use(PacketBytes(unsafe octets.span.bytes)) }

struct FieldWriterTests {
  struct Text: Sendable, CustomTestStringConvertible {
    let octets: [UInt8]
    let json: String
    var testDescription: String { json }
  }

  /// Quotes, backslashes, control characters (including C1) and bytes that are not valid UTF-8: RFC 8259 section 7, RFC 3629 section 4.
  @Test(arguments: [
    Text(octets: Array("plain".utf8), json: #""plain""#),
    Text(octets: [], json: #""""#),
    Text(octets: Array(#"a"b\c/"#.utf8), json: #""a\"b\\c/""#),
    Text(octets: [0x00, 0x0a, 0x1b, 0x1f, 0x7f], json: #""\u0000\u000a\u001b\u001f\u007f""#),
    Text(octets: Array("é€😀".utf8), json: #""é€😀""#),
    // C1 controls in UTF-8, which a terminal may obey.
    Text(octets: [0xc2, 0x80, 0xc2, 0x9b, 0xc2, 0x9f, 0xc2, 0xa0], json: "\"\\u0080\\u009b\\u009f\u{a0}\""),
    // A C1 control as a single byte, a continuation byte without a lead byte, a lead byte without a continuation.
    Text(octets: [0x9b, 0x41], json: #""\ufffdA""#),
    Text(octets: [0xe2, 0x82], json: #""\ufffd\ufffd""#),
    Text(octets: [0xf0, 0x9f, 0x98, 0x41], json: #""\ufffd\ufffd\ufffdA""#),
    // Overlong forms, a surrogate, and a code point beyond Unicode.
    Text(octets: [0xc0, 0x80, 0xe0, 0x80, 0x80], json: #""\ufffd\ufffd\ufffd\ufffd\ufffd""#),
    Text(octets: [0xed, 0xa0, 0x80], json: #""\ufffd\ufffd\ufffd""#),
    Text(octets: [0xf4, 0x90, 0x80, 0x80, 0xff], json: #""\ufffd\ufffd\ufffd\ufffd\ufffd""#),
  ])
  func text(_ text: Text) throws {
    var fields = FieldWriter()
    bytes(text.octets) { fields.element(text: $0) }
    #expect(fields.json.string == text.json)
    _ = try JSONValue(fields.json.string.utf8)
  }

  /// ASCII is copied eight bytes at a time as long as no byte needs an escape; a byte that does is found at every position.
  @Test func asciiAtEveryPlace() throws {
    for octet in UInt8.min..<0x80 {
      for place in 0..<19 {
        var octets = [UInt8](repeating: UInt8(ascii: "a"), count: 19)
        octets[place] = octet
        var fields = FieldWriter()
        bytes(octets) { fields.element(text: $0) }
        #expect(try JSONValue(fields.json.string.utf8).text == String(decoding: octets, as: UTF8.self))
        #expect(fields.json.string.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f })
      }
    }
  }

  /// Arbitrary bytes give a JSON string without control characters.
  @Test func anyText() throws {
    var random = SeededRandom(seed: 5)
    for _ in 0..<2000 {
      var fields = FieldWriter()
      bytes(random.octets(Int(random.next() % 12))) { fields.element(text: $0) }
      let json = fields.json.string
      #expect(try JSONValue(json.utf8).text != nil)
      #expect(json.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) })
    }
  }

  @Test func members() throws {
    let value = try written { fields in
      fields.beginObject()
      fields.write("zero", 0 as UInt8)
      fields.write("large", UInt64.max as UInt64)
      fields.write("negative", Int64.min as Int64)
      fields.write("yes", true)
      fields.write("words", "words")
      fields.write("a_key_of_twenty_seven_letters", 1)
      fields.write("address4", IPv4Address(rawValue: 0xc000_0201))
      fields.write("address6", IPv6Address(rawValue: 1))
      fields.write("mac", MACAddress(rawValue: 0x0200_0000_00ff))
      fields.writeNull("nothing")
      bytes([0x00, 0xff]) { fields.write("hex", hex: $0) }
      fields.beginArray("list")
      fields.element(UInt16(1))
      fields.element(signed: Int32(-1))
      fields.element(true)
      fields.beginObject()
      fields.end()
      fields.end()
      fields.end()
    }
    #expect(
      value
        == .object([
          "zero": .number("0"), "large": .number("18446744073709551615"), "negative": .number("-9223372036854775808"),
          "yes": .bool(true), "words": .string("words"), "a_key_of_twenty_seven_letters": .number("1"),
          "address4": .string("192.0.2.1"), "address6": .string("::1"), "mac": .string("02:00:00:00:00:ff"),
          "nothing": .null, "hex": .string("00ff"),
          "list": .array([.number("1"), .number("-1"), .bool(true), .object([:])]),
        ]))
  }

  /// RFC 4648 section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func base64(_ text: String, _ encoded: String) throws {
    let value = try written { fields in
      fields.beginObject()
      bytes(Array(text.utf8)) { fields.write("x", base64: $0) }
      fields.end()
    }
    #expect(value["x"] == .string(encoded))
  }

  /// Keys of all lengths, since they are copied in words.
  @Test func keys() throws {
    let keys: [StaticString] = [
      "a", "ab", "abc", "abcd", "abcde", "abcdef", "abcdefg", "abcdefgh", "abcdefghi", "abcdefghijklmno",
      "abcdefghijklmnop",
      "abcdefghijklmnopq",
    ]
    let value = try written { fields in
      fields.beginObject()
      for (index, key) in keys.enumerated() { fields.write(key, index) }
      fields.end()
    }
    for (index, key) in keys.enumerated() { #expect(value["\(key)"]?.integer == index) }
  }

  /// Objects and arrays that are still open when a packet ends are closed in the right order.
  @Test func nestingIsClosed() throws {
    let value = try written { fields in
      fields.beginObject()
      fields.beginArray("layers")
      fields.beginObject()
      fields.beginArray("options")
      fields.beginObject()
      fields.beginObject("data")
      fields.write("x", 1)
      fields.end(downTo: 2)
      fields.beginObject()
      fields.write("y", 2)
      fields.end(downTo: 0)
      // Nothing is open any more at this point.
      fields.end()
    }
    #expect(
      value
        == .object([
          "layers": .array([
            .object(["options": .array([.object(["data": .object(["x": .number("1")])])])]),
            .object(["y": .number("2")]),
          ])
        ]))
  }

  struct Time: Sendable, CustomTestStringConvertible {
    let seconds: Int64
    let nanoseconds: Int64
    let time: String
    let epoch: String
    var testDescription: String { "\(seconds) \(nanoseconds)" }
  }

  @Test(arguments: [
    Time(seconds: 0, nanoseconds: 0, time: "1970-01-01T00:00:00.000000000Z", epoch: "0.000000000"),
    Time(
      seconds: 1_700_000_000, nanoseconds: 1, time: "2023-11-14T22:13:20.000000001Z", epoch: "1700000000.000000001"),
    Time(seconds: -1, nanoseconds: 0, time: "1969-12-31T23:59:59.000000000Z", epoch: "-1.000000000"),
    Time(seconds: -1, nanoseconds: 1, time: "1969-12-31T23:59:59.000000001Z", epoch: "-0.999999999"),
    Time(seconds: -2, nanoseconds: 250_000_000, time: "1969-12-31T23:59:58.250000000Z", epoch: "-1.750000000"),
    // Out-of-range fractions that a broken savefile may contain.
    Time(seconds: 10, nanoseconds: 1_000_000_000, time: "1970-01-01T00:00:11.000000000Z", epoch: "11.000000000"),
    Time(seconds: 10, nanoseconds: 4_294_967_295, time: "1970-01-01T00:00:14.294967295Z", epoch: "14.294967295"),
    Time(seconds: 10, nanoseconds: -1, time: "1970-01-01T00:00:09.999999999Z", epoch: "9.999999999"),
    Time(seconds: 0, nanoseconds: -1, time: "1969-12-31T23:59:59.999999999Z", epoch: "-0.000000001"),
    Time(
      seconds: 4_294_967_295, nanoseconds: 999_999_999, time: "2106-02-07T06:28:15.999999999Z",
      epoch: "4294967295.999999999"),
  ])
  func times(_ time: Time) throws {
    let packet = PacketBuilder().ethernet().ipv4("192.0.2.1", "192.0.2.2").udp(40000, 9).octets
    let timestamp = Timestamp(seconds: time.seconds, nanoseconds: time.nanoseconds)
    let value = try JSONValue(json(packet, at: timestamp).utf8)
    #expect(value["time"] == .string(time.time))
    #expect(value["epoch"] == .number(time.epoch))
  }

  /// Extreme times still give valid JSON.
  @Test(arguments: [Int64.min, Int64.min + 1, -62_167_219_201, 253_402_300_800, Int64.max])
  func extremeTimes(_ seconds: Int64) throws {
    for nanoseconds in [Int64.min, -1, 0, 999_999_999, Int64.max] {
      _ = try JSONValue(json([0], at: Timestamp(seconds: seconds, nanoseconds: nanoseconds)).utf8)
    }
  }
}

/// The object of one packet.
func json(
  _ octets: [UInt8], _ linkType: LinkType = .ethernet, len: Int? = nil,
  at time: Timestamp = Timestamp(seconds: 0, nanoseconds: 0)
) -> String {
  var printer = Printer(options: PrintOptions().forFields, recording: .fields)
  printer.json(
    Packet(
      bytes: PacketBytes(unsafe octets.span.bytes, length: len ?? octets.count), timestamp: time, linkType: linkType),
    number: 1, interface: nil)
  return printer.out.string
}
