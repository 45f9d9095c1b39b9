import ApusCLI
import TestSupport

/// Arguments of the command line, separated by zero bytes: they must be accepted, or refused with a message. Nothing is opened or executed.
final class ArgumentsEntry: FuzzEntry {
  func take(_ input: [UInt8]) {
    let arguments = input.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    if let message = ApusCommandLine.refusal(of: arguments) {
      if message.isEmpty { fault("refused without a word") }
      checkText(message)
    }
  }
}
