import BPF
import Foundation
import PacketCore
import TestSupport
import Testing

@testable import Filter

/// The corrections that messages suggest.
@Suite struct HintTests {
  private static func compiles(_ expression: String) -> Bool {
    do throws(FilterError) {
      _ = try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet))
      return true
    } catch {
      // This machine may not be able to resolve the name of a host.
      return error.message.hasPrefix("unknown host")
    }
  }

  /// The quoted text after `write`, and the first one after `did you mean`.
  private static func suggestions(in line: String) -> [String] {
    ["; write '", "; did you mean '"].compactMap { lead in
      guard let start = line.range(of: lead)?.upperBound else { return nil }
      let rest = line[start...]
      // An expression contains no quote.
      return rest.firstIndex(of: "'").map { String(rest[..<$0]) }
    }
  }

  /// Every correction that the golden messages suggest is an expression, or a part of one for the words marked by the carets.
  @Test func whatIsToldToTypeCompiles() throws {
    var checked = 0
    for mistake in FilterErrorTests.mistakes {
      guard let line = mistake.text.split(separator: "\n").first.map(String.init) else { continue }
      for suggestion in Self.suggestions(in: line) {
        let isWord = Keywords.contains(suggestion) || suggestion.allSatisfy { $0.isLetter || "-\\".contains($0) }
        let forms = [suggestion, "net \(suggestion)", "port \(suggestion)", "portrange \(suggestion)"]
        #expect(isWord || forms.contains { Self.compiles($0) }, "\(mistake.expression): \(suggestion)")
        checked += 1
      }
    }
    #expect(checked > 100)
  }

  /// Every known word stands for an expression that compiles, and is not itself a keyword.
  @Test func knownWordsAreExpressions() {
    for (name, known) in KnownWord.all {
      #expect(!Keywords.contains(name), "\(name)")
      switch known {
      case .port(let number, let transport):
        #expect(Self.compiles("\(transport.map { "\($0) " } ?? "")port \(number)"), "\(name)")
      case .expression(let text): #expect(Self.compiles(text), "\(name): \(text)")
      case .keyword(let words):
        #expect(words.split(separator: " ").allSatisfy { Keywords.contains(String($0)) }, "\(name)")
      }
    }
  }

  /// A range of addresses becomes networks with the same addresses, or comparisons of numbers.
  @Test(arguments: [
    ("10.0.0.1-10.0.0.5", "net 10.0.0.1/32 or 10.0.0.2/31 or 10.0.0.4/31"), ("10.0.0.0-255", "net 10.0.0.0/24"),
    ("0.0.0.0-255.255.255.255", "net 0.0.0.0/0"), ("10.0.0.5-10.0.0.5", "net 10.0.0.5/32"),
    ("10.0.0.9-10.0.0.8", "net 10.0.0.8/31"),
    (
      "10.0.0.1-200",
      "(ip[12:4] >= 0x0a000001 and ip[12:4] <= 0x0a0000c8) or (ip[16:4] >= 0x0a000001 and ip[16:4] <= 0x0a0000c8)"
    ),
  ])
  func addressRanges(_ text: String, _ expression: String) throws {
    let range = try #require(AddressRange(text))
    #expect(range.expression(direction: nil) == expression)
    #expect(Self.compiles(expression) || expression == "net 0.0.0.0/0")
    let count = range.networks.reduce(UInt64(0)) { $0 + (1 << UInt64(32 - $1.length)) }
    #expect(count == UInt64(range.last) - UInt64(range.first) + 1)
    #expect(range.networks.count <= 62)
  }

  @Test(arguments: ["10.0.0.1", "10.0.0-10.0.1", "a-b", "10.0.0.1-", "-10.0.0.1", "10.0.0.1-10.0.0.2-3"])
  func noRanges(_ text: String) { #expect(AddressRange(text) == nil) }

  /// Of two errors, the first in the text is reported.
  @Test(arguments: [("tcp prot 80 and \"x\"", 4), ("tcp and \"x\" prot", 8), ("(tcp \u{1b}", 5), ("ip[0] ~ 3", 6)])
  func theFirstErrorCounts(_ expression: String, _ column: Int) {
    let error = #expect(throws: FilterError.self) { try FilterCompiler.compile(expression, .init(linkType: .ethernet)) }
    #expect(error?.range?.lowerBound == column)
  }

  /// Arbitrary words: hints are found in bounded time, and never fail with an error of their own.
  @Test func anyWordsGetAMessage() throws {
    let words = [
      "vlan", "mpls", "port", "host", "net", "src", "dst", "or", "and", "not", "(", ")", "[", "]", "{", ",", ":", "/",
      "-", "=", "==", "!=", "<", "&", "|", "10", "80", "10.0.0.1", "10.0.0.", "*", "::1", "aa:bb:cc:dd:ee:ff", "tcp",
      "udp", "icmp", "type", "echo", "flags", "syn", "ttl", "dns", "ip.addr", "contains", "in", "\"x\"", "TCP", "mask",
      "10-20", "len", "portrange", "13", "tcpflags", "tcp-syn", "than", "less", "to", "http.host", "99999999999", "\\",
    ]
    var random = SeededRandom(seed: 22)
    for _ in 0..<20_000 {
      let count = Int.random(in: 1...7, using: &random)
      let separator = Bool.random(using: &random) ? " " : ""
      let expression = (0..<count).map { _ in words[Int.random(in: 0..<words.count, using: &random)] }
        .joined(separator: separator)
      do throws(FilterError) {
        _ = try FilterCompiler.compile(expression, CompileOptions(linkType: .ethernet))
      } catch {
        #expect(error.rendered(expression: expression).hasPrefix("apus: "))
        #expect(error.hint?.isEmpty != true)
      }
    }
  }
}
