import Glibc

/// A file that holds a filter: an expression (`-F`) or a program (`--bytecode`).
enum FilterFile {
  /// The longest file that is read, in octets.
  private static let maximumLength = 64 << 20

  /// The expression in a file; `-` is standard input. Throws where it cannot be read.
  static func read(_ path: String) throws(CommandError) -> String {
    String(decoding: try octets(path), as: UTF8.self)
  }

  /// The whole file; `-` is standard input. `what` is what it holds, in words. Throws where it cannot be read.
  static func octets(_ path: String, _ what: String = "the filter") throws(CommandError) -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path) }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    var text: [UInt8] = []
    while text.count <= maximumLength {
      var failed = false
      let part = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        // Safe: read(2) fills at most the buffer's capacity.
        let result = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        failed = result < 0
        count = max(0, result)
      }
      if failed {
        guard errno == EINTR else { throw failure(path) }
        continue
      }
      if part.isEmpty { return text }
      text += part
    }
    throw CommandError("\(path): \(what) is longer than \(maximumLength) octets")
  }

  private static func failure(_ path: String) -> CommandError {
    CommandError("can't open \(path): \(unsafe String(cString: strerror(errno)))")
  }
}
