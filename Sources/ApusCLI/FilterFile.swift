import Glibc

/// A file that is open and read as a whole, once: with an expression (`-F`), a program (`--bytecode`), or the names of files (`-V`).
final class FilterFile: Sendable {
  /// `-` for standard input.
  let path: String
  private let descriptor: CInt

  /// The longest file that is read, in octets.
  private static let maximumLength = 64 << 20

  /// Opens it, `-` for standard input. Throws where that is not possible.
  init(_ path: String) throws(CommandError) {
    descriptor = path == "-" ? STDIN_FILENO : unsafe open(path, O_RDONLY | O_CLOEXEC)
    self.path = path
    guard descriptor >= 0 else { throw Self.failure(path) }
  }

  deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

  /// All that is in it. `what` is what that is, in words. Throws where it cannot be read.
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

/// A filter in a file, which is not read yet.
struct FilterInput {
  let file: FilterFile
  /// It is a program, and not an expression.
  let isBytecode: Bool

  /// Reads it. Throws where that is not possible, and what is wrong with a program.
  func source() throws(CommandError) -> FilterSource {
    let octets = try file.octets()
    guard isBytecode else { return .expression(String(decoding: octets, as: UTF8.self)) }
    return try .bytecode(octets, path: file.path)
  }
}
