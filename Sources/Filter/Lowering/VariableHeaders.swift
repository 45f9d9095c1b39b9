import BPF

/// Headers whose length depends on the packet. It is computed once, before everything else, if some primitive needs it.
extension Lowering {
  /// Cells for these positions: a link type uses none, one or both.
  struct VariablePlaces {
    /// Where the link-layer header begins.
    var header: Int?
    /// Where its payload begins.
    var payload: Int?
    /// The ones that some primitive reads.
    var used: Set<ValueID> = []
  }

  /// Makes the positions of a link type relative to cells, where they vary.
  mutating func setVariablePlaces() {
    switch layers.variable {
    case .none:
      return
    case .pflog:
      let payload = newCell()
      places.payload = payload
      layers.payload.base = read(payload)
    case .ieee80211, .radiotap, .avs, .prism, .ppi:
      if case .ieee80211 = layers.variable {
        // Nothing precedes the IEEE 802.11 header.
      } else {
        let header = newCell()
        places.header = header
        layers.header.base = read(header)
      }
      let payload = newCell()
      places.payload = payload
      layers.payload.base = read(payload)
      layers.type.base = read(payload)
    }
  }

  /// The blocks that compute the positions in use and then continue at `entry`.
  mutating func prelude(of description: LinkLayer, before entry: BlockID, reject: BlockID) -> BlockID {
    let payloadUsed = places.payload.map { places.used.contains(read($0)) } ?? false
    let headerUsed = payloadUsed || (places.header.map { places.used.contains(read($0)) } ?? false)
    source = nil
    var start = entry
    if payloadUsed, let payload = places.payload {
      let condition =
        if case .pflog = description.variable {
          pflogLength(payload)
        } else {
          ieee80211Length(payload, description.variable)
        }
      start = graph.add(condition, ifTrue: start, ifFalse: start)
    }
    if headerUsed, let header = places.header {
      start = graph.add(headerLength(header, description.variable), ifTrue: start, ifFalse: reject)
    }
    if case .ppi = description.variable, case .ieee80211 = layers.field {
      // The link type that PPI gives for the payload, little-endian, must be IEEE 802.11.
      start = graph.add(equal(.word, Position(4), 105 << 24), ifTrue: start, ifFalse: reject)
    }
    return start
  }

  func assign(_ cell: Int, _ value: ValueID) -> Condition {
    .perform([.assign(variable: cell, value)], source)
  }

  private mutating func pflogLength(_ payload: Int) -> Condition {
    let length = load(.byte, Position(0))
    return assign(payload, arithmetic(.and, arithmetic(.add, length, 3), 0xffff_fffc))
  }

  private mutating func headerLength(_ header: Int, _ variable: LinkLayer.VariableLength) -> Condition {
    switch variable {
    case .radiotap, .ppi:
      let high = arithmetic(.shiftLeft, load(.byte, Position(3)), 8)
      return assign(header, arithmetic(.or, high, load(.byte, Position(2))))
    case .avs:
      return assign(header, load(.word, Position(4)))
    case .prism:
      let isAVS = equal(.word, Position(0), mask: 0xffff_f000, 0x8021_1000)
      let length = load(.word, Position(4))
      return .any([
        .all([isAVS, assign(header, length)]), assign(header, constant(144)),
      ])
    case .none, .ieee80211, .pflog:
      return .constant(true)
    }
  }
}
