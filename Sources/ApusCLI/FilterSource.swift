import BPF
import Capture
import Filter

/// The filter: an expression, or a program from a file (`--bytecode`).
enum FilterSource {
  /// The words of the expression, joined by blanks.
  case expression(String)
  /// A program, which applies to packets of any link type, and the path of its file.
  case bytecode(Bytecode, path: String)

  /// The words of the expression; empty for a program.
  var expression: String {
    switch self {
    case .expression(let words): words
    case .bytecode: ""
    }
  }

  /// True for an empty expression.
  var acceptsAll: Bool {
    switch self {
    case .expression(let words): words.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0d).contains($0) }
    case .bytecode: false
    }
  }

  /// The program for packets of the link type of `options`; bytecode is the same for all. Throws if the expression is refused, and
  /// `cancelled` if a signal arrives meanwhile.
  ///
  /// `answers` are those of the process tests; without them the program accepts every packet that would pass with some answers.
  func compile(_ options: CompileOptions, assuming answers: [Bool]? = nil) throws(FilterError) -> Program {
    switch self {
    case .expression(let words):
      // The empty filter is the most common one, and needs no compiler.
      if acceptsAll { return .acceptingAll(options.snaplen) }
      var options = options
      options.isCancelled = { StopSignal.isRaised }
      return try StopSignal.duringWork { () throws(FilterError) in
        if let answers { return try FilterCompiler.compile(words, options, assuming: answers) }
        return try FilterCompiler.compile(words, options)
      }
    case .bytecode(let bytecode, _): return bytecode.program
    }
  }

  /// Parses the program in a file. Throws what is wrong with it, and in which line.
  static func bytecode(_ octets: [UInt8], path: String) throws(CommandError) -> FilterSource {
    do throws(AssemblyError) {
      return .bytecode(try Bytecode(octets), path: path)
    } catch {
      throw CommandError("\(path):\(error.line.map { "\($0):" } ?? "") \(error.message)")
    }
  }
}
