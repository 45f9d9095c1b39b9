extension TextBuffer {
  /// Text that did not come from the program itself (names of files and interfaces, expressions, comments), with every control character
  /// made visible, so that no terminal obeys it: those of ASCII as `^X` and DEL as `^?`, those of C1 (U+0080 to U+009F) as `M-^X`. Tabs and
  /// newlines stay, since lines are the program's own.
  public mutating func write(visible text: String) {
    guard text.unicodeScalars.contains(where: isObeyed) else { return write(text) }
    for scalar in text.unicodeScalars {
      if isObeyed(scalar) {
        write(escaped: UInt8(truncatingIfNeeded: scalar.value))
      } else {
        write(String(scalar))
      }
    }
  }

  /// All that was written, with every control character made visible, and what is no UTF-8 replaced.
  public mutating func makeVisible() {
    // Safe: the copy is made before the buffer changes.
    let text = unsafe bytes.withUnsafeBytes { octets in
      unsafe octets.allSatisfy(isPlain) ? nil : String(decoding: octets, as: UTF8.self)
    }
    guard let text else { return }
    removeAll()
    write(visible: text)
  }
}

/// A character that a terminal obeys: C0 of ECMA-48 but tab and newline, DEL, C1.
private func isObeyed(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09, 0x0a: false
  case 0..<0x20, 0x7f..<0xa0: true
  default: false
  }
}

/// Printable ASCII, a tab or a newline.
private func isPlain(_ octet: UInt8) -> Bool { octet >= 0x20 && octet < 0x7f || octet == 0x09 || octet == 0x0a }
