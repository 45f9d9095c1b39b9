import BPF

/// Where the payload of an IEEE 802.11 frame begins.
extension Lowering {
  /// Sets the cell `payload`.
  mutating func ieee80211Length(_ payload: Int, _ variable: LinkLayer.VariableLength) -> Condition {
    switch options.ieee80211Layout {
    case .standard: standardLength(payload, variable)
    case .libpcap: libpcapLength(payload, variable)
    }
  }

  // MARK: The length according to the frame

  /// The header of a data frame (IEEE 802.11 section 9.3.2.1), whose first two bytes say what there is of it:
  ///
  ///     Frame control, duration, three addresses, sequence control (24 bytes) | Fourth address (6), to and from the
  ///     distribution system | QoS control (2) | HT control (4), with QoS and the order bit | Pad to four bytes, as radiotap says
  ///
  /// Frames without a payload leave it unset, and nothing reads it.
  private mutating func standardLength(_ payload: Int, _ variable: LinkLayer.VariableLength) -> Condition {
    let header = Position(0, base: places.header.map { read($0) })
    let frame = load(.half, header)
    let length = newCell()
    let current = read(length)
    func longer(_ octets: UInt32, _ lowering: inout Lowering) -> Condition {
      lowering.assign(length, lowering.arithmetic(.add, current, octets))
    }
    let hasFourAddresses = compare(arithmetic(.and, frame, 0x0003), .equal, 0x0003)
    let hasHTControl = Condition.all([compare(frame, .anyBitsSet, 0x0080), longer(4, &self)])
    let hasQoS = Condition.all([
      compare(frame, .anyBitsSet, 0x8000), longer(2, &self), .any([hasHTControl, .constant(true)]),
    ])
    var parts: [Condition] = [
      compare(arithmetic(.and, frame, 0x4c40), .equal, 0x0800), assign(length, constant(24)),
      .any([.all([hasFourAddresses, longer(6, &self)]), .constant(true)]), .any([hasQoS, .constant(true)]),
    ]
    if case .radiotap = variable {
      let padded = arithmetic(.and, arithmetic(.add, current, 3), 0xffff_fffc)
      parts.append(.any([.all([radiotapPads(), assign(length, padded)]), .constant(true)]))
    }
    parts.append(assign(payload, header.base.map { arithmetic(.add, current, $0) } ?? current))
    return .all(parts)
  }

  /// How many presence words are searched for radiotap's flags; common are one for the packet and one for each antenna.
  private static let maximumPresenceWords: UInt32 = 8

  /// True if radiotap has flags, whose bit 0x20 says that the IEEE 802.11 header is padded. Bit 1 of the first presence word says whether
  /// there are flags, and its bit 0 whether a timestamp of eight bytes, aligned to eight, precedes them. Bit 31 of each presence word says
  /// whether another one follows before the fields. (The words are little-endian.)
  private mutating func radiotapPads() -> Condition {
    let present = load(.word, Position(4))
    let hasTimestamp = compare(present, .anyBitsSet, 0x0100_0000)
    func pads(_ lowering: inout Lowering, at offset: UInt32) -> Condition {
      lowering.compare(lowering.load(.byte, Position(offset)), .anyBitsSet, 0x20)
    }
    func padsBehind(_ lowering: inout Lowering, words: UInt32) -> Condition {
      let fields = 4 + 4 * words
      let behindTimestamp = (fields + 7) / 8 * 8 + 8
      return .any([
        .all([hasTimestamp, pads(&lowering, at: behindTimestamp)]),
        .all([.not(hasTimestamp), pads(&lowering, at: fields)]),
      ])
    }
    func isExtended(_ lowering: inout Lowering, word: UInt32) -> Condition {
      lowering.compare(lowering.load(.word, Position(4 * word)), .anyBitsSet, 0x0000_0080)
    }
    // From the last word to the first.
    var result = Condition.constant(false)
    for words in (1...Self.maximumPresenceWords).reversed() {
      let more = isExtended(&self, word: words)
      result = .any([.all([more, result]), .all([.not(more), padsBehind(&self, words: words)])])
    }
    return .all([compare(present, .anyBitsSet, 0x0200_0000), result])
  }

  // MARK: The length according to libpcap

  /// After the link header: 24 bytes of IEEE 802.11, two more in a data frame with quality of service, and the padding to four bytes if
  /// radiotap reports it. For a frame that is not data it stays 24.
  private mutating func libpcapLength(_ payload: Int, _ variable: LinkLayer.VariableLength) -> Condition {
    let header = Position(0, base: places.header.map { read($0) })
    let frame = load(.byte, header)
    let beforeQoS = arithmetic(.add, value(of: header), 24)
    let current = read(payload)
    var parts: [Condition] = [
      assign(payload, beforeQoS), compare(frame, .anyBitsSet, 0x08), .not(compare(frame, .anyBitsSet, 0x04)),
      .any([
        .all([compare(frame, .anyBitsSet, 0x80), assign(payload, arithmetic(.add, current, 2))]), .constant(true),
      ]),
    ]
    if case .radiotap = variable { parts.append(libpcapPadding(payload)) }
    return .all(parts)
  }

  /// Radiotap's flags, where present: bit 1 of the presence word, no further presence words, and the flags after the timestamp
  /// where bit 0 says that it is there. Their bit 0x20 says that the payload is padded. (The word is little-endian.)
  private mutating func libpcapPadding(_ payload: Int) -> Condition {
    let present = load(.word, Position(4))
    let flagsBehindTimestamp = load(.byte, Position(16))
    let flags = load(.byte, Position(8))
    let padded = arithmetic(.and, arithmetic(.add, read(payload), 3), 0xffff_fffc)
    return .all([
      compare(present, .anyBitsSet, 0x0200_0000), .not(compare(present, .anyBitsSet, 0x0000_0080)),
      .any([
        .all([compare(present, .anyBitsSet, 0x0100_0000), compare(flagsBehindTimestamp, .anyBitsSet, 0x20)]),
        .all([.not(compare(present, .anyBitsSet, 0x0100_0000)), compare(flags, .anyBitsSet, 0x20)]),
      ]),
      assign(payload, padded),
    ])
  }
}
