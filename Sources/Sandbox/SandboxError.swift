import Glibc

/// Why the process cannot give up what it was to give up: one line, without the program's name.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, in words.
  public let description: String
  /// The system's error; nil if there was none.
  let code: CInt?

  init(_ description: String) {
    self.description = description
    code = nil
  }

  /// `description`, for a failure that has that `errno`.
  init(_ description: String, code: CInt) {
    self.description = description
    self.code = code
  }

  /// `what`, and the system's words for an `errno`.
  init(_ what: String, errno code: CInt) {
    self.code = code
    // Safe: strerror gives a C string that lives until the next call of this thread.
    description = "\(what): \(unsafe String(cString: strerror(code)))"
  }
}
