import ArgumentParser
import Glibc

/// The command line's entry.
public enum ApusCommandLine {
  /// Does what the process's arguments ask for, and ends the process: with status 1 where something went wrong, or the status
  /// that answers the question.
  public static func main() {
    StandardStreams.occupy()
    // A write tells of a closed pipe, not a signal that ends the process.
    signal(SIGPIPE, SIG_IGN)
    do throws(CommandError) {
      try checkArguments()
      try Command(Configuration(options(CommandLine.arguments.dropFirst()))).run()
    } catch {
      Diagnostics.report(error)
      exit(error.status)
    }
    exit(0)
  }

  /// Throws where an argument is no UTF-8: it would become another name, of which no file is found, or a wrong one written.
  private static func checkArguments() throws(CommandError) {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      // Safe: there are so many arguments, and each ends with a zero octet.
      guard let argument = unsafe CommandLine.unsafeArgv[index] else { return }
      guard unsafe String(validatingCString: argument) == nil else { continue }
      throw CommandError(
        "the argument '\(unsafe String(cString: argument))' is not UTF-8: -r - < FILE reads, and -w - > FILE writes a file of such a name"
      )
    }
  }

  /// The options that the arguments state. Throws the parser's own words where it refuses them.
  static func options(_ arguments: some Sequence<String>) throws(CommandError) -> Options {
    let arguments = try ArgumentVector(Array(arguments)).arguments
    do {
      return try Options.parse(arguments)
    } catch {
      throw CommandError(Options.message(for: error))
    }
  }
}
