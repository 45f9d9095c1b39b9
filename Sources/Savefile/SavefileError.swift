import Glibc

/// Why a savefile could not be opened, read or written: one line, without the program's name.
public struct SavefileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The kind of error, for callers that handle some of them.
  public enum Kind: Hashable, Sendable {
    /// A system call failed with that `errno`.
    case system(CInt)
    /// The file is a pipe, a socket or a device: it cannot be mapped, but may be read as a stream.
    case notRegular
    /// The output is a FIFO without a reader.
    case noReader
    /// The file exists and may have been planted: see `OutputFolder.reasonToDistrust`.
    case untrusted
    /// The file does not begin with a known magic number.
    case unknownFormat
    /// The file ends within a header or a packet.
    case truncated
    /// The file contradicts itself or its format.
    case malformed
  }

  /// The name of the file, as the user gave it.
  public let path: String
  public let kind: Kind
  /// What is wrong, in words.
  public let message: String

  public init(path: String, kind: Kind, message: String) {
    self.path = path
    self.kind = kind
    self.message = message
  }

  /// The failure of a system call, in the words of strerror(3).
  public init(path: String, errno code: CInt, prefix: String = "") {
    // Safe: strerror returns a C string that is valid until this thread's next call.
    let words = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    self.init(path: path, kind: .system(code), message: prefix + words)
  }

  public var description: String { "\(path): \(message)" }
}
