import BPF
import Capture
import Filter
import Glibc
import PacketCore
import Savefile

extension Command {
  /// Reads savefiles, at least one: in the order in which they are named or in that of time.
  func readSavefiles(_ paths: [String]) throws(CommandError) {
    if let output = configuration.outputPath, let same = paths.first(where: { Self.isSameFile($0, output) }) {
      throw CommandError("\(output): the file to write is the file to read\(paths.count > 1 ? " (\(same))" : "")")
    }
    if configuration.live.engine == .libpcap { return try readThroughLibrary(paths) }
    StopSignal.install()
    var timeWindow: TimeWindow?
    var shortfall = Shortfall(files: paths.count)
    var others = paths[...]
    let first = try openFirst(of: &others, &timeWindow, &shortfall)
    let options = options(first)
    noteNetmask(options)
    if case .dumpFilter(let form) = configuration.task {
      guard let listing = configuration.listing, !configuration.lints else { return try dumpFilter(form, options) }
      try checkOneFile("--annotate and --graph", paths)
      var reader = first
      return try list(&reader, listing, options)
    }
    if case .prove(let task) = configuration.task { return try prove(task, options) }
    if let detail = configuration.explanation {
      try checkOneFile("--explain", paths)
      var reader = first
      _ = try explain(&reader, detail, options, kinds(reader, of: 1))
    } else if configuration.traces || configuration.profiles {
      try checkOneFile("--trace and --profile", paths)
      try examine(first, options)
    } else if configuration.reading.merges, paths.count > 1 {
      noteLint(options)
      try merge(first, options, others, timeWindow, &shortfall)
    } else {
      noteLint(options)
      try readInTurn(first, options, others, timeWindow, &shortfall)
    }
  }

  /// What is told of a filter is told of one file.
  private func checkOneFile(_ flags: String, _ paths: [String]) throws(CommandError) {
    guard paths.count == 1 else {
      throw CommandError("\(flags) read\(flags.contains(" and ") ? "" : "s") one savefile")
    }
  }

  // MARK: One after the other

  private func readInTurn(
    _ first: consuming SavefileReader, _ options: CompileOptions, _ others: ArraySlice<String>,
    _ timeWindow: TimeWindow?, _ shortfall: inout Shortfall
  ) throws(CommandError) {
    var reader = first
    var timeWindow = timeWindow
    let snaplen = shortfall.files == 1 ? reader.snaplen : largestSnaplen
    var precision = reader.precision
    if needsPrecision { precision = finest(reader.finestPrecision(), others) }
    var session = try session(
      try filter(options, kinds(reader, of: shortfall.files)),
      describe(linkType: options.linkType, snaplen: snaplen), reader.interfaces,
      precision: precision)
    if let fault = session.take(from: &reader) { shortfall.add(fault: fault) }
    add(reader, to: &shortfall)
    for path in others where session.takesMore {
      do throws(CommandError) {
        reader = try open(path, &timeWindow)
      } catch {
        shortfall.add(fault: error.description)
        continue
      }
      try prepare(&session, for: reader)
      if let fault = session.take(from: &reader) { shortfall.add(fault: fault) }
      add(reader, to: &shortfall)
    }
    try finish(&session, shortfall)
  }

  /// What was not read of a file, or not kept.
  private func add(_ reader: borrowing SavefileReader, to shortfall: inout Shortfall) {
    shortfall.add(reader)
    guard let losses = reader.interfaces?.losses else { return }
    shortfall.add(reader.path, losses, isCopied: configuration.writesPcapng)
  }

  /// A file is written whose unit of time is that of its sources.
  private var needsPrecision: Bool {
    configuration.outputPath != nil && configuration.outputPrecision == nil && !configuration.writesPcapng
  }

  /// The finer of a precision and those of other files, as far as they can be looked at before their turn.
  private func finest(_ precision: TimestampPrecision, _ others: ArraySlice<String>) -> TimestampPrecision {
    guard precision == .microseconds else { return precision }
    let isFiner = others.contains { path in
      var status = stat()
      guard unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
      do throws(SavefileError) {
        return try SavefileReader(path: path).finestPrecision() == .nanoseconds
      } catch {
        // What is wrong with it is said in its turn.
        return false
      }
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
    _ timeWindow: TimeWindow?, _ shortfall: inout Shortfall
  ) throws(CommandError) {
    var merged = MergedReader()
    var timeWindow = timeWindow
    var kinds = kinds(first, of: shortfall.files)
    merged.add(first)
    for path in others {
      let reader: SavefileReader
      do throws(CommandError) {
        reader = try open(path, &timeWindow)
      } catch {
        shortfall.add(fault: error.description)
        continue
      }
      try checkByteOrder(self.options(reader), options)
      if reader.tellsDirection { kinds.tellsDirection = true }
      merged.add(reader)
    }
    var session = try session(
      try filter(options, kinds),
      describe(linkType: options.linkType, snaplen: largestSnaplen), merged.interfaces,
      precision: merged.precision)
    _ = session.take(from: &merged)
    while let fault = merged.takeFault() { shortfall.add(fault: fault.description) }
    merged.forEachDamaged { path, parts, count, octets in shortfall.add(path, parts, count, octets) }
    merged.forEachTable { path, table in shortfall.add(path, table.losses, isCopied: configuration.writesPcapng) }
    // Blocks of all files are kept there.
    if let table = merged.interfaces {
      shortfall.add("the files together", table.losses, isCopied: configuration.writesPcapng)
    }
    try finish(&session, shortfall)
  }

  /// A filter may mean another program for files of the other byte order, and a merged packet does not tell from which it is.
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
      var reader = try SavefileReader(path: path, options)
      noteReading(path, reader.linkType, snaplen: reader.snaplen)
      if configuration.reading.hasTimeWindow, timeWindow == nil, let time = try reader.firstTime() {
        timeWindow = configuration.reading.timeWindow(first: time)
      }
      if let timeWindow { reader.restrict(to: timeWindow) }
      return reader
    } catch {
      throw CommandError(error.description)
    }
  }

  /// The first of the files that can be read, taken from the list with those before it, which are told of. Throws where there is none.
  private func openFirst(
    of paths: inout ArraySlice<String>, _ timeWindow: inout TimeWindow?, _ shortfall: inout Shortfall
  ) throws(CommandError) -> SavefileReader {
    while let path = paths.popFirst() {
      do throws(CommandError) {
        return try open(path, &timeWindow)
      } catch {
        guard !paths.isEmpty else { throw error }
        shortfall.add(fault: error.description)
      }
    }
    throw CommandError("no savefile is named")
  }

  private func options(_ reader: borrowing SavefileReader) -> CompileOptions {
    // No file tells the netmask of its network: as in tcpdump it is 0.
    compileOptions(
      reader.linkType, snaplen: reader.snaplen, target: .savefile(byteSwapped: reader.isByteSwapped), netmask: 0)
  }

  /// What packets there may be in a file, one of so many.
  private func kinds(_ reader: borrowing SavefileReader, of files: Int) -> SourceKinds {
    SourceKinds(tellsDirection: reader.tellsDirection, isMixed: files > 1 || reader.interfaces != nil)
  }

  /// What a file that holds the packets of several may be told.
  private var largestSnaplen: UInt32 { 262_144 }

  /// True where both names lead to one regular file, which writing would destroy before it is read.
  private static func isSameFile(_ input: String, _ output: String) -> Bool {
    var (first, second) = (stat(), stat())
    guard unsafe stat(input, &first) == 0, unsafe stat(output, &second) == 0 else { return false }
    return first.st_mode & S_IFMT == S_IFREG && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  private func examine(_ first: consuming SavefileReader, _ options: CompileOptions) throws(CommandError) {
    var reader = first
    _ = try examine(&reader, options, kinds(reader, of: 1))
    var shortfall = Shortfall(files: 1)
    shortfall.add(reader)
    try tell(shortfall)
  }

  /// Ends the session and says what was not read.
  private func finish(_ session: inout Session, _ shortfall: Shortfall) throws(CommandError) {
    try session.finish()
    if configuration.countsOnly {
      let accepted = session.accepted
      try write { $0.write("\(accepted) packet\(accepted == 1 ? "" : "s")\n") }
    }
    try tell(shortfall)
  }

  /// Says what was not read, and ends the command with it.
  private func tell(_ shortfall: Shortfall) throws(CommandError) {
    for line in shortfall.lines { Diagnostics.note("apus: \(line)") }
    if let error = shortfall.error { throw error }
  }
}

/// What could not be read of savefiles.
private struct Shortfall {
  /// Files that are read.
  let files: Int
  /// What was wrong with them.
  private var faults: [String] = []
  /// Parts that were passed over with `--recover`, one a line.
  private(set) var lines: [String] = []
  /// All of those parts, and octets in them.
  private var parts = 0
  private var octets = 0

  init(files: Int) { self.files = files }

  /// Of one of several files it is said at once.
  mutating func add(fault: String) {
    if files > 1 { Diagnostics.report(CommandError(fault)) }
    faults.append(fault)
  }

  mutating func add(_ reader: borrowing SavefileReader) {
    add(reader.path, reader.skippedParts, reader.skippedCount, reader.skippedOctets)
  }

  /// What a copy lacks. Where none is made, it matters only that some names are missing.
  mutating func add(_ path: String, _ losses: InterfaceTable.Losses, isCopied: Bool) {
    if losses.texts > 0 {
      let words =
        "\(path): descriptions of interfaces are longer than 16 MiB together: \(words(losses.texts, "text")) left out"
      if isCopied { add(fault: words) } else { lines.append(words) }
    }
    guard isCopied else { return }
    if losses.blocks > 0 {
      add(
        fault: "\(path): \(words(losses.blocks, "block")) without a packet could not be copied: too large, or damaged")
    }
    if losses.unwantedBlocks > 0 {
      lines.append("\(path): \(words(losses.unwantedBlocks, "custom block")) not copied, as they ask for")
    }
    if losses.unknownBlocks > 0 {
      lines.append("\(path): \(words(losses.unknownBlocks, "block")) of unknown types not copied")
    }
  }

  mutating func add(_ path: String, _ parts: [SkippedPart], _ count: Int, _ octets: Int) {
    for part in parts { lines.append("\(path): passed over \(words(part.count, "octet")) at offset \(part.offset)") }
    if count > parts.count { lines.append("\(path): passed over \(words(count - parts.count, "other part"))") }
    self.parts += count
    self.octets += octets
  }

  /// What the command ends with; nil where everything was read.
  var error: CommandError? {
    if let fault = faults.first {
      return CommandError(files == 1 ? fault : "\(faults.count) of \(files) files could not be read to the end")
    }
    guard parts > 0 else { return nil }
    return CommandError("\(words(octets, "damaged octet")) in \(words(parts, "place")) passed over").with(status: 2)
  }

  private func words(_ count: Int, _ what: String) -> String { "\(count) \(what)\(count == 1 ? "" : "s")" }
}
