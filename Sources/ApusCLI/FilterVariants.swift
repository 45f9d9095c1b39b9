import BPF
import Filter
import PacketCore

/// What of a packet decides which program judges it.
struct PacketKind: Equatable {
  var linkType: LinkType
  /// Index of the interface in a live capture; 0 in a file.
  var interface = 0
  /// Which way the packet went, where the filter asks for that.
  var direction = PacketDirection.unknown
}

/// What a filter may ask about an interface of a live capture.
struct InterfaceFacts {
  let name: String
  let linkType: LinkType
  /// Its number in the system; 0 where packets do not say from which interface they are.
  let index: UInt32
  /// First byte most significant; nil where it is not known.
  let netmask: UInt32?
}

/// What is known of the packets of a source, or of several that are read in turn, before they come.
struct SourceKinds {
  /// The interfaces of a live capture.
  var interfaces: [InterfaceFacts] = []
  /// Packets may state their direction; one that does not is rejected by a filter that tests it.
  var tellsDirection = false
  /// Packets may be of more link types than the first.
  var isMixed = false
}

/// One filter, compiled once for every kind of packet that is met.
///
/// A filter may mean nothing for a link type: `arp` for raw IP, a direction that a file does not record. Packets of such a kind are
/// rejected, and a note says so. It is an error only where nothing else is met: no packet and no interface for which the filter means
/// something. `Judge` is what the filter is compiled to.
struct FilterVariants<Judge> {
  typealias Compile = (CompileOptions) throws(FilterError) -> Judge

  let source: FilterSource
  private(set) var options: CompileOptions
  private var kinds: SourceKinds
  private let compile: Compile
  /// A message names what the filter means nothing for.
  private let reports: Bool
  /// The filter asks for what is not in a packet: its direction, or the number of its interface.
  private(set) var needsMetadata = false
  /// The judges of all kinds met so far; nil for a kind that the filter means nothing for.
  private var judges: [(kind: PacketKind, judge: Judge?)] = []
  /// The filter means something for a kind of packet that was met.
  private var hasMeaning = false
  /// Why it means nothing for others, in the order in which they were met.
  private var refusals: [Refusal] = []

  /// Kinds of packets that have been reported to the user, or will be.
  private var reportedKinds: [PacketKind] = []

  /// Why the filter means nothing for a kind of packet.
  private struct Refusal {
    let kind: PacketKind
    let error: FilterError
    /// Such packets came, which has not been reported to the user yet.
    var isPending = false
  }

  /// Compiles the filter for the link type of `options`, or for those of all `interfaces`. Throws where it is wrong whatever the packets
  /// are, or means nothing for any that there can be.
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

  /// True where the program depends on more of a packet than its link type.
  var choosesForEach: Bool { needsMetadata || !interfaces.isEmpty }

  /// What decides about the program for this packet.
  @inline(__always)
  func kind(of packet: borrowing Packet) -> PacketKind {
    PacketKind(
      linkType: packet.linkType, interface: interfaces.isEmpty ? 0 : packet.interface,
      direction: needsMetadata ? packet.direction : .unknown)
  }

  /// What judges a packet, and its kind; nil where the filter means nothing for it: it is rejected.
  mutating func judge(of packet: borrowing Packet) -> (kind: PacketKind, judge: Judge?) {
    let neededMetadata = needsMetadata
    var kind = kind(of: packet)
    var judge = judge(kind)
    if needsMetadata != neededMetadata {
      // Only now it was found that the filter asks for the direction.
      kind = self.kind(of: packet)
      judge = self.judge(kind)
    }
    if judge != nil { hasMeaning = true } else { expectReport(of: kind) }
    report()
    return (kind, judge)
  }

  /// What judges packets of a kind; nil where the filter means nothing for them.
  mutating func judge(_ kind: PacketKind) -> Judge? {
    for known in judges where known.kind == kind { return known.judge }
    let judge: Judge?
    do throws(FilterError) {
      judge = try compiled(kind)
    } catch {
      // No packet is judged any more.
      if error.kind == .cancelled { return nil }
      // No packet needed its direction until now.
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

  /// Gets ready for the packets of another file, whose first link type is that of `options`. What was compiled for the one before holds
  /// where both are of the same byte order. Throws as `init` does.
  mutating func prepare(for options: CompileOptions, _ kinds: SourceKinds) throws(FilterError) {
    if options.target != self.options.target { judges.removeAll() }
    self.options = options
    self.kinds = kinds
    try meetLinkType()
  }

  private mutating func meetLinkType() throws(FilterError) {
    let kind = PacketKind(linkType: options.linkType)
    // Whether packets state their direction is known when they arrive.
    guard !needsMetadata || !kinds.tellsDirection else { return }
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
      // What is wrong with the words themselves is reported as for a kernel, which knows all that they ask for.
      var options = options
      options.target = .linuxKernel
      _ = try source.compile(options)
      throw error
    }
    report()
  }

  // MARK: Compiling

  /// The judge of a kind. Where it is known which way a packet goes, the filter may reject all that go this way.
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

  /// A judge that rejects all packets of that kind although the filter means something for them.
  private func rejecting(_ options: CompileOptions) throws(FilterError) -> Judge {
    // Not optimized, a program that rejects all packets is no error.
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

  /// True if packets of that kind state their direction.
  private func statesDirection(_ kind: PacketKind) -> Bool {
    kind.interface < interfaces.count ? interfaces[kind.interface].index != 0 : kinds.tellsDirection
  }

  /// True where the filter means something for packets of that kind once it is known which way they went.
  private func asksForMetadata(_ kind: PacketKind) -> Bool {
    var options = options(kind)
    // Whatever a direction, or an interface, leaves to accept: the words mean something.
    options.optimize = false
    options.metadata = nil
    guard (try? source.compile(options)) == nil else { return false }
    let index = kind.interface < interfaces.count ? interfaces[kind.interface].index : nil
    options.metadata = PacketMetadata(isOutgoing: false, interfaceIndex: index)
    return (try? source.compile(options)) != nil
  }

  /// True where the filter means something for a link type, of those that have words of their own.
  private var meansSomethingElsewhere: Bool {
    [
      LinkType.ethernet, .raw, .linuxSLL2, .radiotap, .ppp, .pppPPPD, .null, .mtp2, .mtp2WithPseudoHeader, .pflog,
      .sunATM, .ciscoHDLC, .frameRelay, .tokenRing, .localTalk, .ipnet, .dsaTagBroadcom, .dsaTagMarvell, .slip,
    ].contains { linkType in
      var options = options
      options.linkType = linkType
      if (try? source.compile(options)) != nil { return true }
      return kinds.tellsDirection && asksForMetadata(PacketKind(linkType: linkType))
    }
  }

  // MARK: Messages to the user

  /// What ends the command where the filter means nothing for all that was met; nil elsewhere. `interfaces` are those that the source
  /// states.
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

  /// A packet of that kind has come, or will: once others are accepted the user should know that it is rejected. Once for each link type and
  /// interface.
  private mutating func expectReport(of kind: PacketKind) {
    guard reports, let index = refusals.firstIndex(where: { $0.kind == kind }), !isReported(kind) else { return }
    refusals[index].isPending = true
    reportedKinds.append(kind)
  }

  private func isReported(_ kind: PacketKind) -> Bool {
    reportedKinds.contains { $0.linkType == kind.linkType && $0.interface == kind.interface }
  }

  /// Says what is pending, as soon as the filter is known to mean something for other packets.
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
  /// The filter was compiled for other packets, and cannot be for this one.
  static func filter(_ expression: String, meansNothingFor linkType: LinkType, _ error: FilterError) -> CommandError {
    let words = "apus: the filter does not apply to packets of link-type \(linkType.words):\n"
    return CommandError(complete: words + error.rendered(expression: expression))
  }
}
