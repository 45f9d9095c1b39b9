import PacketCore
import Testing

@Suite struct StringSearchTests {
  @Test(arguments: [
    ("", "", true), ("", "a", false), ("abc", "", true), ("abc", "abc", true), ("abc", "bc", true),
    ("abc", "abcd", false),
    ("aab", "ab", true), (String(repeating: "aab", count: 1000) + "aac", "aaca", false),
    (String(repeating: "aab", count: 1000) + "aac", "baac", true), ("a é b", "é", true), ("日本", "本", true),
  ])
  func contains(_ text: String, _ part: String, _ isThere: Bool) {
    #expect(text.contains(text: part) == isThere && text[...].contains(text: part) == isThere)
    #expect((text.firstRange(ofText: part) != nil) == isThere)
  }

  @Test func ranges() throws {
    let text = "add // a // b"
    let range = try #require(text.firstRange(ofText: "//"))
    #expect(text[range] == "//" && text[..<range.lowerBound] == "add ")
    #expect(text[range.upperBound...].firstRange(ofText: "//").map { text[$0.upperBound...] } == " b")
  }

  @Test(arguments: [
    ("a.b.c", ".", "-", Int.max, "a-b-c"), ("a.b.c", ".", "-", 1, "a-b.c"), ("a.b.c", ".", "", 2, "abc"),
    ("aaa", "aa", "b", .max, "ba"), ("abc", "x", "y", .max, "abc"), ("abc", "", "y", .max, "abc"),
    ("", "a", "b", .max, ""),
    ("*/ é */", "*/", "* /", .max, "* / é * /"),
  ])
  func replaces(_ text: String, _ part: String, _ other: String, _ count: Int, _ result: String) {
    #expect(text.replacing(text: part, with: other, maxReplacements: count) == result)
  }

  @Test func spaced() {
    #expect([String]().spaced == "" && ["a"].spaced == "a" && ["a", "", "b c"].spaced == "a  b c")
  }
}
