import Glibc
import Sandbox

/// The command line's entry.
public enum ApusCommandLine {
  /// Does what the arguments ask for, and ends the process: with status 1 where something went wrong, or the status that answers the
  /// question. `arguments` are those of C's `main`, the program's name first.
  public static func main(_ arguments: [[UInt8]]) -> Never {
    StandardStreams.occupy()
    do throws(SandboxError) {
      try SetIDPrivilege.giveUp()
    } catch {
      Diagnostics.report(CommandError(error.description))
      exit(1)
    }
    endCrashesQuietly()
    // Programs that are started inherit nothing from whoever has started this one.
    Descriptors.closeOnExec()
    // A closed pipe is reported by write(2), not by a signal that ends the process.
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

  /// Swift's runtime may handle signals of a crash by starting a program that looks into the process: from the folder of this one, and with
  /// its privilege. The kernel ends the process alone.
  private static func endCrashesQuietly() {
    for number in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] {
      var action = sigaction()
      // SIG_IGN is the address 1. Safe: a handler is a pointer, or none, and only its bits are looked at.
      guard unsafe sigaction(number, nil, &action) == 0,
        unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) != 1
      else { continue }
      signal(number, SIG_DFL)
    }
  }

  /// The arguments after the program's name. Throws where there is not even a name, and where an argument is not UTF-8: it would become
  /// another name, of which no file is found, or a wrong one written.
  private static func words(_ arguments: [[UInt8]]) throws(CommandError) -> [String] {
    // For an empty vector newer kernels (from 5.18 on) pass one empty argument.
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

  /// The options that the arguments state. Throws where a flag is unknown or lacks its value.
  static func options(_ arguments: [String]) throws(CommandError) -> Options { try OptionParser.options(arguments) }
}
