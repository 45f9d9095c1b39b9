package import Dissect
import PacketCore

extension Layer {
  static let radiotap = Layer(
    "radiotap", "What a radio says of a frame", "LINKTYPE_IEEE802_11_RADIOTAP, radiotap.org", marks: ["802.11_radio"],
    note: "Of a field that is there more than once, as for each antenna, the first is given."
  ) {
    [
      Field("header_length", .uint16, "Bytes of the header.", always: true),
      Field("present", .uint32, "First word of the bits that say which fields there are.", always: true),
      Field("mac_time", .uint64, "Microseconds of the radio's clock when the first bit of the frame arrived."),
      Field("flag_bits", .uint8, "Flags of the frame, as bits; 16 says that it has a frame check sequence."),
      Field("data_rate", .uint8, "Rate in units of 500 kb/s; 128 to 143 are indexes of modulation and coding."),
      Field("frequency", .uint16, "Frequency in MHz."),
      Field("channel_flags", .uint32, "Kind of channel, as bits."),
      Field("channel", .uint8, "Channel."),
      Field("hop_set", .uint8, "Hop set of frequency hopping."),
      Field("hop_pattern", .uint8, "Hop pattern of frequency hopping."),
      Field("signal_dbm", .int8, "Power of the signal in dBm."),
      Field("noise_dbm", .int8, "Power of the noise in dBm."),
      Field("signal_db", .uint8, "Power of the signal in dB above a reference of the radio's own."),
      Field("noise_db", .uint8, "Power of the noise in dB above a reference of the radio's own."),
      Field("lock_quality", .uint16, "Quality of the lock on the code, without a unit."),
      Field("tx_attenuation", .uint16, "Distance from the greatest power of sending, without a unit."),
      Field("tx_attenuation_db", .uint16, "Distance from the greatest power of sending in dB."),
      Field("tx_power_dbm", .int8, "Power of sending in dBm."),
      Field("antenna", .uint8, "Antenna, from 0."),
      Field("mcs_index", .uint8, "Index of modulation and coding (802.11n)."),
      Field("mcs_known", .uint8, "Which of the flags are known (802.11n), as bits."),
      Field("mcs_flags", .uint8, "Bandwidth, guard interval and coding (802.11n), as bits."),
      Field("vht_known", .uint16, "Which of the values are known (802.11ac), as bits."),
      Field("vht_flags", .uint8, "Guard interval and the like (802.11ac), as bits."),
      Field(
        "vht_bandwidth", .uint8,
        "Bandwidth (802.11ac): 0 20 MHz, 1 40 MHz, 4 80 MHz, 11 160 MHz, others parts of these."),
      Field(
        "vht_users",
        .array(
          .object([
            Field("mcs_index", .uint8, "Index of modulation and coding.", always: true),
            Field("streams", .uint8, "Spatial streams.", always: true),
          ])), "Users (802.11ac).", each: "One user with at least one stream."),
    ]
  }
}

extension Dissector {
  package static let radiotap = Dissector(
    name: "802.11_radio", claims: [.linkType(.radiotap)], layers: [.radiotap], print: printRadiotap)
}

///     0         1     2        4            8
///     +---------+-----+--------+------------+------------------------------------------------
///     | version | pad | length | present    | more words of bits where bit 31 is set, fields
///     +---------+-----+--------+------------+------------------------------------------------
///
/// Numbers are little-endian. Each field begins at a multiple of its alignment, counted from the start of the header.
private let headerLength = 8

/// The last bits of a word, which say what the next word contains.
private enum Namespace {
  static let radiotap: UInt32 = 1 << 29
  static let vendor: UInt32 = 1 << 30
  static let more: UInt32 = 1 << 31
  /// Number of field bits in a word, below the bits above.
  static let fields: UInt32 = 29
}

/// Fields, by their bit number.
private enum RadioField: UInt32 {
  case macTime = 0
  case flags = 1
  case rate = 2
  case channel = 3
  case hopping = 4
  case signalDBm = 5
  case noiseDBm = 6
  case lockQuality = 7
  case attenuation = 8
  case attenuationDB = 9
  case powerDBm = 10
  case antenna = 11
  case signalDB = 12
  case noiseDB = 13
  case receiveFlags = 14
  case extendedChannel = 18
  case mcs = 19
  case aggregate = 20
  case vht = 21

  var size: Int {
    switch self {
    case .macTime, .extendedChannel, .aggregate: 8
    case .vht: 12
    case .channel: 4
    case .mcs: 3
    case .hopping, .lockQuality, .attenuation, .attenuationDB, .receiveFlags: 2
    case .flags, .rate, .signalDBm, .noiseDBm, .powerDBm, .antenna, .signalDB, .noiseDB: 1
    }
  }

  var alignment: Int {
    switch self {
    case .macTime: 8
    case .extendedChannel, .aggregate: 4
    case .channel, .lockQuality, .attenuation, .attenuationDB, .receiveFlags, .vht: 2
    default: 1
    }
  }

  var bit: UInt32 { 1 << rawValue }
}

/// The flags field, which describes the frame itself.
private struct FrameFlags {
  var bits: UInt8 = 0

  var hasCheckSequence: Bool { bits & 0x10 != 0 }
  var hasPaddedHeader: Bool { bits & 0x20 != 0 }

  static let names: FlagNames = [
    0x01: "cfp", 0x02: "short preamble", 0x04: "wep", 0x08: "fragmented", 0x40: "bad-fcs",
  ]
  /// The bits that have a name.
  static let named: UInt8 = 0x4f
}

/// Length of the frame check sequence, in bytes.
private let checkSequenceLength = 4

@Sendable
private func printRadiotap(_ bytes: PacketBytes, _ printer: inout Printer) throws(DecodeError) {
  try bytes.check(0, headerLength)
  let length = Int(try bytes.u16le(at: 2))
  if printer.enter(.radiotap) {
    printer.fields.write("header_length", length)
    printer.fields.write("present", try bytes.u32le(at: 4))
  }
  if length < headerLength { throw .truncated }
  let header = try bytes.slice(at: 0, length: length)
  var frame = try bytes.dropping(length)
  var reader = RadiotapReader()
  guard try reader.skipWords(header) else { throw .truncated }
  if try !printer.printFields(header, &reader) { printer.writeTruncation() }
  if reader.flags.hasCheckSequence { frame = frame.clamped(to: frame.length &- checkSequenceLength) }
  let frameLength = try printer.printIEEE80211(frame, padsHeader: reader.flags.hasPaddedHeader)
  printer.context.linkHeaderLength = length &+ frameLength
}

/// How far the fields of a header have been read.
private struct RadiotapReader {
  /// Offset of the next field, before alignment.
  var offset = headerLength
  var flags = FrameFlags()
  /// Bits of the fields that were recorded.
  var recorded: UInt32 = 0

  /// Skips the words of the bitmap; false if they do not end inside the header.
  mutating func skipWords(_ header: PacketBytes) throws(DecodeError) -> Bool {
    while try header.u32le(at: offset &- 4) & Namespace.more != 0 {
      offset &+= 4
      guard header.has(offset &- 4, 4) else { return false }
    }
    return true
  }

  /// Returns the offset of the next field, and moves `offset` past that field; nil if the header has no room for it.
  mutating func place(_ header: PacketBytes, size: Int, alignment: Int) -> Int? {
    let start = (offset &+ alignment &- 1) / alignment &* alignment
    guard header.has(start, size) else { return nil }
    offset = start &+ size
    return start
  }
}

extension Printer {
  /// Prints the fields of a header; false if a field does not fit into it.
  fileprivate mutating func printFields(
    _ header: PacketBytes, _ reader: inout RadiotapReader
  ) throws(DecodeError) -> Bool {
    var wordOffset = 4
    /// Field number of the word's first bit; nil in vendor words, whose fields are skipped.
    var first: UInt32? = 0
    while true {
      let word = try header.u32le(at: wordOffset)
      if let first {
        for bit in 0..<Namespace.fields where word & 1 << bit != 0 {
          guard let field = RadioField(rawValue: first &+ bit) else {
            // The size of the field is unknown, so nothing after it can be found.
            write("[bit ", first &+ bit)
            out.write("] ")
            return true
          }
          guard let place = reader.place(header, size: field.size, alignment: field.alignment) else { return false }
          try print(field, header, at: place, word, &reader)
        }
      }
      if word & Namespace.vendor != 0 {
        guard let place = reader.place(header, size: 6, alignment: 2) else { return false }
        let skipped = Int(try header.u16le(at: place &+ 4))
        guard header.has(reader.offset, skipped) else { return false }
        reader.offset &+= skipped
        first = nil
      } else if word & Namespace.radiotap != 0 {
        first = 0
      } else if let current = first {
        first = current &+ 32
      }
      if word & Namespace.more == 0 { return true }
      wordOffset &+= 4
    }
  }

  private mutating func print(
    _ field: RadioField, _ header: PacketBytes, at place: Int, _ word: UInt32, _ reader: inout RadiotapReader
  ) throws(DecodeError) {
    let records = writesFields && reader.recorded & field.bit == 0
    if records { try record(field, header, at: place, reader.recorded) }
    reader.recorded |= field.bit
    switch field {
    case .macTime:
      write("", try header.u64le(at: place))
      out.write("us tsft ")
    case .flags:
      reader.flags.bits = try header.u8(at: place)
      if reader.flags.bits & FrameFlags.named != 0 {
        write(FrameFlags.names, reader.flags.bits, separator: " ")
        out.write(" ")
      }
    case .rate:
      let rate = try header.u8(at: place)
      if rate >= 0x80, rate <= 0x8f {
        write("MCS ", rate & 0x7f)
        out.write(" ")
      } else {
        writeHalves(rate)
        out.write(" Mb/s ")
      }
    case .channel:
      // The extended field has the same information and more.
      if word & RadioField.extendedChannel.bit != 0 { return }
      let flags = UInt32(try header.u16le(at: place &+ 2))
      writeChannel(try header.u16le(at: place), flags, isHighThroughput: word & RadioField.mcs.bit != 0)
    case .extendedChannel:
      let flags = try header.u32le(at: place)
      writeChannel(try header.u16le(at: place &+ 4), flags, isHighThroughput: word & RadioField.mcs.bit != 0)
    case .hopping:
      write("fhset ", try header.u8(at: place))
      write(" fhpat ", try header.u8(at: place &+ 1))
      out.write(" ")
    case .signalDBm: write(signed: try header.u8(at: place), "dBm signal ")
    case .noiseDBm: write(signed: try header.u8(at: place), "dBm noise ")
    case .powerDBm: write(signed: try header.u8(at: place), "dBm tx power ")
    case .lockQuality:
      write("", try header.u16le(at: place))
      out.write(" sq ")
    case .attenuation:
      write("-", try header.u16le(at: place))
      out.write(" tx power ")
    case .attenuationDB:
      write("-", try header.u16le(at: place))
      out.write("dB tx attenuation ")
    case .antenna:
      write("antenna ", try header.u8(at: place))
      out.write(" ")
    case .signalDB:
      write("", try header.u8(at: place))
      out.write("dB signal ")
    case .noiseDB:
      write("", try header.u8(at: place))
      out.write("dB noise ")
    case .receiveFlags, .aggregate: break
    case .mcs: try printMCS(header, at: place)
    case .vht: try printVHT(header, at: place, records: records)
    }
  }

  private mutating func write(signed octet: UInt8, _ unit: StaticString) {
    out.write(decimal: Int8(bitPattern: octet))
    out.write(unit)
  }

  private mutating func record(
    _ field: RadioField, _ header: PacketBytes, at place: Int, _ earlier: UInt32
  ) throws(DecodeError) {
    let first = try header.u8(at: place)
    let signed = Int8(bitPattern: first)
    switch field {
    case .macTime: fields.write("mac_time", try header.u64le(at: place))
    case .flags: fields.write("flag_bits", first)
    case .rate: fields.write("data_rate", first)
    case .channel:
      if earlier & RadioField.extendedChannel.bit != 0 { return }
      fields.write("frequency", try header.u16le(at: place))
      fields.write("channel_flags", try header.u16le(at: place &+ 2))
    case .extendedChannel:
      fields.write("channel", try header.u8(at: place &+ 6))
      if earlier & RadioField.channel.bit != 0 { return }
      fields.write("frequency", try header.u16le(at: place &+ 4))
      fields.write("channel_flags", try header.u32le(at: place))
    case .hopping:
      fields.write("hop_set", first)
      fields.write("hop_pattern", try header.u8(at: place &+ 1))
    case .signalDBm: fields.write("signal_dbm", signed)
    case .noiseDBm: fields.write("noise_dbm", signed)
    case .powerDBm: fields.write("tx_power_dbm", signed)
    case .lockQuality: fields.write("lock_quality", try header.u16le(at: place))
    case .attenuation: fields.write("tx_attenuation", try header.u16le(at: place))
    case .attenuationDB: fields.write("tx_attenuation_db", try header.u16le(at: place))
    case .antenna: fields.write("antenna", first)
    case .signalDB: fields.write("signal_db", first)
    case .noiseDB: fields.write("noise_db", first)
    case .mcs:
      fields.write("mcs_index", try header.u8(at: place &+ 2))
      fields.write("mcs_known", first)
      fields.write("mcs_flags", try header.u8(at: place &+ 1))
    case .vht:
      fields.write("vht_known", try header.u16le(at: place))
      fields.write("vht_flags", try header.u8(at: place &+ 2))
      fields.write("vht_bandwidth", try header.u8(at: place &+ 3))
    case .receiveFlags, .aggregate: break
    }
  }
}

/// Kinds of channel, as bits.
private enum ChannelFlag {
  static let turbo: UInt32 = 0x10
  static let cck: UInt32 = 0x20
  static let ofdm: UInt32 = 0x40
  static let twoGHz: UInt32 = 0x80
  static let fiveGHz: UInt32 = 0x100
  static let dynamic: UInt32 = 0x400
  static let gfsk: UInt32 = 0x800
  static let half: UInt32 = 0x4000
  static let quarter: UInt32 = 0x8000
  static let ht20: UInt32 = 0x1_0000
  static let ht40Up: UInt32 = 0x2_0000
  static let ht40Down: UInt32 = 0x4_0000
}

extension Printer {
  /// `2412 MHz 11g `.
  private mutating func writeChannel(_ frequency: UInt16, _ flags: UInt32, isHighThroughput: Bool) {
    func has(_ bits: UInt32) -> Bool { flags & bits == bits }
    write("", frequency)
    out.write(" MHz")
    if isHighThroughput {
      out.write(" 11n")
    } else {
      if has(ChannelFlag.twoGHz | ChannelFlag.gfsk) { out.write(" FHSS") }
      if has(ChannelFlag.fiveGHz | ChannelFlag.ofdm) { write(standard: " 11a", flags) }
      if has(ChannelFlag.twoGHz | ChannelFlag.dynamic) || has(ChannelFlag.twoGHz | ChannelFlag.ofdm) {
        write(standard: " 11g", flags)
      } else if has(ChannelFlag.twoGHz | ChannelFlag.cck) {
        out.write(" 11b")
      }
      if has(ChannelFlag.turbo) { out.write(" Turbo") }
    }
    if has(ChannelFlag.ht20) {
      out.write(" ht/20")
    } else if has(ChannelFlag.ht40Down) {
      out.write(" ht/40-")
    } else if has(ChannelFlag.ht40Up) {
      out.write(" ht/40+")
    }
    out.write(" ")
  }

  /// A standard, and the width of its channels if they are narrower than usual.
  private mutating func write(standard: StaticString, _ flags: UInt32) {
    out.write(standard)
    if flags & ChannelFlag.half != 0 {
      out.write("/10Mhz")
    } else if flags & ChannelFlag.quarter != 0 {
      out.write("/5Mhz")
    }
  }
}

///     0       1       2
///     +-------+-------+-------+
///     | known | flags | index |      802.11n
///     +-------+-------+-------+
private enum MCS {
  enum Known {
    static let bandwidth: UInt8 = 0x01
    static let index: UInt8 = 0x02
    static let guardInterval: UInt8 = 0x04
    static let format: UInt8 = 0x08
    static let coding: UInt8 = 0x10
    static let blockCode: UInt8 = 0x20
    /// The rate is shown if one of these and the index are known.
    static let rate = bandwidth | guardInterval
  }

  static let wide: UInt8 = 1
  static let shortGuardInterval: UInt8 = 0x04
  static let greenfield: UInt8 = 0x08
  static let lowDensityCoding: UInt8 = 0x10

  static let bandwidths: ValueNames = [0: "20 MHz", 1: "40 MHz", 2: "20 MHz (L)", 3: "20 MHz (U)"]

  /// The index that exists only at 40 MHz: the same signal in both halves.
  static let duplicate: UInt8 = 32

  /// Bits of data in a symbol, in units of 13 at 20 MHz and of 27 at 40 MHz, by index (IEEE 802.11 section 19.5).
  static let dataBits: [UInt8] = [
    2, 4, 6, 8, 12, 16, 18, 20, 4, 8, 12, 16, 24, 32, 36, 40, 6, 12, 18, 24, 36, 48, 54, 60, 8, 16, 24, 32, 48, 64, 72,
    80, 0, 12, 16, 20, 18, 24, 30, 16, 20, 20, 24, 28, 28, 32, 24, 30, 30, 36, 42, 42, 48, 20, 24, 28, 24, 28, 32, 36,
    32, 36, 40, 40, 44, 30, 36, 42, 36, 42, 48, 54, 48, 54, 60, 60, 66,
  ]

  /// The rate in units of 100 kb/s; nil if the index has none. A symbol takes 4 microseconds, or 3.6 with the short guard interval.
  static func rate(_ index: UInt8, isWide: Bool, hasShortGuardInterval: Bool) -> UInt32? {
    guard Int(index) < dataBits.count else { return nil }
    let bits: UInt32
    if index == duplicate {
      if !isWide { return nil }
      bits = 24
    } else {
      bits = UInt32(dataBits[Int(index)]) &* (isWide ? 27 : 13)
    }
    return hasShortGuardInterval ? (bits &* 100 &+ 18) / 36 : bits &* 10 / 4
  }
}

extension Printer {
  /// `65.0 Mb/s MCS 7 20 MHz long GI mixed BCC FEC RX-STBC1 `; each part only if it is known.
  private mutating func printMCS(_ header: PacketBytes, at place: Int) throws(DecodeError) {
    let known = try header.u8(at: place)
    let flags = try header.u8(at: place &+ 1)
    let index = try header.u8(at: place &+ 2)
    let isShort = flags & MCS.shortGuardInterval != 0
    if known & MCS.Known.index != 0, known & MCS.Known.rate != 0,
      let rate = MCS.rate(index, isWide: flags & 3 == MCS.wide, hasShortGuardInterval: isShort)
    {
      out.write(decimal: rate / 10)
      write(".", rate % 10)
      out.write(" Mb/s ")
    }
    if known & MCS.Known.index != 0 {
      write("MCS ", index)
      out.write(" ")
    }
    if known & MCS.Known.bandwidth != 0 {
      write(MCS.bandwidths, flags & 3, unknown: "")
      out.write(" ")
    }
    if known & MCS.Known.guardInterval != 0 { out.write(isShort ? "short GI " : "long GI ") }
    if known & MCS.Known.format != 0 { out.write(flags & MCS.greenfield != 0 ? "greenfield " : "mixed ") }
    if known & MCS.Known.coding != 0 {
      out.write(flags & MCS.lowDensityCoding != 0 ? "LDPC FEC " : "BCC FEC ")
    }
    if known & MCS.Known.blockCode != 0 {
      write("RX-STBC", flags >> 5 & 3)
      out.write(" ")
    }
  }
}

///     0       2       3           4                          8        9          10
///     +-------+-------+-----------+--------------------------+--------+----------+-----------------+
///     | known | flags | bandwidth | index and streams of 4   | coding | group ID | partial AID (2) |      802.11ac
///     |       |       |           | users, 4 bits each       |        |          |                 |
///     +-------+-------+-----------+--------------------------+--------+----------+-----------------+
private enum VHT {
  static let guardIntervalKnown: UInt16 = 0x0004
  static let bandwidthKnown: UInt16 = 0x0040
  static let shortGuardInterval: UInt8 = 0x04
  static let users = 4

  /// Bandwidths, and the part of the channel that the frame uses: L the lower half, U the upper half.
  static let bandwidths: ValueNames = [
    0: "20 MHz", 1: "40 MHz", 2: "20 MHz (L)", 3: "20 MHz (U)", 4: "80 MHz", 5: "80 MHz (L)", 6: "80 MHz (U)",
    7: "80 MHz (LL)", 8: "80 MHz (LU)", 9: "80 MHz (UL)", 10: "80 MHz (UU)", 11: "160 MHz", 12: "160 MHz (L)",
    13: "160 MHz (U)", 14: "160 MHz (LL)", 15: "160 MHz (LU)", 16: "160 MHz (UL)", 17: "160 MHz (UU)",
    18: "160 MHz (LLL)", 19: "160 MHz (LLU)", 20: "160 MHz (LUL)", 21: "160 MHz (LUU)", 22: "160 MHz (ULL)",
    23: "160 MHz (ULU)", 24: "160 MHz (UUL)", 25: "160 MHz (UUU)",
  ]
}

extension Printer {
  /// `User 0 MCS 9 LDPC FEC 80 MHz short GI `.
  private mutating func printVHT(_ header: PacketBytes, at place: Int, records: Bool) throws(DecodeError) {
    let known = try header.u16le(at: place)
    let flags = try header.u8(at: place &+ 2)
    let bandwidth = try header.u8(at: place &+ 3)
    let coding = try header.u8(at: place &+ 8)
    if records { fields.beginArray("vht_users") }
    for user in 0..<VHT.users {
      let value = try header.u8(at: place &+ 4 &+ user)
      let (index, streams) = (value >> 4, value & 0x0f)
      if streams == 0 { continue }
      if records {
        fields.beginObject()
        fields.write("mcs_index", index)
        fields.write("streams", streams)
        fields.end()
      }
      write("User ", user)
      write(" MCS ", index)
      out.write(coding & 1 << UInt8(user) != 0 ? " LDPC FEC " : " BCC FEC ")
    }
    if records { fields.end() }
    if known & VHT.bandwidthKnown != 0 {
      write(VHT.bandwidths, bandwidth, unknown: .decimal("unknown (", ")"))
      out.write(" ")
    }
    if known & VHT.guardIntervalKnown != 0 {
      out.write(flags & VHT.shortGuardInterval != 0 ? "short GI " : "long GI ")
    }
  }
}
