import BPF
import Filter
import PacketCore
import Savefile

/// The judge of packets: the filter, compiled once for every kind of packet that is met.
struct PacketFilter {
  private var variants: FilterVariants<Machine>
  /// True where every packet is accepted, whatever its link type.
  let acceptsAll: Bool
  /// The kind of the packet before; before the first packet one that no packet is of.
  private var kind = PacketFilter.noKind
  /// Its machine; one that rejects everything where the filter means nothing for it.
  private var machine = PacketFilter.rejectingMachine
  /// The program depends on more of a packet than its link type.
  private var choosesForEach: Bool
  private let usesNativeCode: Bool
  /// The tests for processes, which no machine knows: it leaves open what they decide. nil where there are none.
  private(set) var processFilter: ProcessFilter?
  /// True where there are some.
  let asksForProcesses: Bool

  var source: FilterSource { variants.source }
  /// The link type of the source, or of its first interface.
  var linkType: LinkType { variants.options.linkType }

  /// Compiles the filter for the link type of `options`, or for those of all interfaces. Throws where it is wrong whatever the packets
  /// are, or means nothing for any that there can be.
  ///
  /// Packets are judged by native code where the processor and the system allow for it, and by the interpreter elsewhere or
  /// without `usesNativeCode`. `tests` are those for processes; where they are none, `answers` are assumed for them.
  init(
    _ source: FilterSource, _ options: CompileOptions, _ kinds: SourceKinds, usesNativeCode: Bool = true,
    _ tests: [ProcessTest] = [], assuming answers: [Bool]? = nil
  ) throws(FilterError) {
    acceptsAll = source.acceptsAll
    self.usesNativeCode = usesNativeCode
    variants = try FilterVariants(source, options, kinds) { (options) throws(FilterError) in
      // Where nothing is judged, nothing is translated.
      Machine(try source.compile(options, assuming: answers), usesNativeCode && !source.acceptsAll)
    }
    processFilter = ProcessFilter(tests, source, options, kinds, usesNativeCode: usesNativeCode)
    asksForProcesses = processFilter != nil
    choosesForEach = variants.choosesForEach
  }

  private static let noKind = PacketKind(linkType: LinkType(rawValue: .max))
  private static let rejectingMachine = Machine(.rejectingAll, false)

  /// True where the machine accepts the packet; false, too, where the filter means nothing for it.
  @inline(__always)
  mutating func accepts(_ packet: borrowing Packet) -> Bool {
    if acceptsAll { return true }
    if packet.linkType != kind.linkType || choosesForEach { choose(packet) }
    return machine.run(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len)) != 0
  }

  /// True where the tests for processes let through a packet with these, which the machine accepts.
  mutating func accepts(_ packet: borrowing Packet, _ processes: PacketProcesses) -> Bool {
    processFilter?.accepts(packet, processes) ?? true
  }

  /// Gets ready for the packets of another file, whose first link type is that of `options`. Throws where the filter means nothing for any
  /// that there can be.
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

  /// What ends the command where the filter means nothing for all that was met; nil elsewhere. `interfaces` are those that the source
  /// states.
  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError? { variants.failure(interfaces) }

  /// What judges the packets of a mapped file for several threads; nil where only this filter does.
  mutating func judge(_ form: RecordForm) -> PieceJudge? {
    if acceptsAll, !asksForProcesses { return PieceJudge(form: form, scan: nil, machine: nil) }
    guard form.linkTypes.allSatisfy({ $0 == linkType }), let machine = machineOfFile else { return nil }
    let scan = form.layout.flatMap { try? RecordScan(machine.program, $0) }
    return PieceJudge(form: form, scan: scan, machine: scan == nil ? machine : nil)
  }

  /// The machine for all packets of a file of one link type; nil where there are others, or the filter means nothing for it.
  private var machineOfFile: Machine? {
    mutating get {
      guard usesNativeCode, !asksForProcesses, !variants.choosesForEach else { return nil }
      return variants.judge(PacketKind(linkType: linkType))
    }
  }

  /// The walk over records of that layout that looks for packets which the machine accepts; nil where there is no native code.
  mutating func scan(_ layout: RecordLayout) -> RecordScan? {
    guard let machine = machineOfFile else { return nil }
    return try? RecordScan(machine.program, layout)
  }

  /// The walk over records of that layout that finds runs of packets which the machine accepts; nil where there is no native code.
  mutating func copier(_ layout: RecordLayout) -> RecordCopier? {
    guard let machine = machineOfFile else { return nil }
    return RecordCopier(machine.program, layout)
  }
}

/// What judges packets of one link type.
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
