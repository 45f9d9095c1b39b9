import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore
import Proof
import Savefile
import Protocols

/// A question about the filter itself.
struct ProofTask {
  enum Question {
    /// A smallest packet that the filter accepts.
    case witness
    /// Whether it accepts the same packets as another filter.
    case comparison(Comparand)
    /// Whether the optimiser has preserved which packets it accepts.
    case optimizer
  }

  /// The filter to compare with.
  enum Comparand {
    case source(FilterSource)
    case file(FilterInput)

    /// Reads the filter's file, if it is in one. Throws if that fails.
    func source() throws(CommandError) -> FilterSource {
      switch self {
      case .source(let source): source
      case .file(let input): try input.source()
      }
    }
  }

  let question: Question
  /// The time limit in seconds.
  let timeLimit: Double
  /// When the time limit is reached. It includes reading and compiling.
  let end: MonotonicTime
  /// Packets are shown as text.
  let printsText: Bool

  /// Nil if the options ask no question.
  init?(_ options: Options) throws(CommandError) {
    let proof = options.proof
    var questions: [Question] = []
    if proof.witness { questions.append(.witness) }
    if let words = proof.compare { questions.append(.comparison(.source(.expression(words)))) }
    if let path = proof.compareBytecode {
      questions.append(.comparison(.file(FilterInput(file: try FilterFile(path), isBytecode: true))))
    }
    if proof.verifyOptimizer { questions.append(.optimizer) }
    guard let question = questions.first else { return nil }
    if options.filter.expression.isEmpty, options.filter.filterFile == nil, options.filter.bytecode == nil,
      case .comparison = question
    {
      throw CommandError("--compare needs a second filter: --compare 'tcp port 80' 'port 80'")
    }
    if options.filter.linuxExtensions, !proof.verifyOptimizer {
      throw CommandError("--linux-extensions: the kernel's filter does not depend on the packet alone")
    }
    self.question = question
    printsText = options.counts.alsoPrint
    timeLimit = Double(
      try Quantity.seconds(proof.timeout ?? "20", of: "proof time-out", in: 1...Int64(Int32.max)))
    end = .now.advanced(bySeconds: timeLimit)
  }

  /// Enforces the time limit on code that does not check the clock.
  func setAlarm() {
    ProofAlarm.set(
      seconds: timeLimit, status: statusOfFailure,
      message: "not decided within \(Int(timeLimit)) s: raise --proof-timeout")
  }

  /// The exit status if the question is not decided, or cannot be asked.
  var statusOfFailure: CInt {
    if case .witness = question { 1 } else { 2 }
  }
}

extension Command {
  /// Answers the question about the filter, for packets of the link type of `options`. Throws with the exit status of the answer if that is
  /// not 0.
  func prove(_ task: ProofTask, _ options: CompileOptions) throws(CommandError) {
    StopSignal.setCleanup { Solver.end() }
    do throws(CommandError) {
      switch task.question {
      case .witness: try findWitness(task, options)
      case .comparison(let other): try compare(with: try other.source(), task, options)
      case .optimizer: try verifyOptimizer(task, options)
      }
    } catch {
      throw error.isAnswer ? error : error.with(status: task.statusOfFailure)
    }
  }

  // MARK: Questions

  private func findWitness(_ task: ProofTask, _ options: CompileOptions) throws(CommandError) {
    let program = try proofProgram(configuration.filter, options)
    let prover = Prover(timeLimit: task.timeLimit, until: task.end)
    let search = try Self.proving { () throws(ProofError) in try prover.witness(of: program, options.linkType) }
    switch search {
    case .found(let witness):
      try show([witness], task, options)
    case .none:
      throw try conflict(prover, options)
    case .unknown:
      throw CommandError("z3 found no packet within \(Int(task.timeLimit)) s: raise --proof-timeout")
    }
  }

  /// The error that shows which terms cannot be true together.
  private func conflict(_ prover: Prover, _ options: CompileOptions) throws(CommandError) -> CommandError {
    let expression = configuration.filter.expression
    let error = try Self.proving { () throws(ProofError) in
      try FilterCompiler.conflict(in: expression, options) { (program) throws(ProofError) in
        try prover.rejectsAll(program) == .proved
      }
    }
    guard let error else { return CommandError("the program rejects all packets") }
    return CommandError(complete: error.rendered(expression: expression))
  }

  private func compare(with other: FilterSource, _ task: ProofTask, _ options: CompileOptions) throws(CommandError) {
    let (first, second) = (try proofProgram(configuration.filter, options), try proofProgram(other, options))
    let prover = Prover(timeLimit: task.timeLimit, until: task.end)
    let comparison = try Self.proving { () throws(ProofError) in try prover.compare(first, second, options.linkType) }
    let (name, otherName) = (configuration.filter.title, other.title)
    switch comparison {
    case .equal:
      return try write { $0.write("equal: both accept the same packets\n") }
    case .equalUnlessCut(let one, let two):
      try write { $0.write("equal for whole packets, not for those that were cut short:\n") }
      for (packet, side) in [(one, name), (two, otherName)] {
        guard let packet else { continue }
        let (captured, all) = (packet.octets.count, packet.len)
        try write { $0.write("only \(side) accepts this one, with \(captured) of \(all) bytes captured\n") }
        try show([packet], task, options)
      }
    case .firstIsWider(let packet, let unlessCut):
      try showWider(name, than: otherName, packet, unlessCut, task, options)
    case .secondIsWider(let packet, let unlessCut):
      try showWider(otherName, than: name, packet, unlessCut, task, options)
    case .neither(let one, let two):
      try write { $0.write("neither is wider: only \(name) accepts\n") }
      try show([one], task, options)
      try write { $0.write("and only \(otherName) accepts\n") }
      try show([two], task, options)
    case .unknown(let one, let two):
      let known = one.map { ($0, name) } ?? two.map { ($0, otherName) }
      if let (packet, side) = known {
        try write { $0.write("they differ: only \(side) accepts\n") }
        try show([packet], task, options)
      }
      let what = known == nil ? "whether they differ" : "which is wider"
      throw CommandError(
        "z3 timed out after \(Int(task.timeLimit)) s and could not decide \(what): raise --proof-timeout")
    }
    throw .answer(status: 1)
  }

  /// Says which filter accepts more, and shows a packet that only this one accepts.
  private func showWider(
    _ wider: String, than other: String, _ packet: Witness, _ unlessCut: Bool, _ task: ProofTask,
    _ options: CompileOptions
  ) throws(CommandError) {
    let kind = unlessCut ? "all whole packets" : "all"
    try write { $0.write("\(wider) is wider: it accepts \(kind) that \(other) accepts, and\n") }
    try show([packet], task, options)
  }

  private func verifyOptimizer(_ task: ProofTask, _ options: CompileOptions) throws(CommandError) {
    guard case .expression = configuration.filter else {
      throw CommandError("--verify-optimizer requires an expression: bytecode is not optimised")
    }
    var (plain, best) = (options, options)
    plain.optimize = false
    best.optimize = true
    let unoptimized = try compile(plain)
    let prover = Prover(
      timeLimit: task.timeLimit, until: task.end, metadata: options.target == .linuxKernel ? .isKnown : .rejects)
    let optimized = try? compile(best)
    let verdict = try Self.proving { () throws(ProofError) in
      // No program: the optimiser claims that nothing matches.
      guard let optimized else { return try prover.rejectsAll(unoptimized) }
      return try prover.areEqual(unoptimized, optimized)
    }
    switch verdict {
    case .proved:
      let count = unoptimized.instructions.count
      try write {
        guard let optimized else { return $0.write("proved: no packet matches, as the optimiser says\n") }
        let best = optimized.instructions.count
        $0.write("proved: the \(best) optimised instructions accept the same packets as the \(count) unoptimised\n")
      }
    case .refuted:
      try write { $0.write("the optimised program does not accept the same packets as the unoptimised one\n") }
      throw .answer(status: 1)
    case .unknown:
      throw CommandError("z3 timed out after \(Int(task.timeLimit)) s: raise --proof-timeout")
    }
  }

  /// The program to examine: the one that runs or, if the optimiser finds that it accepts nothing, the unoptimised one.
  private func proofProgram(_ source: FilterSource, _ options: CompileOptions) throws(CommandError) -> Program {
    try checkProcessTests(of: source)
    if let program = try? source.compile(options) { return program }
    var options = options
    options.optimize = false
    do throws(FilterError) {
      return try source.compile(options)
    } catch {
      throw CommandError(complete: error.rendered(expression: source.expression))
    }
  }

  private static func proving<Result>(_ body: () throws(ProofError) -> Result) throws(CommandError) -> Result {
    do throws(ProofError) {
      return try body()
    } catch {
      throw CommandError(error.description)
    }
  }

  // MARK: Packets

  /// Writes packets to the file of `-w`; prints their bytes or, with `--print` and in comparisons, their text.
  private func show(_ witnesses: [Witness], _ task: ProofTask, _ options: CompileOptions) throws(CommandError) {
    var series =
      configuration.outputPath == nil
      ? nil
      : try makeWriter(
        InterfaceDescription(linkType: options.linkType, snaplen: options.snaplen), nil, nil)
    var printing = configuration.printing
    // The packet was never captured, so its time means nothing.
    if printing.timestamp == .time { printing.timestamp = .none }
    var printsText = task.printsText
    if case .comparison = task.question {
      printsText = true
      if case .none = printing.dump { printing.dump = .hexAndASCII(linkHeader: true) }
    }
    var printer = Printer(options: printing)
    for (index, witness) in witnesses.enumerated() {
      // Safe: the array outlives the packet.
      let bytes = unsafe PacketBytes(witness.octets.span.bytes, length: Int(witness.len))
      let packet = Packet(bytes: bytes, timestamp: Timestamp(seconds: 0, nanoseconds: 0), linkType: options.linkType)
      if series != nil {
        do throws(SavefileError) { _ = try series?.write(packet) } catch { throw CommandError(error.description) }
      }
      if printsText {
        printer.packet(packet, number: UInt64(index + 1))
      } else if series == nil {
        printer.out.write("\(witness.octets.count)")
        if witness.len != witness.octets.count { printer.out.write(" of \(witness.len)") }
        printer.out.write(witness.len == 1 ? " byte" : " bytes")
        printer.out.write(hexDump: packet.bytes.rawSpan, indent: "\n\t", showsText: true)
        printer.out.write("\n")
      }
    }
    if var writer = series.take() {
      do throws(SavefileError) { try writer.close() } catch { throw CommandError(error.description) }
    }
    if let code = StandardStreams.write(&printer.out), code != EPIPE {
      throw CommandError("unable to write output: \(unsafe String(cString: strerror(code)))")
    }
  }
}

extension FilterSource {
  /// The expression between quotes, or the file.
  fileprivate var title: String {
    switch self {
    case .expression(let words): "'\(words)'"
    case .bytecode(_, let path): path
    }
  }
}
