import PacketCore

extension Printer {
  /// Colours the text of a packet, which begins at `start` in `out`, with its number and time before `head`: those and the offsets of dumps
  /// are dim, the first word has the colour of its layer, flags of TCP and codes of DNS that of what they say, and marks of what was cut
  /// or is wrong are red. The text was escaped before, so no sequence in it is from the wire.
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

/// Finds what has a colour in the text of a packet.
private struct ColorScanner: ~Escapable {
  let text: PacketBytes

  @_lifetime(copy text)
  init(text: PacketBytes) { self.text = text }

  /// By the word that a packet's text begins with: the network layer, or what stands in its place.
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

  /// A line of a dump, whose bytes stand behind their offset.
  func beginsDump(at offset: Int) -> Bool {
    byte(offset) == UInt8(ascii: "\t") && byte(offset &- 1) == UInt8(ascii: "\n") && matches("0x", offset &+ 1)
  }

  /// The end and the style of what stands at the offset; nil where that is nothing special.
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

  /// The letters of TCP's flags (RFC 9293 section 3.1): a reset is red, the begin of a connection green.
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

  /// Words with which something in brackets says what is wrong.
  private static let faults: [StaticString] = ["bad ", "wrong ", "incorrect", "invalid)"]
  /// Codes of DNS responses (RFC 1035 section 4.1.1) that answer no question.
  private static let codes: [StaticString] = ["NXDomain", "ServFail", "Refused", "FormErr"]

  /// A word that says what is wrong, and the checksum behind it.
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

  /// The line is one of text that a packet carries: it begins with a letter, behind a tab as in HTTP or at the margin as in a dump of ASCII.
  private func isPayload(at offset: Int) -> Bool {
    var start = offset
    while start > 0, byte(start &- 1) != UInt8(ascii: "\n"), offset &- start < Self.longest { start &-= 1 }
    return start > 0 && isLetter(byte(byte(start) == UInt8(ascii: "\t") ? start &+ 1 : start))
  }

  /// Behind the bracket that closes the one at the offset, and an exclamation mark there.
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

  /// Characters that have a colour together, at most: text from the wire may open brackets and close none.
  private static let longest = 100

  /// Behind the next such character in the line, or where the line or the longest coloured part ends.
  func end(of character: UInt8, from start: Int) -> Int {
    var end = start
    while end < min(text.count, start &+ Self.longest), byte(end) != UInt8(ascii: "\n") {
      end &+= 1
      if byte(end &- 1) == character { break }
    }
    return end
  }

  private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte & 0xdf) }

  /// The byte there; 0 where there is none.
  private func byte(_ offset: Int) -> UInt8 { (try? text.u8(at: offset)) ?? 0 }

  private func matches(_ word: StaticString, _ offset: Int) -> Bool {
    word.withUTF8Buffer { wanted in
      // Safe: the index is one of the buffer's own.
      wanted.indices.allSatisfy { byte(offset &+ $0) == (unsafe wanted[$0]) }
    }
  }
}
