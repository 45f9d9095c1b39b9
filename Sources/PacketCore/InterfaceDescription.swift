/// An option of a pcapng block that is kept unchanged: a code, and a value whose numbers are in the host's byte order.
public struct BlockOption: Hashable, Sendable {
  public var code: UInt16
  public var value: [UInt8]

  public init(code: UInt16, value: [UInt8]) {
    self.code = code
    self.value = value
  }
}

/// What is known about an interface that packets came from: the Interface Description Block of pcapng (draft-ietf-opsawg-pcapng section
/// 4.2), or an interface that is open.
public struct InterfaceDescription: Hashable, Sendable {
  public var linkType: LinkType
  /// How many bytes of each packet are kept; 0 if there is no limit.
  public var snaplen: UInt32
  /// if_name.
  public var name: String?
  /// if_description: a description in words.
  public var details: String?
  /// if_filter: the filter expression that its packets have passed.
  public var filter: String?
  /// if_os: the operating system of its host.
  public var system: String?
  /// if_tsresol: the unit of `SourceTime.ticks` in its packets; nil if their times are in nanoseconds.
  public var resolution: UInt8?
  /// if_tsoffset: seconds to add to each of its times.
  public var timeOffset: Int64 = 0
  /// The upper six bits of the link-type field in a pcap file, left where they are: whether the length of the frame check sequence at the
  /// end of each packet is given, and that length in units of two bytes.
  public var linkTypeFlags: UInt32 = 0
  /// All its other options, in order.
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

/// What a Section Header Block of pcapng says about the origin of its packets (draft-ietf-opsawg-pcapng section 4.1).
public struct SectionDescription: Hashable, Sendable {
  /// Each opt_comment.
  public var comments: [String] = []
  /// shb_hardware.
  public var hardware: String?
  /// shb_os.
  public var system: String?
  /// Other options, except shb_userappl: the program that writes a copy is a different one.
  public var options: [BlockOption] = []

  public init() {}

  public var isEmpty: Bool { self == SectionDescription() }

  /// Combines both: names that differ are joined.
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

/// A block of pcapng between packets that belongs in a copy of them. Numbers are in the host's byte order.
public struct SourceBlock: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// Name Resolution Block: addresses with their names.
    case names
    /// Decryption Secrets Block.
    case secrets
    /// Interface Statistics Block of the interface with that index; the body is what follows the interface number.
    case statistics(interface: Int)
    /// Custom Block that permits copying.
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

  /// True if later packets may need it: it belongs in every file with such packets.
  public var isForPackets: Bool { kind == .names || kind == .secrets }
}
