import BPF
import Capture
import Filter
import Glibc
import PacketCore
import Savefile

extension Command {
  /// Reads one or more savefiles, in the order in which they are named or in the order of time.
  func readSavefiles(_ paths: [String]) throws(CommandError) {
    let inputs = preparation.inputs
    inputs.open(paths, follows: configuration.reading.follows)
    if let output = configuration.outputPath, let same = inputs.first(sameAs: output, among: paths) {
      throw CommandError("\(output): the file to write is the file to read\(paths.count > 1 ? " (\(same))" : "")")
    }
    // If the only file cannot be opened, no output file is created.
    if paths.count == 1, let error = inputs.failure(of: paths[0]) { throw CommandError(error.description) }
    try prepareRotation()
    try confine()
    try readingFilter().readOpenFiles(paths)
  }

  /// The same, after dropping all privilege.
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

  /// Throws if there are several files: messages about a filter refer to one file only.
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

  /// True if packets of the file are to be kept for hints, since it cannot be read again.
  private func samples(_ path: String) -> Bool { givesHints && !preparation.inputs.hasCopy(of: path) }

  /// Records what was not read from a file, or left out.
  private func add(_ reader: inout SavefileReader, to failures: inout ReadFailures) {
    failures.add(reader)
    if reader.timeWindow != nil { failures.add(reader.packetsRead, reader.packetsRead == 0 ? reader.timeSpan() : nil) }
    guard let losses = reader.interfaces?.losses else { return }
    failures.add(reader.path, losses, isCopied: configuration.writesPcapng)
  }

  /// True if the time unit of the output file is to be taken from its sources.
  private var needsPrecision: Bool {
    configuration.outputPath != nil && configuration.outputPrecision == nil && !configuration.writesPcapng
  }

  /// The finer of a precision and those of the other files, as far as they can be opened in advance.
  private func finest(_ precision: TimestampPrecision, _ others: ArraySlice<String>) -> TimestampPrecision {
    guard precision == .microseconds else { return precision }
    let isFiner = others.contains { path in
      // Errors are reported when the file's turn comes.
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
    // Files that can be read again need no sample.
    session.sample.open(givesHints && preparation.inputs.copies.isEmpty)
    _ = session.take(from: &merged)
    while let fault = merged.takeFault() { failures.add(fault: fault.description) }
    merged.forEachDamaged { path, parts, count, octets in failures.add(path, parts, count, octets) }
    merged.forEachTable { path, table in failures.add(path, table.losses, isCopied: configuration.writesPcapng) }
    if timeWindow != nil { failures.add(merged.packetsRead, merged.packetsRead == 0 ? merged.timeSpan() : nil) }
    // The table has the blocks of all files.
    if let table = merged.interfaces {
      failures.add("the files together", table.losses, isCopied: configuration.writesPcapng)
    }
    try finish(&session, failures, options, timeWindow)
  }

  /// A filter may compile to different programs for files of different byte orders, and a merged packet does not tell which file it is
  /// from.
  private func checkByteOrder(_ options: CompileOptions, _ first: CompileOptions) throws(CommandError) {
    guard options.target != first.target else { return }
    var others = options
    others.target = first.target
    // nil for a byte order for which the filter does not compile.
    let programs = [options, others].map { try? configuration.filter.compile($0).instructions }
    guard programs[0] != programs[1] else { return }
    throw CommandError("with this filter, files of different byte orders cannot be merged: filter each of them first")
  }

  // MARK: Files

  /// Prints tcpdump's line for an input file and, with `-v`, what reads it.
  func noteReading(_ path: String, _ linkType: LinkType, snaplen: UInt32) {
    // On the same line that tcpdump writes, so that scripts which skip that line need no change.
    let reader = configuration.live.engine == .libpcap ? LiveCapture.libraryVersion : "apus"
    Diagnostics.note(
      "reading from file \(path), link-type \(linkType.words), snapshot length \(snaplen)"
        + (configuration.isVerbose ? ", read by \(reader)" : ""))
  }

  /// Opens the file and advances to its first packet in the time window, if there is one; the first packet of the first file determines the
  /// window. Prints what the file is.
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
      // The reader of the output has left before the first packet arrived, so the truncation does not matter.
      if configuration.printsPackets, error.kind == .truncated, StandardStreams.hasReader(STDOUT_FILENO),
        StandardStreams.isAbandoned(STDOUT_FILENO)
      {
        throw .answer(status: 0)
      }
      throw CommandError(error.description)
    }
  }

  /// The time of the latest packet in all files, which must be read twice for that; nil if there is none. Throws if one of them is a pipe.
  /// Other errors of a file are reported when its turn comes.
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

  /// Opens the first file that can be read and removes it from the list, with the files before it, whose errors are reported. Throws if
  /// there is none.
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
    // No file contains the netmask of its network: like tcpdump, assume 0.
    compileOptions(
      reader.linkType, snaplen: reader.snaplen, target: .savefile(byteSwapped: reader.isByteSwapped), netmask: 0)
  }

  /// The kinds of packets that a file, one of `files`, may contain.
  private func kinds(_ reader: borrowing SavefileReader, of files: Int) -> SourceKinds {
    SourceKinds(reportsDirection: reader.reportsDirection, isMixed: files > 1 || reader.interfaces != nil)
  }

  /// The snapshot length to use for a file with the packets of several.
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

  /// Ends the session and reports what was not read.
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

  /// Reports what was not read, and throws an error if something is missing.
  private func report(_ failures: ReadFailures) throws(CommandError) {
    for line in failures.lines { Diagnostics.note("apus: \(line)") }
    if let error = failures.error { throw error }
  }
}

/// What could not be read from savefiles.
private struct ReadFailures {
  /// The number of files.
  let files: Int
  /// The error of the first damaged file, and the number of damaged files.
  private var firstFault: String?
  private var faultCount = 0
  /// The number of packets in the time window, and the time span of the files without any.
  private var packets: UInt64 = 0
  private var times: ClosedRange<Timestamp>?
  /// Parts that `--recover` has skipped, one per line.
  private var notes: [String] = []
  /// The number of those parts, and of the bytes in them.
  private var parts = 0
  private var octets = 0

  init(files: Int) { self.files = files }

  /// With several files, the error is reported right away.
  mutating func add(fault: String) {
    faultCount += 1
    firstFault = firstFault ?? fault
    if files > 1, faultCount <= Self.maximumReports { Diagnostics.report(CommandError(fault)) }
  }

  /// Errors that are reported one by one.
  private static var maximumReports: Int { 1000 }

  /// Adds a file's number of packets in the time window and, if there are none, the time span of its packets.
  mutating func add(_ packets: UInt64, _ span: ClosedRange<Timestamp>?) {
    self.packets += packets
    guard let span else { return }
    times =
      min(
        times?.lowerBound ?? span.lowerBound, span.lowerBound)...max(
        times?.upperBound ?? span.upperBound, span.upperBound)
  }

  /// The note that no packet is in the time window; nil if one is.
  func emptiness(of window: TimeWindow) -> String? {
    guard packets == 0, let times else { return nil }
    let start = window.start.map { " from \($0.inWords)" } ?? ""
    let end = window.end.map { " before \($0.inWords)" } ?? ""
    return "no packet is\(start)\(end): the \(files == 1 ? "file holds" : "files hold") packets from "
      + "\(times.lowerBound.inWords) to \(times.upperBound.inWords)"
  }

  /// Notes for the user besides the errors, one per line.
  var lines: [String] {
    guard faultCount > Self.maximumReports else { return notes }
    return notes + ["\(faultCount - Self.maximumReports) more messages of this kind left out"]
  }

  mutating func add(_ reader: borrowing SavefileReader) {
    add(reader.path, reader.skippedParts, reader.skippedCount, reader.skippedOctets)
  }

  /// Records what is missing from a copy. If nothing is copied, only missing names matter.
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

  /// The error that the command ends with; nil if everything was read.
  var error: CommandError? {
    if let firstFault {
      return CommandError(files == 1 ? firstFault : "\(faultCount) of \(files) files could not be read to the end")
    }
    guard parts > 0 else { return nil }
    return CommandError("skipped \(words(octets, "damaged byte")) in \(words(parts, "place"))").with(status: 2)
  }

  private func words(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }
}
