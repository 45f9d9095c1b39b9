import Filter
import Glibc
import PacketCore

/// What may not be meant in the filter expression.
extension Command {
  /// Prints all that is found; nothing where there is nothing.
  func lint(_ options: CompileOptions) throws(CommandError) {
    let expression = configuration.filter.expression
    let findings = try compiling { () throws(FilterError) in try FilterLint.findings(in: expression, options) }
    try write(in: .lint) { out in
      for finding in findings { out.write(finding.rendered(expression: expression)) }
    }
  }

  /// Where a person looks at standard error, says in a line that something may not be meant.
  func noteLint(_ options: CompileOptions) {
    guard case .expression(let expression) = configuration.filter, isatty(STDERR_FILENO) == 1 else { return }
    // So that a long expression does not keep the packets waiting.
    let maximumTerms = 12
    // What a process decides is not known to it.
    guard !asksForProcesses else { return }
    guard expression.utf8.count < 4096,
      let findings = try? FilterLint.findings(in: expression, options, maximumTerms: maximumTerms)
    else { return }
    let warnings = findings.filter(\.isWarning)
    guard let first = warnings.first else { return }
    let more = warnings.count > 1 ? " (and \(warnings.count - 1) more)" : ""
    Diagnostics.note("apus: \(first.message)\(more): --lint shows it")
  }
}
