import PacketCore
import TestSupport
import Testing

@testable import Dissect
import Protocols

struct OptionListTests {
  /// An option list and what is read from it: for each option the type, its length, the value in hexadecimal, and the fault.
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let layout: OptionLayout
    let octets: [UInt8]
    let read: [String]
    var testDescription: String { name }
  }

  /// Layouts of protocols that have dissectors, and of others that may follow.
  static let cases = [
    Case(
      name: "RADIUS: the length counts the header", layout: OptionLayout(countsHeader: true),
      octets: [1, 3, 0xaa, 2, 2, 3, 4, 1, 2], read: ["1 3 aa", "2 2 ", "3 4 0102"]),
    Case(
      name: "IS-IS, 802.11: the length counts the value", layout: OptionLayout(),
      octets: [1, 1, 0xaa, 2, 0, 3, 2, 1, 2], read: ["1 1 aa", "2 0 ", "3 2 0102"]),
    Case(
      name: "OSPF: values are filled up to four bytes",
      layout: OptionLayout(typeWidth: 2, lengthWidth: 2, alignment: 4),
      octets: [0, 1, 0, 1, 0xaa, 0, 0, 0, 0, 2, 0, 4, 1, 2, 3, 4, 0, 3, 0, 2, 5, 6],
      read: ["1 1 aa", "2 4 01020304", "3 2 0506"]),
    Case(
      name: "SCTP: flags between type and length",
      layout: OptionLayout(
        type: .bytes(at: 0, 1), length: .bytes(at: 2, 2), headerLength: 4, countsHeader: true, alignment: 4),
      octets: [1, 0xff, 0, 5, 0xaa, 0, 0, 0, 2, 0, 0, 4], read: ["1 5 aa", "2 4 "]),
    Case(
      name: "RSVP: the length comes first",
      layout: OptionLayout(
        type: .bytes(at: 2, 2), length: .bytes(at: 0, 2), headerLength: 4, countsHeader: true),
      octets: [0, 8, 1, 2, 1, 2, 3, 4, 0, 4, 3, 1], read: ["258 8 01020304", "769 4 "]),
    Case(
      name: "LDP: two flags before the type",
      layout: OptionLayout(
        type: .bytes(at: 0, 2, mask: 0x3fff), length: .bytes(at: 2, 2), headerLength: 4),
      octets: [0x81, 0, 0, 1, 0xaa, 0, 2, 0, 0], read: ["256 1 aa", "2 0 "]),
    Case(
      name: "LLDP: seven bits and nine",
      layout: OptionLayout(
        type: .bytes(at: 0, 2, shift: 9), length: .bytes(at: 0, 2, mask: 0x1ff), headerLength: 2),
      octets: [2, 1, 0xaa, 4, 0], read: ["1 1 aa", "2 0 "]),
    Case(
      name: "BGP: a flag makes the length longer",
      layout: OptionLayout(
        type: .bytes(at: 1, 1), length: .bytes(at: 2, 1), headerLength: 3, longLengthFlag: 0x10),
      octets: [0x40, 1, 1, 0xaa, 0x50, 2, 0, 2, 1, 2], read: ["1 1 aa", "2 2 0102"]),
    Case(
      name: "Diameter: three bytes of length",
      layout: OptionLayout(
        type: .bytes(at: 0, 4), length: .bytes(at: 5, 3), headerLength: 8, countsHeader: true, alignment: 4),
      octets: [0, 0, 1, 8, 0x40, 0, 0, 9, 0xaa, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 8], read: ["264 9 aa", "1 8 "]),
    Case(
      name: "Neighbor Discovery: units of eight bytes", layout: OptionLayout(unit: 8, countsHeader: true),
      octets: [1, 1, 1, 2, 3, 4, 5, 6], read: ["1 1 010203040506"]),
    Case(
      name: "Babel, IPv6: padding of one byte", layout: OptionLayout(padding: 0),
      octets: [0, 5, 1, 0xaa, 0, 0], read: ["0 0 ", "5 1 aa", "0 0 ", "0 0 "]),
    Case(
      name: "DNS: lengths alone", layout: .counted(1), octets: [1, 0xaa, 0, 2, 1, 2],
      read: ["0 1 aa", "0 0 ", "0 2 0102"]),
    Case(name: "elements", layout: .elements(of: 2), octets: [1, 2, 3, 4, 5], read: ["0 2 0102", "0 2 0304"]),
    Case(
      name: "elements, the last cut", layout: .elements(of: 2, lastIsCut: true), octets: [1, 2, 3],
      read: ["0 2 0102", "0 2 03 long"]),
    Case(
      name: "an option that counts less than its header is the last", layout: OptionLayout(countsHeader: true),
      octets: [1, 2, 2, 1, 3, 2], read: ["1 2 ", "2 1  short"]),
    Case(
      name: "an option that would stand still is the last", layout: OptionLayout(countsHeader: true),
      octets: [1, 0, 2, 2], read: ["1 0  short"]),
    Case(
      name: "an option longer than the list is the last", layout: OptionLayout(), octets: [1, 1, 9, 2, 2, 7],
      read: ["1 1 09", "2 2 07 long"]),
    Case(
      name: "half a header is cut", layout: OptionLayout(), octets: [1, 1, 9, 2], read: ["1 1 09", "truncated"]),
    Case(
      name: "half a header ends the list", layout: OptionLayout(shortHeader: .endsList), octets: [1, 1, 9, 2],
      read: ["1 1 09"]),
    Case(
      name: "half a header is invalid", layout: OptionLayout(shortHeader: .isInvalid), octets: [1, 1, 9, 2],
      read: ["1 1 09", "invalid"]),
    Case(
      name: "a header that was not captured ends the list", layout: OptionLayout(shortHeader: .endsListIfCut),
      octets: [1, 1, 9, 2],
      read: ["1 1 09"]),
  ]

  @Test(arguments: cases)
  func options(_ example: Case) {
    #expect(read(example.octets, example.layout) == example.read)
  }

  /// Whatever the bytes are, a list ends after at most as many options as it has bytes, and nothing outside of them is read.
  @Test(arguments: cases)
  func randomLists(_ example: Case) {
    var random = SeededRandom(seed: 26)
    guard var memory = GuardedOctets() else { return }
    for _ in 0..<200 {
      var octets = random.octets(Int.random(in: 0...40, using: &random))
      if Bool.random(using: &random) { octets = octets.map { $0 & 3 } }
      memory.lend(octets, atEnd: true) { span in
        #expect(read(PacketBytes(span, length: octets.count &+ 3), example.layout).count <= octets.count &+ 3)
      }
    }
  }

  /// Each option gets an object; arrays left open in an option are closed with it, and the list's array is closed with the list.
  @Test(
    arguments: [
      ([1, 1, 9, 2, 0], #"{"list":[{"type":1,"inner":[]},{"type":2,"inner":[]}],"last":0}"#),
      ([], #"{"list":[],"last":0}"#), ([1, 9], #"{"list":[{"type":1,"inner":[]}],"last":0}"#),
    ] as [([UInt8], String)])
  func objects(_ octets: [UInt8], _ wanted: String) throws {
    var printer = recordingPrinter()
    var list = printer.openList(PacketBytes(unsafe octets.span.bytes), OptionLayout(), objects: "list")
    while let option = try printer.next(&list) {
      printer.fields.write("type", option.type)
      printer.fields.beginArray("inner")
    }
    printer.fields.write("last", UInt8(0))
    printer.fields.end()
    #expect(printer.fields.json.string == wanted)
  }

  @Test func stopping() throws {
    var printer = recordingPrinter()
    let octets: [UInt8] = [1, 0, 2, 0, 3, 0]
    var list = printer.openList(PacketBytes(unsafe octets.span.bytes), OptionLayout(), objects: "list")
    var types: [UInt32] = []
    while let option = try printer.next(&list) {
      types.append(option.type)
      printer.fields.write("type", option.type)
      if option.type == 2 { printer.stop(&list) }
    }
    printer.fields.end()
    #expect(types == [1, 2])
    #expect(printer.fields.json.string == #"{"list":[{"type":1},{"type":2}]}"#)
  }

  @Test func repeatsAndResuming() throws {
    var printer = recordingPrinter()
    let octets: [UInt8] = [0, 0, 0, 7, 1, 9, 9, 0]
    var list = printer.openList(PacketBytes(unsafe octets.span.bytes), OptionLayout(padding: 0))
    let zero = try printer.next(&list)?.type
    let repeats = list.countRepeats()
    let seven = try printer.next(&list)?.type
    // The value is one byte longer than its length field states.
    list.resume(after: 4)
    let remaining = list.remaining
    let last = try printer.next(&list)?.type
    let isOver = try printer.next(&list) == nil
    #expect([zero, seven, last] == [0, 7, 0])
    #expect(repeats == 3)
    #expect(remaining == 1)
    #expect(isOver)
  }

  /// One call writes both the text and the member.
  @Test func members() throws {
    var printer = recordingPrinter()
    printer.out.removeAll()
    let octets: [UInt8] = [0x41, 0x0a, 0xff]
    let bytes = PacketBytes(unsafe octets.span.bytes)
    let names: ValueNames = [1: "one"]
    printer.write("id ", "id", UInt16(10), as: .hex(4))
    printer.write(", a ", "a", UInt8(1), as: .named(names, key: "a_name", unknown: "none"))
    printer.write(", b ", "b", UInt8(2), as: .named(names, key: "b_name", unknown: .decimal("#", "?")))
    printer.write(", c ", "c", hex: bytes)
    try printer.write(", d ", "d", text: bytes)
    printer.write(", e ", "e", IPv4Address(rawValue: 0x0102_0304))
    printer.fields.end()
    #expect(printer.out.string == #"id 000a, a one, b #2?, c 410aff, d A^JM-^?, e 1.2.3.4"#)
    #expect(
      printer.fields.json.string
        == #"{"id":10,"a":1,"a_name":"one","b":2,"c":"410aff","d":"A\u000a\ufffd","e":"1.2.3.4"}"#)
  }
}

/// A printer with an object open for fields.
private func recordingPrinter() -> Printer {
  var printer = Printer(options: .numbers, recording: .fields)
  printer.fields.beginObject()
  printer.writesFields = true
  return printer
}

/// The results of `next` in words; `truncated` or `invalid` where it throws.
private func read(_ bytes: PacketBytes, _ layout: OptionLayout) -> [String] {
  var printer = Printer(options: .numbers)
  var list = printer.openList(bytes, layout)
  var read: [String] = []
  do throws(DecodeError) {
    while let option = try printer.next(&list) {
      var value = TextBuffer(capacity: 64)
      value.write(hexOf: option.value.rawSpan)
      read.append(
        "\(option.type) \(option.length) \(value.string)\(option.isTooShort ? " short" : option.isTooLong ? " long" : "")"
      )
    }
  } catch {
    read.append("\(error)")
  }
  return read
}

private func read(_ octets: [UInt8], _ layout: OptionLayout) -> [String] {
  read(PacketBytes(unsafe octets.span.bytes), layout)
}
