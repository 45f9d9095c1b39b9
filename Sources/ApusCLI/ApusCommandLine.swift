import ArgumentParser
import Glibc

/// The command line's entry.
public enum ApusCommandLine {
  /// Does what the process's arguments ask for, and ends the process: with status 1 where something went wrong, or the status
  /// that answers the question.
  public static func main() {
    do throws(CommandError) {
      try Command(Configuration(options(CommandLine.arguments.dropFirst()))).run()
    } catch {
      Diagnostics.report(error)
      exit(error.status)
    }
    exit(0)
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
