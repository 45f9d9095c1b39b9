import BPF
import Foundation
import Names
import PacketCore
import TestSupport
import Testing

@testable import Filter

@Suite struct FilterErrorTests {
  /// An expression with a mistake, and the complete error text.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let expression: String
    let text: String

    var testDescription: String { expression }
  }

  /// `Fixtures/filter-errors/messages.txt`: the lines of an expression after `> `, then the error text, then an empty line.
  static let mistakes: [Mistake] = {
    let file = Fixture.folder.appendingPathComponent("filter-errors/messages.txt")
    let contents = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return contents.components(separatedBy: "\n\n").map { block in
      let lines = block.split(separator: "\n")
      let expression = lines.prefix { $0.hasPrefix("> ") }
      return Mistake(
        expression: expression.map { $0.dropFirst(2) }.joined(separator: "\n"),
        text: lines.dropFirst(expression.count).joined(separator: "\n") + "\n")
    }
  }()

  @Test(arguments: mistakes)
  func message(_ mistake: Mistake) {
    let options = CompileOptions(linkType: .ethernet, names: FewNames())
    let error = #expect(throws: FilterError.self) { try FilterCompiler.compile(mistake.expression, options) }
    #expect(error?.rendered(expression: mistake.expression) == mistake.text)
  }

  @Test func thereAreMessages() {
    #expect(Self.mistakes.count > 180)
  }

  // MARK: The form of the text

  @Test func withoutPlace() {
    #expect(FilterError("no memory").rendered(expression: "tcp") == "apus: no memory\n")
  }

  @Test func controlCharactersDoNotReachTheTerminal() {
    let expression = "tcp\t\u{1b}[31m\u{7f}\r or foo"
    let text = FilterError("what", at: SourceRange(0, 3)).rendered(expression: expression)
    #expect(text == "apus: what (column 1)\n  tcp  [31m   or foo\n  ^^^\n")
  }

  @Test func caretsStandUnderCharacters() {
    // Two bytes form one character.
    let expression = "host é or host ü1"
    let text = FilterError("what", at: SourceRange(16, 19)).rendered(expression: expression)
    #expect(text == "apus: what (column 16)\n  host é or host ü1\n                 ^^\n")
  }

  @Test func longLinesAreCut() {
    let expression = String(repeating: "tcp or ", count: 1000) + "foo" + String(repeating: " or tcp", count: 1000)
    let text = FilterError("what", at: SourceRange(7000, 7003)).rendered(expression: expression)
    let lines = text.split(separator: "\n")
    #expect(lines.first == "apus: what (column 7001)")
    #expect(lines.allSatisfy { $0.utf8.count <= 130 })
    #expect(lines.last?.count(where: { $0 == "^" }) == 3)
    let indent = lines.last?.prefix { $0 == " " }.count ?? 0
    #expect(lines[1].dropFirst(indent).prefix(3) == "foo")
  }

  @Test(arguments: [(0, 0), (3, 3), (3, 9), (9, 20), (100, 200), (0, 100)])
  func anyRangeCanBeShown(_ start: Int, _ end: Int) {
    let text = FilterError("what", at: SourceRange(start, end)).rendered(expression: "tcp\nudp é")
    #expect(text.split(separator: "\n").count == 3)
    #expect(text.contains("^"))
  }

  @Test(arguments: [
    ("tcp port", FilterError.Kind.syntax), ("(tcp", .syntax), ("tcp ^ 1", .syntax), ("port nosuchservice", .meaning),
    ("inbound", .meaning), ("tcp and udp", .contradiction), ("port 80 and arp", .contradiction),
  ])
  func kinds(_ expression: String, _ kind: FilterError.Kind) {
    let error = #expect(throws: FilterError.self) {
      _ = try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet))
    }
    #expect(error?.kind == kind)
  }

  @Test func anInterruptedCompilation() {
    var options = CompileOptions(linkType: .ethernet)
    options.isCancelled = { true }
    let error = #expect(throws: FilterError.self) { _ = try FilterCompiler.compile("tcp port 80", options) }
    #expect(error?.kind == .cancelled && error == .cancelled)
  }

  /// Resolves a few services and protocols, and no other names.
  private struct FewNames: NameResolver {
    func ipv4Addresses(ofHost name: String) -> [IPv4Address] { name == "localhost" ? ["127.0.0.1"] : [] }
    func ipv6Addresses(ofHost name: String) -> [IPv6Address] { [] }
    func macAddress(ofHost name: String) -> MACAddress? { nil }
    func ipv4Network(named name: String) -> IPv4Address? { nil }
    func port(ofService name: String, over transport: Transport) -> UInt16? {
      switch (name, transport) {
      case ("http", .tcp): 80
      case ("https", .tcp), ("https", .udp): 443
      case ("smtp", .tcp): 25
      case ("domain", .tcp), ("domain", .udp): 53
      default: nil
      }
    }
    func protocolNumber(named name: String) -> UInt32? { ["tcp": 6, "udp": 17, "ospf": 89][name] }
    func knownNames(of kind: NameKind) -> Set<String> {
      switch kind {
      case .host: ["localhost"]
      case .network: []
      case .service: ["http", "https", "smtp", "domain"]
      case .protocol: ["tcp", "udp", "ospf"]
      }
    }
    func reasonForUnknownHost(_ name: String) -> String? { LocalNames().reasonForUnknownHost(name) }
  }
}
