public import PacketCore

/// The format of an output file.
public enum SavefileFormat: Sendable, Equatable {
  /// Classic pcap (draft-ietf-opsawg-pcap): one link type, timestamps of 32-bit seconds.
  case pcap(TimestampPrecision)
  /// pcapng (draft-ietf-opsawg-pcapng): any number of interfaces and link types, nanoseconds.
  case pcapng

  /// A format by its name.
  public enum Kind: String, Sendable {
    case pcap, pcapng
  }

  /// The format of that kind; if it is nil, the format that the name of the file implies.
  public init(_ kind: Kind?, path: String, precision: TimestampPrecision) {
    switch kind {
    case .pcap: self = .pcap(precision)
    case .pcapng: self = .pcapng
    case nil: self.init(path: path, precision: precision)
    }
  }

  /// The format that the name of a file implies: pcapng for `.pcapng` and `.ntar`, pcap for all others. The suffix of a compressed file is
  /// ignored.
  public init(path: String, precision: TimestampPrecision) {
    let name = SavefileCompression.split(path).stem
    self = name.hasSuffix(".pcapng") || name.hasSuffix(".ntar") ? .pcapng : .pcap(precision)
  }
}

/// How an output file is compressed.
public enum SavefileCompression: String, Sendable, CaseIterable {
  case none
  /// RFC 1952.
  case gzip
  /// RFC 8878.
  case zstd

  /// The compression that the name of a file implies: `.gz` or `.zst`.
  public init(path: String) {
    switch Self.split(path).suffix {
    case ".gz": self = .gzip
    case ".zst": self = .zstd
    default: self = .none
    }
  }

  /// Lower-case suffixes of compressed files that apus does not write, and the programs that compress standard input to them.
  private static let otherSuffixes = [
    (".xz", "xz"), (".bz2", "bzip2"), (".lz4", "lz4"), (".lzma", "xz --format=lzma"), (".lz", "lzip"), (".lzo", "lzop"),
    (".br", "brotli"), (".z", "compress"), (".zip", "zip"), (".7z", "7z"), (".rar", "rar"), (".sz", "snzip"),
  ]

  /// If the name of a file implies a compression that apus does not write: the suffix, and the program that writes it; nil otherwise.
  public static func unsupported(path: String) -> (suffix: String, program: String)? {
    let name = path.lowercased()
    return otherSuffixes.first { name.hasSuffix($0.0) }.map { (String(path.suffix($0.0.count)), $0.1) }
  }

  /// A name without the suffix of a compressed file, and that suffix, which is empty if there is none.
  static func split(_ path: String) -> (stem: String, suffix: String) {
    for suffix in [".gz", ".zst"] where path.hasSuffix(suffix) {
      return (String(path.dropLast(suffix.count)), suffix)
    }
    return (path, "")
  }
}

/// Bytes of a packet header in a pcap file.
private let packetHeaderLength = 16
/// The type of a pcapng block that contains a packet.
private let enhancedPacketBlock: UInt32 = 6

extension SavefileFormat {
  /// How many bytes and packets of `span` are whole records that end within its first `limit` bytes.
  func wholePackets(in span: RawSpan, within limit: Int) -> (octets: Int, packets: UInt64) {
    let limit = min(limit, span.byteCount)
    var octets = 0
    var packets: UInt64 = 0
    func word(_ offset: Int) -> UInt32 {
      // Safe: every caller has checked the offset against the limit, which is within the span.
      unsafe span.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt32.self)
    }
    switch self {
    case .pcap:
      while octets + packetHeaderLength <= limit {
        let end = octets + packetHeaderLength + Int(word(octets + 8))
        guard end <= limit else { break }
        octets = end
        packets += 1
      }
    case .pcapng:
      while octets + 12 <= limit {
        let end = octets + Int(word(octets + 4))
        guard end <= limit, end > octets else { break }
        if word(octets) == enhancedPacketBlock { packets += 1 }
        octets = end
      }
    }
    return (octets, packets)
  }
}
