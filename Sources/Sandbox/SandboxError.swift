import Glibc

/// Why the process could not drop its privileges: one line, without the program's name.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
  /// What is wrong, in words.
  public let description: String
  /// The `errno`; nil if there was none.
  let code: CInt?

  init(_ description: String) {
    self.description = description
    code = nil
  }

  /// An error with this `description` and `errno`.
  init(_ description: String, code: CInt) {
    self.description = description
    self.code = code
  }

  /// An error described by `what` and the system's message for the `errno`.
  init(_ what: String, errno code: CInt) {
    self.code = code
    // Safe: strerror returns a C string that is valid until this thread's next call.
    description = "\(what): \(unsafe String(cString: strerror(code)))"
  }
}
