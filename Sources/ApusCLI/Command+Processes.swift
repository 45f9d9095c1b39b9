import BPF
import Capture
import Filter
import PacketCore
import Processes

extension Command {
  /// The process tests in the filter, as far as the filter is known. Throws if there are too many.
  func processTests() throws(FilterError) -> [ProcessTest] {
    try preparation.processTests(in: configuration.filter.expression)
  }

  /// The filter has process tests.
  var asksForProcesses: Bool { (try? processTests())?.isEmpty == false }

  /// Throws if the filter has process tests and the task uses only the bytes of packets.
  ///
  /// As a side effect, resolves the names of users while that is still possible.
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

  /// Throws if a filter of a proof has process tests.
  func checkProcessTests(of other: FilterSource) throws(CommandError) {
    try refuse((try? FilterCompiler.processTests(in: other.expression)) ?? [], of: other.expression, "proofs")
  }

  private func refuse(_ tests: [ProcessTest], of expression: String, _ flag: String) throws(CommandError) {
    guard !tests.isEmpty else { return }
    let error = FilterError("\(flag) know the bytes of packets, and not the processes", at: tests.map(\.range))
    throw CommandError(complete: error.rendered(expression: expression))
  }

  /// Throws if the filter has process tests and the only input file cannot contain processes: only pcapng has `interfaces`, and options.
  func checkKeepsProcesses(_ interfaces: InterfaceTable?, _ paths: [String]) throws(CommandError) {
    guard paths.count == 1, interfaces == nil, let tests = try? processTests(), !tests.isEmpty else { return }
    throw CommandError(
      complete: ProcessFilter.missingProcesses(tests).rendered(expression: configuration.filter.expression))
  }

  /// Tells the user which tests a printed program does not include.
  func noteProcessTests(_ dump: FilterDump) {
    guard let tests = try? processTests(), !tests.isEmpty else { return }
    if case .lint = dump { return }
    let words = tests.map { "'\(SourceExcerpt.words($0.range, of: configuration.filter.expression))'" }
    Diagnostics.note(
      "apus: no program decides \(words.joined(separator: ", ")): this one accepts whatever the answer may be, "
        + "and apus looks at the processes of what it accepts")
  }

  /// Creates a control group for the command of `--run`, and the process that will run it.
  func prepareCommand() throws(CommandError) {
    guard case .processPackets = configuration.task, !configuration.command.isEmpty else { return }
    preparation.runner = try CommandRunner(configuration.command)
  }

  /// Starts tracking processes in the kernel while there is privilege to do so, and reports what is missing.
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

  /// Tells the user if the output file cannot store processes.
  func noteLostProcesses() {
    guard configuration.showsProcesses, let path = configuration.outputPath, !configuration.writesPcapng else { return }
    Diagnostics.note(
      "apus: \(path): a pcap file does not keep processes: use --format pcapng, or a name that ends in .pcapng")
  }

  /// Lets the kernel drop packets that the process tests are known to reject, as far as it can answer these tests. False if it cannot, or
  /// if that would drop nothing more.
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
    guard let program = try? configuration.filter.compile(options), let others = programForOtherProcesses(options),
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

  /// The program for packets of other processes; nil if it cannot be compiled.
  private func programForOtherProcesses(_ options: CompileOptions) -> Program? {
    // With `--run`, only the command's own packets are captured.
    if preparation.runner != nil { return .rejectingAll }
    guard let tests = try? processTests() else { return nil }
    // Tests of other processes are false; tests that the kernel cannot answer may be true.
    let answers = tests.map { $0.ownerTest == nil ? !$0.isDenied : $0.isDenied }
    return try? configuration.filter.compile(options, assuming: answers)
  }

  /// Tells the session how to look up processes. Throws if the filter has process tests and there is no way to look them up.
  func connect(_ session: inout Session) throws(CommandError) {
    session.runner = preparation.runner
    if let tracker = preparation.processes {
      session.processSource = .kernel(tracker)
    } else if let filter = session.filter.processFilter {
      // The filter was read from a file, after the privilege to track processes was dropped.
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
  /// The test in the form that the kernel can answer; nil if it cannot.
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
