#if canImport(Glibc)
  import Glibc
#endif

/// The text of a database such as /etc/hosts: lines of fields separated by blanks, with comments from `#` to the end of the line.
struct NameFile {
  private let octets: [UInt8]

  /// Built-in text.
  init(_ text: StaticString) {
    octets = Array(text.description.utf8)
  }

  /// The file at `path`; nil if it cannot be read.
  init?(path: String) {
    // Safe: the C string is valid during the call.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var octets: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      // Safe: read() stores at most the buffer's own count.
      let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { break }
      octets += chunk.prefix(count)
    }
    self.octets = octets
  }

  /// Calls `body` with the fields of each non-empty line.
  func forEachLine(_ body: ([Field]) -> Void) {
    for line in octets.split(separator: UInt8(ascii: "\n")) {
      let fields = line.prefix { $0 != UInt8(ascii: "#") }
        .split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
      if !fields.isEmpty { body(fields.map { Field(octets: $0) }) }
    }
  }
}

/// One word of a line.
struct Field {
  let octets: ArraySlice<UInt8>

  /// The word as a name; nil if it contains anything but printable ASCII, since names do not.
  var name: String? {
    guard octets.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
    return String(decoding: octets, as: UTF8.self)
  }

  /// The word as a decimal number; nil if it is not a number, or does not fit.
  func number<Number: FixedWidthInteger>(as type: Number.Type) -> Number? {
    guard octets.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Number(String(decoding: octets, as: UTF8.self))
  }
}
