import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore
import Savefile
import Protocols
import Statistics

/// What the command line requests, checked and converted to typed values. Nothing else reads the raw options.
struct Configuration {
  /// What the command is to do.
  enum Task {
    case help(Help)
    case printVersion
    case listInterfaces
    case listLinkTypes
    case listTimestampTypes
    case dumpFilter(FilterDump)
    case prove(ProofTask)
    case runEBPF(EBPFRun)
    case answer(ExtcapQuestion)
    /// Show how the filter judges packets.
    case examine(Examination)
    /// Print, write or count packets.
    case processPackets
  }

  /// Where packets come from.
  enum Source {
    /// Savefiles, at least one; `-` is standard input.
    case savefiles([String])
    /// Interfaces, by name or by number; empty for the first one of the list.
    case interfaces([String])
  }

  /// The byte order of `--savefile-order`.
  enum SavefileOrder: String {
    case unswapped, swapped
  }

  var task: Task
  var source: Source
  /// How savefiles are read.
  var reading: Reading
  var live: LiveCapture.Settings
  /// The network namespace to capture in; nil for that of the process.
  var networkNamespace: String?
  /// The link type to compile for with `-d`, or to capture.
  var linkType: LinkType?

  var filter: FilterSource
  /// The opened but unread file of the filter; nil if the filter is in the arguments.
  var filterInput: FilterInput?
  var optimize: Bool
  /// Names in the expression may be resolved through DNS.
  var asksDNS: Bool
  /// Filters may run as native code.
  var usesNativeCode: Bool
  /// The netmask, first byte most significant; nil if unknown.
  var netmask: UInt32?
  var isForKernel: Bool
  /// The form of the kernel's filter during a capture; nil to choose automatically.
  var kernelFilter: KernelFilter.Form?
  var savefileOrder: SavefileOrder?

  /// If a filter has matched nothing, search for the reason.
  var givesHints: Bool

  /// The savefile to write; `-` is standard output.
  var outputPath: String?
  /// The time unit of a pcap file that is written; nil for that of the source.
  var outputPrecision: TimestampPrecision?
  /// The format of the savefile; nil if its name decides.
  var outputFormat: SavefileFormat.Kind?
  /// How the savefile is compressed.
  var compression: SavefileCompression
  /// Savefiles are synchronized to the disk before they count as written.
  var synchronizes: Bool
  /// When the next savefile begins.
  var rotation: Rotation
  /// A program to run with the name of every complete file.
  var postRotate: PostRotateProgram?
  /// Other conditions that end the capture.
  var autostop: Autostop
  /// When the ledger of a capture's packets is reported; nil for at the end only, and only if it does not balance.
  var ledger: LedgerReports?
  /// Which statistics are reported, and when; nil for none.
  var statistics: StatisticsReports?
  /// The text of packets is printed.
  var printsPackets: Bool
  /// Only the number of packets is printed.
  var countsOnly: Bool
  /// The number of packets after which to end; nil for no limit.
  var limit: UInt64?
  /// Accepted packets to skip first.
  var skip: UInt64
  /// One packet of this many is printed.
  var sampling: UInt64
  var flushesEachPacket: Bool
  /// Threads for reading files, 1 or more.
  var threads: Int
  var precision: TimestampPrecision
  var printing: PrintOptions
  /// Whether steps are reported (`-v`).
  var isVerbose: Bool
  /// Packets are printed as JSON objects.
  var printsJSON: Bool
  /// The command to run and capture (`--run`); empty for none.
  var command: [String]
  /// The processes of packets are printed, and stored in files.
  var showsProcesses: Bool
  var confinement: Confinement
  /// Wireshark has started the capture.
  var extcap: ExtcapCapture?

  /// Checks the options and opens the filter file. Throws the first error.
  init(_ given: Options) throws(CommandError) {
    var options = given
    let help = try Help(options.help)
    if help == nil, !options.help.version { try FlagRules.check(options.stated) }
    let request = try ExtcapRequest(options.extcap)
    if case .capture(let capture) = request {
      options = try capture.applied(to: options)
      extcap = capture
    }
    task = try Self.task(options, help)
    if case .question(let question) = request { task = .answer(question) }
    reading = try Reading(options.savefiles)
    if reading.paths.isEmpty {
      source = .interfaces(options.input.interfaces)
    } else {
      source = .savefiles(reading.paths)
    }
    networkNamespace = options.input.namespace
    if let name = options.input.linkType {
      guard let type = LinkType(name: name) else {
        throw CommandError("invalid data link type \(name): apus --list-link-types lists what is possible")
      }
      linkType = type
    }

    let (output, counts) = (options.output, options.counts)
    outputPath = output.writeFile
    outputFormat = try Self.format(output)
    compression = try Self.compression(output)
    synchronizes = output.synchronize
    countsOnly = counts.countOnly
    printsPackets =
      counts.alsoPrint || counts.printSampling != nil
      || (output.writeFile == nil && !counts.countOnly && counts.statistics.isEmpty)
    limit = try counts.packetCount.map { text throws(CommandError) in
      try Self.number(text, of: "packet count", in: 1...UInt64(Int32.max))
    }
    autostop = try Autostop(output.autostop)
    ledger = try counts.ledger.map { text throws(CommandError) in try LedgerReports(text) }
    if let packets = autostop.packets { limit = min(packets, limit ?? .max) }
    rotation = try Rotation(output, autostop)
    postRotate = try output.postRotate.map { text throws(CommandError) in try PostRotateProgram(text) }
    if !rotation.isNone || output.fileCount != nil || postRotate != nil || autostop.files != nil
      || autostop.size != nil
    {
      guard let outputPath else { throw CommandError("-a with files: and filesize: requires -w") }
      if outputPath == "-" { throw CommandError("standard output cannot be rotated") }
    }
    if rotation.isNone, output.fileCount != nil { throw CommandError("-W requires -C or -G") }
    if rotation.isNone, postRotate != nil { throw CommandError("-z requires -C or -G") }
    skip = try Self.number(counts.skip ?? "0", of: "packet skip count", in: 0...UInt64(Int32.max))
    sampling = try Self.number(counts.printSampling ?? "1", of: "print sampling", in: 1...UInt64(Int32.max))
    flushesEachPacket = options.printing.lineBuffered || output.packetBuffered
    threads = try Threads.count(options.savefiles.threads)
    if outputPath == "-", printsPackets {
      throw CommandError("packets and their text cannot both go to standard output")
    }

    let filter = options.filter
    optimize = !filter.noOptimize
    asksDNS = filter.dns
    usesNativeCode = !filter.noJIT
    isForKernel = filter.linuxExtensions
    kernelFilter = try KernelFilter.Form(options.ebpf)
    filterInput = try Self.filterInput(filter)
    self.filter = .expression(filter.expression.spaced)
    givesHints = !filter.noHints
    if let text = filter.netmask {
      guard let mask = IPv4Address(text: text.utf8) else {
        throw CommandError("invalid netmask \(text): use four numbers from 0 to 255, as in 255.255.255.0")
      }
      // All ones means that the netmask is unknown, like PCAP_NETMASK_UNKNOWN.
      netmask = mask.rawValue == .max ? nil : mask.rawValue
    }
    if let text = filter.savefileOrder {
      guard let order = SavefileOrder(rawValue: text) else {
        throw CommandError("invalid byte order \(text): use unswapped or swapped")
      }
      savefileOrder = order
    }

    let (stated, forms) = (options.printing, options.forms)
    precision = try Self.precision(forms)
    outputPrecision = forms.precision == nil && !forms.nano && !forms.micro ? nil : precision
    printsJSON = stated.json
    isVerbose = stated.verbose > 0
    showsProcesses = options.processes.areShown
    command = options.processes.command
    printing = try PrintOptions(stated, forms, precision)
    if printsJSON { printing = printing.forFields }
    statistics = try StatisticsReports(
      counts, path: output.writeFile, isJSON: printsJSON, printing: printing, color: try ColorChoice(stated),
      isAlone: !printsPackets, hasProcesses: showsProcesses)
    confinement = Confinement(options.privilege)
    live = try LiveCapture.Settings(options.input, linkType)
    if case .processPackets = task, printsJSON, !printsPackets, statistics == nil {
      throw CommandError("--json with -w requires --print")
    }
  }

  /// The output is a pcapng file.
  var writesPcapng: Bool {
    guard let outputPath else { return false }
    return SavefileFormat(outputFormat, path: outputPath, precision: .microseconds) == .pcapng
  }

  private static func task(_ options: Options, _ help: Help?) throws(CommandError) -> Task {
    if let help { return .help(help) }
    if options.help.version { return .printVersion }
    if let run = try EBPFRun(options.ebpf) { return .runEBPF(run) }
    if options.input.listInterfaces { return .listInterfaces }
    // A savefile has no such lists: it is read, as tcpdump does.
    let isLive = options.savefiles.readFiles.isEmpty && options.savefiles.readList == nil
    if isLive, options.input.listLinkTypes { return .listLinkTypes }
    if isLive, options.input.listTimestampTypes { return .listTimestampTypes }
    if options.explanation.lint { return .dumpFilter(.lint) }
    if let listing = try ListingForm(options.explanation) { return .dumpFilter(.listing(listing)) }
    if let emission = try FilterEmission(options.ebpf, path: options.output.writeFile) {
      return .dumpFilter(.emission(emission))
    }
    switch options.filter.dump {
    case 0: break
    case 1: return .dumpFilter(.classic(.text))
    case 2: return .dumpFilter(.classic(.cArray))
    default: return .dumpFilter(.classic(.decimal))
    }
    if let proof = try ProofTask(options) { return .prove(proof) }
    if let examination = try Examination(options.explanation) { return .examine(examination) }
    return .processPackets
  }

  private static func filterInput(_ options: FilterOptions) throws(CommandError) -> FilterInput? {
    if let path = options.bytecode {
      guard options.expression.isEmpty, options.filterFile == nil else {
        throw CommandError("--bytecode replaces the filter expression: give only one of them")
      }
      return FilterInput(file: try FilterFile(path), isBytecode: true)
    }
    return try options.filterFile.map { path throws(CommandError) in
      FilterInput(file: try FilterFile(path), isBytecode: false)
    }
  }

  private static func format(_ options: OutputOptions) throws(CommandError) -> SavefileFormat.Kind? {
    guard let word = options.format else { return nil }
    guard let kind = SavefileFormat.Kind(rawValue: word) else {
      throw CommandError("unknown format '\(word)': use pcap or pcapng")
    }
    return kind
  }

  private static func compression(_ options: OutputOptions) throws(CommandError) -> SavefileCompression {
    guard let word = options.compression else {
      if let path = options.writeFile, let (suffix, program) = SavefileCompression.unsupported(path: path) {
        throw CommandError(
          "-w \(path): apus compresses to .gz and .zst, not to \(suffix): use one of them, -w - | \(program), or "
            + "--compress none for a plain file of that name")
      }
      return SavefileCompression(path: options.writeFile ?? "")
    }
    guard let compression = SavefileCompression(rawValue: word) else {
      throw CommandError("unknown compression '\(word)': use gzip, zstd or none")
    }
    return compression
  }

  /// A decimal number of a flag. Throws if it is invalid or not within `range`; `word` is an alternative that the error message mentions.
  static func number(
    _ text: String, of what: String, in range: ClosedRange<UInt64>, or word: String? = nil
  ) throws(CommandError) -> UInt64 {
    if let number = UInt64(text), range.contains(number) { return number }
    let choice = word.map { ", or \($0)" } ?? ""
    throw CommandError(
      "invalid \(what) \(text): a whole number from \(range.lowerBound) to \(range.upperBound)\(choice)")
  }

  private static func precision(_ options: FormatOptions) throws(CommandError) -> TimestampPrecision {
    switch options.precision {
    case nil: return options.nano && !options.micro ? .nanoseconds : .microseconds
    case "micro": return .microseconds
    case "nano": return .nanoseconds
    case let other?: throw CommandError("invalid time stamp precision \(other): use micro or nano")
    }
  }
}

extension Configuration {
  /// Programs are counted (`--stats processes`).
  var countsPrograms: Bool { statistics?.settings.kinds.contains(.processes) ?? false }

  /// The processes of packets are needed regardless of the filter.
  var asksForProcesses: Bool { showsProcesses || countsPrograms }

  /// Packets are captured on interfaces.
  var isCapture: Bool {
    guard case .interfaces = source else { return false }
    return switch task {
    case .processPackets, .examine: true
    default: false
    }
  }

  /// The filter, or what it is compared with, is in a file.
  var readsFilterFiles: Bool {
    if filterInput != nil { return true }
    guard case .prove(let proof) = task, case .comparison(.file) = proof.question else { return false }
    return true
  }

  /// The file of `-w` holds packets.
  var writesPackets: Bool {
    switch task {
    case .processPackets, .prove: true
    default: false
    }
  }
}

extension PrintOptions {
  /// The argument of `--time`.
  private static func timestampForm(_ name: String) throws(CommandError) -> TimestampForm {
    switch name {
    case "rfc3339": return .rfc3339
    case "utc": return .utc
    case "local": return .date
    case "epoch": return .epoch
    case "delta": return .sincePrevious
    default: throw CommandError("unknown time form '\(name)': use rfc3339, utc, local, epoch or delta")
    }
  }

  /// The settings of the printing flags.
  init(_ options: PrintingOptions, _ forms: FormatOptions, _ precision: TimestampPrecision) throws(CommandError) {
    self.init()
    numeric = options.numeric
    verbosity = options.verbose
    quiet = options.quiet
    linkHeader = options.linkHeader
    packetNumber = options.number
    lengths = options.lengths
    absoluteSequence = forms.absoluteSequence
    skipChecksums = forms.skipChecksums
    singleLine = forms.oneLine
    omitDomain = forms.omitDomain
    foreignNumeric = forms.foreignNumeric
    rawNFSHandles = forms.rawHandles
    mesh80211s = forms.mesh
    dottedAS = forms.dottedAS
    self.precision = precision
    if let name = forms.payloadType {
      guard let type = PayloadType(rawValue: name.lowercased()) else {
        throw CommandError("unknown packet type '\(name)': use one of \(PayloadType.printedNames)")
      }
      guard type.isPrinted else { throw CommandError("-T \(name): apus does not print packets of this type") }
      payload = type
    }
    switch forms.time {
    case 0: timestamp = .time
    case 1: timestamp = .none
    case 2: timestamp = .epoch
    case 3: timestamp = .sincePrevious
    case 4: timestamp = .date
    case 5: timestamp = .sinceFirst
    default: throw CommandError("too many -t: use -t, -tt, -ttt, -tttt or -ttttt")
    }
    if let form = forms.timeForm {
      timestamp = try Self.timestampForm(form)
    }
    if let name = options.jsonPayload {
      guard let form = PayloadForm(rawValue: name) else {
        throw CommandError("unknown form of payload '\(name)': use hex or base64")
      }
      payloadForm = form
    }
    color = try ColorChoice(options).applies(to: STDOUT_FILENO)
    if options.hexAndASCII > 0 {
      dump = .hexAndASCII(linkHeader: options.hexAndASCII > 1)
    } else if options.hex > 0 {
      dump = .hex(linkHeader: options.hex > 1)
    } else if options.ascii > 0 {
      dump = .ascii(linkHeader: options.ascii > 1)
    }
  }
}

extension LiveCapture.Settings {
  /// The settings of the capture flags.
  init(_ options: InputOptions, _ linkType: LinkType?) throws(CommandError) {
    self.init()
    self.linkType = linkType
    if let text = options.snapshotLength {
      let length = try Quantity.octets(text, of: "snaplen", plainUnit: 1, plainName: "bytes", in: 0...262_144)
      snaplen = length == 0 ? 262_144 : UInt32(length)
    }
    if let text = options.bufferSize {
      bufferSize =
        Int(
          try Quantity.octets(
            text, of: "packet buffer size", plainUnit: 1024, plainName: "KiB",
            in: 1024...UInt64(Int32.max / 1024) * 1024))
    }
    switch options.direction {
    case nil, "inout": direction = .both
    case "in": direction = .received
    case "out": direction = .sent
    case let other?: throw CommandError("unknown capture direction '\(other)': use in, out or inout")
    }
    timestampType = options.timestampType
    isPromiscuous = !options.noPromiscuousMode
    isMonitor = options.monitorMode
    isImmediate = options.immediateMode
    waitsForInterfaces = options.waitInterface
    if let name = options.engine {
      guard let engine = CaptureEngine(rawValue: name) else {
        throw CommandError("unknown engine '\(name)': use auto or libpcap")
      }
      self.engine = engine
    }
  }
}
