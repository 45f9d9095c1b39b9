/// An option of a pcapng block that is kept as it is: a code, and a value whose numbers are in the host's byte order.
public struct BlockOption: Hashable, Sendable {
  public var code: UInt16
  public var value: [UInt8]

  public init(code: UInt16, value: [UInt8]) {
    self.code = code
    self.value = value
  }
}

/// What is known of an interface that packets came from: the Interface Description Block of pcapng
/// (draft-ietf-opsawg-pcapng section 4.2), or an interface that is open.
public struct InterfaceDescription: Hashable, Sendable {
  public var linkType: LinkType
  /// Octets that are kept of each packet; 0 if there is no limit.
  public var snaplen: UInt32
  /// if_name.
  public var name: String?
  /// if_description: what it is, in words.
  public var details: String?
  /// if_filter: the expression that its packets have passed.
  public var filter: String?
  /// if_os: the operating system of the host that it belongs to.
  public var system: String?
  /// if_tsresol: the unit of `SourceTime.ticks` of its packets; nil if their times are nanoseconds of ours.
  public var resolution: UInt8?
  /// if_tsoffset: seconds to add to each of its times.
  public var timeOffset: Int64 = 0
  /// The upper six bits of a pcap file's link-type field, where they stand there: whether it says how long the frame check sequence is that
  /// each packet ends with, and its length in units of two octets.
  public var linkTypeFlags: UInt32 = 0
  /// All its other options, in their order.
  public var options: [BlockOption] = []

  public init(
    linkType: LinkType, snaplen: UInt32, name: String? = nil, details: String? = nil, filter: String? = nil,
    system: String? = nil
  ) {
    self.linkType = linkType
    self.snaplen = snaplen
    self.name = name
    self.details = details
    self.filter = filter
    self.system = system
  }
}

/// What a Section Header Block of pcapng says of where its packets come from (draft-ietf-opsawg-pcapng section 4.1).
public struct SectionDescription: Hashable, Sendable {
  /// opt_comment, each of them.
  public var comments: [String] = []
  /// shb_hardware.
  public var hardware: String?
  /// shb_os.
  public var system: String?
  /// Other options, but for shb_userappl: the program that writes a copy is another one.
  public var options: [BlockOption] = []

  public init() {}

  public var isEmpty: Bool { self == SectionDescription() }

  /// What both say: names that differ stand beside each other.
  public func joined(_ other: SectionDescription) -> SectionDescription {
    var sum = self
    sum.comments += other.comments.filter { !comments.contains($0) }
    sum.hardware = Self.joined(hardware, other.hardware)
    sum.system = Self.joined(system, other.system)
    sum.options += other.options.filter { !options.contains($0) }
    return sum
  }

  private static func joined(_ first: String?, _ second: String?) -> String? {
    guard let first, let second, first != second, !first.hasSuffix(", " + second) else { return first ?? second }
    return "\(first), \(second)"
  }
}

/// A block of pcapng that stands between packets and belongs in a copy of them. Numbers are in the host's byte order.
public struct SourceBlock: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Name Resolution Block: addresses and their names.
    case names
    /// Decryption Secrets Block.
    case secrets
    /// Interface Statistics Block of the interface of that index; the body is what comes after its number.
    case statistics(interface: Int)
    /// Custom Block that may be copied.
    case custom
    /// systemd Journal Export Block.
    case journal
  }

  public var kind: Kind
  /// The body of the block.
  public var body: [UInt8]

  public init(_ kind: Kind, _ body: [UInt8]) {
    self.kind = kind
    self.body = body
  }

  /// True if packets that follow may need it: it belongs in every file that has such packets.
  public var isForPackets: Bool { kind == .names || kind == .secrets }
}
