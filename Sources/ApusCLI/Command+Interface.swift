import BPF
import Capture
import Dissect
import Filter
import Glibc
import PacketCore

extension Command {
  /// Captures on an interface, or prints the filter that would be used there.
  func useInterface(_ name: String?) throws(CommandError) {
    if case .dumpFilter(let form) = configuration.task, name == nil {
      let linkType = configuration.linkType ?? .ethernet
      try dumpFilter(form, compileOptions(linkType, snaplen: configuration.live.snaplen, target: dumpTarget))
      return
    }
    if case .prove(let task) = configuration.task, name == nil {
      let linkType = configuration.linkType ?? .ethernet
      try prove(task, compileOptions(linkType, snaplen: configuration.live.snaplen, target: dumpTarget))
      return
    }
    var settings = configuration.live
    if configuration.printsPackets, isatty(STDOUT_FILENO) == 1 { settings.isImmediate = true }
    let device = try Self.device(name)
    var capture = try Self.capturing { () throws(CaptureError) in try LiveCapture(device: device, settings) }
    for warning in capture.warnings { Diagnostics.note("apus: \(warning)") }
    let netmask = Self.netmask(device)
    if case .dumpFilter(let form) = configuration.task {
      try dumpFilter(
        form, compileOptions(capture.linkType, snaplen: capture.snaplen, target: .linuxKernel, netmask: netmask))
    } else if case .prove(let task) = configuration.task {
      try prove(task, machineOptions(capture, netmask))
    } else {
      try record(&capture, netmask)
    }
  }

  /// Where a filter that is only printed would run.
  private var dumpTarget: FilterTarget {
    if configuration.isForKernel { return .linuxKernel }
    switch configuration.savefileOrder {
    case .unswapped: return .savefile(byteSwapped: false)
    case .swapped: return .savefile(byteSwapped: true)
    case nil: return .machine
    }
  }

  private func record(_ capture: inout LiveCapture, _ netmask: UInt32?) throws(CommandError) {
    StopSignal.install()
    let filter = try liveFilter(capture, netmask)
    // Where the judgement itself is shown, no packet is kept from it.
    let examines = configuration.traces || configuration.profiles || configuration.explanation != nil
    if !examines { noteLint(machineOptions(capture, netmask)) }
    if !examines { try installKernelFilter(&capture, netmask) }
    let terse = configuration.printsPackets && configuration.printing.verbosity == 0
    Diagnostics.note(
      (terse ? "apus: verbose output suppressed, use -v[v]... for full protocol decode\n" : "apus: ")
        + "listening on \(capture.device), link-type \(capture.linkType.words), snapshot length \(capture.snaplen) bytes"
    )
    let accepted: UInt64
    if let detail = configuration.explanation {
      accepted = try explain(&capture, detail, machineOptions(capture, netmask))
    } else if examines {
      accepted = try examine(&capture, machineOptions(capture, netmask))
    } else {
      accepted = try process(&capture, filter, snaplen: capture.snaplen, interface: capture.device).accepted
    }
    if StopSignal.isRaised, configuration.outputPath == nil { Diagnostics.note("") }
    summarize(capture.statistics, accepted)
  }

  /// The machine that judges what arrives. Libpcap does not tell it of a packet's direction or interface, which only the kernel's
  /// filter could ask for, and that is not the judge.
  private func liveFilter(_ capture: borrowing LiveCapture, _ netmask: UInt32?) throws(CommandError) -> PacketFilter {
    var options = machineOptions(capture, netmask)
    do throws(CommandError) {
      return try filter(options)
    } catch {
      options.target = .linuxKernel
      guard (try? compile(options)) != nil else { throw error }
      throw CommandError(
        "the filter asks for a direction or an interface, which libpcap does not tell: use -Q in, -Q out or -i instead")
    }
  }

  private func machineOptions(_ capture: borrowing LiveCapture, _ netmask: UInt32?) -> CompileOptions {
    compileOptions(capture.linkType, snaplen: capture.snaplen, target: .machine, netmask: netmask)
  }

  /// Lets the kernel drop what the machine would reject, as far as it can be told there.
  private func installKernelFilter(_ capture: inout LiveCapture, _ netmask: UInt32?) throws(CommandError) {
    guard !configuration.filter.acceptsAll else { return }
    let options = compileOptions(capture.linkType, snaplen: capture.snaplen, target: .linuxKernel, netmask: netmask)
    let program = try compile(options)
    let filter: KernelFilter
    do throws(KernelFilter.Refusal) {
      filter = try KernelFilter(program, linkType: capture.linkType, as: configuration.kernelFilter)
    } catch {
      Diagnostics.note("apus: no filter in the kernel: \(error)")
      return
    }
    do throws(CaptureError) {
      try capture.install(filter)
    } catch {
      let message = FilterError("no filter in the kernel: \(error)", at: error.source)
      Diagnostics.write(message.rendered(expression: configuration.filter.expression))
    }
  }

  /// The counts at the end, as tcpdump writes them.
  private func summarize(_ statistics: LiveCapture.Statistics?, _ accepted: UInt64) {
    func packets(_ count: some BinaryInteger) -> String { "\(count) packet\(count == 1 ? "" : "s")" }
    Diagnostics.note("\(packets(accepted)) captured")
    guard let statistics else { return }
    Diagnostics.note("\(packets(statistics.received)) received by filter")
    Diagnostics.note("\(packets(statistics.droppedByKernel)) dropped by kernel")
    if statistics.droppedByInterface > 0 {
      Diagnostics.note("\(packets(statistics.droppedByInterface)) dropped by interface")
    }
  }

  // MARK: Interfaces

  /// The interface of that name or number, or the first one that is listed.
  private static func device(_ name: String?) throws(CommandError) -> String {
    try capturing { () throws(CaptureError) in try InterfaceList.device(name) }
  }

  private static func netmask(_ device: String) -> UInt32? {
    let interfaces = try? InterfaceList.all()
    return interfaces?.first { $0.name == device }?.netmask
  }

  /// `-L`.
  func listLinkTypes() throws(CommandError) {
    let device = try Self.device(interfaceName)
    let settings = configuration.live
    let types = try Self.capturing { () throws(CaptureError) in
      try LiveCapture(device: device, settings).linkTypes
    }
    try write { out in
      out.write("Data link types for \(device) (use option -y to set):\n")
      for type in types { out.write("  \(type.words)\n") }
    }
  }

  /// `-J`.
  func listTimestampTypes() throws(CommandError) {
    let device = try Self.device(interfaceName)
    let types = try Self.capturing { () throws(CaptureError) in try LiveCapture.timestampTypes(device: device) }
    try write { out in
      guard !types.isEmpty else { return out.write("Time stamp type cannot be set for \(device)\n") }
      out.write("Time stamp types for \(device) (use option -j to set):\n")
      for type in types { out.write("  \(type.name) (\(type.details))\n") }
    }
  }

  private var interfaceName: String? {
    if case .interface(let name) = configuration.source { name } else { nil }
  }

  /// What `body` gives; a failure of libpcap becomes the command's.
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
