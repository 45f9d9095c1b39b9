import CLZ4
import Glibc

/// LZ4 and Zstandard frames that follow each other in any order. A frame is recognised by its first four bytes:
///
///     0x184D2204          an LZ4 frame
///     0x184C2102          an LZ4 legacy frame (`lz4 -l`, the Linux kernel)
///     0xFD2FB528          a Zstandard frame (RFC 8878 section 3.1.1)
///     0x184D2A50 to …5F   a skippable frame of either format (RFC 8878 section 3.1.2): a length, and that many bytes to skip
///
/// The LZ4 frames are described in lz4_Frame_format.md of the LZ4 project.
@safe
final class FrameDecompressor: Decompressor {
  private enum State {
    /// Between frames: the magic number comes next.
    case magic
    /// In a skippable frame: its length comes next.
    case skippableLength
    /// In a skippable frame, with that many bytes left.
    case skippable(UInt32)
    case lz4
    case zstd
    /// In a legacy frame.
    case legacy
  }

  private var state = State.magic
  /// Bytes of a magic number or length that is not complete yet.
  private var word: [UInt8] = []
  /// The magic number, which must be passed to the frame's decompressor first.
  private var frameStart: [UInt8] = []
  private lazy var lz4 = LZ4Decompressor()
  private lazy var zstd = ZstdDecompressor()
  private lazy var legacy = LegacyLZ4Decompressor()

  private static let lz4Magic: UInt32 = 0x184d_2204
  private static let legacyMagic: UInt32 = 0x184c_2102
  private static let zstdMagic: UInt32 = 0xfd2f_b528
  private static let skippableMagics: ClosedRange<UInt32> = 0x184d_2a50...0x184d_2a5f

  var isComplete: Bool {
    switch state {
    // Zeros after the last frame are padding, even if there are only one to three.
    case .magic: word.allSatisfy { $0 == 0 }
    case .legacy: legacy.isComplete
    default: false
    }
  }

  var mayBePadded: Bool {
    if case .magic = state { return word.isEmpty }
    return false
  }

  func run(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int) {
    var consumed = 0
    while true {
      // Safe: no state has consumed more than the input.
      let rest = unsafe UnsafeRawBufferPointer(rebasing: input[consumed...])
      switch state {
      case .magic:
        guard let magic = unsafe takeWord(rest, &consumed) else { return (consumed, 0) }
        try begin(magic)
      case .skippableLength:
        guard let length = unsafe takeWord(rest, &consumed) else { return (consumed, 0) }
        state = length > 0 ? .skippable(length) : .magic
      case .skippable(let left):
        let skipped = UInt32(clamping: min(Int(left), rest.count))
        consumed += Int(skipped)
        state = skipped == left ? .magic : .skippable(left - skipped)
        if rest.count == Int(skipped) { return (consumed, 0) }
      case .lz4:
        let moved = try unsafe run(lz4, rest, output)
        return (consumed + moved.consumed, moved.produced)
      case .zstd:
        let moved = try unsafe run(zstd, rest, output)
        return (consumed + moved.consumed, moved.produced)
      case .legacy:
        let moved = try unsafe legacy.run(rest, output)
        // The word in the place of a block length may be the magic number of the next frame.
        if let magic = legacy.nextMagic {
          state = .magic
          if magic != 0 { try begin(magic) }
        }
        return (consumed + moved.consumed, moved.produced)
      }
    }
  }

  /// Runs the decompressor of the frame: first on its magic number, which was read to choose it, and then on the input.
  private func run(
    _ decompressor: some Decompressor, _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int) {
    if !frameStart.isEmpty {
      let magic = frameStart
      frameStart = []
      // Safe: the array outlives the call. Four bytes are less than any header, so there is no output.
      let result = unsafe magic.withUnsafeBytes { octets in
        Result { () throws(DecompressionError) in try unsafe decompressor.run(octets, output) }
      }
      guard try result.get().consumed == magic.count else {
        throw DecompressionError(message: "a frame header is invalid")
      }
    }
    let moved = try unsafe decompressor.run(input, output)
    if decompressor.isComplete { state = .magic }
    return moved
  }

  private func begin(_ magic: UInt32) throws(DecompressionError) {
    switch magic {
    case Self.lz4Magic: state = .lz4
    case Self.zstdMagic: state = .zstd
    case Self.legacyMagic:
      state = .legacy
      legacy.begin()
    case Self.skippableMagics: state = .skippableLength
    default: throw DecompressionError(message: "lz4: no frame begins here")
    }
    frameStart = (0..<4).map { UInt8(truncatingIfNeeded: magic >> (8 * UInt32($0))) }
  }

  /// Four bytes, least significant first; nil if they have not all arrived.
  private func takeWord(_ input: UnsafeRawBufferPointer, _ consumed: inout Int) -> UInt32? {
    // Safe: `taken` is at most the number of bytes.
    let taken = min(4 - word.count, input.count)
    for index in 0..<taken { word.append(unsafe input[index]) }
    consumed += taken
    guard word.count == 4 else { return nil }
    defer { word.removeAll(keepingCapacity: true) }
    return littleEndian(word)
  }
}

/// A legacy LZ4 frame after its magic number: blocks, each of them a length of four bytes, least significant first, and that many bytes,
/// which decompress to 8 MiB, or less in the last block. The frame ends only at the end of the file or the next magic number.
@safe
final class LegacyLZ4Decompressor: Decompressor {
  private var memory: UnsafeMutableRawPointer?
  private var lengthOctets: [UInt8] = []
  /// Bytes of the block, and how many of them have arrived; 0 before its length is known.
  private var blockLength = 0
  private var blockCount = 0
  /// Decompressed bytes, and how many of them have been output.
  private var contentLength = 0
  private var contentGiven = 0
  /// A word that is not a block length: another frame follows or, if it is 0, padding.
  private(set) var nextMagic: UInt32?

  private static let contentSize = 8 << 20
  /// LZ4_compressBound() of `contentSize`: a block is never longer.
  private static let largestBlock = contentSize + contentSize / 255 + 16

  deinit { unsafe free(memory) }

  /// Prepares for a frame.
  func begin() {
    nextMagic = nil
    (blockLength, blockCount, contentLength, contentGiven) = (0, 0, 0, 0)
    lengthOctets.removeAll()
  }

  var isComplete: Bool {
    blockLength == 0 && contentGiven == contentLength && lengthOctets.allSatisfy { $0 == 0 }
  }
  var mayBePadded: Bool { false }

  func run(
    _ input: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer
  ) throws(DecompressionError) -> (consumed: Int, produced: Int) {
    if contentGiven < contentLength { return (0, unsafe give(output)) }
    var consumed = 0
    if blockLength == 0 {
      // Safe: `taken` is at most the number of bytes.
      let taken = min(4 - lengthOctets.count, input.count)
      for index in 0..<taken { lengthOctets.append(unsafe input[index]) }
      consumed += taken
      guard lengthOctets.count == 4 else { return (consumed, 0) }
      let length = littleEndian(lengthOctets)
      lengthOctets.removeAll(keepingCapacity: true)
      guard length > 0, length <= UInt32(Self.largestBlock) else {
        nextMagic = length
        return (consumed, 0)
      }
      (blockLength, blockCount) = (Int(length), 0)
    }
    if unsafe memory == nil { unsafe memory = malloc(Self.largestBlock + Self.contentSize) }
    guard let memory = unsafe memory else { throw DecompressionError(message: "lz4: out of memory") }
    let taken = min(blockLength - blockCount, input.count - consumed)
    if taken > 0 {
      // Safe: `taken` bytes are left in the input and in the memory for the block, which is not longer than the largest one.
      unsafe UnsafeMutableRawBufferPointer(start: memory + blockCount, count: taken)
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: input[consumed..<consumed + taken]))
      blockCount += taken
      consumed += taken
    }
    guard blockCount == blockLength else { return (consumed, 0) }
    // Safe: the memory has room for the largest block and, after it, for the contents; liblz4 respects the given sizes.
    let length = unsafe LZ4_decompress_safe(
      UnsafePointer(memory.assumingMemoryBound(to: CChar.self)),
      (memory + Self.largestBlock).assumingMemoryBound(to: CChar.self), CInt(blockLength), CInt(Self.contentSize))
    blockLength = 0
    guard length >= 0 else { throw DecompressionError(message: "lz4: a block of a legacy frame is invalid") }
    (contentLength, contentGiven) = (Int(length), 0)
    return (consumed, unsafe give(output))
  }

  private func give(_ output: UnsafeMutableRawBufferPointer) -> Int {
    guard let memory = unsafe memory else { return 0 }
    let count = min(contentLength - contentGiven, output.count)
    guard count > 0 else { return 0 }
    // Safe: `count` bytes are left of the contents, and there is room for them.
    unsafe output.copyMemory(
      from: UnsafeRawBufferPointer(start: memory + Self.largestBlock + contentGiven, count: count))
    contentGiven += count
    return count
  }
}

/// Four bytes, least significant first, as a number.
private func littleEndian(_ octets: [UInt8]) -> UInt32 {
  octets.prefix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
}
