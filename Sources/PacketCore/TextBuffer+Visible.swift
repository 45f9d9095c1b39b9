extension TextBuffer {
  /// Text that did not come from the program itself (names of files and interfaces, expressions, comments), with every control character
  /// made visible, so that no terminal obeys it: those of ASCII as `^X` and DEL as `^?`, those of C1 (U+0080 to U+009F) as `M-^X`, and
  /// those that change the order of text or hide in it as `<U+202E>`. Tabs and newlines stay, since lines are the program's own.
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

  /// All that was written, with every control character made visible, and what is no UTF-8 replaced.
  public mutating func makeVisible() {
    if areAllPlain(bytes) { return }
    // Safe: the copy is made before the buffer changes.
    let text = unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    removeAll()
    write(visible: text)
  }
}

extension Unicode.Scalar {
  /// A character that is not seen but changes what is: the order of text (Unicode Standard Annex #9), where lines end, or invisible parts
  /// of words.
  public var isDeceptive: Bool {
    switch value {
    case ..<0x61c: false
    case 0x61c, 0x180e, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe0fff:
      true
    default: false
    }
  }
}

/// A character that a terminal obeys: C0 of ECMA-48 but tab and newline, DEL, C1, and what deceives who reads.
private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09, 0x0a: false
  case 0..<0x20, 0x7f..<0xa0: true
  default: scalar.isDeceptive
  }
}

/// True where all are printable ASCII, tabs and newlines: eight at a time, since a listing is long.
private func areAllPlain(_ octets: RawSpan) -> Bool {
  var offset = 0
  while offset < octets.byteCount {
    if octets.printableOctets(at: offset) != nil {
      offset &+= 8
    } else {
      // Safe: the loop's condition proved that the octet is there.
      guard isPlain(unsafe octets.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)) else { return false }
      offset &+= 1
    }
  }
  return true
}

/// Printable ASCII, a tab or a newline.
private func isPlain(_ octet: UInt8) -> Bool { octet >= 0x20 && octet < 0x7f || octet == 0x09 || octet == 0x0a }
