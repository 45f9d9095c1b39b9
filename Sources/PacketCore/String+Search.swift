import Glibc

// Swift's regular expressions can also search for plain text, but they and what they need would make up a seventh of the program.

extension Substring {
  /// Where `text` first occurs at or after `start`; nil if it does not.
  private func place(of text: String, from start: Index) -> Index? {
    guard !text.isEmpty else { return start }
    let rest = self[start...].utf8
    let found = unsafe rest.withContiguousStorageIfAvailable { octets in
      unsafe text.utf8.withContiguousStorageIfAvailable { wanted in
        unsafe offset(of: UnsafeRawBufferPointer(wanted), in: UnsafeRawBufferPointer(octets))
      }
    }
    if let found, let found { return found.map { utf8.index(start, offsetBy: $0) } }
    // The string is not stored as contiguous UTF-8.
    var place = start
    while place < endIndex {
      if self[place...].utf8.starts(with: text.utf8) { return place }
      place = utf8.index(after: place)
    }
    return nil
  }

  /// The first occurrence of `text`, compared byte by byte; nil if there is none.
  package func firstRange(ofText text: String) -> Range<Index>? {
    place(of: text, from: startIndex).map { $0..<utf8.index($0, offsetBy: text.utf8.count) }
  }

  /// True if it contains `text`, compared byte by byte.
  package func contains(text: String) -> Bool { place(of: text, from: startIndex) != nil }

  /// Replaces every occurrence of `text` by `other`, or only the first `maxReplacements`.
  package func replacing(text: String, with other: String, maxReplacements: Int = .max) -> String {
    guard !text.isEmpty else { return String(self) }
    var result = ""
    var start = startIndex
    var count = 0
    while count < maxReplacements, let place = place(of: text, from: start) {
      result += self[start..<place]
      result += other
      start = utf8.index(place, offsetBy: text.utf8.count)
      count += 1
    }
    return result + self[start...]
  }
}

/// The same for whole strings. It is not a generic extension of `StringProtocol`, whose code would not be specialised in other modules.
extension String {
  /// The first occurrence of `text`, compared byte by byte; nil if there is none.
  package func firstRange(ofText text: String) -> Range<Index>? { self[...].firstRange(ofText: text) }

  /// True if it contains `text`, compared byte by byte.
  package func contains(text: String) -> Bool { self[...].contains(text: text) }

  /// Replaces every occurrence of `text` by `other`, or only the first `maxReplacements`.
  package func replacing(text: String, with other: String, maxReplacements: Int = .max) -> String {
    self[...].replacing(text: text, with: other, maxReplacements: maxReplacements)
  }
}

/// The offset of the first occurrence of `wanted`, which is not empty; nil if there is none. Fast, because the text of a filter may be
/// long.
private func offset(of wanted: UnsafeRawBufferPointer, in octets: UnsafeRawBufferPointer) -> Int? {
  guard let first = unsafe wanted.first, let base = octets.baseAddress, let start = wanted.baseAddress else {
    return nil
  }
  var offset = 0
  while octets.count - offset >= wanted.count {
    // Safe: `offset` is within the bytes, and from a byte that is found on there are at least as many bytes as are wanted.
    guard let found = unsafe memchr(base + offset, CInt(first), octets.count - offset - wanted.count + 1) else {
      return nil
    }
    offset = unsafe UnsafeRawPointer(found) - base
    if unsafe memcmp(base + offset, start, wanted.count) == 0 { return offset }
    offset += 1
  }
  return nil
}

extension [String] {
  /// The words joined by blanks.
  package var spaced: String {
    guard var text = first else { return "" }
    for word in dropFirst() {
      text += " "
      text += word
    }
    return text
  }
}
