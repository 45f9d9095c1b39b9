import BPF
import Filter
import PacketCore
import Savefile

/// The filter, compiled once for every kind of packet that occurs.
struct PacketFilter {
  private var variants: FilterVariants<Machine>
  /// True if every packet is accepted, whatever its link type.
  let acceptsAll: Bool
  /// The kind of the previous packet; initially one that no packet has.
  private var kind = PacketFilter.noKind
  /// The machine for that kind; one that rejects everything if the filter does not apply to it.
  private var machine = PacketFilter.rejectingMachine
  /// The program depends on more than the packet's link type.
  private var choosesForEach: Bool
  private let usesNativeCode: Bool
  /// The process tests, which no machine can evaluate: the machine accepts packets that they might accept. nil if there are none.
  private(set) var processFilter: ProcessFilter?
  /// True if the filter has process tests.
  let asksForProcesses: Bool

  var source: FilterSource { variants.source }
  /// The link type of the source, or of its first interface.
  var linkType: LinkType { variants.options.linkType }

  /// Compiles the filter for the link type of `options`, or for those of all interfaces. Throws if it is wrong for any packets, or applies
  /// to none that can occur.
  ///
  /// Packets are judged by native code if the processor and the system allow it, and otherwise, or without `usesNativeCode`, by the
  /// interpreter. `tests` are the process tests; if there are none, `answers` are assumed for them.
  init(
    _ source: FilterSource, _ options: CompileOptions, _ kinds: SourceKinds, usesNativeCode: Bool = true,
    _ tests: [ProcessTest] = [], assuming answers: [Bool]? = nil
  ) throws(FilterError) {
    acceptsAll = source.acceptsAll
    self.usesNativeCode = usesNativeCode
    variants = try FilterVariants(source, options, kinds) { (options) throws(FilterError) in
      // A filter that accepts everything needs no native code.
      Machine(try source.compile(options, assuming: answers), usesNativeCode && !source.acceptsAll)
    }
    processFilter = ProcessFilter(tests, source, options, kinds, usesNativeCode: usesNativeCode)
    asksForProcesses = processFilter != nil
    choosesForEach = variants.choosesForEach
  }

  private static let noKind = PacketKind(linkType: LinkType(rawValue: .max))
  private static let rejectingMachine = Machine(.rejectingAll, false)

  /// True if the machine accepts the packet; false also if the filter does not apply to it.
  @inline(__always)
  mutating func accepts(_ packet: borrowing Packet) -> Bool {
    if acceptsAll { return true }
    if packet.linkType != kind.linkType || choosesForEach { choose(packet) }
    return machine.run(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len)) != 0
  }

  /// True if the process tests accept a packet that the machine has accepted, given its processes.
  mutating func accepts(_ packet: borrowing Packet, _ processes: PacketProcesses) -> Bool {
    processFilter?.accepts(packet, processes) ?? true
  }

  /// Prepares for the packets of another file, whose first link type is that of `options`. Throws if the filter applies to none that can
  /// occur.
  mutating func prepare(for options: CompileOptions, _ kinds: SourceKinds) throws(FilterError) {
    try variants.prepare(for: options, kinds)
    processFilter?.prepare(for: options, kinds)
    kind = Self.noKind
    choosesForEach = variants.choosesForEach
  }

  @inline(never)
  private mutating func choose(_ packet: borrowing Packet) {
    guard variants.kind(of: packet) != kind else { return }
    let (kind, machine) = variants.judge(of: packet)
    self.kind = kind
    self.machine = machine ?? Self.rejectingMachine
    choosesForEach = variants.choosesForEach
  }

  /// The error that ends the command if the filter applied to nothing that occurred; nil otherwise. `interfaces` are those that the source
  /// declares.
  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError? { variants.failure(interfaces) }

  /// The judge for the packets of a mapped file, for use by several threads; nil if only this filter can judge them.
  mutating func judge(_ form: RecordForm) -> PieceJudge? {
    if acceptsAll, !asksForProcesses { return PieceJudge(form: form, scan: nil, machine: nil) }
    guard form.linkTypes.allSatisfy({ $0 == linkType }), let machine = machineOfFile else { return nil }
    let scan = form.layout.flatMap { try? RecordScan(machine.program, $0) }
    return PieceJudge(form: form, scan: scan, machine: scan == nil ? machine : nil)
  }

  /// The machine for all packets of a file of one link type; nil if there are other link types, or the filter does not apply to it.
  private var machineOfFile: Machine? {
    mutating get {
      guard usesNativeCode, !asksForProcesses, !variants.choosesForEach else { return nil }
      return variants.judge(PacketKind(linkType: linkType))
    }
  }

  /// Native code that walks over records of that layout and finds packets which the machine accepts; nil if native code is not available.
  mutating func scan(_ layout: RecordLayout) -> RecordScan? {
    guard let machine = machineOfFile else { return nil }
    return try? RecordScan(machine.program, layout)
  }

  /// Native code that walks over records of that layout and finds runs of packets which the machine accepts; nil if native code is not
  /// available.
  mutating func copier(_ layout: RecordLayout) -> RecordCopier? {
    guard let machine = machineOfFile else { return nil }
    return RecordCopier(machine.program, layout)
  }
}

/// A filter program for packets of one link type.
struct Machine {
  let program: Program
  private let interpreter: Interpreter
  private let native: NativeCode?

  init(_ program: Program, _ usesNativeCode: Bool) {
    self.program = program
    interpreter = Interpreter(program)
    native = usesNativeCode ? try? NativeCode(program) : nil
  }

  @inline(__always)
  func run(_ bytes: RawSpan, len: UInt32) -> UInt32 {
    if let native { return native.run(bytes, len: len) }
    return interpreter.run(bytes, len: len)
  }
}
