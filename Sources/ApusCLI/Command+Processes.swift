import BPF
import Capture
import Filter
import PacketCore
import Processes

extension Command {
  /// The tests of the filter that ask for processes, as far as the filter is known. Throws where there are too many.
  func processTests() throws(FilterError) -> [ProcessTest] {
    try preparation.processTests(in: configuration.filter.expression)
  }

  /// The filter asks for processes.
  var asksForProcesses: Bool { (try? processTests())?.isEmpty == false }

  /// Throws where the filter asks for processes, and nothing but the bytes of packets is looked at.
  ///
  /// Names of users are looked up on the way, while that is possible.
  func checkProcessTests() throws(CommandError) {
    guard let tests = try? processTests(), !tests.isEmpty else { return }
    let flag: String
    switch configuration.task {
    case .examine(.explanation): return
    case .examine: flag = "--trace and --profile"
    case .prove: flag = "proofs"
    default: return
    }
    try refuse(tests, of: configuration.filter.expression, flag)
  }

  /// Throws where a filter of a proof asks for processes.
  func checkProcessTests(of other: FilterSource) throws(CommandError) {
    try refuse((try? FilterCompiler.processTests(in: other.expression)) ?? [], of: other.expression, "proofs")
  }

  private func refuse(_ tests: [ProcessTest], of expression: String, _ flag: String) throws(CommandError) {
    guard !tests.isEmpty else { return }
    let error = FilterError("\(flag) know the bytes of packets, and not the processes", at: tests.map(\.range))
    throw CommandError(complete: error.rendered(expression: expression))
  }

  /// Throws where the filter asks for processes, and the only file that is read can keep none: only pcapng has `interfaces`, and options.
  func checkKeepsProcesses(_ interfaces: InterfaceTable?, _ paths: [String]) throws(CommandError) {
    guard paths.count == 1, interfaces == nil, let tests = try? processTests(), !tests.isEmpty else { return }
    throw CommandError(
      complete: ProcessFilter.missingProcesses(tests).rendered(expression: configuration.filter.expression))
  }

  /// Says what a program that is printed does not decide.
  func noteProcessTests(_ dump: FilterDump) {
    guard let tests = try? processTests(), !tests.isEmpty else { return }
    if case .lint = dump { return }
    let words = tests.map { "'\(SourceExcerpt.words($0.range, of: configuration.filter.expression))'" }
    Diagnostics.note(
      "apus: no program decides \(words.joined(separator: ", ")): this one accepts whatever the answer may be, "
        + "and apus looks at the processes of what it accepts")
  }

  /// Makes a control group for the command of `--run`, and the process that will run it.
  func prepareCommand() throws(CommandError) {
    guard case .processPackets = configuration.task, !configuration.command.isEmpty else { return }
    preparation.runner = try CommandRunner(configuration.command)
  }

  /// Has the kernel tell of processes, with the privilege that there is now, and says what is missing.
  func prepareProcesses() throws(CommandError) {
    if let runner = preparation.runner {
      let tracker = ProcessTracker(of: runner.group)
      guard tracker.facilities.followsSockets else { throw CommandError("--run: \(tracker.facilities.reason)") }
      preparation.processes = tracker
    } else {
      let tests = (try? processTests()) ?? []
      guard configuration.asksForProcesses || !tests.isEmpty else { return }
      let tracker = ProcessTracker(selecting: OwnerTests(tests.compactMap(\.ownerTest)))
      guard !tracker.facilities.isNothing else {
        throw CommandError(
          "nothing can be known of processes: \(tracker.facilities.reason), and the open sockets cannot be listed")
      }
      if let shortfall = tracker.facilities.shortfall { Diagnostics.note("apus: \(shortfall)") }
      preparation.processes = tracker
    }
    noteLostProcesses()
  }

  /// Says so where the file that is written does not keep processes.
  func noteLostProcesses() {
    guard configuration.showsProcesses, let path = configuration.outputPath, !configuration.writesPcapng else { return }
    Diagnostics.note(
      "apus: \(path): a pcap file does not keep processes: use --format pcapng, or a name that ends in .pcapng")
  }

  /// Has the kernel drop packets of which it knows that the tests for processes reject them, as far as it can answer those. False where it
  /// does not do that, or it would be of no use.
  func installSelection(
    _ capture: inout LiveCapture, _ index: Int, _ facts: InterfaceFacts
  ) -> Bool {
    let interface = capture.devices[index]
    guard let selection = preparation.processes?.selection, configuration.kernelFilter != .classic,
      interface.snaplen >= PacketSelection.minimumSnaplen,
      let instructions = selection.instructions(for: interface.linkType)
    else { return false }
    let options = compileOptions(
      facts.linkType, snaplen: interface.snaplen, target: .linuxKernel, netmask: facts.netmask ?? 0)
    guard let program = try? configuration.filter.compile(options), let others = othersProgram(options),
      others != program
    else { return false }
    guard
      let filter = try? KernelFilter(
        program, others: others, choosing: instructions, linkType: interface.linkType,
        prefilter: capture.prefilter(of: index), snaplen: interface.snaplen)
    else { return false }
    do throws(CaptureError) { try capture.install(filter, on: index) } catch { return false }
    if configuration.isVerbose {
      Diagnostics.note("apus: \(interface.name): the kernel drops packets of other processes")
    }
    return true
  }

  /// What judges packets of other processes; nil where it cannot be compiled.
  private func othersProgram(_ options: CompileOptions) -> Program? {
    // A command is given its own packets alone.
    if preparation.runner != nil { return .rejectingAll }
    guard let tests = try? processTests() else { return nil }
    // Tests of other processes do not hold; those that the kernel cannot answer may do.
    let answers = tests.map { $0.ownerTest == nil ? !$0.isDenied : $0.isDenied }
    return try? configuration.filter.compile(options, assuming: answers)
  }

  /// Tells the session where processes are known from. Throws where the filter asks for them, and nobody knows.
  func connect(_ session: inout Session) throws(CommandError) {
    session.runner = preparation.runner
    if let tracker = preparation.processes {
      session.processSource = .kernel(tracker)
    } else if let filter = session.filter.processFilter {
      // It was read when the privilege to ask the kernel was gone.
      let error = FilterError(
        "the filter asks for processes, which is not known before it is read", hint: "add --process",
        at: filter.tests.map(\.range))
      throw CommandError(complete: error.rendered(expression: configuration.filter.expression))
    }
  }

  /// The counts at the end.
  func summarizeProcesses(_ filter: PacketFilter) {
    guard let tracker = preparation.processes else { return }
    func counted(_ count: UInt64, _ one: String, _ many: String, _ rest: String) {
      Diagnostics.note("\(count) \(count == 1 ? one : many)\(rest)")
    }
    if configuration.command.isEmpty { counted(tracker.unknown, "packet", "packets", " of unknown processes") }
    if let undecided = filter.processFilter?.undecided, undecided > 0 {
      counted(undecided, "packet", "packets", " undecided, since the process is not known")
    }
    let lost = tracker.lostEvents
    if lost > 0 { counted(lost, "process event", "process events", " lost") }
    let dropped = tracker.droppedAddresses
    if dropped > 0 { counted(dropped, "address", "addresses", " of sockets dropped, since there were too many") }
  }
}

extension ProcessTest {
  /// The test as the kernel can answer it; nil where it cannot.
  var ownerTest: OwnerTests.Test? {
    let ends: OwnerTests.Ends =
      switch self.ends {
      case .sender: .sender
      case .receiver: .receiver
      case .either: .either
      case .both: .both
      }
    switch value {
    case .process(let number): return OwnerTests.Test(ends, .process(number), isDenied: isDenied)
    case .user(let number): return OwnerTests.Test(ends, .user(number), isDenied: isDenied)
    case .name(let name, let isPrefix):
      return OwnerTests.Test(ends, .name(name, isPrefix: isPrefix), isDenied: isDenied)
    case .controlGroup, .container: return nil
    }
  }
}
