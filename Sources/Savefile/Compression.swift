/// A form in which savefiles are compressed, told by the first octets of the file.
package enum Compression {
  /// RFC 1952; members may follow each other.
  case gzip
  /// RFC 8878; frames may follow each other.
  case zstd
  /// The LZ4 frame format; frames may follow each other.
  case lz4

  /// The form of a file that begins with these octets; nil where it is none of them.
  package init?(magic octets: [UInt8]) {
    guard octets.count >= 4 else { return nil }
    switch (octets[0], octets[1], octets[2], octets[3]) {
    case (0x1f, 0x8b, _, _): self = .gzip
    case (0x28, 0xb5, 0x2f, 0xfd): self = .zstd
    // A frame to pass over, with which the parallel compressors begin.
    case (0x50...0x5f, 0x2a, 0x4d, 0x18): self = .zstd
    case (0x04, 0x22, 0x4d, 0x18): self = .lz4
    default: return nil
    }
  }

  /// What decompresses it.
  package func decompressor() -> any Decompressor {
    switch self {
    case .gzip: GzipDecompressor()
    case .zstd: ZstdDecompressor()
    case .lz4: LZ4Decompressor()
    }
  }
}

/// A decompressor of the system that is given octets piece by piece.
package protocol Decompressor: AnyObject {
  /// True where what was given so far is whole: it ends at the end of a member or frame.
  var isComplete: Bool { get }

  /// Takes octets of `input` and puts octets into `output`, and gives how many of each. Throws what is wrong with them, in words.
  func run(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int)
}

/// Why compressed octets could not be decompressed, in words.
package struct DecompressionError: Error {
  package let message: String
}
