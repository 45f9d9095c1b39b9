import BPF
import Capture
import Filter
import Glibc
import PacketCore
import Savefile

extension Command {
  /// Reads savefiles, at least one: in the order in which they are named or in that of time.
  func readSavefiles(_ paths: [String]) throws(CommandError) {
    let inputs = preparation.inputs
    inputs.open(paths, follows: configuration.reading.follows)
    if let output = configuration.outputPath, let same = inputs.first(sameAs: output, among: paths) {
      throw CommandError("\(output): the file to write is the file to read\(paths.count > 1 ? " (\(same))" : "")")
    }
    // Where none of them can be opened, nothing is created for their packets.
    if paths.count == 1, let error = inputs.failure(of: paths[0]) { throw CommandError(error.description) }
    try prepareRotation()
    try confine()
    try readingFilter().readOpenFiles(paths)
  }

  /// The same, once nothing of privilege is left.
  private func readOpenFiles(_ paths: [String]) throws(CommandError) {
    if configuration.live.engine == .libpcap { return try readThroughLibrary(paths) }
    preparation.inputs.keepsCopies = givesHints && !configuration.reading.follows
    var timeWindow: TimeWindow?
    var failures = ReadFailures(files: paths.count)
    var others = paths[...]
    if let last = configuration.reading.last {
      guard let time = try lastTime(paths) else { throw CommandError("--last: no packet in the files has a timestamp") }
      timeWindow = configuration.reading.timeWindow(last: time, last)
    }
    let first = try openFirst(of: &others, &timeWindow, &failures)
    let options = options(first)
    noteNetmask(options)
    switch configuration.task {
    case .dumpFilter(.lint):
      try lint(options)
      var reader = first
      try lintPackets(&reader, options, kinds(reader, of: 1))
    case .dumpFilter(.listing(let form)):
      try checkOneFile("--annotate and --graph", paths)
      var reader = first
      try list(&reader, form, options)
    case .dumpFilter(let dump): try dumpFilter(dump, options)
    case .prove(let task): try prove(task, options)
    case .examine(let examination):
      try checkOneFile(examination.flags, paths)
      try checkKeepsProcesses(first.interfaces, paths)
      try examine(first, examination, options)
    default:
      try checkKeepsProcesses(first.interfaces, paths)
      noteLostProcesses()
      noteLint(options)
      if configuration.reading.merges, paths.count > 1 {
        try merge(first, options, others, timeWindow, &failures)
      } else {
        try readInTurn(first, options, others, timeWindow, &failures)
      }
    }
  }

  /// Messages about a filter name one file.
  private func checkOneFile(_ flags: String, _ paths: [String]) throws(CommandError) {
    guard paths.count == 1 else {
      throw CommandError("\(flags) read\(flags.contains(text: " and ") ? "" : "s") only one capture file")
    }
  }

  // MARK: One after the other

  private func readInTurn(
    _ first: consuming SavefileReader, _ options: CompileOptions, _ others: ArraySlice<String>,
    _ timeWindow: TimeWindow?, _ failures: inout ReadFailures
  ) throws(CommandError) {
    var reader = first
    var timeWindow = timeWindow
    let snaplen = failures.files == 1 ? reader.snaplen : largestSnaplen
    var precision = reader.precision
    if needsPrecision { precision = finest(reader.finestPrecision(), others) }
    var session = try session(
      try filter(options, kinds(reader, of: failures.files)),
      describe(linkType: options.linkType, snaplen: snaplen), reader.interfaces,
      precision: precision)
    session.sample.open(samples(reader.path))
    if let fault = session.take(from: &reader) { failures.add(fault: fault) }
    add(&reader, to: &failures)
    for path in others where session.takesMore {
      do throws(CommandError) {
        reader = try open(path, &timeWindow)
      } catch {
        failures.add(fault: error.description)
        continue
      }
      try prepare(&session, for: reader)
      session.sample.open(samples(reader.path))
      if let fault = session.take(from: &reader) { failures.add(fault: fault) }
      add(&reader, to: &failures)
    }
    try finish(&session, failures, options, timeWindow)
  }

  /// True where packets of the file are to be kept, since it cannot be read again where none matches.
  private func samples(_ path: String) -> Bool { givesHints && !preparation.inputs.hasCopy(of: path) }

  /// What was not read of a file, or not kept.
  private func add(_ reader: inout SavefileReader, to failures: inout ReadFailures) {
    failures.add(reader)
    if reader.timeWindow != nil { failures.add(reader.packetsRead, reader.packetsRead == 0 ? reader.timeSpan() : nil) }
    guard let losses = reader.interfaces?.losses else { return }
    failures.add(reader.path, losses, isCopied: configuration.writesPcapng)
  }

  /// A file is written whose unit of time is that of its sources.
  private var needsPrecision: Bool {
    configuration.outputPath != nil && configuration.outputPrecision == nil && !configuration.writesPcapng
  }

  /// The finer of a precision and those of other files, as far as they can be looked at before their turn.
  private func finest(_ precision: TimestampPrecision, _ others: ArraySlice<String>) -> TimestampPrecision {
    guard precision == .microseconds else { return precision }
    let isFiner = others.contains { path in
      // What is wrong with it is said in its turn.
      let found = preparation.inputs.look(at: path)?.peek { try? SavefileReader($0).finestPrecision() }
      return found == .nanoseconds
    }
    return isFiner ? .nanoseconds : .microseconds
  }

  private func prepare(_ session: inout Session, for reader: borrowing SavefileReader) throws(CommandError) {
    do throws(FilterError) {
      try session.prepare(for: options(reader), kinds(reader, of: 2))
    } catch {
      throw CommandError(complete: error.rendered(expression: configuration.filter.expression))
    }
  }

  // MARK: By time

  private func merge(
    _ first: consuming SavefileReader, _ options: CompileOptions, _ others: ArraySlice<String>,
    _ timeWindow: TimeWindow?, _ failures: inout ReadFailures
  ) throws(CommandError) {
    var merged = MergedReader()
    var timeWindow = timeWindow
    var kinds = kinds(first, of: failures.files)
    merged.add(first)
    for path in others {
      let reader: SavefileReader
      do throws(CommandError) {
        reader = try open(path, &timeWindow)
      } catch {
        failures.add(fault: error.description)
        continue
      }
      try checkByteOrder(self.options(reader), options)
      if reader.reportsDirection { kinds.reportsDirection = true }
      merged.add(reader)
    }
    var session = try session(
      try filter(options, kinds),
      describe(linkType: options.linkType, snaplen: largestSnaplen), merged.interfaces,
      precision: merged.precision)
    // Of files that are read again nothing needs to be kept.
    session.sample.open(givesHints && preparation.inputs.copies.isEmpty)
    _ = session.take(from: &merged)
    while let fault = merged.takeFault() { failures.add(fault: fault.description) }
    merged.forEachDamaged { path, parts, count, octets in failures.add(path, parts, count, octets) }
    merged.forEachTable { path, table in failures.add(path, table.losses, isCopied: configuration.writesPcapng) }
    if timeWindow != nil { failures.add(merged.packetsRead, merged.packetsRead == 0 ? merged.timeSpan() : nil) }
    // Blocks of all files are kept there.
    if let table = merged.interfaces {
      failures.add("the files together", table.losses, isCopied: configuration.writesPcapng)
    }
    try finish(&session, failures, options, timeWindow)
  }

  /// A filter may mean another program for files of the other byte order, and a merged packet does not say from which it is.
  private func checkByteOrder(_ options: CompileOptions, _ first: CompileOptions) throws(CommandError) {
    guard options.target != first.target else { return }
    var others = options
    others.target = first.target
    // Where it means nothing for a link type, no packet of that is wanted.
    let programs = [options, others].map { try? configuration.filter.compile($0).instructions }
    guard programs[0] != programs[1] else { return }
    throw CommandError("with this filter, files of different byte orders cannot be merged: filter each of them first")
  }

  // MARK: Files

  /// What tcpdump says of a file that is read and, with `-v`, what reads it.
  func noteReading(_ path: String, _ linkType: LinkType, snaplen: UInt32) {
    // On the line that tcpdump writes, too: scripts that leave it out need not know of another.
    let reader = configuration.live.engine == .libpcap ? LiveCapture.libraryVersion : "apus"
    Diagnostics.note(
      "reading from file \(path), link-type \(linkType.words), snapshot length \(snaplen)"
        + (configuration.isVerbose ? ", read by \(reader)" : ""))
  }

  /// The file, at its first packet that is wanted: in the time window, if any, which the first packet of the first file settles. Says
  /// what it is.
  private func open(_ path: String, _ timeWindow: inout TimeWindow?) throws(CommandError) -> SavefileReader {
    do throws(SavefileError) {
      var options = configuration.reading.options
      options.keepsBlocks = configuration.writesPcapng
      options.threads = configuration.threads
      if configuration.printsPackets, StandardStreams.hasReader(STDOUT_FILENO) { options.output = STDOUT_FILENO }
      var reader = try SavefileReader(preparation.inputs.take(path), options)
      noteReading(path, reader.linkType, snaplen: reader.snaplen)
      if configuration.reading.hasTimeWindow, timeWindow == nil, let time = try reader.firstTime() {
        let (window, isNextDay) = configuration.reading.timeWindow(first: time)
        timeWindow = window
        if isNextDay, let end = window.end { Diagnostics.note("apus: --to is on the next day: \(end.inWords)") }
      }
      if let timeWindow { reader.restrict(to: timeWindow) }
      return reader
    } catch {
      // Whoever would read the packets has left before there were any: nothing is missing.
      if configuration.printsPackets, error.kind == .truncated, StandardStreams.hasReader(STDOUT_FILENO),
        StandardStreams.isAbandoned(STDOUT_FILENO)
      {
        throw .answer(status: 0)
      }
      throw CommandError(error.description)
    }
  }

  /// The time of the latest packet in any of the files, which are read once more then; nil where there is none. Throws where one of them is
  /// a pipe. What else is wrong with a file is said in its turn.
  private func lastTime(_ paths: [String]) throws(CommandError) -> Timestamp? {
    var latest: Timestamp?
    for path in paths where !StopSignal.isRaised {
      guard let file = preparation.inputs.look(at: path) else { continue }
      guard file.isRegular else {
        throw CommandError(
          "--last reads files twice, but \(path == "-" ? "standard input" : path) is not a regular file: use --from instead"
        )
      }
      let options = configuration.reading.options
      let time: Timestamp? = file.peek { copy in
        do throws(SavefileError) {
          var reader = try SavefileReader(copy, options)
          return reader.lastTime()
        } catch {
          return nil
        }
      }
      if let time { latest = max(latest ?? time, time) }
    }
    return latest
  }

  /// The first of the files that can be read, taken from the list with those before it, which are reported. Throws where there is none.
  private func openFirst(
    of paths: inout ArraySlice<String>, _ timeWindow: inout TimeWindow?, _ failures: inout ReadFailures
  ) throws(CommandError) -> SavefileReader {
    while let path = paths.popFirst() {
      guard !StopSignal.isRaised else { throw CommandError("ended by a signal before a file could be opened") }
      do throws(CommandError) {
        return try open(path, &timeWindow)
      } catch {
        guard !paths.isEmpty, !error.isAnswer else { throw error }
        failures.add(fault: error.description)
      }
    }
    throw CommandError("no capture file is given")
  }

  private func options(_ reader: borrowing SavefileReader) -> CompileOptions {
    // No file states the netmask of its network: as in tcpdump it is 0.
    compileOptions(
      reader.linkType, snaplen: reader.snaplen, target: .savefile(byteSwapped: reader.isByteSwapped), netmask: 0)
  }

  /// What packets there may be in a file, one of so many.
  private func kinds(_ reader: borrowing SavefileReader, of files: Int) -> SourceKinds {
    SourceKinds(reportsDirection: reader.reportsDirection, isMixed: files > 1 || reader.interfaces != nil)
  }

  /// What a file that holds the packets of several may be given.
  private var largestSnaplen: UInt32 { 262_144 }

  private func examine(
    _ first: consuming SavefileReader, _ examination: Examination, _ options: CompileOptions
  ) throws(CommandError) {
    var reader = first
    _ = try examine(&reader, examination, options, kinds(reader, of: 1))
    var failures = ReadFailures(files: 1)
    failures.add(reader)
    try report(failures)
  }

  /// Ends the session and says what was not read.
  private func finish(
    _ session: inout Session, _ failures: ReadFailures, _ options: CompileOptions, _ timeWindow: TimeWindow?
  ) throws(CommandError) {
    if let timeWindow, let words = failures.emptiness(of: timeWindow) { Diagnostics.note("apus: \(words)") }
    try session.finish()
    if session.accepted == 0 { noteNearMisses(session.sample, options, timeWindow) }
    if configuration.countsOnly {
      let accepted = session.accepted
      try write { $0.write("\(accepted) packet\(accepted == 1 ? "" : "s")\n") }
    }
    try report(failures)
  }

  /// Says what was not read, and ends the command with it.
  private func report(_ failures: ReadFailures) throws(CommandError) {
    for line in failures.lines { Diagnostics.note("apus: \(line)") }
    if let error = failures.error { throw error }
  }
}

/// What could not be read of savefiles.
private struct ReadFailures {
  /// Files that are read.
  let files: Int
  /// What was wrong with the first of them that was damaged, and how many are.
  private var firstFault: String?
  private var faultCount = 0
  /// Packets in the time window, and the times of those that are not.
  private var packets: UInt64 = 0
  private var times: ClosedRange<Timestamp>?
  /// Parts that were skipped with `--recover`, one a line.
  private var notes: [String] = []
  /// All of those parts, and octets in them.
  private var parts = 0
  private var octets = 0

  init(files: Int) { self.files = files }

  /// Of one of several files it is said at once.
  mutating func add(fault: String) {
    faultCount += 1
    firstFault = firstFault ?? fault
    if files > 1, faultCount <= Self.maximumReports { Diagnostics.report(CommandError(fault)) }
  }

  /// Faults that are reported one by one.
  private static var maximumReports: Int { 1000 }

  /// Packets of a file that are in the time window and, where there are none, from when to when its packets are.
  mutating func add(_ packets: UInt64, _ span: ClosedRange<Timestamp>?) {
    self.packets += packets
    guard let span else { return }
    times =
      min(
        times?.lowerBound ?? span.lowerBound, span.lowerBound)...max(
        times?.upperBound ?? span.upperBound, span.upperBound)
  }

  /// What is said where no packet is in the time window; nil where one is.
  func emptiness(of window: TimeWindow) -> String? {
    guard packets == 0, let times else { return nil }
    let start = window.start.map { " from \($0.inWords)" } ?? ""
    let end = window.end.map { " before \($0.inWords)" } ?? ""
    return "no packet is\(start)\(end): the \(files == 1 ? "file holds" : "files hold") packets from "
      + "\(times.lowerBound.inWords) to \(times.upperBound.inWords)"
  }

  /// What the user should know beside the faults, a line each.
  var lines: [String] {
    guard faultCount > Self.maximumReports else { return notes }
    return notes + ["\(faultCount - Self.maximumReports) more messages of this kind left out"]
  }

  mutating func add(_ reader: borrowing SavefileReader) {
    add(reader.path, reader.skippedParts, reader.skippedCount, reader.skippedOctets)
  }

  /// What a copy lacks. Where none is made, it matters only that some names are missing.
  mutating func add(_ path: String, _ losses: InterfaceTable.Losses, isCopied: Bool) {
    if losses.texts > 0 {
      let words =
        "\(path): descriptions of interfaces are longer than 16 MiB together: \(words(losses.texts, "text")) left out"
      if isCopied { add(fault: words) } else { notes.append(words) }
    }
    guard isCopied else { return }
    if losses.blocks > 0 {
      add(
        fault: "\(path): \(words(losses.blocks, "block")) without a packet could not be copied: too large, or damaged")
    }
    if losses.unwantedBlocks > 0 {
      notes.append("\(path): \(words(losses.unwantedBlocks, "custom block")) not copied, as they request")
    }
    if losses.unknownBlocks > 0 {
      notes.append("\(path): \(words(losses.unknownBlocks, "block")) of unknown types not copied")
    }
  }

  mutating func add(_ path: String, _ parts: [SkippedPart], _ count: Int, _ octets: Int) {
    for part in parts { notes.append("\(path): skipped \(words(part.count, "byte")) at offset \(part.offset)") }
    if count > parts.count { notes.append("\(path): skipped \(words(count - parts.count, "other part"))") }
    self.parts += count
    self.octets += octets
  }

  /// What the command ends with; nil where everything was read.
  var error: CommandError? {
    if let firstFault {
      return CommandError(files == 1 ? firstFault : "\(faultCount) of \(files) files could not be read to the end")
    }
    guard parts > 0 else { return nil }
    return CommandError("skipped \(words(octets, "damaged byte")) in \(words(parts, "place"))").with(status: 2)
  }

  private func words(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }
}
