import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore
import Savefile

extension Command {
  /// Captures on interfaces, or prints the filter that would be used on the first of them.
  func useInterfaces(_ names: [String]) throws(CommandError) {
    if !configuration.isCapture, names.isEmpty {
      if configuration.readsFilterFiles { try confine() }
      let command = try readingFilter()
      let linkType = configuration.linkType ?? .ethernet
      var options = command.compileOptions(linkType, snaplen: configuration.live.snaplen, target: dumpTarget)
      switch configuration.task {
      case .dumpFilter(let form):
        // A program that is only printed is meant for other tools, so it must be the one that libpcap would compile.
        options.ieee80211Layout = .libpcap
        try command.dumpFilter(form, options)
      case .prove(let task): try command.prove(task, options)
      default: break
      }
      return
    }
    try prepareRotation()
    try prepareCommand()
    var settings = configuration.live
    if configuration.printsPackets, isatty(STDOUT_FILENO) == 1 { settings.isImmediate = true }
    guard let devices = try devices(names.isEmpty && preparation.runner != nil ? ["any"] : names) else { return }
    var capture = try Self.capturing { () throws(CaptureError) in
      try LiveCapture(devices: devices, settings)
    }
    for warning in capture.warnings { Diagnostics.note("apus: \(warning)") }
    let sample = openSample(of: capture.devices, settings)
    let facts = Self.facts(capture.devices)
    if configuration.isCapture { try checkLinkTypes(capture.devices) }
    if configuration.isCapture { try prepareProcesses() }
    if configuration.isCapture || configuration.readsFilterFiles { try confine() }
    try readingFilter().use(&capture, sample, facts, settings)
  }

  /// The same, after dropping all privilege except what kernel filters need.
  private func use(
    _ capture: inout LiveCapture, _ sample: consuming LiveCapture?, _ facts: [InterfaceFacts],
    _ settings: LiveCapture.Settings
  ) throws(CommandError) {
    if case .dumpFilter(let form) = configuration.task, let first = facts.first {
      try dumpFilter(
        form, compileOptions(first.linkType, snaplen: settings.snaplen, target: .linuxKernel, netmask: first.netmask))
    } else if case .prove(let task) = configuration.task, let first = capture.devices.first {
      try prove(task, machineOptions(first))
    } else {
      try record(&capture, sample, facts)
    }
  }

  /// The target of a filter that is only printed.
  private var dumpTarget: FilterTarget {
    if configuration.isForKernel { return .linuxKernel }
    switch configuration.savefileOrder {
    case .unswapped: return .savefile(byteSwapped: false)
    case .swapped: return .savefile(byteSwapped: true)
    case nil: return .machine
    }
  }

  /// Opens everything that is needed, then captures packets until the end.
  private func record(
    _ capture: inout LiveCapture, _ sample: consuming LiveCapture?, _ facts: [InterfaceFacts]
  ) throws(CommandError) {
    guard let first = capture.devices.first else { return }
    let filter = try liveFilter(first, facts)
    for interface in facts where interface.netmask == nil {
      noteNetmask(machineOptions(first), place: "\(interface.name): ")
    }
    // `--trace`, `--profile` and `--explain` show how the filter judges every packet, so the kernel must not drop any.
    let examination: Examination? = if case .examine(let examination) = configuration.task { examination } else { nil }
    if examination == nil { noteLint(machineOptions(first)) }
    for (index, interface) in facts.enumerated() {
      try installKernelFilter(&capture, index, examination == nil ? interface : nil)
    }
    // Sources, outputs and filters are ready: the remaining privilege is dropped before the first packet arrives.
    try seal()
    StopSignal.makeFirstSignalARequest()
    let names = capture.devices.map(\.name)
    if let examination {
      try Self.capturing { () throws(CaptureError) in try capture.start() }
      noteListening(capture.devices)
      let accepted = try examine(&capture, examination, machineOptions(first), SourceKinds(interfaces: facts))
      summarize(capture.statistics(), accepted)
      return
    }
    capture.interfaces = InterfaceTable(
      capture.devices.map { describe(linkType: $0.linkType, snaplen: $0.snaplen, name: $0.name) })
    var session = try session(
      filter, describe(linkType: first.linkType, snaplen: first.snaplen, name: first.name), capture.interfaces,
      precision: nil, devices: names)
    try connect(&session)
    if givesHints, let sample = started(sample) { session.liveSample = LiveSample(sample) }
    try Self.capturing { () throws(CaptureError) in try capture.start() }
    noteListening(capture.devices)
    preparation.runner?.begin()
    do throws(CommandError) {
      try session.run(&capture)
    } catch {
      summarize(capture.statistics(), session.accepted)
      throw error
    }
    summarize(capture.statistics(), session.accepted)
    summarizeProcesses(session.filter)
    try preparation.runner?.finish(configuration.command.first ?? "")
    if session.accepted == 0, let sample = session.liveSample.take() { noteNearMisses(sample, machineOptions(first)) }
  }

  /// Throws if the interfaces have several link types and the output file can hold only one.
  private func checkLinkTypes(_ interfaces: [LiveCapture.Interface]) throws(CommandError) {
    guard let path = configuration.outputPath, let first = interfaces.first,
      let other = interfaces.first(where: { $0.linkType != first.linkType }),
      SavefileFormat(configuration.outputFormat, path: path, precision: configuration.precision) != .pcapng
    else { return }
    let stem = path.hasSuffix(".pcap") ? String(path.dropLast(5)) : path
    let isNameFixed = path == "-" || configuration.outputFormat != nil || SavefileCompression(path: path) != .none
    let remedy = isNameFixed ? "--format pcapng" : "-w \(stem).pcapng"
    throw CommandError(
      "\(first.name) is \(first.linkType.words), \(other.name) is \(other.linkType.words), and a pcap file holds one link type: use \(remedy)"
    )
  }

  /// Prints one line for each interface before the first packet, like tcpdump.
  private func noteListening(_ interfaces: [LiveCapture.Interface]) {
    if configuration.isVerbose {
      for interface in interfaces { Diagnostics.note("apus: \(interface.name): \(interface.engine.description)") }
    }
    let terse = configuration.printsPackets && configuration.printing.verbosity == 0
    if terse { Diagnostics.note("apus: verbose output suppressed, use -v[v]... for full protocol decode") }
    for (index, interface) in interfaces.enumerated() {
      Diagnostics.note(
        (terse || index > 0 ? "" : "apus: ")
          + "listening on \(interface.name), link-type \(interface.linkType.words), snapshot length \(interface.snaplen) bytes"
      )
    }
  }

  /// The filter for packets that arrive.
  private func liveFilter(
    _ first: LiveCapture.Interface, _ facts: [InterfaceFacts]
  ) throws(CommandError) -> PacketFilter {
    let options = machineOptions(first)
    do throws(FilterError) {
      return try packetFilter(options, SourceKinds(interfaces: facts))
    } catch {
      // libpcap does not report a packet's direction or interface.
      var kernel = options
      kernel.target = .linuxKernel
      guard facts.contains(where: { $0.index == 0 }), (try? compile(kernel)) != nil else {
        throw CommandError(complete: error.rendered(expression: configuration.filter.expression))
      }
      throw CommandError(
        "the filter tests the direction or the interface, which libpcap does not report: use -Q in, -Q out or -i instead"
      )
    }
  }

  private func machineOptions(_ interface: LiveCapture.Interface) -> CompileOptions {
    compileOptions(interface.linkType, snaplen: interface.snaplen, target: .machine)
  }

  /// Lets the kernel drop packets that the machine would reject, as far as it can decide that; without `facts` it filters by direction
  /// only.
  private func installKernelFilter(
    _ capture: inout LiveCapture, _ index: Int, _ facts: InterfaceFacts?
  ) throws(CommandError) {
    let interface = capture.devices[index]
    let prefilter = capture.prefilter(of: index)
    let widest = KernelFilter(prefilter, snaplen: interface.snaplen)
    if let facts, installSelection(&capture, index, facts) { return }
    if let facts, !configuration.filter.acceptsAll {
      let options = compileOptions(
        facts.linkType, snaplen: interface.snaplen, target: .linuxKernel, netmask: facts.netmask ?? 0)
      // If the filter does not compile for the kernel, only the machine filters: the kernel must never drop a packet that the machine would
      // accept.
      if let program = try? configuration.filter.compile(options) {
        guard let refusal = install(program, on: index, of: &capture) else { return }
        Diagnostics.write(refusal.rendered(expression: configuration.filter.expression))
      }
    }
    try? capture.install(widest, on: index)
  }

  /// Installs a program in the kernel; returns the reason if it is left out.
  private func install(_ program: Program, on index: Int, of capture: inout LiveCapture) -> FilterError? {
    let interface = capture.devices[index]
    let filter: KernelFilter
    do throws(KernelFilter.Refusal) {
      filter = try KernelFilter(
        program, linkType: interface.linkType, prefilter: capture.prefilter(of: index), snaplen: interface.snaplen,
        as: configuration.kernelFilter)
    } catch {
      return FilterError("no filter in the kernel: \(error)")
    }
    do throws(CaptureError) {
      try capture.install(filter, on: index)
      return nil
    } catch {
      return FilterError("no filter in the kernel: \(error)", at: error.source)
    }
  }

  /// The counts at the end, in tcpdump's wording.
  private func summarize(_ statistics: [LiveCapture.Statistics], _ accepted: UInt64) {
    if StopSignal.isRaised, configuration.outputPath == nil { Diagnostics.note("") }
    func packets(_ count: UInt64) -> String { "\(count) packet\(count == 1 ? "" : "s")" }
    func sum(_ count: (LiveCapture.Statistics) -> UInt64) -> UInt64 { statistics.reduce(0) { $0 &+ count($1) } }
    Diagnostics.note("\(packets(accepted)) captured")
    Diagnostics.note("\(packets(sum(\.received))) received by filter")
    Diagnostics.note("\(packets(sum(\.droppedByKernel))) dropped by kernel")
    // Wireshark treats everything on standard error as an error, so only drops are reported.
    if configuration.extcap != nil, sum(\.droppedByKernel) > 0 {
      Diagnostics.report(CommandError("\(packets(sum(\.droppedByKernel))) dropped by kernel: a larger buffer may help"))
    }
    let byInterface = sum(\.droppedByInterface)
    if byInterface > 0 { Diagnostics.note("\(packets(byInterface)) dropped by interface") }
  }

  // MARK: Interfaces

  /// The interfaces with those names or numbers, or the first one of the list if there are none. With `--wait-interface`, waits for those
  /// that are missing; nil if a signal ends the wait.
  private func devices(_ names: [String]) throws(CommandError) -> [String]? {
    var devices: [String] = []
    for name in names.isEmpty ? [nil] : names.map(Optional.some) {
      let device = try Self.capturing { () throws(CaptureError) in try InterfaceList.device(name) }
      guard !devices.contains(device) else { throw CommandError("\(device): named twice") }
      devices.append(device)
    }
    guard configuration.live.waitsForInterfaces else { return devices }
    // libpcap cannot open an interface that is down.
    let isReady = { [needsUp = configuration.live.usesLibrary] device in
      InterfaceList.isPresent(device) && (!needsUp || InterfaceList.isUp(device))
    }
    for device in devices where !isReady(device) {
      Diagnostics.note("apus: waiting for \(device)")
      // A signal now ends the capture normally, without a packet.
      StopSignal.makeFirstSignalARequest()
      while !isReady(device) {
        guard !StopSignal.isRaised else { return nil }
        usleep(50_000)
      }
    }
    return devices
  }

  private static func facts(_ interfaces: [LiveCapture.Interface]) -> [InterfaceFacts] {
    let known = (try? InterfaceList.all()) ?? []
    return interfaces.map { interface in
      InterfaceFacts(
        name: interface.name, linkType: interface.linkType,
        index: interface.reportsDirection ? interface.index : 0,
        netmask: known.first { $0.name == interface.name }?.netmask)
    }
  }

  /// `-L`.
  func listLinkTypes() throws(CommandError) {
    let device = try device()
    let settings = configuration.live
    let types = try Self.capturing { () throws(CaptureError) in
      try LiveCapture.linkTypes(device: device, settings)
    }
    try write { out in
      out.write("Data link types for \(device) (use option -y to set):\n")
      for type in types { out.write("  \(type.words)\n") }
    }
  }

  /// `-J`.
  func listTimestampTypes() throws(CommandError) {
    let device = try device()
    let types = try Self.capturing { () throws(CaptureError) in try LiveCapture.timestampTypes(device: device) }
    try write { out in
      guard !types.isEmpty else { return out.write("Time stamp type cannot be set for \(device)\n") }
      out.write("Time stamp types for \(device) (use option -j to set):\n")
      for type in types { out.write("  \(type.name) (\(type.details))\n") }
    }
  }

  /// The interface to list something for: the first one that was named.
  private func device() throws(CommandError) -> String {
    guard case .interfaces(let names) = configuration.source else { return "" }
    return try Self.capturing { () throws(CaptureError) in try InterfaceList.device(names.first) }
  }

  /// The result of `body`; an error of libpcap becomes one of the command.
  static func capturing<Result: ~Copyable>(
    _ body: () throws(CaptureError) -> Result
  ) throws(CommandError) -> Result {
    do throws(CaptureError) {
      return try body()
    } catch {
      guard error.kind == .permission else { throw CommandError(error.description) }
      throw CommandError("\(error.description); grant it with: setcap cap_net_raw,cap_net_admin=eip \(programPath)")
    }
  }

  private static var programPath: String {
    let path = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      // Safe: readlink(2) fills at most the buffer's capacity.
      count = unsafe max(0, readlink("/proc/self/exe", start, buffer.count))
    }
    return path.isEmpty ? "apus" : String(decoding: path, as: UTF8.self)
  }
}

extension CaptureEngine {
  /// The engine, in the words of `--version`.
  var description: String {
    switch self {
    case .automatic:
      "engines: packet ring (TPACKET_V3) for network interfaces, built-in reader for capture files, libpcap for other devices"
    case .libpcap: "engine: libpcap for all devices and capture files (--engine libpcap)"
    }
  }
}

extension LiveCapture.Engine {
  /// The engine, in the words of `-v`.
  var description: String {
    switch self {
    case .ring: "captured through a packet ring (TPACKET_V3)"
    case .libpcap: "captured through \(LiveCapture.libraryVersion)"
    }
  }
}

extension LiveCapture.Event {
  /// The state change, in words; `name` is the interface's.
  func words(_ name: String) -> String {
    switch kind {
    case .wentDown: return "\(name) went down"
    case .wasRemoved: return "\(name) was removed"
    case .cameBack(let nanoseconds):
      let milliseconds = nanoseconds / 1_000_000
      let fraction = String(milliseconds % 1000)
      let zeros = String(repeating: "0", count: 3 - fraction.count)
      return "\(name) is back after \(milliseconds / 1000).\(zeros)\(fraction) s"
    }
  }
}

extension LiveCapture.Event.Kind {
  /// The kind of the state change, in one word.
  var word: StaticString {
    switch self {
    case .wentDown: "went_down"
    case .wasRemoved: "was_removed"
    case .cameBack: "interface_up"
    }
  }

  /// Nanoseconds without capture, once the interface is back.
  var outage: Int64? { if case .cameBack(let nanoseconds) = self { nanoseconds } else { nil } }
}
