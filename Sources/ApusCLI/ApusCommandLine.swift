import Glibc
import Sandbox

/// The entry point of the command line.
public enum ApusCommandLine {
  /// Runs the command and ends the process: with status 1 after an error, or with the status that is its answer. `arguments` are those of
  /// C's `main`, including the program's name.
  public static func main(_ arguments: [[UInt8]]) -> Never {
    StandardStreams.occupy()
    do throws(SandboxError) {
      try SetIDPrivilege.giveUp()
    } catch {
      Diagnostics.report(CommandError(error.description))
      exit(1)
    }
    restoreCrashSignals()
    // Child processes inherit no descriptors from the caller of this one.
    Descriptors.closeOnExec()
    // A write to a closed pipe returns an error instead of ending the process by a signal.
    signal(SIGPIPE, SIG_IGN)
    do throws(CommandError) {
      let options = try options(words(arguments))
      Diagnostics.use(try ColorChoice(options.printing))
      try Command(Configuration(options)).run()
    } catch {
      Diagnostics.report(error)
      exit(error.status)
    }
    exit(0)
  }

  /// Restores the default action of crash signals. Swift's runtime may handle them by starting a backtrace program, from this program's
  /// folder and with its privilege; with the default action, the kernel just ends the process.
  private static func restoreCrashSignals() {
    for number in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] {
      var action = sigaction()
      // SIG_IGN is the address 1. Safe: a handler is a pointer or null, and only its bits are compared.
      guard unsafe sigaction(number, nil, &action) == 0,
        unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1
      else { continue }
      signal(number, SIG_DFL)
    }
  }

  /// The arguments after the program's name. Throws if even the name is missing, and if an argument is not UTF-8: decoding it would change
  /// it, so apus would not find the file, or would write one of another name.
  private static func words(_ arguments: [[UInt8]]) throws(CommandError) -> [String] {
    // Given an empty argument vector, newer kernels (5.18 and later) pass one empty argument.
    guard let name = arguments.first, !name.isEmpty || arguments.count > 1 else {
      throw CommandError("started without a program name")
    }
    return try arguments.dropFirst().map { octets throws(CommandError) in
      if let argument = String(validating: octets, as: UTF8.self) { return argument }
      throw CommandError(
        "the argument '\(String(decoding: octets, as: UTF8.self))' is not UTF-8: -r - < FILE reads, and -w - > FILE writes a file of such a name"
      )
    }
  }

  /// The options of the arguments. Throws if a flag is unknown or lacks its value.
  static func options(_ arguments: [String]) throws(CommandError) -> Options { try OptionParser.options(arguments) }
}
