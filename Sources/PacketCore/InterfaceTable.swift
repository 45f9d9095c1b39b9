/// What a packet source has stated so far besides packets: its interfaces, by the index used in its packets (`Packet.interface`), its
/// section, and, if wanted, the blocks between its packets.
///
/// It grows while the source is read, and the holder of a packet may look up its interface. So it is a class, shared by the source and the
/// later stages, which run in the same thread.
public final class InterfaceTable {
  private var interfaces: [InterfaceDescription]
  /// The tables of several sources that together form this one; the indices of each begin at the next multiple of `stride`.
  private var parts: [InterfaceTable] = []
  private let stride: Int
  /// The table that this one is a part of, and the index where its own indices begin there.
  private weak var whole: InterfaceTable?
  private var firstIndex = 0

  /// What the source's first section says about itself.
  private var ownSection = SectionDescription()
  /// True to keep blocks until they are written.
  public var keepsBlocks = false
  /// Blocks that have not been written yet.
  private var pendingBlocks: [SourceBlock] = []
  /// Blocks that have been written, and that every other file with packets of this source needs.
  public private(set) var blocksForPackets: [SourceBlock] = []
  private var pendingOctets = 0
  private var octetsForPackets = 0
  /// What was not kept, and is missing from a copy.
  public var losses = Losses()

  /// What is missing from a copy.
  public struct Losses: Hashable, Sendable {
    /// Texts of interfaces that did not fit.
    public var texts = 0
    /// Blocks that did not fit, or that are invalid.
    public var blocks = 0
    /// Blocks that forbid copying.
    public var unwantedBlocks = 0
    /// Blocks of unknown types.
    public var unknownBlocks = 0

    public init() {}
  }

  /// The maximum total size in bytes of the blocks that are kept.
  private static let blockLimit = 64 << 20

  public init(_ interfaces: [InterfaceDescription] = []) {
    self.interfaces = interfaces
    stride = 0
  }

  /// A table for several sources, each of which has its own table: `append(part:)`.
  public init(stride: Int) {
    interfaces = []
    self.stride = stride
  }

  // MARK: Interfaces

  /// The number of interfaces in a table that does not consist of others.
  public var count: Int { interfaces.count }

  /// Adds an interface and returns its index.
  @discardableResult
  public func append(_ interface: InterfaceDescription) -> Int {
    interfaces.append(interface)
    return interfaces.count - 1
  }

  /// Adds the table of another source, with the blocks it contains.
  public func append(part: InterfaceTable) {
    part.whole = self
    part.firstIndex = parts.count * stride
    parts.append(part)
    if part.keepsBlocks { keepsBlocks = true }
    for block in part.takePending() { append(part.indexed(block)) }
  }

  /// The interface with that index; nil if it is unknown.
  public subscript(_ index: Int) -> InterfaceDescription? {
    guard stride > 0 else { return interfaces.indices.contains(index) ? interfaces[index] : nil }
    guard parts.indices.contains(index / stride) else { return nil }
    let part = parts[index / stride]
    // The last index of a part stands for all interfaces that do not fit.
    return index % stride == stride - 1 && part.count >= stride ? nil : part[index % stride]
  }

  /// The number of sources it consists of: 1 if there is only one.
  public var partCount: Int { stride > 0 ? parts.count : 1 }

  /// The indices of the interfaces of one source that are known so far.
  public func indices(ofPart part: Int) -> Range<Int> {
    guard stride > 0 else { return 0..<interfaces.count }
    return part * stride..<part * stride + min(parts[part].count, stride - 1)
  }

  /// The link types of the interfaces that are known so far.
  public var linkTypes: Set<LinkType> {
    parts.reduce(Set(interfaces.lazy.map(\.linkType))) { $0.union($1.linkTypes) }
  }

  /// The source that an index belongs to.
  public func part(of index: Int) -> Int { stride > 0 ? index / stride : 0 }

  // MARK: Section

  /// What the first section says about itself; for several sources, what the first section of each says.
  public var section: SectionDescription {
    get { parts.reduce(ownSection) { $0.joined($1.section) } }
    set { ownSection = newValue }
  }

  // MARK: Blocks

  /// True if there are blocks that have not been written yet. It is read for every packet, so it has no check of exclusive access: the
  /// table belongs to one thread, so nothing can read it while it is written.
  @exclusivity(unchecked) public private(set) var hasPendingBlocks = false

  /// Keeps a block until it is written. At most 64 MiB are kept: further blocks are counted as lost.
  public func append(_ block: SourceBlock) {
    if let whole { return whole.append(indexed(block)) }
    guard pendingOctets + block.body.count <= Self.blockLimit else {
      losses.blocks += 1
      return
    }
    pendingOctets += block.body.count + 64
    pendingBlocks.append(block)
    // Safe: the table belongs to one thread, and nothing reads this meanwhile.
    unsafe hasPendingBlocks = true
  }

  /// The same block with the index of its interface in the table of several sources.
  private func indexed(_ block: SourceBlock) -> SourceBlock {
    guard case .statistics(let interface) = block.kind else { return block }
    let most = (whole?.stride ?? .max) - 1
    return SourceBlock(.statistics(interface: firstIndex + min(interface, most)), block.body)
  }

  /// Removes and returns the blocks that have not been written yet.
  public func takeBlocks() -> [SourceBlock] {
    let blocks = takePending()
    for block in blocks where block.isForPackets {
      guard octetsForPackets + block.body.count <= Self.blockLimit else { continue }
      octetsForPackets += block.body.count + 64
      blocksForPackets.append(block)
    }
    return blocks
  }

  private func takePending() -> [SourceBlock] {
    let blocks = pendingBlocks
    pendingBlocks = []
    pendingOctets = 0
    // Safe: the table belongs to one thread, and nothing reads this meanwhile.
    unsafe hasPendingBlocks = false
    return blocks
  }
}
