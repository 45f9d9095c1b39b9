import BPF
import PacketCore

/// Tests of link-layer addresses.
extension Lowering {
  /// True if the link layer has addresses of 48 bits.
  var hasMACAddresses: Bool {
    switch (layers.addresses, layers.field) {
    case (.mac, _), (.ieee80211, _), (_, .sunATM(lane: true)): true
    default: false
    }
  }

  mutating func macHost(_ address: MACAddress, _ direction: Qualifiers.Direction?, what: String) throws(FilterError)
    -> Condition
  {
    let test: Condition
    switch layers.addresses {
    case .ieee80211:
      return ieee80211Host(address, direction)
    case .mac(let source, let destination):
      try checkDirection(direction)
      let header = layers.header
      test = self.direction(direction, source: source, destination: destination) { lowering, offset in
        lowering.macEqual(header, offset, address)
      }
    case .octet, .none:
      if let direction, direction.isWireless { try checkDirection(direction) }
      throw unsupported(what)
    }
    return .all([hasLinkHeader(), test].compactMap { $0 })
  }

  /// Compares the low four bytes first: they differ more often.
  mutating func macEqual(_ header: Position, _ offset: UInt32, _ address: MACAddress) -> Condition {
    let low = UInt32(truncatingIfNeeded: address.rawValue)
    let high = UInt32(truncatingIfNeeded: address.rawValue >> 32)
    return .key(
      .init(
        values: [load(.word, header, offset + 2), load(.half, header, offset)],
        row: LookupRow(lead: [low], last: high...high),
        condition: .all([equal(.word, header, offset + 2, low), equal(.half, header, offset, high)])))
  }

  /// Where a link-layer header may be missing (Geneve can carry packets without one, LANE has control frames): true if there is one. Nil
  /// where there always is one.
  mutating func hasLinkHeader() -> Condition? {
    if case .sunATM(lane: true) = layers.field { return isLANEData() }
    guard layers.tunnelled else { return nil }
    return .not(compare(value(of: layers.header), .equal, value(of: layers.payload)))
  }

  mutating func linkBroadcast() throws(FilterError) -> Condition {
    switch layers.addresses {
    case .mac(_, let destination):
      let test = macEqual(layers.header, destination, .broadcast)
      return .all([hasLinkHeader(), test].compactMap { $0 })
    case .ieee80211:
      return ieee80211Host(.broadcast, .destination)
    case .octet(_, let destination):
      guard case .arcnet = layers.field else {
        return equal(.byte, layers.header, destination, 255)
      }
      return equal(.byte, layers.header, destination, 0)
    case .none:
      throw unsupported("broadcast")
    }
  }

  mutating func linkMulticast() throws(FilterError) -> Condition {
    switch layers.addresses {
    case .mac(_, let destination):
      let test = compare(load(.byte, layers.header, destination), .anyBitsSet, 1)
      return .all([hasLinkHeader(), test].compactMap { $0 })
    case .ieee80211:
      return ieee80211Destination { lowering, offset in
        lowering.compare(lowering.load(.byte, lowering.layers.header, offset), .anyBitsSet, 1)
      }
    case .octet(_, let destination):
      guard case .arcnet = layers.field else { throw unsupported("multicast") }
      return equal(.byte, layers.header, destination, 0)
    case .none:
      throw unsupported("multicast")
    }
  }

  /// `$XX`: an address of one byte.
  mutating func octetHost(_ octet: UInt8, _ kind: Qualifiers.Kind, _ qualifiers: Qualifiers) throws(FilterError)
    -> Condition
  {
    guard kind == .host else { throw invalid(kind.rawValue, for: "$XX") }
    guard qualifiers.proto == .link else {
      throw error("'link' is the only valid proto qualifier for 'host $XX'")
    }
    guard case .octet(let source, let destination) = layers.addresses else { throw unsupported("link host $XX") }
    try checkDirection(qualifiers.direction)
    let header = layers.header
    return direction(qualifiers.direction, source: source, destination: destination) { lowering, offset in
      lowering.equal(.byte, header, offset, UInt32(octet))
    }
  }

  // MARK: IEEE 802.11

  /// Up to four addresses (IEEE 802.11 section 9.2.4.3): the receiver first, at byte 4, then at 10, 16 and, in frames between distribution
  /// systems, 24. The frame's type and its flags "to" and "from" the distribution system determine which of them is the destination and
  /// which the source.
  private mutating func ieee80211Host(_ address: MACAddress, _ direction: Qualifiers.Direction?) -> Condition {
    let header = layers.header
    func field(_ lowering: inout Lowering, _ offset: UInt32) -> Condition {
      lowering.macEqual(header, offset, address)
    }
    switch direction {
    case .source: return ieee80211Source(field)
    case .destination: return ieee80211Destination(field)
    case .sourceAndDestination: return .all([ieee80211Source(field), ieee80211Destination(field)])
    case nil, .sourceOrDestination: return .any([ieee80211Source(field), ieee80211Destination(field)])
    case .addr1: return field(&self, 4)
    case .addr2: return .all([hasSecondAddress(), field(&self, 10)])
    case .addr3: return .all([.not(isControlFrame()), field(&self, 16)])
    case .addr4: return .all([equal(.byte, header, 1, mask: 0x03, 0x03), field(&self, 24)])
    case .receiver: return .all([frame(0x08), field(&self, 4)])
    case .transmitter: return .all([frame(0x08), hasSecondAddress(), field(&self, 10)])
    }
  }

  /// True if one of these bits is set in the first byte: 0x04 for control frames, 0x08 for data frames.
  private mutating func frame(_ bits: UInt32) -> Condition {
    compare(load(.byte, layers.header), .anyBitsSet, bits)
  }
  private mutating func toDistributionSystem() -> Condition {
    compare(load(.byte, layers.header, 1), .anyBitsSet, 0x01)
  }
  private mutating func fromDistributionSystem() -> Condition {
    compare(load(.byte, layers.header, 1), .anyBitsSet, 0x02)
  }
  private mutating func isControlFrame() -> Condition { equal(.byte, layers.header, mask: 0x0c, 0x04) }

  /// Clear to send and acknowledgement have one address only.
  private mutating func hasSecondAddress() -> Condition {
    .not(
      .all([
        isControlFrame(),
        .any([equal(.byte, layers.header, mask: 0xf0, 0xc0), equal(.byte, layers.header, mask: 0xf0, 0xd0)]),
      ]))
  }

  /// The destination: the first address, except in data to the distribution system, where it is the third.
  private mutating func ieee80211Destination(_ field: (inout Lowering, UInt32) -> Condition) -> Condition {
    .all([
      .not(frame(0x04)),
      .any([
        .all([.not(frame(0x08)), field(&self, 4)]),
        .all([
          frame(0x08),
          .any([
            .all([.not(toDistributionSystem()), field(&self, 4)]), .all([toDistributionSystem(), field(&self, 16)]),
          ]),
        ]),
      ]),
    ])
  }

  /// The source: the second address, except in data from the distribution system, where it is the third, or the fourth if the data also
  /// goes to another one.
  private mutating func ieee80211Source(_ field: (inout Lowering, UInt32) -> Condition) -> Condition {
    .all([
      .not(frame(0x04)),
      .any([
        .all([.not(frame(0x08)), field(&self, 10)]),
        .all([
          frame(0x08),
          .any([
            .all([.not(fromDistributionSystem()), field(&self, 10)]),
            .all([
              fromDistributionSystem(),
              .any([
                .all([.not(toDistributionSystem()), field(&self, 16)]),
                .all([toDistributionSystem(), field(&self, 24)]),
              ]),
            ]),
          ]),
        ]),
      ]),
    ])
  }
}
