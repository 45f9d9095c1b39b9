import ArgumentParser
import BPF
import Capture
import Filter
import Glibc
import Names
import PacketCore
import Savefile

/// One run of the command.
struct Command {
  /// The version of apus.
  static let version = "0.1.0"

  /// What `-h` prints.
  static var usage: String { Options.helpMessage(columns: 100) + "\n" }

  let configuration: Configuration

  init(_ configuration: Configuration) { self.configuration = configuration }

  /// Does what the configuration asks for. Throws the one line that tells why it could not.
  func run() throws(CommandError) {
    switch configuration.task {
    case .printUsage: try write { $0.write(Self.usage) }
    case .printVersion:
      let lines = [LiveCapture.libraryVersion, configuration.confinement.description, machineInUse]
      try write { $0.write("apus version \(Self.version)\n\(lines.joined(separator: "\n"))\n") }
    case .listInterfaces:
      let interfaces = try Self.capturing { () throws(CaptureError) in try InterfaceList.all() }
      try write { InterfaceList.write(interfaces, to: &$0) }
    case .listLinkTypes: try listLinkTypes()
    case .listTimestampTypes: try listTimestampTypes()
    case .dumpFilter, .prove, .processPackets:
      switch configuration.source {
      case .savefile(let path): try readSavefile(path)
      case .interface(let name): try useInterface(name)
      }
    }
  }

  // MARK: Savefiles

  private func readSavefile(_ path: String) throws(CommandError) {
    if let output = configuration.outputPath, Self.isSameFile(path, output) {
      throw CommandError("\(output): the file to write is the file to read")
    }
    if path != "-", var mapped = try Self.map(path) {
      try read(&mapped, path)
    } else {
      var stream = try Self.capturing { () throws(CaptureError) in try StreamReader(path: path) }
      try read(&stream, path)
    }
  }

  /// The file, mapped; nil where only libpcap can read it: a pipe, or another format.
  private static func map(_ path: String) throws(CommandError) -> SavefileReader? {
    do throws(SavefileError) {
      return try SavefileReader(path: path)
    } catch {
      if error.kind == .notRegular || error.kind == .unknownFormat { return nil }
      throw CommandError(error.description)
    }
  }

  private func read<Source: SavefileSource & ~Copyable>(_ source: inout Source, _ path: String) throws(CommandError) {
    let header = "link-type \(source.linkType.words), snapshot length \(source.snaplen)"
    Diagnostics.note("reading from file \(path), \(header)")
    let options = compileOptions(
      source.linkType, snaplen: source.snaplen, target: .savefile(byteSwapped: source.isByteSwapped))
    if case .dumpFilter(let form) = configuration.task {
      try dumpFilter(form, options)
    } else if case .prove(let task) = configuration.task {
      try prove(task, options)
    } else if configuration.traces || configuration.profiles {
      StopSignal.install()
      _ = try examine(&source, options)
    } else {
      let filter = try filter(options)
      StopSignal.install()
      let accepted = try process(&source, filter, snaplen: source.snaplen).accepted
      if configuration.countsOnly {
        try write { $0.write("\(accepted) packet\(accepted == 1 ? "" : "s")\n") }
      }
    }
  }

  /// True where both names lead to one regular file, which writing would destroy before it is read.
  private static func isSameFile(_ input: String, _ output: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard unsafe stat(input, &first) == 0, unsafe stat(output, &second) == 0 else { return false }
    return first.st_mode & S_IFMT == S_IFREG && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  // MARK: Filters

  func compileOptions(
    _ linkType: LinkType, snaplen: UInt32, target: FilterTarget, netmask: UInt32? = nil
  ) -> CompileOptions {
    CompileOptions(
      linkType: linkType, snaplen: snaplen, netmask: configuration.netmask ?? netmask,
      optimize: configuration.optimize, target: target,
      names: configuration.asksDNS ? DNSNames() : LocalNames())
  }

  func compile(_ options: CompileOptions) throws(CommandError) -> Program {
    do throws(FilterError) {
      return try configuration.filter.compile(options)
    } catch {
      throw CommandError(complete: error.rendered(expression: configuration.filter.expression))
    }
  }

  func dumpFilter(_ form: DumpForm, _ options: CompileOptions) throws(CommandError) {
    let program = try compile(options)
    try write { program.write(form, to: &$0) }
  }

  // MARK: The loop

  /// What judges packets, in words.
  private var machineInUse: String {
    guard configuration.usesNativeCode else { return "filters run in the interpreter (--no-jit)" }
    do throws(NativeCodeError) {
      return "filters run as native code for \(try NativeCode.probe())"
    } catch {
      return "filters run in the interpreter (\(error))"
    }
  }

  /// The machine that judges packets.
  func filter(_ options: CompileOptions) throws(CommandError) -> PacketFilter {
    do throws(FilterError) {
      return try PacketFilter(configuration.filter, options, usesNativeCode: configuration.usesNativeCode)
    } catch {
      throw CommandError(complete: error.rendered(expression: configuration.filter.expression))
    }
  }

  /// Runs the packet loop over `source`, and gives the session as it ended.
  func process<Source: PacketSource & ~Copyable>(
    _ source: inout Source, _ filter: PacketFilter, snaplen: UInt32, interface: String? = nil
  ) throws(CommandError) -> Session {
    noteBytecode(filter.linkType)
    let writer = try confined { () throws(CommandError) in try makeWriter(filter.linkType, snaplen, interface) }
    var session = Session(configuration, filter: filter, writer: writer)
    try session.run(&source)
    return session
  }

  /// Runs the loop over `source` that shows how the filter judges, and gives the number of packets that it accepted.
  func examine<Source: PacketSource & ~Copyable>(
    _ source: inout Source, _ options: CompileOptions
  ) throws(CommandError) -> UInt64 {
    noteBytecode(options.linkType)
    var examination: FilterExamination
    do throws(FilterError) {
      examination = try FilterExamination(configuration, options)
    } catch {
      throw CommandError(complete: error.rendered(expression: configuration.filter.expression))
    }
    try confined {}
    try examination.run(&source)
    return examination.accepted
  }

  /// Says what the user should know of a program from a file that judges packets of that link type.
  private func noteBytecode(_ linkType: LinkType) {
    guard case .bytecode(let bytecode, let path) = configuration.filter else { return }
    // The savefile holds a DLT, or the number of it in captures.
    if let number = bytecode.linkType, number != linkType.rawValue, number != linkType.fileValue {
      let compiled = LinkType(rawValue: number)
      let words = (compiled.name == nil ? LinkType(fileValue: number) : compiled).words
      Diagnostics.note("apus: \(path): compiled for link-type \(words), the packets are \(linkType.words)")
    }
    for (index, instruction) in bytecode.program.instructions.enumerated() {
      guard let ancillary = Ancillary(instruction) else { continue }
      Diagnostics.note(
        "apus: \(path): instruction \(index) loads [\(ancillary.name)], which only the kernel knows: packets that get there are rejected"
      )
      break
    }
  }

  func makeWriter(_ linkType: LinkType, _ snaplen: UInt32, _ interface: String?) throws(CommandError)
    -> SavefileSeries?
  {
    guard let path = configuration.outputPath else { return nil }
    let isLive = interface != nil
    let description = CaptureDescription(
      linkType: linkType, snaplen: snaplen, interface: interface,
      filter: configuration.filter.expression.isEmpty ? nil : configuration.filter.expression,
      application: "apus \(Self.version)")
    do throws(SavefileError) {
      var writer = try SavefileSeries(
        path: path, configuration.rotation, format: SavefileFormat(path: path, precision: configuration.precision),
        description, isPacketBuffered: configuration.flushesEachPacket, postRotate: configuration.postRotate,
        now: isLive ? Timestamp.now : nil)
      if configuration.flushesEachPacket { try writer.flush() }
      return writer
    } catch {
      throw CommandError(error.description)
    }
  }

  // MARK: Output

  /// Writes text to standard output. A closed pipe is no failure: its reader has had enough.
  func write(_ body: (inout TextBuffer) -> Void) throws(CommandError) {
    var text = TextBuffer()
    body(&text)
    if let code = text.flush(to: STDOUT_FILENO), code != EPIPE {
      throw CommandError("unable to write output: \(unsafe String(cString: strerror(code)))")
    }
  }
}
