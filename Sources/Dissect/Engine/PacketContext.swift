package import PacketCore

/// State of the packet that is being parsed; reset when the next packet begins.
@usableFromInline
package struct PacketContext: ~Copyable {
  /// State of the protocol that is being printed.
  @usableFromInline package var scope = Scope()
  /// Bytes of the link-layer header, which `-x`, `-X` and `-A` leave out.
  package var linkHeaderLength = 0
  /// Labels that were read after a domain name had exceeded the maximum length of a name.
  package var surplusLabels = 0
  /// Sender and receiver of the packet, with `Recording.endpoints`.
  package var endpoints = PacketEndpoints()
  /// The headers in order, unless the recording is `.nothing`.
  var layers = LayerList()
  /// The packet has more headers than `layers` can hold.
  var hasMoreLayers = false
  /// The protocol whose header was not captured whole, if the capture ends before the headers do.
  package var truncatedProtocol: StaticString?
  /// The protocols whose rules the packet breaks.
  package var faults: [StaticString] = []
  /// The payload of the innermost header, if no dissector claims it.
  package var undecoded: (space: NumberSpace, number: UInt64, length: Int)?

  /// State of one protocol. `Printer.nest` saves and restores it, so that an inner protocol does not change what the outer one writes after
  /// it.
  @usableFromInline
  package struct Scope {
    /// Nesting depth of protocols; bounds the recursion.
    var depth = 0
    /// The index in `layers` of the header that was entered last; -1 if none was.
    var layer = -1
    /// Flags of the carrier's header, for dissectors that need them: those of GRE.
    package var carrierFlags: UInt16 = 0
    /// Source of the Ethernet frame, set if the payload is a protocol that prints it.
    package var linkSource: MACAddress?
    /// Payload bytes that the UDP header states, payload bytes that the IP packet has room for, and the offset of the text about the UDP
    /// checksum.
    var datagram = (stated: 0, available: 0, verdict: Int.max)
    /// The ports of the UDP header, for a protocol that tells its services apart by port.
    package var ports = (source: UInt16(0), destination: UInt16(0))
    /// The IP header around the protocol that is being printed.
    @usableFromInline package var network = NetworkHeader()
  }

  /// Resets the state for the next packet.
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
  /// The IP header around the protocol that is being printed.
  ///
  /// Inlinable, like everything that reads the printer and is called from another module: a call would copy the whole printer.
  @inlinable
  package var network: NetworkHeader {
    @inline(__always) get { context.scope.network }
    @inline(__always) _modify { yield &context.scope.network }
  }

  /// The headers of the current packet, in order, unless the recording is `.nothing`.
  public var layers: Span<Layer.ID> {
    @_lifetime(borrow self) get { context.layers.all }
  }

  /// Sender and receiver of the current packet, with `Recording.endpoints`.
  public var endpoints: PacketEndpoints { context.endpoints }

  /// Maximum nesting depth of protocols.
  private static let maximumDepth = 96

  /// Runs the dissector at `index` over `bytes`, as `nest` does.
  package mutating func run(_ index: Registry.Index, _ bytes: PacketBytes) throws(DecodeError) {
    guard let entry = registry[index] else { return }
    protocolName = entry.name
    try nest(bytes, entry.print)
  }

  /// The same for a dissector that needs the flags of the carrier's header.
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

  /// Calls `print` one level deeper. If `print` throws `.invalid`, ` (invalid)` is appended and the caller goes on. The caller's scope is
  /// restored: the enclosing IP header is its own again, and its fields go into its own object.
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

  /// Calls `print` for its fields only: its text is removed, its errors are dropped, and the packet is not marked as truncated or invalid
  /// because of them.
  package mutating func recordOnly(
    _ bytes: PacketBytes, _ print: (PacketBytes, inout Printer) throws(DecodeError) -> Void
  ) {
    let (outer, wroteFields, level) = (context.scope, writesFields, fields.level)
    let (name, start) = (protocolName, out.count)
    // Keep the number of faults rather than a copy of the array: a copy would force an allocation when a fault is added.
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

  /// Restores a scope and whether its object was open, and closes what an error left open in that object.
  @inline(__always)
  private mutating func leave(to outer: PacketContext.Scope, _ wroteFields: Bool, _ level: Int) {
    if recording == .fields, context.scope.layer != outer.layer { resumeObject(wroteFields ? outer.layer : nil) }
    if wroteFields { fields.end(downTo: level) }
    context.scope = outer
    writesFields = wroteFields
  }
}
