import Filter
import Glibc
import PacketCore

/// Likely mistakes in the filter expression.
extension Command {
  /// Prints all findings, if there are any.
  func lint(_ options: CompileOptions) throws(CommandError) {
    let expression = configuration.filter.expression
    let findings = try compiling { () throws(FilterError) in try FilterLint.findings(in: expression, options) }
    try write(in: .lint) { out in
      for finding in findings { out.write(finding.rendered(expression: expression)) }
    }
  }

  /// If standard error is a terminal, mentions likely mistakes in one line.
  func noteLint(_ options: CompileOptions) {
    guard case .expression(let expression) = configuration.filter, isatty(STDERR_FILENO) == 1 else { return }
    // A limit, so that a long expression does not delay the capture.
    let maximumTerms = 12
    // The check cannot evaluate process tests.
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
