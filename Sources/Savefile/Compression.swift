/// A compressed format of savefiles, recognised by the first bytes of the file.
package enum Compression {
  /// RFC 1952; members may follow each other.
  case gzip
  /// RFC 8878; frames may follow each other.
  case zstd
  /// LZ4 frames, including legacy ones, or a file that begins with a skippable frame, after which LZ4 and Zstandard can be distinguished;
  /// frames may follow each other.
  case frames

  /// The format of a file that begins with these bytes; nil if it is none of them.
  package init?(magic octets: [UInt8]) {
    guard octets.count >= 4 else { return nil }
    switch (octets[0], octets[1], octets[2], octets[3]) {
    case (0x1f, 0x8b, _, _): self = .gzip
    case (0x28, 0xb5, 0x2f, 0xfd): self = .zstd
    // A skippable frame, with which the output of parallel compressors begins.
    case (0x50...0x5f, 0x2a, 0x4d, 0x18): self = .frames
    case (0x04, 0x22, 0x4d, 0x18), (0x02, 0x21, 0x4c, 0x18): self = .frames
    default: return nil
    }
  }

  /// A decompressor for the format.
  package func decompressor() -> any Decompressor {
    switch self {
    case .gzip: GzipDecompressor()
    case .zstd: ZstdDecompressor()
    case .frames: FrameDecompressor()
    }
  }
}

/// A decompressor that gets its input piece by piece.
package protocol Decompressor: AnyObject {
  /// True if the input so far is complete: it ends at the end of a member or frame.
  var isComplete: Bool { get }
  /// True if zeros at this point can only be padding after the last member or frame.
  var mayBePadded: Bool { get }

  /// Decompresses bytes of `input` into `output`, and returns how many of each. Throws what is wrong with them, in words.
  func run(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int)
}

/// Why compressed data could not be decompressed, in words.
package struct DecompressionError: Error {
  package let message: String
}

extension Decompressor {
  package var mayBePadded: Bool { isComplete }
}
