import BPF
import Capture
import Dissect
import Filter
import Glibc
import Names
import PacketCore
import Processes
import Savefile

/// One run of the command.
struct Command {
  /// The version of apus.
  static let version = "0.1.0"

  private(set) var configuration: Configuration
  /// Files and processes that are open already.
  let preparation = Preparation()

  init(_ configuration: Configuration) { self.configuration = configuration }

  /// Runs the configured task. Throws an error that says why it failed.
  func run() throws(CommandError) {
    var failure: CommandError?
    do throws(CommandError) { try perform() } catch { failure = error }
    do throws(CommandError) {
      try preparation.helper?.finish()
    } catch {
      if let failure { Diagnostics.report(failure) }
      failure = error
    }
    preparation.output?.discard()
    if let failure { throw failure }
  }

  private func perform() throws(CommandError) {
    if let name = configuration.networkNamespace {
      try Self.capturing { () throws(CaptureError) in try NetworkNamespace.enter(name) }
    }
    switch configuration.task {
    case .help(let help):
      let text = help.text
      try write(in: help.isForPeople ? .help : nil) { $0.write(text) }
    case .printVersion:
      let lines = [
        LiveCapture.libraryVersion, configuration.live.engine.description, configuration.confinement.description,
        ProcessTracker.availability, machineInUse,
      ]
      try write { $0.write("apus version \(Self.version)\n\(lines.joined(separator: "\n"))\n") }
    case .listInterfaces:
      let interfaces = try Self.capturing { () throws(CaptureError) in try InterfaceList.all() }
      try write { InterfaceList.write(interfaces, to: &$0) }
    case .listLinkTypes: try listLinkTypes()
    case .listTimestampTypes: try listTimestampTypes()
    case .runEBPF(let run):
      try confine()
      let result = try run.result()
      try write {
        $0.write(hex: result, width: 16)
        $0.write("\n")
      }
    case .answer(let question): try answer(question)
    case .dumpFilter, .prove, .examine, .processPackets:
      try configuration.extcap?.begin()
      // Before the first packet there is nothing to lose, so a signal may end the process at once. Wireshark needs to be told why a capture
      // ends.
      StopSignal.install(endingAtOnce: configuration.extcap == nil && !configuration.live.isMonitor)
      if case .prove(let task) = configuration.task { task.setAlarm() }
      for note in configuration.printing.withoutEffect { Diagnostics.note("apus: \(note)") }
      try checkSyntax()
      try checkProcessTests()
      let command = try resolvingHosts()
      switch configuration.source {
      case .savefiles(let paths): try command.readSavefiles(paths)
      case .interfaces(let names): try command.useInterfaces(names)
      }
    }
  }

  /// The same command with the filter read from its file, if it has one. To be called after privileges are dropped.
  func readingFilter() throws(CommandError) -> Command {
    guard let input = configuration.filterInput else { return self }
    var command = self
    command.configuration.filter = try input.source()
    command.configuration.filterInput = nil
    return command
  }

  /// Throws if the expression in the arguments has a syntax error, before an output file is created.
  private func checkSyntax() throws(CommandError) {
    guard configuration.outputPath != nil, configuration.filterInput == nil else { return }
    try compiling { () throws(FilterError) in try FilterCompiler.checkSyntax(of: configuration.filter.expression) }
  }

  /// With `--dns`, resolves the host names of the filter now, since later nothing can be sent. Only in this case a filter file is read with
  /// privileges.
  private func resolvingHosts() throws(CommandError) -> Command {
    guard configuration.asksDNS else { return self }
    let command = try readingFilter()
    let options = command.compileOptions(.ethernet, snaplen: 262_144, target: .machine)
    // Errors are reported when the filter is compiled for the packets.
    _ = try? command.configuration.filter.compile(options)
    return command
  }

  // MARK: Filters

  func compileOptions(
    _ linkType: LinkType, snaplen: UInt32, target: FilterTarget, netmask: UInt32? = nil
  ) -> CompileOptions {
    CompileOptions(
      linkType: linkType, snaplen: snaplen, netmask: configuration.netmask ?? netmask,
      optimize: configuration.optimize, target: target,
      names: configuration.asksDNS ? preparation.namesFromDNS : LocalNames())
  }

  func compile(_ options: CompileOptions) throws(CommandError) -> Program {
    try compiling { () throws(FilterError) in try configuration.filter.compile(options) }
  }

  /// Compiles the filter with `body`. Throws the reason if it is refused, and shows the place.
  func compiling<Result: ~Copyable>(_ body: () throws(FilterError) -> Result) throws(CommandError) -> Result {
    do throws(FilterError) {
      return try body()
    } catch {
      throw CommandError(complete: error.rendered(expression: configuration.filter.expression))
    }
  }

  func dumpFilter(_ dump: FilterDump, _ options: CompileOptions) throws(CommandError) {
    noteProcessTests(dump)
    switch dump {
    case .classic(let form):
      let program = try compile(options)
      try write { program.write(form, to: &$0) }
    case .emission(let emission): try emission.write(try compile(options), configuration.filter)
    case .listing(let form): try list(form, options)
    case .lint: try lint(options)
    }
  }

  // MARK: The loop

  /// What executes the filter, in words.
  private var machineInUse: String {
    guard configuration.usesNativeCode else { return "filters run in the interpreter (--no-jit)" }
    do throws(NativeCodeError) {
      return "filters run as native code for \(try NativeCode.probe())"
    } catch {
      return "filters run in the interpreter (\(error))"
    }
  }

  /// The compiled filter.
  func filter(_ options: CompileOptions, _ kinds: SourceKinds) throws(CommandError) -> PacketFilter {
    try compiling { () throws(FilterError) in try packetFilter(options, kinds) }
  }

  func packetFilter(_ options: CompileOptions, _ kinds: SourceKinds) throws(FilterError) -> PacketFilter {
    try PacketFilter(
      configuration.filter, options, kinds, usesNativeCode: configuration.usesNativeCode, try processTests())
  }

  /// The packet loop, before its first packet. `description` is that of the first interface; `interfaces` and `precision` describe the
  /// whole source; `devices` are the names of the interfaces of a live capture.
  func session(
    _ filter: PacketFilter, _ description: InterfaceDescription, _ interfaces: InterfaceTable?,
    precision: TimestampPrecision?, devices: [String] = []
  ) throws(CommandError) -> Session {
    noteBytecode(filter.linkType)
    let writer = try makeWriter(description, interfaces, precision)
    return Session(configuration, filter: filter, writer: writer, devices: devices)
  }

  /// Runs the loop over `source` that shows how the filter judges packets, and returns the number of packets that it accepted.
  func examine<Source: PacketSource & ~Copyable>(
    _ source: inout Source, _ examination: Examination, _ options: CompileOptions, _ kinds: SourceKinds
  ) throws(CommandError) -> UInt64 {
    switch examination {
    case .explanation(let detail):
      var explanations = try compiling { () throws(FilterError) in
        try PacketExplanations(
          configuration, try packetFilter(options, kinds), detail, options, kinds,
          preparation.processes.map { .kernel($0) } ?? .file)
      }
      try explanations.run(&source)
      note(explanations.hints)
      return explanations.accepted
    case .execution(let traces, let profiles):
      noteBytecode(options.linkType)
      var examination = try compiling { () throws(FilterError) in
        try FilterExamination(configuration, traces: traces, profiles: profiles, options, kinds)
      }
      try examination.run(&source)
      return examination.accepted
    }
  }

  /// Warns about a bytecode file that was compiled for another link type than that of the packets.
  func noteBytecode(_ linkType: LinkType) {
    guard case .bytecode(let bytecode, let path) = configuration.filter else { return }
    // The file contains a DLT, or the link type's number in capture files.
    if let number = bytecode.linkType, number != linkType.rawValue, number != linkType.fileValue {
      let compiled = LinkType(rawValue: number)
      let words = (compiled.name == nil ? LinkType(fileValue: number) : compiled).words
      Diagnostics.note("apus: \(path): compiled for link-type \(words), the packets are \(linkType.words)")
    }
    for (index, instruction) in bytecode.program.instructions.enumerated() {
      guard let ancillary = Ancillary(instruction) else { continue }
      Diagnostics.note(
        "apus: \(path): instruction \(index) loads [\(ancillary.name)], which only the kernel provides: packets that get there are rejected"
      )
      break
    }
  }

  /// Tells the user if the filter needs the netmask and it is unknown: like tcpdump, apus assumes 0.
  func noteNetmask(_ options: CompileOptions, place: String = "") {
    // No other primitive needs the netmask.
    guard configuration.netmask == nil, configuration.filter.expression.contains(text: "broadcast") else { return }
    for linkType in [options.linkType, .ethernet] {
      var known = options
      (known.linkType, known.netmask) = (linkType, 0)
      var unknown = known
      unknown.netmask = nil
      guard (try? configuration.filter.compile(known)) != nil else { continue }
      guard (try? configuration.filter.compile(unknown)) == nil else { return }
      return Diagnostics.note("apus: \(place)the netmask is unknown and taken as 0.0.0.0: --netmask sets it")
    }
  }

  /// The description of an interface in a savefile; `name` is nil when reading from a file.
  func describe(linkType: LinkType, snaplen: UInt32, name: String? = nil) -> InterfaceDescription {
    InterfaceDescription(
      linkType: linkType, snaplen: snaplen, name: name,
      filter: configuration.filter.expression.isEmpty ? nil : configuration.filter.expression,
      system: name == nil ? nil : CaptureDescription.runningSystem)
  }

  func makeWriter(
    _ interface: InterfaceDescription, _ interfaces: InterfaceTable?, _ precision: TimestampPrecision?
  ) throws(CommandError) -> SavefileSeries? {
    guard let path = configuration.outputPath else { return nil }
    if path == "-", isatty(STDOUT_FILENO) == 1 {
      throw CommandError("-w -: refusing to write packets to a terminal: use a pipe or a file")
    }
    let isLive = if case .interfaces = configuration.source { true } else { false }
    let precision = configuration.outputPrecision ?? precision ?? configuration.precision
    let settings = SavefileWriter.Settings(
      SavefileFormat(configuration.outputFormat, path: path, precision: precision),
      compression: configuration.compression,
      isPacketBuffered: configuration.flushesEachPacket, isSynchronized: configuration.synchronizes)
    do throws(SavefileError) {
      var onClose: ((String) -> Void)?
      if let helper = preparation.helper { onClose = { helper.run($0) } }
      var writer = try SavefileSeries(
        path: path, output: preparation.output, in: preparation.folder, configuration.rotation, settings,
        CaptureDescription(interface, application: "apus \(Self.version)"), interfaces: interfaces,
        now: isLive ? Timestamp.now : nil,
        writesBehind: (isLive || configuration.threads > 1) && !configuration.flushesEachPacket, onClose: onClose)
      if configuration.flushesEachPacket { try writer.flush() }
      return writer
    } catch {
      throw CommandError(error.description)
    }
  }

  // MARK: Output

  /// Writes text to standard output with control characters made visible, coloured with `colors` if that is wanted. A closed pipe is not an
  /// error: its reader has read enough.
  func write(in colors: LineColors? = nil, _ body: (inout TextBuffer) -> Void) throws(CommandError) {
    var text = TextBuffer()
    body(&text)
    text.makeVisible()
    if configuration.printing.color { colors?.color(&text) }
    if let code = StandardStreams.write(&text), code != EPIPE {
      throw CommandError("unable to write output: \(unsafe String(cString: strerror(code)))")
    }
  }
}
