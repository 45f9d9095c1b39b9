import Glibc

/// Why a savefile could not be opened, read or written: one line, without the program's name.
public struct SavefileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of trouble it is, for those who can do something about it.
  public enum Kind: Hashable, Sendable {
    /// A system call failed with that `errno`.
    case system(CInt)
    /// It is a pipe, a socket or a device: it cannot be mapped, but it may be read as a stream.
    case notRegular
    /// It is a FIFO to write to, and nobody reads it.
    case noReader
    /// It is there already and may have been planted: see `OutputFolder.distrust`.
    case untrusted
    /// It begins with no magic number that is known here.
    case unknownFormat
    /// It ends within a header or a packet.
    case truncated
    /// It contradicts itself or its format.
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
    // Safe: strerror gives a C string that lives until the next call of this thread.
    let words = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
    self.init(path: path, kind: .system(code), message: prefix + words)
  }

  public var description: String { "\(path): \(message)" }
}
