import BPF
import PacketCore
import TestSupport
import Testing

@testable import Filter

@Suite struct LexerTests {
  /// A text that is exactly one token, and that token.
  struct Word: Sendable, CustomTestStringConvertible {
    let text: String
    let kind: Token.Kind

    init(_ text: String, _ kind: Token.Kind) {
      self.text = text
      self.kind = kind
    }

    var testDescription: String { text }
  }

  @Test(arguments: [
    Word("0", .number(0)), Word("80", .number(80)), Word("4294967295", .number(.max)),
    Word("017", .number(15)), Word("00", .number(0)), Word("0037777777777", .number(.max)),
    Word("0x1F", .number(31)), Word("0Xff", .number(255)), Word("0x0000000000000001", .number(1)),
    Word("aa:bb:cc:dd:ee:ff", .mac("aa:bb:cc:dd:ee:ff")), Word("a:b:c:d:e:f", .mac("0a:0b:0c:0d:0e:0f")),
    Word("AA-BB-CC-DD-EE-FF", .mac("aa:bb:cc:dd:ee:ff")), Word("aa.bb.cc.dd.ee.ff", .mac("aa:bb:cc:dd:ee:ff")),
    Word("a:bb-c.dd:e-ff", .mac("0a:bb:0c:dd:0e:ff")), Word("1.2.3.4.5.6", .mac("01:02:03:04:05:06")),
    Word("aabb.ccdd.eeff", .mac("aa:bb:cc:dd:ee:ff")), Word("aabbccddeeff", .mac("aa:bb:cc:dd:ee:ff")),
    Word("112233445566", .mac("11:22:33:44:55:66")),
    Word("::", .ipv6("::")), Word("::1", .ipv6("::1")), Word("fe80::", .ipv6("fe80::")),
    Word("2001:DB8::a:1", .ipv6("2001:db8::a:1")), Word("1:2:3:4:5:6:7:8", .ipv6("1:2:3:4:5:6:7:8")),
    Word("::ffff:192.0.2.1", .ipv6("::ffff:192.0.2.1")), Word("1:2:3:4:5:6:192.0.2.1", .ipv6("1:2:3:4:5:6:c000:201")),
    Word("a:b:c:d:e::f", .ipv6("a:b:c:d:e::f")),
    Word("10.1", .dotted("10.1")), Word("192.168.1", .dotted("192.168.1")), Word("192.0.2.1", .dotted("192.0.2.1")),
    Word("10.999", .dotted("10.999")), Word("tcp", .word("tcp")), Word("ftp-data", .word("ftp-data")),
    Word("icmp6-echoreply", .number(129)), Word("my_host", .word("my_host")),
    Word("www-1.example.org", .word("www-1.example.org")), Word("3com", .word("3com")), Word("80-90", .word("80-90")),
    Word("10.1.1.1.1", .word("10.1.1.1.1")), Word("0x", .word("0x")), Word("0xfg", .word("0xfg")),
    Word("\\tcp", .escaped("tcp")), Word("\\a.b-c", .escaped("a.b-c")), Word("\\\\x", .escaped("\\x")),
    Word("$0", .octetAddress(0)), Word("$1f", .octetAddress(0x1f)), Word("$FF", .octetAddress(0xff)),
  ])
  func oneToken(_ word: Word) throws {
    let tokens = try Lexer.tokens(of: word.text)
    let length = word.text.utf8.count
    #expect(
      tokens == [
        Token(kind: word.kind, range: SourceRange(0, length)),
        Token(kind: .end, range: SourceRange(length, length)),
      ])
  }

  @Test(arguments: Token.Sign.allCases)
  func sign(_ sign: Token.Sign) throws {
    #expect(try kinds(sign.rawValue) == [.sign(sign)])
    #expect(try kinds("x\(sign.rawValue) 2") == [.word("x"), .sign(sign), .number(2)])
  }

  @Test func tokensOfExpressions() throws {
    #expect(
      try kinds("ip[0:2]") == [
        .word("ip"), .sign(.leftBracket), .number(0), .sign(.colon), .number(2), .sign(.rightBracket),
      ])
    #expect(try kinds("fe80::/64") == [.ipv6("fe80::"), .sign(.slash), .number(64)])
    #expect(try kinds("10.0/8") == [.dotted("10.0"), .sign(.slash), .number(8)])
    #expect(try kinds("!tcp&&!udp") == [.sign(.not), .word("tcp"), .sign(.and), .sign(.not), .word("udp")])
    #expect(try kinds("len!=5") == [.word("len"), .sign(.notEqual), .number(5)])
    #expect(try kinds("len! =5") == [.word("len"), .sign(.not), .sign(.equal), .number(5)])
    #expect(
      try kinds("len<<2<=>>") == [
        .word("len"), .sign(.shiftLeft), .number(2), .sign(.lessOrEqual), .sign(.shiftRight),
      ])
    #expect(try kinds("(\\tcp)") == [.sign(.leftParenthesis), .escaped("tcp"), .sign(.rightParenthesis)])
    #expect(try kinds("tcp-syn|tcp-fin") == [.number(2), .sign(.bar), .number(1)])
    #expect(
      try kinds("ip[0]-1") == [
        .word("ip"), .sign(.leftBracket), .number(0), .sign(.rightBracket), .sign(.minus), .number(1),
      ])
  }

  @Test func rangesAreOctetsOfTheText() throws {
    let text = "tcp  port\n80 # the web\n\tor 443"
    let tokens = try Lexer.tokens(of: text)
    let words = tokens.map { token in
      String(decoding: Array(text.utf8)[token.range.lowerBound..<token.range.upperBound], as: UTF8.self)
    }
    #expect(words == ["tcp", "port", "80", "or", "443", ""])
    #expect(tokens.last?.range == SourceRange(text.utf8.count, text.utf8.count))
  }

  @Test(arguments: ["", " ", "\t\r\n ", "# nothing", "# one\n  # two\n"])
  func nothing(_ text: String) throws {
    #expect(try Lexer.tokens(of: text).map(\.kind) == [.end])
  }

  /// A text that is not an expression, the error message, and the words that it points at.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let text: String
    let message: String
    let words: String

    init(_ text: String, _ message: String, _ words: String) {
      self.text = text
      self.message = message
      self.words = words
    }

    var testDescription: String { text }
  }

  @Test(arguments: [
    Mistake("port 08", "number 08 contains non-octal digit", "08"),
    Mistake("port 0037777777778", "number 0037777777778 contains non-octal digit", "0037777777778"),
    Mistake("port 003777777777778", "octal number 003777777777778 overflows 32 bits", "003777777777778"),
    Mistake("port 0038", "number 0038 contains non-octal digit", "0038"),
    Mistake("len = 4294967296", "decimal number 4294967296 overflows 32 bits", "4294967296"),
    Mistake(
      "len = 99999999999999999999999", "decimal number 99999999999999999999999 overflows 32 bits",
      "99999999999999999999999"),
    Mistake("len = 0x100000000", "hexadecimal number 0x100000000 overflows 32 bits", "0x100000000"),
    Mistake("len = 0040000000000", "octal number 0040000000000 overflows 32 bits", "0040000000000"),
    Mistake("tcp @ 80", "illegal character in filter expression: '@'", "@"),
    Mistake("tcp;udp", "illegal character in filter expression: ';'", ";"),
    Mistake("a ? b", "illegal character in filter expression: '?'", "?"),
    Mistake("tcp \u{1b}[31m", "illegal character in filter expression: character code 27", "\u{1b}"),
    Mistake("link host $", "a one-byte link-layer address is '$' and one or two hexadecimal digits", "$"),
    Mistake("link host $123", "a one-byte link-layer address is '$' and one or two hexadecimal digits", "$123"),
    Mistake("port \\", "a name must follow '\\'", "\\"),
    Mistake("port \\ http", "a name must follow '\\'", "\\"),
    Mistake("host fe80:::1", "invalid address 'fe80:::1'", "fe80:::1"),
    Mistake("host 1:2:3:4:5:6:7:8:9", "invalid address '1:2:3:4:5:6:7:8:9'", "1:2:3:4:5:6:7:8:9"),
    Mistake("host fe80::256.1.1.1", "invalid IPv6 address fe80::256.1.1.1", "fe80::256.1.1.1"),
    Mistake("ether host ab:cd:ef:0g:00:00", "invalid Ethernet address 'ab:cd:ef:0g:00:00'", "ab:cd:ef:0g:00:00"),
  ])
  func mistake(_ mistake: Mistake) throws {
    let error = #expect(throws: FilterError.self) { try Lexer.tokens(of: mistake.text) }
    let range = try #require(error?.range)
    #expect(error?.message.hasSuffix(mistake.message) == true, "\(error?.message ?? "")")
    let octets = Array(mistake.text.utf8)[range.lowerBound..<range.upperBound]
    #expect(String(decoding: octets, as: UTF8.self) == mistake.words)
  }

  @Test func everyPrefixIsTakenOrRefused() {
    let text = """
      (tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10.0.0.0/8) || \\ether host aa:bb:cc:dd:ee:ff
      && ip6 net 2001:db8:1:2::/64 or ether src $1f # comment: [ ] ( ) @ é
      or ip[2:2] - ((ip[0]&0xf)<<2) >= 0x100 or !(portrange ftp-data-8080) or host ::ffff:192.0.2.1 or len<=017
      """
    let octets = Array(text.utf8)
    for end in octets.indices {
      for start in [0, end / 2, end] {
        let part = String(decoding: octets[start..<end], as: UTF8.self)
        if let tokens = try? Lexer.tokens(of: part) { #expect(tokens.last?.kind == .end) }
      }
    }
  }

  @Test(arguments: 0..<4)
  func anyTextIsTakenOrRefused(_ seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let alphabet = Array("abcdefx0123456789:.-_$\\#[]()!=<>&|+*/% \n\t\u{7f}\u{0}é".utf8)
    for _ in 0..<2000 {
      let octets = (0..<Int.random(in: 1..<40, using: &random)).map { _ in
        alphabet[Int.random(in: alphabet.indices, using: &random)]
      }
      let text = String(decoding: octets, as: UTF8.self)
      guard let tokens = try? Lexer.tokens(of: text) else { continue }
      // The tokens follow one another, each at least one byte long.
      var position = 0
      for token in tokens where token.kind != .end {
        #expect(token.range.lowerBound >= position && token.range.upperBound > token.range.lowerBound)
        position = token.range.upperBound
      }
      #expect(position <= text.utf8.count)
    }
  }

  @Test func hugeTextsAreRefusedOrTaken() throws {
    let digits = String(repeating: "1", count: 100_000)
    #expect(throws: FilterError.self) { try Lexer.tokens(of: digits) }
    #expect(throws: FilterError.self) { try Lexer.tokens(of: String(repeating: ":", count: 100_000) + "1") }
    #expect(try Lexer.tokens(of: String(repeating: "a", count: 100_000)).count == 2)
    #expect(try Lexer.tokens(of: String(repeating: "tcp ", count: 20_000)).count == 20_001)
    let tooLong = String(repeating: " ", count: Lexer.maximumLength + 1)
    #expect(throws: FilterError.self) { try Lexer.tokens(of: tooLong) }
  }

  /// The tokens of a text, except the end.
  private func kinds(_ text: String) throws -> [Token.Kind] {
    try Lexer.tokens(of: text).map(\.kind).dropLast()
  }
}
