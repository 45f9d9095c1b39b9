import Filter
import Names
import Processes
import Sandbox
import Savefile

/// Everything that is opened before anything is read, while the process still has its privileges.
final class Preparation {
  /// The capture files to read.
  let inputs = InputFiles()
  /// The single file of `-w`.
  var output: ReservedOutput?
  /// The folder in which files rotate.
  var folder: OutputFolder?
  /// The process that runs the program of `-z`.
  var helper: ProgramHelper?
  /// The command of `--run`.
  var runner: CommandRunner?
  /// Finds the processes of live packets; nil if they are not wanted.
  var processes: ProcessTracker?
  /// The sandbox that is not complete yet, since filters have to be installed first; nil once it is.
  var sandbox: Sandbox?
  /// The process had privileges that it could regain through a gap in the sandbox.
  var isPrivileged = false
  /// The process tests of the expression that was parsed last.
  private var processTests: (expression: String, tests: Result<[ProcessTest], FilterError>)?

  /// The process tests of an expression, which is parsed only once. Throws if it has too many.
  func processTests(in expression: String) throws(FilterError) -> [ProcessTest] {
    if let processTests, processTests.expression == expression { return try processTests.tests.get() }
    let tests = Result { () throws(FilterError) in try FilterCompiler.processTests(in: expression) }
    processTests = (expression, tests)
    return try tests.get()
  }

  /// Host names resolved through DNS: later, no queries are possible.
  private(set) lazy var namesFromDNS = DNSNames()
}
