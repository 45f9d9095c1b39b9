public import Names
public import PacketCore

/// Turns packets into text, one after the other, in the format of tcpdump.
///
/// It is passed `inout` from protocol to protocol. Text collects in `out`; the caller flushes it.
public struct Printer: ~Copyable {
  /// The text of the packets printed so far.
  public var out = TextBuffer(capacity: 1 << 17)
  /// The flags of the command line.
  public let options: PrintOptions

  /// All dissectors, and the numbers that they claim.
  package let registry: Registry
  /// The source of names; nil with `-n`.
  package let names: LocalNames?
  /// The name to write into a truncation mark: that of the protocol entered last.
  package var protocolName: StaticString = ""
  /// State of the current packet.
  @usableFromInline package var context = PacketContext()
  /// Times of day, and the times of the first and the previous packet.
  package var clock: Clock
  /// What to record of the parsed headers.
  package let recording: Recording
  /// Only the names of headers are wanted, so a protocol that carries no other need not read further. Stored, since other modules read it:
  /// a computed property would cost them a copy of the printer.
  package let wantsLayersAlone: Bool
  /// The fields of the current packet, with `Recording.fields`.
  package var fields = FieldWriter()
  /// Which of the packets before the current one this printer has seen.
  var history = History.complete
  /// The TCP connections seen.
  var tcpConnections = TCPConnections()
  /// The JSON objects of the TCP flags, cached.
  var tcpFlagTexts = KeptTexts(count: 512)
  /// State that other protocols keep between packets, each at the index of its `ProtocolState`.
  var states: [AnyObject?] = []
  /// True while the object of the header that was entered last is open in `fields`; `nest` saves and restores it.
  @usableFromInline package internal(set) var writesFields = false
  /// The processes of the packet to print next; nil if they are not wanted.
  public var processes: PacketProcesses?
  /// The names of the interfaces, for a capture on several.
  package var interfaceLabels: [String] = []

  /// A printer that has seen no packet. Names are looked up in `names`, unless `-n` asks for numbers. `recording` says what to record of
  /// the parsed headers besides the text.
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

  /// Appends the text of one packet, the closing newline included. `number` counts the packets of the source, from 1.
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
    if let processes { write(processes) }
    dump(bytes)
    out.write(byte: UInt8(ascii: "\n"))
    if options.color { colorText(from: start, head: head) }
  }

  /// How the text of a packet ended.
  package enum Ending { case whole, truncated, invalid }

  /// Appends the text of a packet's headers and payload.
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

  /// Prints a packet of a link type: a captured one, or one inside another header.
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

  /// Appends the truncation mark of the protocol that was entered last.
  package mutating func writeTruncation() {
    out.write(" ")
    writeTruncation(of: protocolName)
  }

  /// Appends a truncation mark.
  package mutating func writeTruncation(of name: StaticString) {
    noteTruncation(of: name)
    out.write("[|")
    out.write(name)
    out.write("]")
  }

  /// Records the protocol that a truncation mark names.
  package mutating func noteTruncation(of name: StaticString) {
    guard recording == .fields, context.truncatedProtocol == nil else { return }
    context.truncatedProtocol = layerName(ofMark: name)
  }

  /// Appends an error instead of a packet whose captured length and length on the wire are impossible.
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
  /// The largest length that is accepted, in bytes: the maximum snapshot length of libpcap.
  fileprivate static var maximumLength: Int { 262_144 }

  /// False if the captured length and the length on the wire of a packet are impossible.
  package var hasPossibleLengths: Bool { count > 0 && length >= count && length <= Self.maximumLength }
}
