import Capture
import Glibc
import PacketCore
import Synchronization

/// Why the command failed: one line without the program's name or, for a refused expression, several complete lines.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  /// True if `description` is already the whole text with its newlines.
  let isComplete: Bool
  /// The exit status: 1 unless set otherwise, such as 2 for damaged parts of savefiles (`--recover`).
  private(set) var status: CInt = 1

  init(_ description: String) {
    self.description = description
    isComplete = false
  }

  /// The command succeeded, and its answer is this exit status, without a message.
  static func answer(status: CInt) -> CommandError { CommandError(complete: "").with(status: status) }

  /// True for such an answer.
  var isAnswer: Bool { isComplete && description.isEmpty }

  /// The same with another exit status.
  func with(status: CInt) -> CommandError {
    var error = self
    error.status = status
    return error
  }

  init(complete text: String) {
    description = text
    isComplete = true
  }
}

/// Messages on standard error.
enum Diagnostics {
  /// Prints an error: `apus: ` and the line. A failure to write it is ignored.
  static func report(_ error: CommandError) {
    if error.isAnswer { return }
    var line = text(of: error)
    if isColored { LineColors.error.color(&line) }
    _ = line.flush(to: STDERR_FILENO) { StopSignal.isRepeated }
  }

  /// The text of an error message.
  static func text(of error: CommandError) -> TextBuffer {
    var text = TextBuffer(capacity: 256)
    text.write(error.isComplete ? error.description : "apus: \(error.description)\n")
    text.makeVisible()
    return text
  }

  /// From now on, sends everything except errors to Wireshark's log, or nowhere.
  static func sendNotes(to log: CInt?) { destination.store(log ?? -1, ordering: .relaxed) }

  /// Decides whether messages are coloured. Without this call they are on a terminal only.
  static func use(_ choice: ColorChoice) {
    colored.store(choice.applies(to: STDERR_FILENO) ? 1 : 0, ordering: .relaxed)
  }

  private static var isColored: Bool {
    let known = colored.load(ordering: .relaxed)
    return known < 0 ? ColorChoice.auto.applies(to: STDERR_FILENO) : known > 0
  }

  /// The number of notes that have been written to standard error so far.
  static var notes: Int { written.load(ordering: .relaxed) }

  /// Prints a note for the user, without the program's name, as tcpdump does.
  static func note(_ line: String) { write(line + "\n") }

  /// Writes lines of text. Names in them may come from untrusted sources, so control characters are made visible.
  static func write(_ text: consuming TextBuffer) {
    text.makeVisible()
    switch destination.load(ordering: .relaxed) {
    case STDERR_FILENO:
      if isColored { LineColors.note.color(&text) }
      written.add(1, ordering: .relaxed)
      _ = text.flush(to: STDERR_FILENO) { StopSignal.isRepeated }
    case let log where log >= 0: ExtcapLog.write(text.bytes, to: log)
    default: break
    }
  }

  /// The same.
  static func write(_ text: String) {
    var buffer = TextBuffer(capacity: 256)
    buffer.write(text)
    write(buffer)
  }
}

/// Where notes go: standard error, the descriptor of the log, or, with -1, nowhere.
private let destination = Atomic<CInt>(STDERR_FILENO)
/// Whether messages are coloured: 1, 0, or -1 if not decided yet.
private let colored = Atomic<Int>(-1)
private let written = Atomic<Int>(0)
