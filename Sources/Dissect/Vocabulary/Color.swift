import PacketCore

/// Escape sequences of ECMA-48 (SGR) around parts of a packet's text.
private enum Color {
  static let reset: StaticString = "\u{1b}[0m"
  static let dim: StaticString = "\u{1b}[2m"
  static let red: StaticString = "\u{1b}[31m"
  static let green: StaticString = "\u{1b}[32m"
  static let yellow: StaticString = "\u{1b}[33m"
  static let magenta: StaticString = "\u{1b}[35m"
  static let cyan: StaticString = "\u{1b}[36m"

  /// By the word that a packet's text begins with: the network layer, or what stands in its place.
  static func of(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> StaticString {
    switch (first, second, third) {
    case (UInt8(ascii: "I"), UInt8(ascii: "P"), UInt8(ascii: "6")): cyan
    case (UInt8(ascii: "I"), UInt8(ascii: "P"), _): green
    case (UInt8(ascii: "A"), UInt8(ascii: "R"), _): yellow
    default: magenta
    }
  }
}

extension Printer {
  /// Colours the text of a packet, which begins at `start` in `out`, with its number and time before `head`: those and dumps are dim,
  /// the first word has the colour of its layer, and marks of what was cut or is wrong are red. The text was escaped before, so
  /// no sequence in it is from the wire.
  package mutating func colorText(from start: Int, head: Int) {
    var plain = TextBuffer(capacity: max(64, out.count &- start))
    plain.write(out.bytes.extracting(droppingFirst: start))
    out.truncate(to: start)
    let text = PacketBytes(plain.bytes)
    var offset = 0
    if head > start {
      out.write(Color.dim)
      writePlain(text, &offset, to: head &- start)
      out.write(Color.reset)
    }
    out.write(Color.of(octet(text, offset), octet(text, offset &+ 1), octet(text, offset &+ 2)))
    var end = offset
    while end < text.count, octet(text, end) > 0x20 { end &+= 1 }
    writePlain(text, &offset, to: end)
    out.write(Color.reset)
    while offset < text.count {
      if octet(text, offset) == UInt8(ascii: "\t"), matches(text, offset &+ 1, "0x") {
        end = offset
        while end < text.count, octet(text, end) != UInt8(ascii: "\n") { end &+= 1 }
        writeColored(Color.dim, text, &offset, to: end)
      } else if matches(text, offset, "[|") {
        end = offset
        while end < text.count, octet(text, end) != UInt8(ascii: "]") { end &+= 1 }
        writeColored(Color.red, text, &offset, to: min(text.count, end &+ 1))
      } else if let length = warning(text, offset) {
        writeColored(Color.red, text, &offset, to: offset &+ length)
      } else {
        writePlain(text, &offset, to: offset &+ 1)
      }
    }
  }

  /// Characters of a word that marks an error; nil if none stands at `offset`.
  private func warning(_ text: PacketBytes, _ offset: Int) -> Int? {
    switch octet(text, offset) {
    case UInt8(ascii: "("): matches(text, offset, "(invalid)") ? 9 : matches(text, offset, "(incorrect") ? 10 : nil
    case UInt8(ascii: "b"): matches(text, offset, "bad ") ? 3 : nil
    case UInt8(ascii: "w"): matches(text, offset, "wrong ") ? 5 : nil
    default: nil
    }
  }

  private func octet(_ text: PacketBytes, _ offset: Int) -> UInt8 { (try? text.u8(at: offset)) ?? 0 }

  private func matches(_ text: PacketBytes, _ offset: Int, _ word: StaticString) -> Bool {
    word.withUTF8Buffer { wanted in
      // Safe: the index is one of the buffer's own.
      wanted.indices.allSatisfy { octet(text, offset &+ $0) == (unsafe wanted[$0]) }
    }
  }

  private mutating func writePlain(_ text: PacketBytes, _ offset: inout Int, to end: Int) {
    while offset < min(end, text.count) {
      out.write(byte: octet(text, offset))
      offset &+= 1
    }
  }

  private mutating func writeColored(_ color: StaticString, _ text: PacketBytes, _ offset: inout Int, to end: Int) {
    out.write(color)
    writePlain(text, &offset, to: end)
    out.write(Color.reset)
  }
}
