import PacketCore

extension Printer {
  /// Colours the text of a packet, which begins at `start` in `out`; its number and time end at `head`. Number, time and the offsets of
  /// dumps are dim, the first word has the colour of its layer, TCP flags and DNS codes have a colour by their meaning, and marks of
  /// truncation and errors are red. The text was escaped before, so no escape sequence in it comes from the wire.
  package mutating func colorText(from start: Int, head: Int) {
    var plain = TextBuffer(capacity: max(64, out.count &- start))
    plain.write(out.bytes.extracting(droppingFirst: start))
    out.truncate(to: start)
    let scanner = ColorScanner(text: PacketBytes(plain.bytes))
    var offset = 0
    write(scanner.text, &offset, to: head &- start, in: .dim)
    let layer = scanner.layerStyle(at: offset)
    write(scanner.text, &offset, to: scanner.endOfWord(at: offset), in: layer)
    while offset < scanner.text.count {
      if scanner.beginsDump(at: offset) {
        write(scanner.text, &offset, to: scanner.end(of: UInt8(ascii: ":"), from: offset), in: .dim)
        write(scanner.text, &offset, to: scanner.end(of: UInt8(ascii: "\n"), from: offset), in: nil)
      } else if let (end, style) = scanner.match(at: offset) {
        write(scanner.text, &offset, to: end, in: style)
      } else {
        write(scanner.text, &offset, to: offset &+ 1, in: nil)
      }
    }
  }

  private mutating func write(_ text: PacketBytes, _ offset: inout Int, to end: Int, in style: TextStyle?) {
    let end = min(end, text.count)
    guard offset < end else { return }
    if let style { out.write(style.sequence) }
    while offset < end {
      out.write(byte: (try? text.u8(at: offset)) ?? 0)
      offset &+= 1
    }
    if style != nil { out.write(TextStyle.reset) }
  }
}

/// Finds the parts of a packet's text that have a colour.
private struct ColorScanner: ~Escapable {
  let text: PacketBytes

  @_lifetime(copy text)
  init(text: PacketBytes) { self.text = text }

  /// The colour of the first word of a packet's text: the network layer, or another protocol.
  func layerStyle(at offset: Int) -> TextStyle {
    if matches("IP6", offset) { return .cyan }
    if matches("IP", offset) { return .green }
    return matches("AR", offset) ? .yellow : .magenta
  }

  /// Where the word at the offset ends.
  func endOfWord(at offset: Int) -> Int {
    var end = offset
    while end < text.count, byte(end) > 0x20 { end &+= 1 }
    return end
  }

  /// True for a line of a dump: an offset, and the bytes after it.
  func beginsDump(at offset: Int) -> Bool {
    byte(offset) == UInt8(ascii: "\t") && byte(offset &- 1) == UInt8(ascii: "\n") && matches("0x", offset &+ 1)
  }

  /// The end and the style of a coloured part that begins at the offset; nil if none does.
  func match(at offset: Int) -> (end: Int, style: TextStyle?)? {
    switch byte(offset) {
    case UInt8(ascii: "F") where matches("Flags [", offset) && matches(": ", offset &- 2): return flags(at: offset)
    case UInt8(ascii: "["), UInt8(ascii: "("):
      guard matches("[|", offset) || Self.faults.contains(where: { matches($0, offset &+ 1) }) else { return nil }
      return (endOfBrackets(at: offset), .red)
    case let letter where letter >= 0x41 && !isLetter(byte(offset &- 1)): return word(at: offset)
    default: return nil
    }
  }

  /// The letters of the TCP flags (RFC 9293 section 3.1): a reset is red, the start of a connection green.
  private func flags(at offset: Int) -> (end: Int, style: TextStyle?) {
    let end = end(of: UInt8(ascii: "]"), from: offset)
    var letter = offset &+ 7
    var style: TextStyle?
    while letter < end {
      if byte(letter) == UInt8(ascii: "R") { return (end, .red) }
      if byte(letter) == UInt8(ascii: "S") { style = .green }
      letter &+= 1
    }
    return (end, style)
  }

  /// Words that begin a report of an error in brackets.
  private static let faults: [StaticString] = ["bad ", "wrong ", "incorrect", "invalid)"]
  /// DNS response codes (RFC 1035 section 4.1.1) that report an error.
  private static let codes: [StaticString] = ["NXDomain", "ServFail", "Refused", "FormErr"]

  /// A word that reports an error, with the checksum after it.
  private func word(at offset: Int) -> (end: Int, style: TextStyle?)? {
    for code in Self.codes where matches(code, offset) && byte(offset &- 1) == UInt8(ascii: " ") {
      let end = offset &+ code.utf8CodeUnitCount
      if !isLetter(byte(end)) { return (end, .red) }
    }
    guard matches("bad ", offset) || matches("wrong ", offset), !isPayload(at: offset) else { return nil }
    let end = end(of: UInt8(ascii: " "), from: offset)
    // `bad cksum 5 (->6)!`, `bad igmp cksum 5!`
    let sum = matches("cksum ", end) ? end : self.end(of: UInt8(ascii: " "), from: end)
    return (matches("cksum ", sum) ? self.end(of: UInt8(ascii: "!"), from: sum) : end &- 1, .red)
  }

  /// True if the line is text that the packet carries: it begins with a letter, after a tab as in HTTP or at the margin as in an ASCII
  /// dump.
  private func isPayload(at offset: Int) -> Bool {
    var start = offset
    while start > 0, byte(start &- 1) != UInt8(ascii: "\n"), offset &- start < Self.longest { start &-= 1 }
    return start > 0 && isLetter(byte(byte(start) == UInt8(ascii: "\t") ? start &+ 1 : start))
  }

  /// The offset after the bracket that closes the one at the given offset, and after an exclamation mark that follows it.
  private func endOfBrackets(at offset: Int) -> Int {
    var depth = 0
    var end = offset
    while end < min(text.count, offset &+ Self.longest), byte(end) != UInt8(ascii: "\n") {
      switch byte(end) {
      case UInt8(ascii: "["), UInt8(ascii: "("): depth &+= 1
      case UInt8(ascii: "]"), UInt8(ascii: ")"): depth &-= 1
      default: break
      }
      end &+= 1
      if depth == 0 { break }
    }
    return byte(end) == UInt8(ascii: "!") ? end &+ 1 : end
  }

  /// The longest part that has a colour, in characters: text from the wire may open brackets and close none.
  private static let longest = 100

  /// The offset after the next such character in the line, or the end of the line or of the longest coloured part.
  func end(of character: UInt8, from start: Int) -> Int {
    var end = start
    while end < min(text.count, start &+ Self.longest), byte(end) != UInt8(ascii: "\n") {
      end &+= 1
      if byte(end &- 1) == character { break }
    }
    return end
  }

  private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & 0xdf) }

  /// The byte at an offset; 0 if there is none.
  private func byte(_ offset: Int) -> UInt8 { (try? text.u8(at: offset)) ?? 0 }

  private func matches(_ word: StaticString, _ offset: Int) -> Bool {
    word.withUTF8Buffer { wanted in
      // Safe: the index is one of `wanted.indices`.
      wanted.indices.allSatisfy { byte(offset &+ $0) == (unsafe wanted[$0]) }
    }
  }
}
