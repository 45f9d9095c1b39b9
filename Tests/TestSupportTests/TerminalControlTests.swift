import TestSupport
import Testing

@Test(
  arguments: [
    ("plain\ttext\n", nil), ("é – ☂", nil), ("\u{1b}[2J", "control octet 27 at offset 0"),
    ("a\rb", "control octet 13 at offset 1"),
    ("a\u{7f}", "control octet 127 at offset 1"), ("é\u{9b}", "control octet 155 at offset 2"),
    ("a\u{202e}b", "U+202e"), ("\u{e0041}", "U+e0041"),
  ] as [(String, String?)]) func controlsAreFound(_ text: String, _ expected: String?)
{
  #expect(TerminalControl.first(in: Array(text.utf8)) == expected)
}

@Test func colorsAloneAreAllowed() {
  #expect(TerminalControl.first(in: Array("\u{1b}[1;31mx\u{1b}[0m".utf8), allowsColors: true) == nil)
  #expect(TerminalControl.first(in: Array("\u{1b}[2J".utf8), allowsColors: true) != nil)
  #expect(TerminalControl.first(in: [0x61, 0x9b, 0x32]) == "octets that are no UTF-8")
}

@Test(
  arguments: [
    ("{}", nil), ("[1,-2.5e+3,\"\\u00e9\\n\",true,null,{\"a\":[]}]", nil), (" {\"a\" : 0} ", nil), ("{\"a\":1,}", 7),
    ("01", 2), ("[1 2]", 3),
    ("\"a\u{1}\"", 2), ("{} {}", 3), ("", 0), ("\"\\x\"", 3), ("[1,]", 3),
  ] as [(String, Int?)]) func jsonIsChecked(_ text: String, _ fault: Int?)
{
  #expect(JSONText.firstFault(in: Array(text.utf8)) == fault)
}
