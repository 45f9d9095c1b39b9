package import PacketCore

/// What is known of the packet at hand: forgotten when the next one begins.
@usableFromInline
package struct PacketContext: ~Copyable {
  /// What holds inside the protocol that is being printed.
  @usableFromInline package var scope = Scope()
  /// Bytes of the link-layer header, which `-x`, `-X` and `-A` leave out.
  package var linkHeaderLength = 0
  /// Labels of domain names that were read beyond the length of a name.
  package var surplusLabels = 0
  /// Who sent the packet to whom, with `Recording.endpoints`.
  package var endpoints = PacketEndpoints()
  /// The headers, in order, with a recording other than `.nothing`.
  var layers = LayerList()
  /// The packet has more headers than are noted.
  var hasMoreLayers = false
  /// The protocol whose header is not captured whole, where the capture ends before the headers do.
  package var truncatedProtocol: StaticString?
  /// The protocols whose rules the packet breaks.
  package var faults: [StaticString] = []
  /// What the innermost header carries, where no dissector claims it.
  package var undecoded: (space: NumberSpace, number: UInt64, length: Int)?

  /// What holds inside one protocol: `Printer.nest` saves it and brings it back, so that what a protocol carries leaves no trace in what
  /// the protocol writes afterwards.
  @usableFromInline
  package struct Scope {
    /// Protocols inside one another: bounds the recursion.
    var depth = 0
    /// The place in `layers` of the header that was entered last; -1 if none was.
    var layer = -1
    /// Flags of the carrier's header, where those who claim its numbers need them: of GRE.
    package var carrierFlags: UInt16 = 0
    /// Who sent the Ethernet frame, where its payload is a protocol that prints it.
    package var linkSource: MACAddress?
    /// Bytes of payload that a UDP header states, those that the IP packet has for it, and where the text about its checksum begins.
    var datagram = (stated: 0, available: 0, verdict: Int.max)
    /// The ports of that header, for a protocol of several services that are distinguished by them.
    package var ports = (source: UInt16(0), destination: UInt16(0))
    /// The IP header around what is printed now.
    @usableFromInline package var network = NetworkHeader()
  }

  /// Forgets the packet.
  mutating func reset(_ recording: Recording) {
    scope = Scope()
    linkHeaderLength = 0
    surplusLabels = 0
    if recording == .nothing { return }
    layers.removeAll()
    if recording == .endpoints { endpoints = PacketEndpoints() }
    if recording != .fields { return }
    hasMoreLayers = false
    truncatedProtocol = nil
    if !faults.isEmpty { faults.removeAll(keepingCapacity: true) }
    undecoded = nil
  }
}

extension Printer {
  /// The IP header around what is printed now.
  ///
  /// Inlinable, as is whatever reads the printer and is called from another module: a call would be given a copy of the printer.
  @inlinable
  package var network: NetworkHeader {
    @inline(__always) get { context.scope.network }
    @inline(__always) _modify { yield &context.scope.network }
  }

  /// The headers of the packet at hand, in order, with a recording other than `.nothing`.
  public var layers: Span<Layer.ID> {
    @_lifetime(borrow self) get { context.layers.all }
  }

  /// Who sent the packet at hand to whom, with `Recording.endpoints`.
  public var endpoints: PacketEndpoints { context.endpoints }

  /// Protocols that may be inside one another.
  private static let maximumDepth = 96

  /// Runs the dissector at `index` over `bytes`, as `nest` does.
  package mutating func run(_ index: Registry.Index, _ bytes: PacketBytes) throws(DecodeError) {
    guard let entry = registry[index] else { return }
    protocolName = entry.name
    try nest(bytes, entry.print)
  }

  /// The same for a dissector that needs flags of its carrier's header.
  mutating func run(_ index: Registry.Index, _ bytes: PacketBytes, carrierFlags: UInt16) throws(DecodeError) {
    let outer = context.scope.carrierFlags
    context.scope.carrierFlags = carrierFlags
    try run(index, bytes)
    context.scope.carrierFlags = outer
  }

  /// Runs a dissector that the caller names over `bytes`, as `nest` does.
  package mutating func run(_ dissector: Dissector, _ bytes: PacketBytes) throws(DecodeError) {
    protocolName = dissector.name
    try nest(bytes, dissector.print)
  }

  /// Calls `print` one level deeper. What it finds invalid is marked with ` (invalid)`, and the caller goes on: in the scope that it had
  /// before, so that the enclosing IP header is its own again, and what it writes into `fields` goes into its own object.
  package mutating func nest(
    _ bytes: PacketBytes, _ print: (PacketBytes, inout Printer) throws(DecodeError) -> Void
  ) throws(DecodeError) {
    let (outer, wroteFields, level) = (context.scope, writesFields, fields.level)
    guard outer.depth < Self.maximumDepth else {
      out.write(" [nested too deep] (invalid)")
      noteInvalid()
      return
    }
    context.scope.depth &+= 1
    do throws(DecodeError) {
      try print(bytes, &self)
    } catch .invalid {
      out.write(" (invalid)")
      noteInvalid()
    }
    leave(to: outer, wroteFields, level)
  }

  /// Calls `print` for its fields alone: nothing of what it writes stays in the text, its errors are nobody's, and the packet is not
  /// called truncated or invalid for it.
  package mutating func recordOnly(
    _ bytes: PacketBytes, _ print: (PacketBytes, inout Printer) throws(DecodeError) -> Void
  ) {
    let (outer, wroteFields, level) = (context.scope, writesFields, fields.level)
    let (name, start) = (protocolName, out.count)
    // The number and no copy, which would have to be made where a fault is added.
    let (faults, truncatedProtocol) = (context.faults.count, context.truncatedProtocol)
    try? nest(bytes, print)
    context.faults.removeLast(max(0, context.faults.count - faults))
    (context.truncatedProtocol, context.undecoded) = (truncatedProtocol, nil)
    protocolName = name
    out.truncate(to: start)
    leave(to: outer, wroteFields, level)
  }

  /// The same for the dissector at `index`.
  package mutating func recordOnly(_ index: Registry.Index, _ bytes: PacketBytes) {
    guard let entry = registry[index] else { return }
    recordOnly(bytes, entry.print)
  }

  /// Goes back to a scope, and to whether its object was open. What an error left open in it is closed.
  @inline(__always)
  private mutating func leave(to outer: PacketContext.Scope, _ wroteFields: Bool, _ level: Int) {
    if recording == .fields, context.scope.layer != outer.layer { resumeObject(wroteFields ? outer.layer : nil) }
    if wroteFields { fields.end(downTo: level) }
    context.scope = outer
    writesFields = wroteFields
  }
}
