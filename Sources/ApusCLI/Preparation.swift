import Filter
import Names
import Processes
import Sandbox
import Savefile

/// What is opened before anything is read, with the privilege that the process has then.
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
  /// What tells the processes of live packets; nil where they are not wanted.
  var processes: ProcessTracker?
  /// What is still to be given up once the filter is in the kernel; nil where that has happened.
  var sandbox: Sandbox?
  /// There was privilege that a gap in the sandbox could lead back to.
  var isPrivileged = false
  /// The tests for processes that an expression has.
  private var processTests: (expression: String, tests: Result<[ProcessTest], FilterError>)?

  /// The tests for processes of an expression, which is parsed once. Throws where it has too many.
  func processTests(in expression: String) throws(FilterError) -> [ProcessTest] {
    if let processTests, processTests.expression == expression { return try processTests.tests.get() }
    let tests = Result { () throws(FilterError) in try FilterCompiler.processTests(in: expression) }
    processTests = (expression, tests)
    return try tests.get()
  }

  /// Names of hosts that DNS has answered for: nothing is asked later.
  private(set) lazy var namesFromDNS = DNSNames()
}
