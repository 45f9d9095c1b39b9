import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore
import Savefile
import Protocols

/// The way of packets: from any source, past the machine, into text, a savefile or a number.
struct Session: PacketLoop, ~Copyable {
  var filter: PacketFilter
  var printer: Printer
  /// Threads that share the printing; nil before there is much to print.
  private var workers: TextWorkers?
  /// What their printers are made from; nil where the printing is not shared.
  private let sharedForm: TextWorkers.Form?
  /// Prints the text of a live capture in another thread; nil where this thread does.
  private var liveText: LiveText?
  /// It is to be started with the first packet.
  private var startsLiveText = true
  /// The source at hand keeps its packets.
  private var keepsPackets = false
  /// Packets that are printed before others help.
  private var untilShared = 1 << 12
  var writer: SavefileSeries?
  let printsPackets: Bool
  private let printsJSON: Bool
  /// Those of the source at hand.
  private var interfaces: InterfaceTable?
  /// The place of the source among those that are read in turn, from 0.
  private var sourceNumber = -1
  /// What is added to the numbers of its interfaces in JSON.
  private var interfaceBase = 0
  let flushesEachPacket: Bool
  /// Packets come faster than each can be written at once (`-U`, `-l`): until none waits they are written together.
  private var combines = false
  let skip: UInt64
  /// The accepted packet after which to end; the largest number there is for never.
  let last: UInt64
  private let sampling: UInt64
  /// Threads that files are read with.
  let threads: Int
  /// Seconds from the first packet, or from the start of a live capture, after which to end.
  let duration: Int64?
  /// Packets come from now on: by the clock, not by their time, the capture ends.
  let isLive: Bool
  private var progress: Progress
  /// The running count of a live capture (`-v -w`).
  var count: CaptureCount
  /// No more packets are wanted, whatever the reason.
  var isOver = false
  /// Ways to go over packets of the source at hand that are quicker than to take one after the other.
  var shortcuts = Shortcuts()
  /// When these have passed.
  var end: Timestamp?
  /// What became of each packet of a live capture.
  var book: Bookkeeping
  var statistics: SessionStatistics?
  /// What is kept of packets that do not match, for the reason why none does.
  var sample = PacketSample()
  /// The same of a live capture, where the kernel's filter keeps such packets away.
  var liveSample: LiveSample?
  /// The savefile's name, and how many packets it has taken and holds, once it is closed.
  var fileCounts: (String, UInt64, UInt64)?
  /// Packets until the session looks up from them.
  private var untilPause = Self.pauseInterval
  /// Packets that the machine has accepted.
  var accepted: UInt64 = 0
  /// Where the processes of packets are known from, and those of the packet at hand.
  var processSource: ProcessSource
  var processes = PacketProcesses()
  var processCache = PacketProcessCache()
  /// They are printed.
  let showsProcesses: Bool
  /// They are counted.
  let countsPrograms: Bool
  /// A packet had one.
  var hasFoundProcesses = false
  /// The command whose packets alone are wanted; nil where there is none.
  var runner: CommandRunner?
  /// It has ended, and its last packets are awaited.
  var isLingering = false
  /// The file that is written can keep them.
  let keepsProcesses: Bool
  /// What ended the loop.
  var failure: CommandError?
  /// Standard output, or Wireshark's pipe, was closed by its reader, who has had enough.
  var outputIsClosed = false
  /// Microseconds were requested, or are what live packets have.
  let cutsFractions: Bool
  /// The file is a pipe whose reader may go whenever he likes.
  let readerMayGo: Bool
  /// Text goes to a pipe or a socket: whether its reader has left is checked while no packet comes.
  let watchesReader: Bool

  /// Octets of text that are held before they are written.
  private static let textSize = 1 << 16
  /// Octets of a file from which on more threads are worth their start.
  private static let largeFile: UInt64 = 8 << 20
  /// Packets after which the session looks up from them, to see what else there is to do.
  private static let pauseInterval = 1 << 14

  /// `devices` are the names of the interfaces of a live capture.
  init(
    _ configuration: Configuration, filter: PacketFilter, writer: consuming SavefileSeries?, devices: [String] = []
  ) {
    book = Bookkeeping(devices, configuration.ledger)
    self.filter = filter
    self.writer = writer
    printsJSON = configuration.printsJSON
    let form = TextWorkers.Form(options: configuration.printing, isJSON: printsJSON)
    printer = form.printer()
    if devices.count > 1 { printer.showInterfaces(devices) }
    printsPackets = configuration.printsPackets
    processSource = configuration.asksForProcesses || filter.asksForProcesses ? .file : .none
    countsPrograms = configuration.countsPrograms
    showsProcesses = configuration.showsProcesses
    keepsProcesses = configuration.showsProcesses && configuration.writesPcapng
    flushesEachPacket = configuration.flushesEachPacket
    readerMayGo = configuration.extcap != nil
    watchesReader =
      (configuration.printsPackets || configuration.statistics != nil) && configuration.outputPath != "-"
      && StandardStreams.hasReader(STDOUT_FILENO)
    cutsFractions = configuration.outputPrecision != nil || !devices.isEmpty
    skip = configuration.skip
    last = configuration.limit.map { $0 &+ min(configuration.skip, .max &- $0) } ?? .max
    sampling = configuration.sampling
    threads = configuration.threads
    duration = configuration.autostop.seconds
    if case .interfaces = configuration.source { isLive = true } else { isLive = configuration.reading.follows }
    statistics = configuration.statistics.map { [isLive] in SessionStatistics($0, isLive: isLive) }
    sharedForm =
      printsPackets && threads > 1 && !isLive && !flushesEachPacket && !processSource.isWanted && printer.canShareWork
      ? form : nil
    if printsPackets, threads > 1, !devices.isEmpty, !processSource.isWanted {
      liveText = LiveText(form, devices: devices.count > 1 ? devices : [])
    }
    progress = Progress(isWanted: !isLive && !(printsPackets && isatty(STDOUT_FILENO) == 1))
    count = CaptureCount(
      isWanted: isLive && configuration.isVerbose && configuration.outputPath != nil && !printsPackets)
    if let duration, isLive { end = Timestamp.now.advanced(bySeconds: duration) }
  }

  deinit { liveText?.finish() }

  /// Takes packets until the source ends, the wanted number is reached, a signal asks for the end, or something fails. What was
  /// taken until then has been written out, whatever the end was.
  mutating func run<Source: PacketSource & ~Copyable>(_ source: inout Source) throws(CommandError) {
    writer?.startThread()
    if let fault = take(from: &source), failure == nil { failure = CommandError(fault) }
    closeWriter(source.countsByInterface)
    reportStatistics(.end)
    noteMissingProcesses()
    closeBook(&source)
    if let failure = failure ?? filter.failure(interfaces) ?? missingProcesses { throw failure }
  }

  /// Takes packets of one source as `run` does, and gives what was wrong with that source, for which another may follow.
  mutating func take<Source: PacketSource & ~Copyable>(from source: inout Source) -> String? {
    interfaces = source.interfaces
    sourceNumber += 1
    keepsPackets = source.keepsPackets
    let base = sourceNumber &* MergedReader.interfacesPerFile
    interfaceBase = base
    workers?.interfaceBase = base
    writer?.use(source.interfaces)
    shortcuts = shortcuts(source)
    // Packets are copied as fast as they are written: another thread does that.
    if shortcuts.copies, threads > 1, source.extent?.total ?? 0 >= Self.largeFile { writer?.startThread() }
    let fault = takePackets(from: &source)
    progress.clear()
    count.clear()
    takeRest(&source)
    flushText(waits: true)
    return fault
  }

  @inline(__always)
  mutating func advance<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Bool {
    if untilPause <= 0 { pause(&source) }
    untilPause &-= 1
    if shortcuts.areThere { takeShortcut(&source) }
    if flushesEachPacket, !combines, source.isUnderPressure { combine(true) }
    return accepted < last && !isOver
  }

  mutating func pauseWithoutPacket<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Bool {
    if isOver { return false }
    if combines { combine(false) }
    writeText(before: source)
    attendToProcesses()
    keepFiles(&source)
    pause(&source)
    if watchesReader, StandardStreams.isAbandoned(STDOUT_FILENO) { outputIsClosed = true }
    return failure == nil && !outputIsClosed && !(isLive && end.map { Timestamp.now >= $0 } ?? false)
  }

  /// Writes packets together, or each at once again.
  private mutating func combine(_ combines: Bool) {
    self.combines = combines
    writer?.combinePackets(combines)
  }

  /// True while packets of another source would be taken.
  var takesMore: Bool { !isOver && accepted < last && failure == nil && !outputIsClosed && !StopSignal.isRaised }

  /// Gets ready for the packets of another file. Throws where the filter means nothing for any that there can be.
  mutating func prepare(for options: CompileOptions, _ kinds: SourceKinds) throws(FilterError) {
    try filter.prepare(for: options, kinds)
  }

  /// Closes the file that is written, with what was counted on each interface, and prints the statistics. Throws what has gone wrong with
  /// the file, or before.
  mutating func finish(_ counts: [CaptureCounts] = []) throws(CommandError) {
    closeWriter(counts)
    reportStatistics(.end)
    noteMissingProcesses()
    if let failure = failure ?? filter.failure(interfaces) ?? missingProcesses { throw failure }
  }

  /// Ends a live capture: lets nothing more in, and takes what has arrived before. After the end that the user has set it is
  /// counted, and no more.
  private mutating func takeRest<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    guard book.isLive else { return }
    source.finish()
    var isWanted = !isOver && failure == nil && !outputIsClosed && accepted < last
    while source.waitForRest() {
      do throws(Source.Failure) {
        while let packet = try source.next() {
          if isWanted, !StopSignal.isRepeated { isWanted = take(packet) } else { book.countSkipped(packet.interface) }
        }
        mark(source.takeEvents())
      } catch {
        failure = failure ?? CommandError(String(describing: error))
      }
    }
  }

  // MARK: Packets

  /// One packet on its way; false where the loop is to end.
  @inline(__always)
  mutating func take(_ packet: borrowing Packet) -> Bool {
    // Long packets count as several: the memory of what was read is given back in time.
    untilPause &-= packet.bytes.count >> 12
    isOver = !keep(packet)
    return !isOver
  }

  @inline(__always)
  private mutating func keep(_ packet: borrowing Packet) -> Bool {
    guard filter.accepts(packet) else {
      book.filter(packet.interface)
      if sample.isOpen { sample.add(packet) }
      return true
    }
    if choosesByProcess, !isOfWantedProcess(packet) {
      book.filter(packet.interface)
      return true
    }
    if let duration, packet.hasTime {
      let end = end ?? packet.timestamp.advanced(bySeconds: duration)
      self.end = end
      if packet.timestamp >= end {
        book.countSkipped(packet.interface)
        return false
      }
    }
    accepted &+= 1
    if accepted > skip {
      book.keep(packet.interface)
      if processSource.isWanted, !choosesByProcess { findProcesses(of: packet) }
      let saving = writer == nil ? .saved : save(packet)
      if saving == .refused { return false }
      if countsPrograms { statistics?.add(packet, processes) } else { statistics?.add(packet) }
      if printsPackets {
        if sampling == 1 || accepted % sampling == 0 { print(packet) } else { book.countUnsampled() }
      }
      if saving == .last { return false }
    } else {
      book.countSkipped(packet.interface)
    }
    return accepted < last && failure == nil && !outputIsClosed
  }

  /// One packet that the filter has accepted and that is only copied; false where the loop is to end.
  mutating func saveAccepted(_ packet: borrowing Packet) -> Bool {
    accepted &+= 1
    isOver = save(packet) != .saved
    return !isOver
  }

  // MARK: Text

  private mutating func print(_ packet: borrowing Packet) {
    // To copy packets of a stream, which another thread reads or decompresses, is worth it for a third thread only.
    if sharedForm != nil, keepsPackets || threads > 2, share(packet) { return }
    if startsLiveText { startLiveText() }
    if let liveText {
      liveText.add(packet, number: accepted, interface: printsJSON ? interfaces?[packet.interface]?.name : nil)
      if flushesEachPacket && !combines || liveText.isFull { flushText() }
      return
    }
    if printsJSON {
      printer.json(
        packet, number: accepted, interface: interfaces?[packet.interface]?.name,
        base: interfaceBase)
    } else {
      printer.packet(packet, number: accepted)
    }
    book.print(to: printer.out.count)
    if flushesEachPacket && !combines || printer.out.count >= Self.textSize { flushText() }
  }

  @inline(never)
  private mutating func startLiveText() {
    startsLiveText = false
    // Where there is no thread to have, this one prints.
    if let text = liveText, !text.start() { liveText = nil }
  }

  /// Leaves the printing of a packet to several threads; false where there are none, or not yet.
  private mutating func share(_ packet: borrowing Packet) -> Bool {
    if workers == nil {
      untilShared -= 1
      guard untilShared <= 0, let sharedForm else { return false }
      flushText()
      let base = interfaceBase
      workers = TextWorkers(sharedForm, threads: threads)
      workers?.interfaceBase = base
      // Where there are no threads to have, nobody asks again for a while.
      untilShared = .max
    }
    guard workers != nil else { return false }
    let interface = printsJSON ? interfaces?[packet.interface]?.name : nil
    if workers?.add(packet, number: accepted, interface: interface, stays: keepsPackets, &printer) ?? false {
      handOver(waits: false)
    }
    return true
  }

  /// Hands the packets over that others print, and writes the text that is there; or all of it, waiting for it.
  @inline(never)
  private mutating func handOver(waits: Bool) {
    guard var workers = workers.take() else { return }
    workers.submit()
    while waits ? workers.isBusy : workers.hasText { workers.writeFirst { write(&$0) } }
    self.workers = consume workers
  }

  private mutating func write(_ text: inout TextBuffer) {
    if !outputIsClosed { noteWrite(StandardStreams.write(&text)) }
  }

  /// Writes all text while there is no packet, but goes on with those that come before the last text is there.
  private mutating func writeText<Source: PacketSource & ~Copyable>(before source: borrowing Source) {
    workers?.submit()
    while workers?.isBusy ?? false {
      if source.isReady { return handOver(waits: false) }
      guard var workers = workers.take() else { return }
      workers.writeFirst { write(&$0) }
      self.workers = consume workers
    }
    flushText()
  }

  /// Writes all text, or hands it to who writes that of a live capture; `waits` until that is done.
  private mutating func flushText(waits: Bool = false) {
    if let liveText {
      liveText.submit()
      if waits { liveText.drain() }
      let counts = liveText.takeCounts()
      book.countTexts(printed: counts.printed, lost: counts.lost)
      return noteWrite(liveText.failure)
    }
    handOver(waits: true)
    guard !printer.out.isEmpty else { return }
    let length = printer.out.count
    let code = StandardStreams.write(&printer.out)
    book.flushText(written: length &- printer.out.count)
    printer.out.removeAll()
    noteWrite(code)
  }

  /// What has come of a write of text: nothing, or an `errno`.
  private mutating func noteWrite(_ code: CInt?) {
    guard let code else { return }
    if code == EPIPE {
      outputIsClosed = true
    } else if failure == nil {
      failure = CommandError("unable to write output: \(unsafe String(cString: strerror(code)))")
    }
  }

  // MARK: Interfaces and the ledger

  /// Does what is to be done now and then although packets keep coming.
  @inline(never)
  mutating func pause<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    untilPause = Self.pauseInterval
    source.releaseMemory()
    // No hint is given where packets match.
    if accepted > 0 { liveSample = nil } else { liveSample?.takeIfDue() }
    progress.update(accepted) { source.extent }
    if count.isDue { count.show(dropped: source.statistics().map(\.droppedByKernel)) }
    let isAsked = ReportSignal.take()
    guard book.isLive || statistics != nil else { return }
    if isAsked { reportStatistics(.signal) }
    if statistics?.nextReport != nil, statistics?.isReportDue(at: Timestamp.now) ?? false {
      reportStatistics(.interval)
    }
    guard book.isLive else { return }
    writer?.note(source.countsByInterface, at: Timestamp.now)
    mark(source.takeEvents())
    if isAsked { report(&source, .signal) }
    if book.nextReport != nil, book.isReportDue(at: Timestamp.now) { report(&source, .interval) }
  }

  /// Marks the gaps in what was captured: in the text, in the file, and for the user.
  private mutating func mark(_ events: [LiveCapture.Event]) {
    for event in events {
      let words = event.words(book.accounts[event.interface].name)
      Diagnostics.note("apus: \(words)")
      do throws(SavefileError) {
        try writer?.mark(words, interface: event.interface, at: event.time)
      } catch {
        end(with: error)
      }
      guard printsPackets else { continue }
      if let liveText {
        liveText.interject { Self.print(event, words, book.accounts[event.interface].name, asJSON: printsJSON, &$0) }
      } else {
        Self.print(event, words, book.accounts[event.interface].name, asJSON: printsJSON, &printer)
      }
    }
  }

  private static func print(
    _ event: LiveCapture.Event, _ words: String, _ name: String, asJSON isJSON: Bool, _ printer: inout Printer
  ) {
    if isJSON {
      printer.json(
        event: event.kind.word, words, interface: event.interface, name: name, outage: event.kind.outage, at: event.time
      )
    } else {
      printer.note(words, at: event.time)
    }
  }

  private mutating func report<Source: PacketSource & ~Copyable>(
    _ source: inout Source, _ occasion: Ledger.Occasion
  ) {
    // What is held is neither written nor lost.
    flushText(waits: true)
    do throws(SavefileError) { try writer?.drain() } catch { end(with: error) }
    Diagnostics.write(book.report(ledger(&source), occasion))
  }

  /// Prints the statistics, if any are wanted, after the text of the packets.
  private mutating func reportStatistics(_ occasion: Ledger.Occasion) {
    guard statistics != nil, !outputIsClosed else { return }
    progress.clear()
    flushText(waits: true)
    noteWrite(statistics?.report(occasion) ?? nil)
  }

  private mutating func ledger<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Ledger {
    let path = writer?.path
    let file = path.map { ($0, writer?.packetsTaken ?? 0, writer?.packetsWritten ?? 0) } ?? fileCounts
    return book.ledger(source.statistics(), file: file, prints: printsPackets, processAccount)
  }

  /// The last report, and an error where packets are missing from it.
  private mutating func closeBook<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    guard book.isLive else { return }
    let ledger = ledger(&source)
    Diagnostics.write(book.report(ledger, .end))
    if !ledger.isBalanced(.end), failure == nil { failure = CommandError("the packet ledger does not balance") }
  }
}

extension LinkType {
  /// Name and details, `EN10MB (Ethernet)`, or the number where it has none.
  var words: String {
    guard let name else { return String(rawValue) }
    return details.map { "\(name) (\($0))" } ?? name
  }
}
