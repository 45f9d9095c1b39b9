import BPF
import Filter
import PacketCore

/// The filter, compiled once for every kind of packet that is met.
struct PacketFilter {
  let source: FilterSource
  private var options: CompileOptions
  /// True where every packet is accepted, whatever its link type.
  let acceptsAll: Bool
  /// The kind of the packet before.
  private var kind: Kind
  private var machine: Machine
  /// The machines of all kinds met so far.
  private var machines: [Kind: Machine] = [:]
  private let usesNativeCode: Bool
  /// What the filter may ask about the interfaces of a live capture; nothing for a file.
  private let interfaces: [InterfaceFacts]
  /// The filter asks for what is not in a packet: its direction, or the number of its interface.
  private let needsMetadata: Bool

  /// The program depends on more of a packet than its link type.
  private let choosesForEach: Bool

  /// What a filter may ask about an interface.
  struct InterfaceFacts {
    let linkType: LinkType
    /// Its number in the system.
    let index: UInt32
    /// First octet most significant; nil where it is not known.
    let netmask: UInt32?
  }

  /// What decides about the program for a packet.
  private struct Kind: Hashable {
    var linkType: LinkType
    /// Index of the interface in a live capture; 0 in a file.
    var interface = 0
    /// Where it matters.
    var direction = PacketDirection.unknown
  }

  /// The link type of the packet before, or of the first.
  var linkType: LinkType { kind.linkType }

  /// Compiles the filter for the link type of `options`, or for those of all `interfaces`. Throws where it is refused.
  ///
  /// A file that `tellsDirection` lets the filter ask for it; packets of which it does not are then an error.
  ///
  /// Packets are judged by native code where the processor and the system allow for it, and by the interpreter elsewhere or
  /// without `usesNativeCode`.
  init(
    _ source: FilterSource, _ options: CompileOptions, usesNativeCode: Bool = true, interfaces: [InterfaceFacts] = [],
    tellsDirection: Bool = false
  ) throws(FilterError) {
    self.source = source
    self.options = options
    self.usesNativeCode = usesNativeCode
    self.interfaces = interfaces
    acceptsAll = source.acceptsAll
    // A live capture knows more than the packet, and some files do.
    var needsMetadata = false
    if tellsDirection, (try? source.compile(options)) == nil {
      var options = options
      // One of the two may be all that the filter rejects.
      for isOutgoing in [false, true] where !needsMetadata {
        options.metadata = PacketMetadata(isOutgoing: isOutgoing, interfaceIndex: nil)
        needsMetadata = (try? source.compile(options)) != nil
      }
    }
    for interface in interfaces where interface.index != 0 && !needsMetadata {
      needsMetadata = (try? source.compile(options.with(interface, metadata: nil))) == nil
    }
    if needsMetadata, !interfaces.isEmpty {
      // What is wrong with the words themselves is told as for a kernel, which knows all that they ask for.
      var options = options
      options.target = .linuxKernel
      _ = try source.compile(options)
    }
    self.needsMetadata = needsMetadata
    choosesForEach = needsMetadata || !interfaces.isEmpty
    let directions: [PacketDirection] = needsMetadata ? [.inbound, .outbound] : [.unknown]
    var kinds: [Kind] = []
    for (index, interface) in interfaces.enumerated() {
      for direction in directions {
        kinds.append(Kind(linkType: interface.linkType, interface: index, direction: direction))
      }
    }
    kind = kinds.first ?? Kind(linkType: options.linkType, direction: directions[0])
    let first = Self.options(options, kind, interfaces, needsMetadata)
    machine = Machine(try Self.compile(source, first), usesNativeCode)
    machines[kind] = machine
    // The last one remains chosen: any is right, since each packet's kind is compared with it.
    for kind in kinds { try change(to: kind) }
  }

  /// The program; where it is known which way a packet goes, the filter may reject all that go this way.
  private static func compile(_ source: FilterSource, _ options: CompileOptions) throws(FilterError) -> Program {
    do throws(FilterError) {
      return try source.compile(options)
    } catch {
      guard options.metadata != nil, let nothing = try? Program(validating: [Instruction(.retK, k: 0)]) else {
        throw error
      }
      return nothing
    }
  }

  private static func options(
    _ options: CompileOptions, _ kind: Kind, _ interfaces: [InterfaceFacts], _ needsMetadata: Bool
  ) -> CompileOptions {
    var options = options
    options.linkType = kind.linkType
    guard kind.interface < interfaces.count else {
      if needsMetadata, kind.direction != .unknown {
        options.metadata = PacketMetadata(isOutgoing: kind.direction == .outbound, interfaceIndex: nil)
      }
      return options
    }
    let facts = interfaces[kind.interface]
    let metadata = PacketMetadata(isOutgoing: kind.direction == .outbound, interfaceIndex: facts.index)
    return options.with(facts, metadata: needsMetadata && facts.index != 0 ? metadata : nil)
  }

  /// True where the machine accepts the packet. Throws where it is of a link type for which the filter means nothing.
  @inline(__always)
  mutating func accepts(_ packet: borrowing Packet) throws(FilterError) -> Bool {
    if acceptsAll { return true }
    if packet.linkType != kind.linkType || choosesForEach { try choose(packet) }
    return machine.run(packet.bytes.rawSpan, len: UInt32(truncatingIfNeeded: packet.len)) != 0
  }

  /// Gets ready for the packets of another file, whose first link type is that of `options`. What was compiled for the one before
  /// holds where both are of the same byte order. Throws where the filter means nothing for the link type.
  mutating func prepare(for options: CompileOptions) throws(FilterError) {
    let kind = Kind(linkType: options.linkType, direction: needsMetadata ? .inbound : .unknown)
    if options.target != self.options.target {
      machine = Machine(
        try Self.compile(source, Self.options(options, kind, interfaces, needsMetadata)), usesNativeCode)
      machines = [kind: machine]
      self.kind = kind
    }
    self.options = options
    if kind != self.kind { try change(to: kind) }
  }

  @inline(never)
  private mutating func choose(_ packet: borrowing Packet) throws(FilterError) {
    let kind = Kind(
      linkType: packet.linkType, interface: interfaces.isEmpty ? 0 : packet.interface,
      direction: needsMetadata ? packet.direction : .unknown)
    if kind != self.kind { try change(to: kind) }
  }

  private mutating func change(to kind: Kind) throws(FilterError) {
    if let known = machines[kind] {
      machine = known
    } else {
      let options = Self.options(options, kind, interfaces, needsMetadata)
      do throws(FilterError) {
        machine = Machine(try Self.compile(source, options), usesNativeCode)
      } catch {
        guard needsMetadata, interfaces.isEmpty, kind.direction == .unknown else { throw error }
        throw FilterError("the file does not tell which way this packet went", at: error.ranges)
      }
      machines[kind] = machine
    }
    self.kind = kind
  }

  /// The walk over records of that layout that looks for packets which the machine accepts; nil where there is no native code.
  func scan(_ layout: RecordLayout) -> RecordScan? {
    guard usesNativeCode, !needsMetadata else { return nil }
    return try? RecordScan(machine.program, layout)
  }

  /// The walk over records of that layout that finds runs of packets which the machine accepts; nil where there is no native code.
  func copier(_ layout: RecordLayout) -> RecordCopier? {
    guard usesNativeCode, !needsMetadata else { return nil }
    return RecordCopier(machine.program, layout)
  }
}

extension CompileOptions {
  /// The same for packets of an interface.
  fileprivate func with(_ interface: PacketFilter.InterfaceFacts, metadata: PacketMetadata?) -> CompileOptions {
    var options = self
    options.linkType = interface.linkType
    options.netmask = netmask ?? interface.netmask
    options.metadata = metadata
    return options
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
