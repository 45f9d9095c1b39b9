import BPF
import Capture
import Filter

/// What decides about packets: an expression, or a program from a file (`--bytecode`).
enum FilterSource {
  /// The words of the expression, between blanks.
  case expression(String)
  /// A program, whatever packets it was compiled for, and the file that it is from.
  case bytecode(Bytecode, path: String)

  /// The words of the expression; nothing where there is none.
  var expression: String {
    switch self {
    case .expression(let words): words
    case .bytecode: ""
    }
  }

  /// True for an expression that says nothing at all.
  var acceptsAll: Bool {
    switch self {
    case .expression(let words): words.utf8.allSatisfy { $0 == 0x20 || (0x09...0x0d).contains($0) }
    case .bytecode: false
    }
  }

  /// The program for packets of the link type of `options`; bytecode is the same for all. Throws where the expression is refused, and
  /// `cancelled` where a signal asks for the end meanwhile.
  func compile(_ options: CompileOptions) throws(FilterError) -> Program {
    switch self {
    case .expression(let words):
      // The most common filter of all takes no compiler.
      if acceptsAll { return .acceptingAll(options.snaplen) }
      var options = options
      options.isCancelled = { StopSignal.isRaised }
      return try StopSignal.duringWork { () throws(FilterError) in try FilterCompiler.compile(words, options) }
    case .bytecode(let bytecode, _): return bytecode.program
    }
  }

  /// The program that a file holds. Throws what is wrong with it, and in which line.
  static func bytecode(_ octets: [UInt8], path: String) throws(CommandError) -> FilterSource {
    do throws(AssemblyError) {
      return .bytecode(try Bytecode(octets), path: path)
    } catch {
      throw CommandError("\(path):\(error.line.map { "\($0):" } ?? "") \(error.message)")
    }
  }
}
