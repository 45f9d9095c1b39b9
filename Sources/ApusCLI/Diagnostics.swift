import Capture
import Glibc
import PacketCore
import Synchronization

/// Why the command ends without having done what was asked: one line without the program's name, or, for a refused expression,
/// a few lines complete with it.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  /// True where `description` already is the whole text with its newlines.
  let isComplete: Bool
  /// The exit status that it leads to: 1 unless something else is stated, as 2 for damaged parts of savefiles (`--recover`).
  private(set) var status: CInt = 1

  init(_ description: String) {
    self.description = description
    isComplete = false
  }

  /// What was requested has been done, and the answer is this exit status: there is nothing to say of it.
  static func answer(status: CInt) -> CommandError { CommandError(complete: "").with(status: status) }

  /// True for an answer.
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

/// What is said on standard error.
enum Diagnostics {
  /// An error: `apus: ` and the line. If even this cannot be written, nothing is left to do.
  static func report(_ error: CommandError) {
    if error.isAnswer { return }
    var line = text(of: error)
    if isColored { LineColors.error.color(&line) }
    _ = line.flush(to: STDERR_FILENO) { StopSignal.isRepeated }
  }

  /// What is said of an error.
  static func text(of error: CommandError) -> TextBuffer {
    var text = TextBuffer(capacity: 256)
    text.write(error.isComplete ? error.description : "apus: \(error.description)\n")
    text.makeVisible()
    return text
  }

  /// Sends everything but errors to Wireshark's log from now on, or nowhere.
  static func sendNotes(to log: CInt?) { destination.store(log ?? -1, ordering: .relaxed) }

  /// Whether standard error has colours, whatever it is; without a call only a terminal has.
  static func use(_ choice: ColorChoice) {
    colored.store(choice.applies(to: STDERR_FILENO) ? 1 : 0, ordering: .relaxed)
  }

  private static var isColored: Bool {
    let known = colored.load(ordering: .relaxed)
    return known < 0 ? ColorChoice.auto.applies(to: STDERR_FILENO) : known > 0
  }

  /// How many notes have been written to standard error so far.
  static var notes: Int { written.load(ordering: .relaxed) }

  /// Something that the user should know, without the program's name: as tcpdump says it.
  static func note(_ line: String) { write(line + "\n") }

  /// Lines of text; names and words in them may come from anywhere, so control characters are made visible.
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

/// Where notes go: to standard error, to the log of that descriptor, or, with -1, nowhere.
private let destination = Atomic<CInt>(STDERR_FILENO)
/// Whether standard error has colours: 1, 0, or -1 where that is not known yet.
private let colored = Atomic<Int>(-1)
private let written = Atomic<Int>(0)
