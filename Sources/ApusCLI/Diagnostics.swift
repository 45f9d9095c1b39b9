import Glibc
import PacketCore

/// Why the command ends without having done what was asked: one line without the program's name, or, for a refused expression,
/// a few lines complete with it.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  /// True where `description` already is the whole text with its newlines.
  let isComplete: Bool
  /// The exit status: 1, or 2 where all was done but for damaged parts of savefiles (`--recover`).
  let status: Int32

  init(_ description: String, status: Int32 = 1) {
    self.description = description
    self.status = status
    isComplete = false
  }

  init(complete text: String) {
    description = text
    isComplete = true
    status = 1
  }
}

/// What is said on standard error.
enum Diagnostics {
  /// An error: `apus: ` and the line.
  static func report(_ error: CommandError) {
    write(error.isComplete ? error.description : "apus: \(error.description)\n")
  }

  /// Something that the user should know, without the program's name: as tcpdump says it.
  static func note(_ line: String) { write(line + "\n") }

  /// Text as it is, that was made before.
  static func write(_ text: consuming TextBuffer) { _ = text.flush(to: STDERR_FILENO) }

  /// Text as it is. Where even this cannot be written there is nobody to tell.
  static func write(_ text: String) {
    var buffer = TextBuffer(capacity: 256)
    buffer.write(text)
    _ = buffer.flush(to: STDERR_FILENO)
  }
}
