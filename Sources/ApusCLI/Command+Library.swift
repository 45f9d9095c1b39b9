import Capture
import Filter
import PacketCore
import Savefile

extension Command {
  /// Reads one or more savefiles through libpcap, in the order in which they are named.
  func readThroughLibrary(_ paths: [String]) throws(CommandError) {
    try checkReading()
    var timeWindow: TimeWindow?
    var faults: [String] = []
    var others = paths[...]
    var source = try openFirst(of: &others, &timeWindow, &faults)
    let options = options(source)
    noteNetmask(options)
    if try examineAlone(&source, options, paths) { return }
    noteLint(options)
    let kinds = SourceKinds(isMixed: paths.count > 1)
    var session = try session(
      try filter(options, kinds),
      describe(linkType: options.linkType, snaplen: paths.count == 1 ? source.reader.snaplen : 262_144), nil,
      precision: source.precision)
    if let fault = session.take(from: &source) { note(fault, of: paths, &faults) }
    while session.takesMore, let path = others.popFirst() {
      do throws(CommandError) {
        source = try open(path, &timeWindow)
      } catch {
        note(error.description, of: paths, &faults)
        continue
      }
      try compiling { () throws(FilterError) in try session.prepare(for: self.options(source), kinds) }
      if let fault = session.take(from: &source) { note(fault, of: paths, &faults) }
    }
    try session.finish()
    if configuration.countsOnly {
      let accepted = session.accepted
      try write { $0.write("\(accepted) packet\(accepted == 1 ? "" : "s")\n") }
    }
    try report(faults, of: paths)
  }

  /// Handles tasks that need only the first file, or no packets at all; false if another task is requested.
  private func examineAlone(
    _ source: inout LibrarySource, _ options: CompileOptions, _ paths: [String]
  ) throws(CommandError) -> Bool {
    switch configuration.task {
    case .dumpFilter(.listing(let form)): try list(&source, form, options)
    case .dumpFilter(let dump): try dumpFilter(dump, options)
    case .prove(let task): try prove(task, options)
    case .examine(let examination): _ = try examine(&source, examination, options, SourceKinds())
    default: return false
    }
    return true
  }

  /// Throws if something is requested that libpcap cannot do.
  private func checkReading() throws(CommandError) {
    let reading = configuration.reading
    let missing = [
      ("--merge", reading.merges), ("--recover", reading.recovers), ("--follow", reading.follows),
      ("--last", reading.last != nil),
    ]
    if let flag = missing.first(where: \.1) {
      throw CommandError("libpcap has no \(flag.0): leave --engine libpcap out")
    }
    let flags: String? =
      switch configuration.task {
      case .examine(let examination): examination.flags
      case .dumpFilter(.listing): "--annotate and --graph"
      default: nil
      }
    if reading.paths.count > 1, let flags {
      throw CommandError("\(flags) with --engine libpcap: only one capture file can be read")
    }
  }

  private func open(_ path: String, _ timeWindow: inout TimeWindow?) throws(CommandError) -> LibrarySource {
    let file: InputFile
    do throws(SavefileError) {
      file = try preparation.inputs.take(path)
    } catch {
      throw CommandError(error.description)
    }
    let source = try Self.capturing { () throws(CaptureError) in
      try LibrarySource(file, configuration.reading, &timeWindow)
    }
    noteReading(path, source.reader.linkType, snaplen: source.reader.snaplen)
    return source
  }

  private func openFirst(
    of paths: inout ArraySlice<String>, _ timeWindow: inout TimeWindow?, _ faults: inout [String]
  ) throws(CommandError) -> LibrarySource {
    let all = Array(paths)
    while let path = paths.popFirst() {
      do throws(CommandError) {
        return try open(path, &timeWindow)
      } catch {
        guard !paths.isEmpty else { throw error }
        note(error.description, of: all, &faults)
      }
    }
    throw CommandError("no capture file is given")
  }

  private func options(_ source: borrowing LibrarySource) -> CompileOptions {
    compileOptions(
      source.reader.linkType, snaplen: source.reader.snaplen,
      target: .savefile(byteSwapped: source.reader.isByteSwapped), netmask: 0)
  }

  /// Records an error. With several files it is reported right away, since reading goes on.
  private func note(_ fault: String, of paths: [String], _ faults: inout [String]) {
    if paths.count > 1 { Diagnostics.report(CommandError(fault)) }
    faults.append(fault)
  }

  private func report(_ faults: [String], of paths: [String]) throws(CommandError) {
    guard let fault = faults.first else { return }
    throw CommandError(
      paths.count == 1 ? fault : "\(faults.count) of \(paths.count) files could not be read to the end")
  }
}
