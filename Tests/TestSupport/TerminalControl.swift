/// Bytes that a terminal may obey instead of showing: control characters of ASCII (ECMA-48 C0, DEL) except tab and newline, C1 controls in
/// UTF-8, controls of bidirectional text and other invisible characters (Unicode category Cf, except the soft hyphen), and bytes that are
/// not valid UTF-8.
public enum TerminalControl {
  /// Describes the first such byte in the text; nil if there is none. With `allowsColors`, sequences that only set a colour are skipped.
  public static func first(in text: [UInt8], allowsColors: Bool = false) -> String? {
    guard let string = String(validating: text, as: UTF8.self) else { return "octets that are no UTF-8" }
    if let found = string.unicodeScalars.first(where: { hidden.contains($0.value) }) {
      return "U+\(String(found.value, radix: 16))"
    }
    var index = 0
    while index < text.count {
      let octet = text[index]
      if allowsColors, octet == 0x1b, let end = endOfColor(text, index) {
        index = end
        continue
      }
      let isC0 = octet < 0x20 && octet != 0x09 && octet != 0x0a || octet == 0x7f
      // U+0080 to U+009F are C2 80 to C2 9F.
      let isC1 = octet == 0xc2 && index + 1 < text.count && (0x80...0x9f).contains(text[index + 1])
      if isC0 || isC1 { return "control octet \(isC1 ? text[index + 1] : octet) at offset \(index)" }
      index += 1
    }
    return nil
  }

  /// Controls of bidirectional text, line separators, and invisible characters.
  private static let hidden: Set<UInt32> = {
    var hidden: Set<UInt32> = [0x61c, 0xfeff, 0xe0001]
    for range in [0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2064, 0x2066...0x206f, 0xe0020...0xe007f]
      as [ClosedRange<UInt32>]
    {
      hidden.formUnion(range)
    }
    return hidden
  }()

  /// The offset after `ESC [ digits and semicolons m`; nil if there is no such sequence.
  private static func endOfColor(_ text: [UInt8], _ start: Int) -> Int? {
    var index = start + 1
    guard index < text.count, text[index] == UInt8(ascii: "[") else { return nil }
    index += 1
    while index < text.count, (0x30...0x39).contains(text[index]) || text[index] == UInt8(ascii: ";") { index += 1 }
    return index < text.count && text[index] == UInt8(ascii: "m") ? index + 1 : nil
  }
}
