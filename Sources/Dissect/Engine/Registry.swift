public import PacketCore

/// Every dissector that a printer uses, and the numbers that each claims.
///
/// The list of all dissectors is in `Protocols`; the engine calls the dissectors of the hot path directly as functions.
public struct Registry: Sendable {
  /// A dissector's index in the list, from 1; 0 is none. In the port tables the upper two bits say whether the claim is for the source or
  /// the destination port.
  package typealias Index = UInt16

  /// What a lookup returns: the print function and the name.
  package struct Entry: Sendable {
    let name: StaticString
    let standsAlone: Bool
    let print: Dissector.Print
  }

  /// All dissectors, in order of precedence for a packet of which both ports are claimed.
  package let dissectors: [Dissector]
  /// The layers of all dissectors, each once.
  public let layers: [Layer]
  /// Numbers that more than one dissector claims: the space, the number, and the names.
  package let conflicts: [(space: NumberSpace, number: UInt64, names: [StaticString])]
  private let entries: [Entry]
  /// Indexed by number space.
  private let tables: [NumberTable]
  // The tables that nearly every packet needs, copied out of `tables`.
  private let etherTypes: NumberTable
  private let ipProtocols: NumberTable
  private let udpPorts: NumberTable
  private let tcpPorts: NumberTable

  /// In the port tables: the claim is for the source port, for the destination port.
  private static let source: Index = 0x8000
  private static let destination: Index = 0x4000

  /// A registry of these dissectors. If two claim the same number, the last one gets it.
  package init(_ dissectors: [Dissector]) {
    precondition(dissectors.count < Int(Self.destination), "the two upper bits of an index are the port's direction")
    self.dissectors = dissectors
    entries = dissectors.map { Entry(name: $0.name, standsAlone: $0.standsAlone, print: $0.print) }
    var layers: [Layer] = []
    for layer in dissectors.flatMap(\.layers) where !layers.contains(where: { $0 === layer }) { layers.append(layer) }
    self.layers = layers
    let spaces = dissectors.flatMap(\.claims).map(\.space) + [.linkType, .etherType, .ipProtocol, .udpPort, .tcpPort]
    var tables = [NumberTable](repeating: NumberTable(), count: (spaces.map(\.index).max() ?? 0) + 1)
    var conflicts: [(space: NumberSpace, number: UInt64, names: [StaticString])] = []
    for (offset, dissector) in dissectors.enumerated() {
      for claim in dissector.claims {
        var index = Index(offset + 1)
        if claim.space === NumberSpace.udpPort || claim.space === NumberSpace.tcpPort {
          if claim.end != .destination { index |= Self.source }
          if claim.end != .source { index |= Self.destination }
        }
        let claimed = Int(tables[claim.space.index][claim.number] & (Self.destination &- 1))
        if claimed != 0 {
          conflicts.append((claim.space, claim.number, [dissectors[claimed - 1].name, dissector.name]))
        }
        tables[claim.space.index].set(claim.number, index)
      }
    }
    self.conflicts = conflicts
    self.tables = tables
    etherTypes = tables[NumberSpace.etherType.index]
    ipProtocols = tables[NumberSpace.ipProtocol.index]
    udpPorts = tables[NumberSpace.udpPort.index]
    tcpPorts = tables[NumberSpace.tcpPort.index]
  }

  /// The dissector at `index`; nil for 0.
  package subscript(index: Index) -> Entry? { index == 0 ? nil : entries[Int(index) - 1] }

  /// True if `index` is 0 or the index of a dissector that stands alone.
  package func standsAlone(_ index: Index) -> Bool { index == 0 || entries[Int(index) - 1].standsAlone }

  /// The layer with an identifier; nil for a layer of another registry.
  public subscript(id: Layer.ID) -> Layer? { layers.first { $0.id == id } }

  /// The claims of a layer's dissectors as text: `UDP port 53`, `EtherType 0x0806`. Empty for a layer that the dissector of its carrier
  /// parses.
  public func claims(of layer: Layer) -> [String] {
    var words: [String] = []
    // The claims of a dissector are those of its first layer.
    for dissector in dissectors where dissector.layers.first.map({ $0 === layer }) ?? false {
      words += dissector.claims.map(\.words).filter { !words.contains($0) }
    }
    return words
  }

  /// The layer that a truncation mark names; `last`, the layer that was entered last, is tried first.
  package func layer(mark: StaticString, last: Layer.ID?) -> Layer? {
    func isMeant(_ layer: Layer) -> Bool {
      layer.name.isEqual(to: mark) || layer.marks.contains { $0.isEqual(to: mark) }
    }
    if let last, let layer = self[last], isMeant(layer) { return layer }
    return layers.first(where: isMeant)
  }

  /// The dissector that claims a number of a space; 0 for none.
  package func index(_ space: NumberSpace, _ number: some FixedWidthInteger & UnsignedInteger) -> Index {
    space.index < tables.count ? tables[space.index][UInt64(truncatingIfNeeded: number)] : 0
  }

  /// The dissector of a link type.
  package func index(linkType: LinkType) -> Index { index(.linkType, linkType.rawValue) }
  /// The dissector of an EtherType.
  package func index(etherType: UInt16) -> Index { etherTypes[etherType] }
  /// The dissector of a service access point of IEEE 802.2.
  package func index(sap: UInt8) -> Index { index(.sap, sap) }
  /// The dissector of a SNAP protocol identifier.
  package func index(snap oui: UInt32, _ protocolID: UInt16) -> Index {
    index(.snap, Claim.snapNumber(oui, protocolID))
  }
  /// The dissector of an IP protocol number.
  package func index(ipProtocol: UInt8) -> Index { ipProtocols[UInt16(ipProtocol)] }
  /// The dissector of UDP payloads between these ports.
  package func index(udpSource: UInt16, destination: UInt16) -> Index {
    Self.first(udpPorts[udpSource], udpPorts[destination])
  }
  /// The dissector of TCP payloads between these ports.
  package func index(tcpSource: UInt16, destination: UInt16) -> Index {
    Self.first(tcpPorts[tcpSource], tcpPorts[destination])
  }
  /// The dissector of UDP payloads under `-T`.
  package func index(payloadType: PayloadType) -> Index { index(.payloadType, payloadType.number) }
  /// The dissector of TCP payloads under `-T`.
  package func index(tcpPayloadType: PayloadType) -> Index { index(.tcpPayloadType, tcpPayloadType.number) }
  /// The dissector of IP payloads under `-T`.
  package func index(ipPayloadType: PayloadType) -> Index { index(.ipPayloadType, ipPayloadType.number) }

  /// Of the dissectors that claim the source and the destination port, the one that comes first in the list.
  @inline(__always)
  private static func first(_ ofSource: Index, _ ofDestination: Index) -> Index {
    if ofSource | ofDestination == 0 { return 0 }
    let mask = ~(source | destination)
    let one = ofSource & source != 0 ? ofSource & mask : 0
    let other = ofDestination & destination != 0 ? ofDestination & mask : 0
    if one == 0 { return other }
    if other == 0 { return one }
    return min(one, other)
  }

  /// True if a dissector prints the payload of an EtherType.
  package func prints(etherType: UInt16) -> Bool {
    etherType == EtherType.ipv4 || etherType == EtherType.ipv6 || index(etherType: etherType) != 0
  }

  /// True if a dissector prints the protocol that `-T` names.
  public func prints(_ type: PayloadType) -> Bool {
    index(payloadType: type) != 0 || index(tcpPayloadType: type) != 0 || index(ipPayloadType: type) != 0
  }

  /// The title of the protocol that `-T` names; empty if no dissector prints it.
  public func title(of type: PayloadType) -> String {
    let index = max(index(payloadType: type), index(tcpPayloadType: type), index(ipPayloadType: type))
    guard index != 0, let layer = dissectors[Int(index) - 1].layers.first else { return "" }
    return "\(layer.title)"
  }

  /// True if a dissector prints packets of this link type; packets of other link types are dumped as bytes.
  public func prints(_ type: LinkType) -> Bool { index(linkType: type) != 0 }
}
