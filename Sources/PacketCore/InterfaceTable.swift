/// What a packet source has stated so far besides packets: its interfaces, by the index that its packets bear
/// (`Packet.interface`), its section, and the blocks between its packets, where those are wanted.
///
/// It grows while the source is read, and a holder of a packet may look up its interface: hence a class, which the source and
/// those after it share. They run in one thread.
public final class InterfaceTable {
  private var interfaces: [InterfaceDescription]
  /// The tables of several sources that make up one; the indices of each begin at the next multiple of `stride`.
  private var parts: [InterfaceTable] = []
  private let stride: Int
  /// The table that this one is a part of, and what its indices begin with there.
  private weak var whole: InterfaceTable?
  private var firstIndex = 0

  /// What the source's first section says of itself.
  private var ownSection = SectionDescription()
  /// Blocks are kept until somebody writes them.
  public var keepsBlocks = false
  /// Blocks that nobody has written yet.
  private var pendingBlocks: [SourceBlock] = []
  /// Blocks that were written, and that every other file with packets of this source needs.
  public private(set) var blocksForPackets: [SourceBlock] = []
  private var pendingOctets = 0
  private var octetsForPackets = 0
  /// What was not kept, and is missing in a copy.
  public var losses = Losses()

  /// What a copy lacks.
  public struct Losses: Hashable, Sendable {
    /// Texts of interfaces, for which there was no room.
    public var texts = 0
    /// Blocks, for which there was no room, or that make no sense.
    public var blocks = 0
    /// Blocks that say that they must not be copied.
    public var unwantedBlocks = 0
    /// Blocks of types that are not known.
    public var unknownBlocks = 0

    public init() {}
  }

  /// Octets of blocks that are held at most.
  private static let blockLimit = 64 << 20

  public init(_ interfaces: [InterfaceDescription] = []) {
    self.interfaces = interfaces
    stride = 0
  }

  /// The table of a source that is made up of several, each with a table of its own: `append(part:)`.
  public init(stride: Int) {
    interfaces = []
    self.stride = stride
  }

  // MARK: Interfaces

  /// Interfaces of a table that is not made up of others.
  public var count: Int { interfaces.count }

  /// Adds an interface and gives its index.
  @discardableResult
  public func append(_ interface: InterfaceDescription) -> Int {
    interfaces.append(interface)
    return interfaces.count - 1
  }

  /// Adds the table of another of the sources, with the blocks that it holds.
  public func append(part: InterfaceTable) {
    part.whole = self
    part.firstIndex = parts.count * stride
    parts.append(part)
    if part.keepsBlocks { keepsBlocks = true }
    for block in part.takePending() { append(part.indexed(block)) }
  }

  /// The interface of that index; nil if none is known.
  public subscript(_ index: Int) -> InterfaceDescription? {
    guard stride > 0 else { return interfaces.indices.contains(index) ? interfaces[index] : nil }
    guard parts.indices.contains(index / stride) else { return nil }
    let part = parts[index / stride]
    // The last index stands for all that a part has no room for.
    return index % stride == stride - 1 && part.count >= stride ? nil : part[index % stride]
  }

  /// Sources that make it up: 1 if it is not made up of others.
  public var partCount: Int { stride > 0 ? parts.count : 1 }

  /// The indices of the interfaces of one of them that are known so far.
  public func indices(ofPart part: Int) -> Range<Int> {
    guard stride > 0 else { return 0..<interfaces.count }
    return part * stride..<part * stride + min(parts[part].count, stride - 1)
  }

  /// The link types of the interfaces that are known so far.
  public var linkTypes: Set<LinkType> {
    parts.reduce(Set(interfaces.lazy.map(\.linkType))) { $0.union($1.linkTypes) }
  }

  /// Which of the sources an index belongs to.
  public func part(of index: Int) -> Int { stride > 0 ? index / stride : 0 }

  // MARK: Section

  /// What the first section says of itself; of several sources, what the first section of each says.
  public var section: SectionDescription {
    get { parts.reduce(ownSection) { $0.joined($1.section) } }
    set { ownSection = newValue }
  }

  // MARK: Blocks

  /// True if there are blocks that nobody has written yet. It is requested every packet, so without a check of exclusive access:
  /// nothing that reads it can run while it is written, in the one thread that has the table.
  @exclusivity(unchecked) public private(set) var hasPendingBlocks = false

  /// Keeps a block until somebody writes it. There is room for 64 MiB of them: others are counted as lost.
  public func append(_ block: SourceBlock) {
    if let whole { return whole.append(indexed(block)) }
    guard pendingOctets + block.body.count <= Self.blockLimit else {
      losses.blocks += 1
      return
    }
    pendingOctets += block.body.count + 64
    pendingBlocks.append(block)
    // Safe: one thread has the table, and nothing reads this meanwhile.
    unsafe hasPendingBlocks = true
  }

  /// The same with the index that its interface has in the table of several sources.
  private func indexed(_ block: SourceBlock) -> SourceBlock {
    guard case .statistics(let interface) = block.kind else { return block }
    let most = (whole?.stride ?? .max) - 1
    return SourceBlock(.statistics(interface: firstIndex + min(interface, most)), block.body)
  }

  /// The blocks that nobody has written yet, for somebody who does.
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
    // Safe: one thread has the table, and nothing reads this meanwhile.
    unsafe hasPendingBlocks = false
    return blocks
  }
}
