/// What is known of an interface that packets came from: the Interface Description Block of pcapng
/// (draft-ietf-opsawg-pcapng section 4.2), or an interface that is open.
public struct InterfaceDescription: Hashable, Sendable {
  public var linkType: LinkType
  /// Octets that are kept of each packet; 0 where there is no limit.
  public var snaplen: UInt32
  /// if_name.
  public var name: String?
  /// if_description: what it is, in words.
  public var details: String?
  /// if_filter: the expression that its packets have passed.
  public var filter: String?
  /// if_os: the operating system of the host that it belongs to.
  public var system: String?

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

/// The interfaces that a source of packets has met so far, by the index that its packets bear (`Packet.interface`).
///
/// It grows while the source is read, and whoever is lent a packet may look its interface up: hence a class, which the source and
/// those behind it share. They run in one thread.
public final class InterfaceTable {
  private var interfaces: [InterfaceDescription]
  /// The tables of several sources that make up one; the indices of each begin at the next multiple of `stride`.
  private var parts: [InterfaceTable] = []
  private let stride: Int

  public init(_ interfaces: [InterfaceDescription] = []) {
    self.interfaces = interfaces
    stride = 0
  }

  /// The table of a source that is made up of several, each with a table of its own: `append(part:)`.
  public init(stride: Int) {
    interfaces = []
    self.stride = stride
  }

  /// Interfaces of a table that is not made up of others.
  public var count: Int { interfaces.count }

  /// Adds an interface and gives its index.
  @discardableResult
  public func append(_ interface: InterfaceDescription) -> Int {
    interfaces.append(interface)
    return interfaces.count - 1
  }

  /// Adds the table of another of the sources.
  public func append(part: InterfaceTable) { parts.append(part) }

  /// The interface of that index; nil where none is known.
  public subscript(_ index: Int) -> InterfaceDescription? {
    guard stride > 0 else { return interfaces.indices.contains(index) ? interfaces[index] : nil }
    return parts.indices.contains(index / stride) ? parts[index / stride][index % stride] : nil
  }

  /// The first of those that are known so far, no more than `limit` of each source, with their indices, which grow.
  public func known(_ limit: Int) -> [(index: Int, description: InterfaceDescription)] {
    guard stride > 0 else { return interfaces.prefix(limit).enumerated().map { ($0, $1) } }
    return parts.enumerated().flatMap { number, part in
      part.known(limit).map { (number * stride + $0.index, $0.description) }
    }
  }
}
