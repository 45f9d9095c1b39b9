import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore
import Savefile
import Protocols

/// The packet loop: packets from any source pass the filter and become text, a savefile or a number.
struct Session: PacketLoop, ~Copyable {
  var filter: PacketFilter
  var printer: Printer
  /// Threads that share the printing; nil until there is much to print.
  private var workers: TextWorkers?
  /// The settings of these threads' printers; nil if the printing is not shared.
  private let sharedForm: TextWorkers.Form?
  /// Prints the text of a live capture in another thread; nil if this thread does.
  private var liveText: LiveText?
  /// The thread is to be started with the first packet.
  private var startsLiveText = true
  /// Packets of the current source stay in memory.
  private var keepsPackets = false
  /// Packets to print before other threads help.
  private var untilShared = 1 << 12
  var writer: SavefileSeries?
  let printsPackets: Bool
  private let printsJSON: Bool
  /// The interfaces of the current source.
  private var interfaces: InterfaceTable?
  /// The index of the current source among those that are read in turn, from 0.
  private var sourceNumber = -1
  /// An offset that is added to its interface numbers in JSON.
  private var interfaceBase = 0
  let flushesEachPacket: Bool
  /// Packets come too fast to write each at once (`-U`, `-l`), so they are written together until none is waiting.
  private var combines = false
  let skip: UInt64
  /// The number of accepted packets after which to end; the largest possible number for no limit.
  let last: UInt64
  private let sampling: UInt64
  /// Threads for reading files.
  let threads: Int
  /// Seconds from the first packet, or from the start of a live capture, after which to end.
  let duration: Int64?
  /// Packets arrive live: the capture ends by the clock, not by packet times.
  let isLive: Bool
  private var progress: Progress
  /// The running count of a live capture (`-v -w`).
  var count: CaptureCount
  /// No more packets are wanted, for whatever reason.
  var isOver = false
  /// Faster ways through the packets of the current source than taking them one by one.
  var shortcuts = Shortcuts()
  /// When `duration` ends.
  var end: Timestamp?
  /// The counts for the ledger of a live capture.
  var book: Bookkeeping
  var statistics: SessionStatistics?
  /// Packets that do not match, kept to find the reason if none does.
  var sample = PacketSample()
  /// The same for a live capture, in which the kernel's filter drops such packets.
  var liveSample: LiveSample?
  /// The savefile's name, the packets that were handed to it, and the packets that it holds, once it is closed.
  var fileCounts: (String, UInt64, UInt64)?
  /// Packets until the next `pause`.
  private var untilPause = Self.pauseInterval
  /// Packets that the machine has accepted.
  var accepted: UInt64 = 0
  /// How to look up the processes of packets, and those of the current packet.
  var processSource: ProcessSource
  var processes = PacketProcesses()
  var processCache = PacketProcessCache()
  /// Processes are printed.
  let showsProcesses: Bool
  /// Processes are counted.
  let countsPrograms: Bool
  /// Some packet had processes.
  var hasFoundProcesses = false
  /// The command of `--run`, whose packets alone are captured; nil if there is none.
  var runner: CommandRunner?
  /// The command has ended, and its last packets are awaited.
  var isLingering = false
  /// The output file can store processes.
  let keepsProcesses: Bool
  /// The error that ended the loop.
  var failure: CommandError?
  /// Standard output, or Wireshark's pipe, was closed by its reader.
  var outputIsClosed = false
  /// Timestamps are cut to microseconds, because that was requested or because live packets have them.
  let cutsFractions: Bool
  /// The file is a pipe whose reader may leave at any time.
  let readerMayGo: Bool
  /// Text goes to a pipe or a socket, so check whether its reader has left while no packet comes.
  let watchesReader: Bool

  /// Bytes of text to buffer before they are written.
  private static let textSize = 1 << 16
  /// Size of a file in bytes from which on more threads are worth starting.
  private static let largeFile: UInt64 = 8 << 20
  /// Packets between two calls of `pause`.
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

  /// Takes packets until the source ends, the wanted number is reached, a signal arrives, or something fails. Packets taken until then have
  /// been written out in every case.
  mutating func run<Source: PacketSource & ~Copyable>(_ source: inout Source) throws(CommandError) {
    writer?.startThread()
    if let fault = take(from: &source), failure == nil { failure = CommandError(fault) }
    closeWriter(source.countsByInterface)
    reportStatistics(.end)
    noteMissingProcesses()
    finishLedger(&source)
    if let failure = failure ?? filter.failure(interfaces) ?? missingProcesses { throw failure }
  }

  /// Takes packets of one source as `run` does, and returns the error of that source, after which another one may follow.
  mutating func take<Source: PacketSource & ~Copyable>(from source: inout Source) -> String? {
    interfaces = source.interfaces
    sourceNumber += 1
    keepsPackets = source.keepsPackets
    let base = sourceNumber &* MergedReader.interfacesPerFile
    interfaceBase = base
    workers?.interfaceBase = base
    writer?.use(source.interfaces)
    shortcuts = shortcuts(source)
    // Copying is so fast that writing takes as long: another thread does that.
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
    pollProcesses()
    keepFiles(&source)
    pause(&source)
    if watchesReader, StandardStreams.isAbandoned(STDOUT_FILENO) { outputIsClosed = true }
    return failure == nil && !outputIsClosed && !(isLive && end.map { Timestamp.now >= $0 } ?? false)
  }

  /// Starts or stops writing packets together instead of each at once.
  private mutating func combine(_ combines: Bool) {
    self.combines = combines
    writer?.combinePackets(combines)
  }

  /// True if packets of another source would be taken.
  var takesMore: Bool { !isOver && accepted < last && failure == nil && !outputIsClosed && !StopSignal.isRaised }

  /// Prepares for the packets of another file. Throws if the filter applies to none that can occur.
  mutating func prepare(for options: CompileOptions, _ kinds: SourceKinds) throws(FilterError) {
    try filter.prepare(for: options, kinds)
  }

  /// Closes the output file, adding the counters of each interface, and prints the statistics. Throws an error of the file, or an earlier
  /// one.
  mutating func finish(_ counts: [CaptureCounts] = []) throws(CommandError) {
    closeWriter(counts)
    reportStatistics(.end)
    noteMissingProcesses()
    if let failure = failure ?? filter.failure(interfaces) ?? missingProcesses { throw failure }
  }

  /// Ends a live capture: stops it and takes the packets that have already arrived. Packets after an end that the user has set are only
  /// counted.
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

  /// Takes one packet; false if the loop is to end.
  @inline(__always)
  mutating func take(_ packet: borrowing Packet) -> Bool {
    // Long packets count as several, so that memory of read packets is released in time.
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

  /// Copies one packet that the filter has accepted; false if the loop is to end.
  mutating func saveAccepted(_ packet: borrowing Packet) -> Bool {
    accepted &+= 1
    isOver = save(packet) != .saved
    return !isOver
  }

  // MARK: Text

  private mutating func print(_ packet: borrowing Packet) {
    // Packets of a stream must be copied for other threads. As one thread already reads or decompresses the stream, that pays only with
    // three.
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
    // If no thread is available, this one prints.
    if let text = liveText, !text.start() { liveText = nil }
  }

  /// Passes a packet to several threads for printing; false if there are none, or not yet.
  private mutating func share(_ packet: borrowing Packet) -> Bool {
    if workers == nil {
      untilShared -= 1
      guard untilShared <= 0, let sharedForm else { return false }
      flushText()
      let base = interfaceBase
      workers = TextWorkers(sharedForm, threads: threads)
      workers?.interfaceBase = base
      // If no threads are available, do not ask again for a long time.
      untilShared = .max
    }
    guard workers != nil else { return false }
    let interface = printsJSON ? interfaces?[packet.interface]?.name : nil
    if workers?.add(packet, number: accepted, interface: interface, stays: keepsPackets, &printer) ?? false {
      handOver(waits: false)
    }
    return true
  }

  /// Submits the packets for other threads to print, and writes the text that is ready; with `waits`, waits for all text.
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

  /// Writes all text while there is no packet, but returns to the loop if a packet comes before all text is ready.
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

  /// Writes all text, or passes it to the thread for live text; `waits` until that is done.
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

  /// Handles the result of writing text: nil, or an `errno`.
  private mutating func noteWrite(_ code: CInt?) {
    guard let code else { return }
    if code == EPIPE {
      outputIsClosed = true
    } else if failure == nil {
      failure = CommandError("unable to write output: \(unsafe String(cString: strerror(code)))")
    }
  }

  // MARK: Interfaces and the ledger

  /// Does what has to be done regularly even while packets keep coming.
  @inline(never)
  mutating func pause<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    untilPause = Self.pauseInterval
    source.releaseMemory()
    // Hints are given only if no packet matches.
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

  /// Marks gaps in the capture: in the text, in the file, and in a note to the user.
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
    _ source: inout Source, _ occasion: Ledger.ReportReason
  ) {
    // Buffered packets count as neither written nor lost, so write them first.
    flushText(waits: true)
    do throws(SavefileError) { try writer?.drain() } catch { end(with: error) }
    Diagnostics.write(book.report(ledger(&source), occasion))
  }

  /// Prints the statistics, if they are wanted, after the text of the packets.
  private mutating func reportStatistics(_ occasion: Ledger.ReportReason) {
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

  /// Prints the last ledger; reports an error if packets are missing from it.
  private mutating func finishLedger<Source: PacketSource & ~Copyable>(_ source: inout Source) {
    guard book.isLive else { return }
    let ledger = ledger(&source)
    Diagnostics.write(book.report(ledger, .end))
    if !ledger.isBalanced(.end), failure == nil { failure = CommandError("the packet ledger does not balance") }
  }
}

extension LinkType {
  /// Name and details, `EN10MB (Ethernet)`, or the number if it has no name.
  var words: String {
    guard let name else { return String(rawValue) }
    return details.map { "\(name) (\($0))" } ?? name
  }
}
