import PacketCore

/// The probable type of a file that is not a savefile, recognised by its first bytes (file(1) has the same numbers), and what to do with
/// it.
struct FileKind {
  /// What the user can do with such a file.
  private enum Remedy {
    /// Nothing known.
    case none
    /// A program writes the contents to its standard output.
    case decompressor(String)
    /// Wireshark's editcap(1) converts it to pcapng.
    case conversion
    /// A text to print after a colon.
    case hint(String)
  }

  /// With an article: `a JPEG image`.
  private let name: String
  private let remedy: Remedy

  /// The number of bytes at the start of a file that are examined.
  static let length = 512

  private struct Signature {
    let offset: Int
    let octets: [UInt8]
    let kind: FileKind

    init(_ text: StaticString, at offset: Int = 0, _ name: String, _ remedy: Remedy = .none) {
      // Safe: the string is static.
      self.init(text.withUTF8Buffer { unsafe Array($0) }, at: offset, name, remedy)
    }

    init(_ octets: [UInt8], at offset: Int = 0, _ name: String, _ remedy: Remedy = .none) {
      self.offset = offset
      self.octets = octets
      kind = FileKind(name: name, remedy: remedy)
    }
  }

  private static let signatures: [Signature] = [
    Signature([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0], "xz", .decompressor("xz")),
    Signature("BZh", "bzip2", .decompressor("bzip2")),
    Signature("LZIP", "lzip", .decompressor("lzip")),
    Signature([0x1f, 0x9d], "compress (.Z)", .decompressor("gzip")),
    Signature([0x5d, 0, 0], "lzma", .decompressor("xz")),
    Signature([0x89, 0x4c, 0x5a, 0x4f], "lzop", .decompressor("lzop")),
    Signature([0xff, 0x06, 0, 0, 0x73, 0x4e, 0x61, 0x50], "snappy", .decompressor("snzip")),
    Signature("PK\u{3}\u{4}", "zip", .decompressor("unzip")),
    Signature([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c], "a 7-Zip archive", .hint("unpack it first")),
    Signature("Rar!", "a RAR archive", .hint("unpack it first")),
    Signature("ustar", at: 257, "a tar archive", .hint("unpack it first")),
    Signature("!<arch>\n", "an ar archive or Debian package"),
    Signature("snoop\0\0\0", "a snoop capture (Solaris)", .conversion),
    Signature("btsnoop\0", "a Bluetooth btsnoop log", .conversion),
    Signature("iptrace ", "an iptrace capture (AIX)", .conversion),
    Signature("XCP\0", "a NetXRay or Sniffer capture", .conversion),
    Signature("TRSNIFF data", "a Sniffer capture", .conversion),
    Signature("GMBU", "a Network Monitor capture", .conversion),
    Signature("RTSS", "a Network Monitor capture", .conversion),
    Signature([0x54, 0x52, 0x00, 0x64, 0x00], "a NetScaler trace", .conversion),
    Signature("\u{7f}ver", "an EtherPeek or OmniPeek capture", .conversion),
    Signature("$HPNETTL", "a nettl trace (HP-UX)", .conversion),
    Signature("\u{7f}ELF", "an ELF executable, library or core dump"),
    Signature([0xff, 0xd8, 0xff], "a JPEG image"),
    Signature([0x89, 0x50, 0x4e, 0x47], "a PNG image"),
    Signature("GIF8", "a GIF image"),
    Signature("RIFF", "a RIFF file (WAV, AVI or WebP)"),
    Signature("%PDF", "a PDF document"),
    Signature("SQLite format 3\0", "an SQLite database"),
    Signature("MZ", "a Windows program"),
    Signature([0xd0, 0xcf, 0x11, 0xe0], "a Microsoft Office document"),
    Signature("version https://git-lfs", "a Git LFS pointer", .hint("git lfs pull fetches the file itself")),
    Signature([0xff, 0xfe], "a UTF-16 text file"),
    Signature([0xfe, 0xff], "a UTF-16 text file"),
    Signature("<!DOCTYPE html", "an HTML page, perhaps an error page of a download"),
    Signature("<html", "an HTML page, perhaps an error page of a download"),
    Signature("<?xml", "an XML file"),
  ]

  /// The type of a file that begins with these bytes; nil if it is unknown.
  init?(_ octets: [UInt8]) {
    if let signature = Self.signatures.first(where: { octets.dropFirst($0.offset).starts(with: $0.octets) }) {
      self = signature.kind
    } else if Self.isERF(octets) {
      self.init(name: "an ERF capture (Endace)", remedy: .conversion)
    } else if Self.isText(octets) {
      let isDump = String(decoding: octets, as: UTF8.self).contains(text: "0x0000:")
      self.init(name: "a text file", remedy: isDump ? .hint("text2pcap(1) makes a capture file of a hex dump") : .none)
    } else {
      return nil
    }
  }

  private init(name: String, remedy: Remedy) {
    self.name = name
    self.remedy = remedy
  }

  /// Why the file cannot be read, with what to type instead. `path` is its name, `-` for standard input; `isCompressed` if the bytes are
  /// the contents of a compressed file.
  static func complaint(_ octets: [UInt8], path: String, isCompressed: Bool) -> String {
    let what = isCompressed ? "its content" : "it"
    guard let kind = FileKind(octets) else {
      let digits = octets.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
      return "not a capture file: \(what) begins with \(digits), which is neither pcap nor pcapng"
    }
    let plain = path == "-" || isCompressed
    switch kind.remedy {
    case .none: return "not a capture file; \(what) looks like \(kind.name)"
    case .hint(let words): return "not a capture file; \(what) looks like \(kind.name): \(words)"
    case .decompressor(let program):
      let command = program == "unzip" ? "unzip -p" : "\(program) -dc"
      if isCompressed { return "not a capture file; its content looks like \(kind.name): decompress it twice" }
      let source = plain ? "… | \(command)" : "\(command) \(shellWord(path))"
      return "\(kind.name) is not read directly: \(source) | apus -r -"
    case .conversion:
      let command = plain ? "editcap FILE FILE.pcapng" : "editcap \(shellWord(path)) \(shellWord(path + ".pcapng"))"
      return "neither pcap nor pcapng; \(what) looks like \(kind.name): \(command) converts it"
    }
  }

  /// The text quoted as one word for a POSIX shell.
  private static func shellWord(_ text: String) -> String {
    let plain = text.utf8.allSatisfy { octet in
      switch octet {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2b...0x2f, 0x3a, 0x3d, 0x40, 0x5f: true
      default: false
      }
    }
    let text = text.hasPrefix("-") ? "./" + text : text
    return plain
      ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
  }

  /// True if the bytes are plain text, in UTF-8 or a single-byte character set.
  private static func isText(_ octets: [UInt8]) -> Bool {
    !octets.isEmpty && octets.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 9 || $0 == 10 || $0 == 12 || $0 == 13 }
  }

  /// True for records of the Extensible Record Format, which has no magic number:
  ///
  ///      0  timestamp: fraction and seconds, least significant byte first
  ///      8  type, flags
  ///     10  length of the record, losses, length on the wire, most significant byte first
  private static func isERF(_ octets: [UInt8]) -> Bool {
    func record(_ offset: Int) -> (seconds: UInt32, length: Int)? {
      guard offset + 16 <= octets.count else { return nil }
      let seconds = octets[offset + 4..<offset + 8].reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let length = Int(octets[offset + 10]) << 8 | Int(octets[offset + 11])
      // Times from 1990 to 2099.
      guard (1...49).contains(octets[offset + 8] & 0x7f), (631_152_000...4_102_444_800).contains(seconds), length >= 16
      else { return nil }
      return (seconds, length)
    }
    guard let first = record(0) else { return false }
    guard first.length + 16 <= octets.count else { return first.length == octets.count || octets.count >= length }
    guard let second = record(first.length) else { return false }
    return second.seconds >= first.seconds && second.seconds - first.seconds < 86_400
  }
}
