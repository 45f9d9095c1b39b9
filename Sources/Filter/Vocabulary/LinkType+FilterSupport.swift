public import PacketCore

extension LinkType {
  /// What a filter can test in packets of this link type.
  public enum FilterSupport: String, Sendable {
    /// Protocols, hosts, ports and everything else that the packets may have.
    case protocols
    /// The keywords for signalling system 7, the length, and bytes by offset.
    case ss7
    /// The length, and bytes by offset: `link[0] = 1`.
    case bytes
  }

  /// What the filter compiler knows about this link type.
  public var filterSupport: FilterSupport {
    if Lowering.signalUnit(of: self) != nil { return .ss7 }
    if case .unknown = LinkLayer(of: self).field { return .bytes }
    return .protocols
  }
}
