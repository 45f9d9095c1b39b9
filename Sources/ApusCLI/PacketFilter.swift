import BPF
import Filter
import PacketCore

/// The filter, compiled once for every link type that is met.
struct PacketFilter {
  let source: FilterSource
  private var options: CompileOptions
  /// True where every packet is accepted, whatever its link type.
  let acceptsAll: Bool
  /// The link type of the packet before.
  private(set) var linkType: LinkType
  private var machine: Machine
  /// The machines of all link types met so far.
  private var machines: [LinkType: Machine] = [:]
  private let usesNativeCode: Bool

  /// Compiles the filter for the link type of `options`. Throws where it is refused.
  ///
  /// Packets are judged by native code where the processor and the system allow for it, and by the interpreter elsewhere or
  /// without `usesNativeCode`.
  init(_ source: FilterSource, _ options: CompileOptions, usesNativeCode: Bool = true) throws(FilterError) {
    self.source = source
    self.options = options
    self.usesNativeCode = usesNativeCode
    acceptsAll = source.acceptsAll
    linkType = options.linkType
    machine = Machine(try source.compile(options), usesNativeCode)
    machines[linkType] = machine
  }

  /// True where the machine accepts the packet. Throws where it is of a link type for which the filter means nothing.
  @inline(__always)
  mutating func accepts(_ packet: borrowing Packet) throws(FilterError) -> Bool {
    if acceptsAll { return true }
    if packet.linkType != linkType { try change(to: packet.linkType) }
    return machine.run(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len)) != 0
  }

  /// Gets ready for the packets of another file, whose first link type is that of `options`. What was compiled for the one before
  /// holds where both are of the same byte order. Throws where the filter means nothing for the link type.
  mutating func prepare(for options: CompileOptions) throws(FilterError) {
    if options.target != self.options.target {
      let machine = Machine(try source.compile(options), usesNativeCode)
      machines = [options.linkType: machine]
      self.machine = machine
      linkType = options.linkType
    }
    self.options = options
    if options.linkType != linkType { try change(to: options.linkType) }
  }

  @inline(never)
  private mutating func change(to linkType: LinkType) throws(FilterError) {
    if let known = machines[linkType] {
      machine = known
    } else {
      var options = options
      options.linkType = linkType
      machine = Machine(try source.compile(options), usesNativeCode)
      machines[linkType] = machine
    }
    self.linkType = linkType
  }

  /// The walk over records of that layout that looks for packets which the machine accepts; nil where there is no native code.
  func scan(_ layout: RecordLayout) -> RecordScan? {
    guard usesNativeCode else { return nil }
    return try? RecordScan(machine.program, layout)
  }

  /// The walk over records of that layout that finds runs of packets which the machine accepts; nil where there is no native code.
  func copier(_ layout: RecordLayout) -> RecordCopier? {
    guard usesNativeCode else { return nil }
    return RecordCopier(machine.program, layout)
  }
}

/// What judges packets of one link type.
private struct Machine {
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
