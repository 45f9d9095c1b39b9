import Glibc

/// An open file that is read once, as a whole: an expression (`-F`), a program (`--bytecode`), or a list of files (`-V`).
final class FilterFile: Sendable {
  /// `-` for standard input.
  let path: String
  private let descriptor: CInt

  /// The maximum length of such a file, in bytes.
  private static let maximumLength = 64 << 20

  /// Opens the file, or standard input for `-`. Throws if that fails.
  init(_ path: String) throws(CommandError) {
    descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    self.path = path
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

  /// The whole contents. `what` describes the file in error messages. Throws if it cannot be read.
  func octets(_ what: String = "the filter") throws(CommandError) -> [UInt8] {
    var text: [UInt8] = []
    while text.count <= Self.maximumLength {
      var failed = false
      let part = unsafe [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        // Safe: read(2) fills at most the buffer's capacity.
        let result = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        failed = result < 0
        count = max(0, result)
      }
      if failed {
        guard errno == EINTR else { throw Self.failure(path) }
        continue
      }
      if part.isEmpty { return text }
      text += part
    }
    throw CommandError("\(path): \(what) is longer than \(Self.maximumLength) bytes")
  }

  private static func failure(_ path: String) -> CommandError {
    CommandError("can't open \(path): \(unsafe String(cString: strerror(errno)))")
  }
}

/// A filter in a file that has not been read yet.
struct FilterInput {
  let file: FilterFile
  /// The file holds a program instead of an expression.
  let isBytecode: Bool

  /// Reads the filter. Throws if the file cannot be read or the program in it is invalid.
  func source() throws(CommandError) -> FilterSource {
    let octets = try file.octets()
    guard isBytecode else { return .expression(String(decoding: octets, as: UTF8.self)) }
    return try .bytecode(octets, path: file.path)
  }
}
