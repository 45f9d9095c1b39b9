public import Names
public import PacketCore

/// Turns packets into text, one after the other, as tcpdump writes them.
///
/// It is passed `inout` down the protocols. Text gathers in `out`; who drives the printer flushes it.
public struct Printer: ~Copyable {
  /// The text of the packets printed so far.
  public var out = TextBuffer(capacity: 1 << 17)
  /// The flags of the command line.
  public let options: PrintOptions

  /// Who prints what.
  package let registry: Registry
  /// Where names come from; nil with `-n`.
  package let names: LocalNames?
  /// The name that a truncation mark gives: of the protocol that was entered last.
  package var protocolName: StaticString = ""
  /// Octets of the link-layer header of the packet at hand, which `-x`, `-X` and `-A` leave out.
  package var linkHeaderLength = 0
  /// The IP header around what is printed now.
  package var network = NetworkHeader()
  /// Flags of the GRE header around what is printed now.
  package var greFlags: UInt16 = 0
  /// Protocols inside one another: bounds the recursion.
  package var depth = 0
  /// Labels of domain names in the packet at hand that were read beyond the length of a name.
  package var surplusLabels = 0
  /// Times of day, and the times of the first and the previous packet.
  package var clock: Clock
  /// The initial sequence numbers of TCP connections over IPv4 and over IPv6.
  package var flowsIPv4 = FlowTable<UInt32>()
  package var flowsIPv6 = FlowTable<UInt128>()
  /// Room for the bytes of a PPP frame without its escapes.
  package var unstuffed: [UInt8] = []
  /// Names of this machine's interfaces that were asked for.
  var interfaces = InterfaceNames()
  /// What is noted of the headers that are parsed.
  package let recording: Recording
  /// The headers of the packet at hand, in order, with `Recording.layers` and `Recording.fields`.
  public internal(set) var layers: [Layer.ID] = []
  /// Who sent the packet at hand to whom, with `Recording.layers` and `Recording.fields`.
  public internal(set) var endpoints = PacketEndpoints()
  /// The fields of the packet at hand, with `Recording.fields`.
  package var fields = FieldWriter()
  /// `fields` is open for those of the layer that was entered last.
  @usableFromInline package var writesFields = false
  /// The capture ends before the headers of the packet at hand do.
  package var wasCut = false
  /// The protocol whose header that was.
  package var truncatedProtocol: StaticString = ""
  /// The packet at hand has more headers than are noted.
  package var hasMoreLayers = false
  /// What the innermost header of the packet at hand carries, where no dissector claims it.
  package var undecoded: (space: NumberSpace, number: UInt64, length: Int)?
  /// The protocols whose rules the packet at hand breaks.
  package var faults: [StaticString] = []
  /// What the interfaces of a capture on several are called.
  package var interfaceLabels: [String] = []

  /// A printer that has seen no packet. Names are looked up in `names` unless `-n` asks for numbers.
  /// With `recording` other than `.nothing` it also notes what the text is about.
  public init(
    options: PrintOptions, registry: Registry, names: LocalNames = LocalNames(), recording: Recording = .nothing
  ) {
    self.registry = registry
    self.options = options
    self.recording = recording
    self.names = options.numeric > 0 ? nil : names
    clock = Clock(utcOffset: options.timestamp == .utc ? 0 : options.utcOffset)
  }

  /// Protocols that may be inside one another.
  private static let maximumDepth = 96
  /// Appends the whole text of one packet, the closing newline included. `number` is its place in the source, from 1.
  public mutating func packet(_ packet: borrowing Packet, number: UInt64) {
    let bytes = packet.bytes
    let start = out.count
    if options.packetNumber {
      out.write(decimal: number, width: 5, pad: UInt8(ascii: " "))
      out.write("  ")
    }
    if options.lengths {
      out.write("caplen ")
      out.write(decimal: UInt(bitPattern: bytes.count))
      out.write(" len ")
      out.write(decimal: UInt(bitPattern: bytes.length))
      out.write(" ")
    }
    guard bytes.hasPossibleLengths else {
      writeInvalidLengths(bytes)
      return
    }
    writeTimestamp(packet.timestamp)
    if !interfaceLabels.isEmpty { writeInterfaceLabel(packet) }
    let head = out.count
    switch dissect(packet) {
    case .whole: break
    case .truncated:
      writeTruncation()
      linkHeaderLength = 0
    case .invalid: out.write(" (invalid)")
    }
    dump(bytes)
    out.write(byte: UInt8(ascii: "\n"))
    if options.color { colorText(from: start, head: head) }
  }

  /// How the text of a packet ended.
  package enum Ending { case whole, truncated, invalid }

  /// Appends what is to be said of a packet's octets.
  package mutating func dissect(_ packet: borrowing Packet) -> Ending {
    forgetPacket()
    do throws(DecodeError) {
      try printLinkType(packet.linkType, packet.bytes)
      return .whole
    } catch {
      return error == .truncated ? .truncated : .invalid
    }
  }

  /// Forgets what was found in the packet before.
  package mutating func forgetPacket() {
    linkHeaderLength = 0
    depth = 0
    surplusLabels = 0
    network = NetworkHeader()
    if recording != .nothing {
      layers.removeAll(keepingCapacity: true)
      endpoints = PacketEndpoints()
      faults.removeAll(keepingCapacity: true)
      writesFields = false
      wasCut = false
      hasMoreLayers = false
      undecoded = nil
    }
  }

  private mutating func printLinkType(_ type: LinkType, _ bytes: PacketBytes) throws(DecodeError) {
    if type == .ethernet {
      protocolName = "ether"
      linkHeaderLength = try printEthernet(bytes)
      return
    }
    let index = registry.index(linkType: type)
    if index != 0 {
      try run(index, bytes)
      return
    }
    noteUndecoded(.linkType, type.rawValue, bytes)
    protocolName = "unsupported"
    out.write("UNSUPPORTED")
    if !options.suppressesUnknownDump { writeHexAndASCII(bytes) }
  }

  /// The truncation mark of the protocol that was entered last.
  package mutating func writeTruncation() {
    out.write(" ")
    writeTruncation(of: protocolName)
  }

  /// A truncation mark.
  package mutating func writeTruncation(of name: StaticString) {
    noteTruncation(of: name)
    out.write("[|")
    out.write(name)
    out.write("]")
  }

  /// Notes what a truncation mark says.
  package mutating func noteTruncation(of name: StaticString) {
    guard recording == .fields, !wasCut else { return }
    truncatedProtocol = layerName(ofMark: name)
    wasCut = true
  }

  /// Runs the dissector at `index` over `bytes`. What it finds invalid is marked, and the caller goes on.
  package mutating func run(_ index: Registry.Index, _ bytes: PacketBytes) throws(DecodeError) {
    guard let entry = registry[index] else { return }
    protocolName = entry.name
    try nest(bytes, entry.print)
  }

  /// Runs a dissector that the caller names over `bytes`. What it finds invalid is marked, and the caller goes on.
  package mutating func run(_ dissector: Dissector, _ bytes: PacketBytes) throws(DecodeError) {
    protocolName = dissector.name
    try nest(bytes, dissector.print)
  }

  /// Calls `print` one level deeper. What it finds invalid is marked with ` (invalid)`, and the caller goes on.
  package mutating func nest(_ bytes: PacketBytes, _ print: Dissector.Print) throws(DecodeError) {
    guard depth < Self.maximumDepth else {
      out.write(" [nested too deep] (invalid)")
      noteInvalid()
      return
    }
    depth &+= 1
    do throws(DecodeError) {
      try print(bytes, &self)
    } catch .invalid {
      out.write(" (invalid)")
      noteInvalid()
    }
    depth &-= 1
  }

  /// What is written instead of a packet whose captured length and length on the wire cannot be.
  private mutating func writeInvalidLengths(_ bytes: PacketBytes) {
    let caplen = UInt(bitPattern: bytes.count)
    let len = UInt(bitPattern: bytes.length)
    var separator: StaticString = "[Invalid header: "
    if caplen == 0 {
      out.write(separator)
      out.write("caplen==0")
      separator = ", "
    }
    if len == 0 {
      out.write(separator)
      out.write("len==0")
      separator = ", "
    } else if len < caplen {
      out.write(separator)
      out.write("len(")
      out.write(decimal: len)
      out.write(") < caplen(")
      out.write(decimal: caplen)
      out.write(")")
      separator = ", "
    }
    if caplen > PacketBytes.maximumLength {
      out.write(separator)
      out.write("caplen(")
      out.write(decimal: caplen)
      out.write(") > 262144")
      separator = ", "
    }
    if len > PacketBytes.maximumLength {
      out.write(separator)
      out.write("len(")
      out.write(decimal: len)
      out.write(") > 262144")
    }
    out.write("]\n")
  }
}

extension PacketBytes {
  /// The largest length that is taken seriously, in octets: the largest snapshot length of libpcap.
  fileprivate static var maximumLength: Int { 262_144 }

  /// False where the captured length and the length on the wire of a packet cannot be.
  package var hasPossibleLengths: Bool { count > 0 && length >= count && length <= Self.maximumLength }
}
