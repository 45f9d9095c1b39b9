import BPF
import Filter
import PacketCore

/// The properties of a packet that decide which program judges it.
struct PacketKind: Equatable {
  var linkType: LinkType
  /// Index of the interface in a live capture; 0 in a file.
  var interface = 0
  /// The direction of the packet, if the filter tests it.
  var direction = PacketDirection.unknown
}

/// Facts about an interface of a live capture that a filter may depend on.
struct InterfaceFacts {
  let name: String
  let linkType: LinkType
  /// Its index in the system; 0 if packets do not report their interface.
  let index: UInt32
  /// First byte most significant; nil if unknown.
  let netmask: UInt32?
}

/// What is known in advance about the packets of a source, or of several sources that are read in turn.
struct SourceKinds {
  /// The interfaces of a live capture.
  var interfaces: [InterfaceFacts] = []
  /// Packets may report their direction; a filter that tests the direction rejects those that do not.
  var reportsDirection = false
  /// There may be packets of other link types than the first.
  var isMixed = false
}

/// One filter, compiled once for each kind of packet that occurs.
///
/// A filter may not apply to a link type: `arp` to raw IP, or a direction to a file that does not record it. Packets of such a kind are
/// rejected, and a note says so. It is an error only if the filter applies to no packet and no interface that occurs. `Judge` is the
/// compiled form of the filter.
struct FilterVariants<Judge> {
  typealias Compile = (CompileOptions) throws(FilterError) -> Judge

  let source: FilterSource
  private(set) var options: CompileOptions
  private var kinds: SourceKinds
  private let compile: Compile
  /// Tell the user to which kinds of packets the filter does not apply.
  private let reports: Bool
  /// The filter tests something that is not in the packet: its direction, or its interface's index.
  private(set) var needsMetadata = false
  /// The judges of all kinds met so far; nil for a kind to which the filter does not apply.
  private var judges: [(kind: PacketKind, judge: Judge?)] = []
  /// The filter applies to some kind of packet that has occurred.
  private var hasMeaning = false
  /// Why it does not apply to other kinds, in the order in which they occurred.
  private var refusals: [Refusal] = []

  /// Kinds of packets that have been reported to the user, or will be.
  private var reportedKinds: [PacketKind] = []

  /// Why the filter does not apply to a kind of packet.
  private struct Refusal {
    let kind: PacketKind
    let error: FilterError
    /// Such packets have arrived, and the user has not been told yet.
    var isPending = false
  }

  /// Compiles the filter for the link type of `options`, or for those of all `interfaces`. Throws if it is wrong for any packets, or
  /// applies to none that can occur.
  init(
    _ source: FilterSource, _ options: CompileOptions, _ kinds: SourceKinds, reports: Bool = true,
    compile: @escaping Compile
  ) throws(FilterError) {
    self.source = source
    self.options = options
    self.kinds = kinds
    self.reports = reports
    self.compile = compile
    if interfaces.isEmpty { try meetLinkType() } else { try compileForInterfaces() }
  }

  private var interfaces: [InterfaceFacts] { kinds.interfaces }

  // MARK: Kinds of packets

  /// True if the program depends on more than the packet's link type.
  var choosesForEach: Bool { needsMetadata || !interfaces.isEmpty }

  /// The packet's properties that select the program.
  @inline(__always)
  func kind(of packet: borrowing Packet) -> PacketKind {
    PacketKind(
      linkType: packet.linkType, interface: interfaces.isEmpty ? 0 : packet.interface,
      direction: needsMetadata ? packet.direction : .unknown)
  }

  /// The judge for a packet, and the packet's kind; nil if the filter does not apply to it, which means that it is rejected.
  mutating func judge(of packet: borrowing Packet) -> (kind: PacketKind, judge: Judge?) {
    let neededMetadata = needsMetadata
    var kind = kind(of: packet)
    var judge = judge(kind)
    if needsMetadata != neededMetadata {
      // This compilation has found that the filter tests the direction.
      kind = self.kind(of: packet)
      judge = self.judge(kind)
    }
    if judge != nil { hasMeaning = true } else { expectReport(of: kind) }
    report()
    return (kind, judge)
  }

  /// The judge for packets of a kind; nil if the filter does not apply to them.
  mutating func judge(_ kind: PacketKind) -> Judge? {
    for known in judges where known.kind == kind { return known.judge }
    let judge: Judge?
    do throws(FilterError) {
      judge = try compiled(kind)
    } catch {
      // After an interruption, no more packets are judged.
      if error.kind == .cancelled { return nil }
      // Until now, no packet's direction was needed.
      if !needsMetadata, statesDirection(kind), asksForMetadata(kind) {
        needsMetadata = true
        judges.removeAll()
        return nil
      }
      judge = nil
      refusals.append(Refusal(kind: kind, error: error))
    }
    judges.append((kind, judge))
    return judge
  }

  /// Prepares for the packets of another file, whose first link type is that of `options`. Judges compiled for the previous file are kept
  /// if both have the same byte order. Throws as `init` does.
  mutating func prepare(for options: CompileOptions, _ kinds: SourceKinds) throws(FilterError) {
    if options.target != self.options.target { judges.removeAll() }
    self.options = options
    self.kinds = kinds
    try meetLinkType()
  }

  private mutating func meetLinkType() throws(FilterError) {
    let kind = PacketKind(linkType: options.linkType)
    // Whether packets report their direction is known only when they arrive.
    guard !needsMetadata || !kinds.reportsDirection else { return }
    if judge(kind) != nil {
      hasMeaning = true
      return report()
    }
    guard !hasMeaning, !needsMetadata, let error = refusals.last?.error else { return }
    guard kinds.isMixed, meansSomethingElsewhere else { throw error }
  }

  private mutating func compileForInterfaces() throws(FilterError) {
    let isAsked = interfaces.enumerated().contains { index, interface in
      let kind = PacketKind(linkType: interface.linkType, interface: index)
      return statesDirection(kind) && (try? compiled(kind)) == nil && asksForMetadata(kind)
    }
    needsMetadata = isAsked
    let directions: [PacketDirection] = isAsked ? [.inbound, .outbound, .unknown] : [.unknown]
    for (index, interface) in interfaces.enumerated() {
      for direction in directions {
        let kind = PacketKind(linkType: interface.linkType, interface: index, direction: direction)
        // Packets without a direction do not come from an interface that reports it.
        if isAsked, direction == .unknown, interface.index != 0 { continue }
        if judge(kind) != nil { hasMeaning = true } else { expectReport(of: kind) }
      }
    }
    guard hasMeaning else {
      guard let error = refusals.first?.error else { return }
      // Errors in the expression itself are reported as for the kernel target, which supports every primitive.
      var options = options
      options.target = .linuxKernel
      _ = try source.compile(options)
      throw error
    }
    report()
  }

  // MARK: Compiling

  /// The judge of a kind. If the direction is known, the filter may reject all packets of the kind.
  private func compiled(_ kind: PacketKind) throws(FilterError) -> Judge {
    let options = options(kind)
    do throws(FilterError) {
      return try compile(options)
    } catch {
      guard let metadata = options.metadata, let nothing = try? rejecting(options) else { throw error }
      var other = options
      other.metadata = PacketMetadata(isOutgoing: !metadata.isOutgoing, interfaceIndex: metadata.interfaceIndex)
      guard (try? source.compile(other)) != nil || metadata.interfaceIndex != nil && asksForMetadata(kind) else {
        throw error
      }
      return nothing
    }
  }

  /// A judge that rejects all packets of a kind to which the filter does apply.
  private func rejecting(_ options: CompileOptions) throws(FilterError) -> Judge {
    // Without the optimizer, a program that rejects all packets is not an error.
    var options = options
    options.optimize = false
    return try compile(options)
  }

  private func options(_ kind: PacketKind) -> CompileOptions {
    var options = options
    options.linkType = kind.linkType
    var index: UInt32?
    if kind.interface < interfaces.count {
      options.netmask = options.netmask ?? interfaces[kind.interface].netmask ?? 0
      index = interfaces[kind.interface].index
    }
    if needsMetadata, kind.direction != .unknown {
      options.metadata = PacketMetadata(isOutgoing: kind.direction == .outbound, interfaceIndex: index)
    }
    return options
  }

  /// True if packets of that kind report their direction.
  private func statesDirection(_ kind: PacketKind) -> Bool {
    kind.interface < interfaces.count ? interfaces[kind.interface].index != 0 : kinds.reportsDirection
  }

  /// True if the filter applies to packets of that kind once their direction is known.
  private func asksForMetadata(_ kind: PacketKind) -> Bool {
    var options = options(kind)
    // Not optimized, the filter compiles even if it accepts nothing for this direction or interface.
    options.optimize = false
    options.metadata = nil
    guard (try? source.compile(options)) == nil else { return false }
    let index = kind.interface < interfaces.count ? interfaces[kind.interface].index : nil
    options.metadata = PacketMetadata(isOutgoing: false, interfaceIndex: index)
    return (try? source.compile(options)) != nil
  }

  /// True if the filter applies to some link type among those with special primitives.
  private var meansSomethingElsewhere: Bool {
    [
      LinkType.ethernet, .raw, .linuxSLL2, .radiotap, .ppp, .pppPPPD, .null, .mtp2, .mtp2WithPseudoHeader, .pflog,
      .sunATM, .ciscoHDLC, .frameRelay, .tokenRing, .localTalk, .ipnet, .dsaTagBroadcom, .dsaTagMarvell, .slip,
    ].contains { linkType in
      var options = options
      options.linkType = linkType
      if (try? source.compile(options)) != nil { return true }
      return kinds.reportsDirection && asksForMetadata(PacketKind(linkType: linkType))
    }
  }

  // MARK: Messages to the user

  /// The error that ends the command if the filter applied to nothing that occurred; nil otherwise. `interfaces` are those that the source
  /// declares.
  mutating func failure(_ interfaces: InterfaceTable?) -> CommandError? {
    guard !hasMeaning, let first = refusals.first else { return nil }
    for linkType in interfaces?.linkTypes ?? [] where judge(PacketKind(linkType: linkType)) != nil {
      hasMeaning = true
      report()
      return nil
    }
    guard refusals.contains(where: { $0.kind.linkType != first.kind.linkType }) else {
      return CommandError(complete: words(first).rendered(expression: source.expression))
    }
    return .filter(source.expression, meansNothingFor: first.kind.linkType, words(first))
  }

  private func words(_ refusal: Refusal) -> FilterError {
    guard needsMetadata, refusal.kind.direction == .unknown, asksForMetadata(refusal.kind) else { return refusal.error }
    return FilterError("the file does not record the direction of these packets", at: refusal.error.ranges)
  }

  /// A packet of that kind has arrived, or will: once others are accepted, tell the user that it is rejected. Once for each link type and
  /// interface.
  private mutating func expectReport(of kind: PacketKind) {
    guard reports, let index = refusals.firstIndex(where: { $0.kind == kind }), !isReported(kind) else { return }
    refusals[index].isPending = true
    reportedKinds.append(kind)
  }

  private func isReported(_ kind: PacketKind) -> Bool {
    reportedKinds.contains { $0.linkType == kind.linkType && $0.interface == kind.interface }
  }

  /// Reports what is pending, as soon as the filter is known to apply to other packets.
  private mutating func report() {
    guard hasMeaning else { return }
    for index in refusals.indices where refusals[index].isPending {
      refusals[index].isPending = false
      let refusal = refusals[index]
      let place = refusal.kind.interface < interfaces.count ? "\(interfaces[refusal.kind.interface].name): " : ""
      Diagnostics.note(
        "apus: \(place)packets of link-type \(refusal.kind.linkType.words) are rejected: \(words(refusal).message)")
    }
  }
}

extension CommandError {
  /// The filter was compiled for other packets, but does not compile for this one.
  static func filter(_ expression: String, meansNothingFor linkType: LinkType, _ error: FilterError) -> CommandError {
    let words = "apus: the filter does not apply to packets of link-type \(linkType.words):\n"
    return CommandError(complete: words + error.rendered(expression: expression))
  }
}
