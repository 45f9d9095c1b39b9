public import PacketCore

extension LinkType {
  /// What a filter can ask of packets of this link type.
  public enum FilterSupport: String, Sendable {
    /// Protocols, hosts, ports and all else that the packets may have.
    case protocols
    /// The words for signalling system 7, the length, and bytes by their offset.
    case ss7
    /// The length, and bytes by their offset: `link[0] = 1`.
    case bytes
  }

  /// What the filter compiler knows of this link type.
  public var filterSupport: FilterSupport {
    if Lowering.signalUnit(of: self) != nil { return .ss7 }
    if case .unknown = LinkLayer(of: self).field { return .bytes }
    return .protocols
  }
}
