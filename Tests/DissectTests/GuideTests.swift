import Foundation
import PacketCore
import Protocols
import TestSupport
import Testing

@testable import Dissect

/// Checks the guide "Adding a protocol" and the example in it.
struct GuideTests {
  private func text(of path: String) throws -> String {
    try String(contentsOf: Fixture.packageRoot.appendingPathComponent(path), encoding: .utf8)
  }

  @Test func codeOfTheGuideIsTheExample() throws {
    let guide = try text(of: "Sources/Dissect/Dissect.docc/AddingAProtocol.md")
    let example = try text(of: "Tests/DissectTests/ExampleProtocol.swift")
    let blocks = guide.components(separatedBy: "```swift\n").dropFirst()
      .map { $0.components(separatedBy: "\n```").first ?? "" }
    #expect(blocks.count >= 5)
    for block in blocks { #expect(example.contains(block)) }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let octets: [UInt8]
    let text: String
    let json: String
    var testDescription: String { text }
  }

  @Test(arguments: [
    Case(
      octets: [42, 2, 0, 17, 2, 6, 0, 0, 0x12, 0x34, 1, 0x2c, 0, 7, 6, 1, 0, 10, 0, 0, 1],
      text: "babel 2 (17)\n\tAcknowledgment Request 1234 interval 300\n\tNext Hop 10.0.0.1",
      json: """
        {"layer":"babel","version":2,"body_length":17,"tlvs":[{"type":2,"type_name":"Acknowledgment Request",\
        "nonce":4660,"interval":300},{"type":7,"type_name":"Next Hop","next_hop":"10.0.0.1"}]}
        """),
    Case(
      octets: [42, 2, 0, 6, 99, 1, 0xaa, 4, 9, 1], text: "babel 2 (6)\n\tUnknown 0xaa\n\tHello (invalid length)",
      json: """
        {"layer":"babel","version":2,"body_length":6,"tlvs":[{"type":99,"data":"aa"},{"type":4,"type_name":"Hello"}]}
        """),
    Case(
      octets: [41, 2, 0, 0], text: "babel [magic 41 != 42] (invalid)", json: ""),
    Case(octets: [42], text: "babel [length 1 < 4] (invalid)", json: ""),
  ])
  func example(_ example: Case) throws {
    var printer = Printer(options: .numbers, recording: .fields)
    printer.fields.beginObject()
    printer.fields.beginArray("layers")
    try printer.run(.babel, PacketBytes(unsafe example.octets.span.bytes))
    printer.fields.end(downTo: 0)
    #expect(printer.out.string == example.text)
    #expect(printer.fields.json.string == #"{"layers":["# + example.json + "]}")
  }
}
