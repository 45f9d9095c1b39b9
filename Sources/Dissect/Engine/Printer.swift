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
  /// What is known of the packet at hand.
  @usableFromInline package var context = PacketContext()
  /// Times of day, and the times of the first and the previous packet.
  package var clock: Clock
  /// What is noted of the headers that are parsed.
  package let recording: Recording
  /// Nothing but the names of headers is wanted: a protocol that carries no other needs to read no more. Stored, since other modules read
  /// it: a computed property would cost them a copy of the printer.
  package let wantsLayersAlone: Bool
  /// The fields of the packet at hand, with `Recording.fields`.
  package var fields = FieldWriter()
  /// Which of the packets before the one at hand this printer has seen.
  var history = History.complete
  /// The connections of TCP.
  var tcpConnections = TCPConnections()
  /// The objects of TCP's flags.
  var tcpFlagTexts = KeptTexts(count: 512)
  /// What other protocols remember from packet to packet, each at its own place.
  var states: [AnyObject?] = []
  /// The object of the header that was entered last is open in `fields`: `nest` saves it, and brings it back.
  @usableFromInline package internal(set) var writesFields = false
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
    wantsLayersAlone = recording == .layers || recording == .endpoints
    self.names = options.numeric > 0 ? nil : names
    clock = Clock(utcOffset: options.timestamp == .utc ? 0 : options.utcOffset)
  }

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
      context.linkHeaderLength = 0
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
    context.reset(recording)
    writesFields = false
    do throws(DecodeError) {
      try printLinkType(packet.linkType, packet.bytes)
      return .whole
    } catch {
      return error == .truncated ? .truncated : .invalid
    }
  }

  /// A packet of a link type: one of the capture's, or of a capture inside another header.
  package mutating func printLinkType(_ type: LinkType, _ bytes: PacketBytes) throws(DecodeError) {
    if type == .ethernet {
      protocolName = "ether"
      context.linkHeaderLength = try printEthernet(bytes)
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
    writeHexAndASCII(bytes)
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
    guard recording == .fields, context.truncatedProtocol == nil else { return }
    context.truncatedProtocol = layerName(ofMark: name)
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

  /// False if the captured length and the length on the wire of a packet cannot be.
  package var hasPossibleLengths: Bool { count > 0 && length >= count && length <= Self.maximumLength }
}
