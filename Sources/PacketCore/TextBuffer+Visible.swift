extension TextBuffer {
  /// Text that did not come from the program itself (names of files and interfaces, expressions, comments), with every control character
  /// made visible, so that no terminal interprets it: ASCII control characters as `^X` and DEL as `^?`, C1 (U+0080 to U+009F) as `M-^X`,
  /// and characters that change the order of text or are invisible as `<U+202E>`. Tabs and newlines stay, since the program itself writes
  /// lines.
  public mutating func write(visible text: String) {
    guard text.unicodeScalars.contains(where: isObeyed) else { return write(text) }
    for scalar in text.unicodeScalars {
      if scalar.isDeceptive {
        write("<U+")
        write(String(scalar.value, radix: 16, uppercase: true))
        write(">")
      } else if isObeyed(scalar) {
        write(escaped: UInt8(truncatingIfNeeded: scalar.value))
      } else {
        write(String(scalar))
      }
    }
  }

  /// Makes every control character in the buffer visible, and replaces invalid UTF-8.
  public mutating func makeVisible() {
    if areAllPlain(bytes) { return }
    // Safe: the copy is made before the buffer changes.
    let text = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    removeAll()
    write(visible: text)
  }
}

extension Unicode.Scalar {
  /// True for an invisible character that changes what is visible: the order of text (Unicode Standard Annex #9), where lines end, or
  /// invisible parts of words.
  public var isDeceptive: Bool {
    switch value {
    case ..<0x61c: false
    case 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe0fff:
      true
    default: false
    }
  }
}

/// True for a character that a terminal interprets: C0 of ECMA-48 except tab and newline, DEL, C1; and for deceptive characters.
private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09, 0x0a: false
  case 0..<0x20, 0x7f..<0xa0: true
  default: scalar.isDeceptive
  }
}

/// True if all are printable ASCII, tabs and newlines; checks eight at a time, since a listing is long.
private func areAllPlain(_ octets: RawSpan) -> Bool {
  var offset = 0
  while offset < octets.byteCount {
    if octets.printableOctets(at: offset) != nil {
      offset &+= 8
    } else {
      // Safe: the loop's condition proved that the byte exists.
      guard isPlain(unsafe octets.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)) else { return false }
      offset &+= 1
    }
  }
  return true
}

/// True for printable ASCII, a tab or a newline.
private func isPlain(_ octet: UInt8) -> Bool { octet >= 0x20 && octet < 0x7f || octet == 0x09 || octet == 0x0a }
