import CZstd
import Glibc

/// Finds the ends of the members or frames in a compressed file, without decompressing them.
///
/// The length of a BGZF block is in its header; the lengths of Zstandard and LZ4 frames follow from the headers of their blocks. A gzip
/// member does not contain its length: it is assumed to end where the next one seems to begin. Decompressing the data between two such
/// places shows whether that is right.
struct MemberSplitter {
  private let compression: Compression

  /// Bytes of compressed members that are decompressed in one job, unless the first member is longer.
  private static let jobLength = 1 << 17

  init(_ compression: Compression) { self.compression = compression }

  /// Splits data that begins with a member into at most `count` ranges of complete members; the rest is left.
  func jobs(in octets: UnsafeRawBufferPointer, atMost count: Int) -> [Range<Int>] {
    var jobs: [Range<Int>] = []
    var (start, end) = (0, 0)
    // Every member has at least one byte, so this loop ends.
    while jobs.count < count, end < octets.count,
      let length = unsafe length(UnsafeRawBufferPointer(rebasing: octets[end...])), length > 0
    {
      end &+= length
      guard end &- start >= Self.jobLength else { continue }
      jobs.append(start..<end)
      start = end
    }
    if start < end, jobs.count < count { jobs.append(start..<end) }
    return jobs
  }

  /// The number of bytes of the first member; nil if its end is not in the data, or cannot be found.
  private func length(_ octets: UnsafeRawBufferPointer) -> Int? {
    switch compression {
    case .gzip: unsafe gzipLength(octets)
    case .zstd: unsafe zstdLength(octets)
    case .frames: unsafe frameLength(octets)
    }
  }

  private func littleEndian(_ octets: UnsafeRawBufferPointer, at offset: Int, _ width: Int) -> Int? {
    guard offset >= 0, width <= octets.count &- offset else { return nil }
    // Safe: the guard proved that these bytes exist.
    return (0..<width).reversed().reduce(0) { unsafe $0 << 8 | Int(octets[offset &+ $1]) }
  }

  // MARK: gzip

  /// RFC 1952 section 2.3: two bytes of magic, the method, flags, the time, extra flags, the system, then an extra field with flag 4.
  private func gzipLength(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard unsafe isGzipHeader(octets, at: 0) else { return nil }
    if let length = unsafe blockLength(octets) { return length <= octets.count ? length : nil }
    // A member has at least its header, two bytes and the trailer.
    var offset = 20
    while offset &+ 10 <= octets.count, let base = octets.baseAddress {
      // Safe: that many bytes exist from the offset on.
      guard let found = unsafe memchr(base + offset, 0x1f, octets.count &- offset) else { return nil }
      offset = unsafe UnsafeRawPointer(found) - base
      if unsafe isGzipHeader(octets, at: offset) { return offset }
      offset &+= 1
    }
    return nil
  }

  private func isGzipHeader(_ octets: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    guard offset &+ 10 <= octets.count, unsafe octets[offset] == 0x1f else { return false }
    // Safe: ten bytes exist. Accept only deflate, no reserved flags, and assigned extra flags and systems.
    let (flags, extra, system) = unsafe (octets[offset &+ 3], octets[offset &+ 8], octets[offset &+ 9])
    return unsafe octets[offset &+ 1] == 0x8b && octets[offset &+ 2] == 8 && flags & 0xe0 == 0
      && (extra == 0 || extra == 2 || extra == 4) && (system <= 13 || system == 0xff)
  }

  /// The length of a BGZF block; the field `BC` of its extra field contains the length minus one (SAM/BAM format specification, section
  /// 4.1).
  private func blockLength(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard unsafe octets[3] & 4 != 0, let extraLength = unsafe littleEndian(octets, at: 10, 2) else { return nil }
    var offset = 12
    // Every field advances by at least four bytes.
    while offset &+ 4 <= 12 &+ extraLength {
      guard let name = unsafe littleEndian(octets, at: offset, 2),
        let length = unsafe littleEndian(octets, at: offset &+ 2, 2)
      else { return nil }
      if name == 0x4342, length == 2 { return unsafe littleEndian(octets, at: offset &+ 4, 2).map { $0 &+ 1 } }
      offset &+= 4 &+ length
    }
    return nil
  }

  // MARK: Frames

  /// A Zstandard frame or a skippable one (RFC 8878 sections 3.1.1 and 3.1.2).
  private func zstdLength(_ octets: UnsafeRawBufferPointer) -> Int? {
    // Safe: libzstd reads at most that many bytes.
    let length = unsafe ZSTD_findFrameCompressedSize(octets.baseAddress, octets.count)
    return ZSTD_isError(length) == 0 && length <= octets.count ? length : nil
  }

  private func frameLength(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard let magic = unsafe littleEndian(octets, at: 0, 4) else { return nil }
    return magic == 0x184d_2204 ? unsafe lz4Length(octets) : unsafe zstdLength(octets)
  }

  /// An LZ4 frame (lz4_Frame_format.md): the magic number, flags, a descriptor of 3 to 15 bytes, blocks up to an empty one, and a checksum
  /// with flag 4.
  private func lz4Length(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard let flags = unsafe littleEndian(octets, at: 4, 1) else { return nil }
    var offset = 7 &+ (flags & 8 != 0 ? 8 : 0) &+ (flags & 1 != 0 ? 4 : 0)
    // Every block advances by at least four bytes.
    while let word = unsafe littleEndian(octets, at: offset, 4) {
      offset &+= 4
      if word == 0 {
        let end = offset &+ (flags & 4 != 0 ? 4 : 0)
        return end <= octets.count ? end : nil
      }
      offset &+= word & 0x7fff_ffff &+ (flags & 0x10 != 0 ? 4 : 0)
    }
    return nil
  }
}

/// Consecutive compressed members, and their decompressed contents.
@safe
final class MemberJob: @unchecked Sendable {
  /// Their range in the input.
  let range: Range<Int>
  private var memory: UnsafeMutableRawBufferPointer
  /// Decompressed bytes, and how many of them have been output.
  private var count = 0
  private var given = 0
  /// They were valid, and ended at the end of the range.
  private(set) var isWhole = false

  /// Maximum decompressed size of a job in bytes; larger ones are decompressed piece by piece. There may be 64 jobs.
  private static let largestOutput = 1 << 22

  init(_ range: Range<Int>) {
    self.range = range
    unsafe memory = .allocate(byteCount: min(Self.largestOutput, max(1 << 16, 4 &* range.count)), alignment: 16)
  }

  deinit { unsafe memory.deallocate() }

  var isGiven: Bool { given == count }

  /// Decompresses the members, which fill all of `input`.
  func run(_ input: UnsafeRawBufferPointer, _ decompressor: any Decompressor) {
    var taken = 0
    while true {
      if unsafe count == memory.count, !grow() { return }
      // Safe: the decompressor has taken no more than the input, and the count is within the memory.
      let (rest, room) = unsafe (
        UnsafeRawBufferPointer(rebasing: input[taken...]), UnsafeMutableRawBufferPointer(rebasing: memory[count...])
      )
      guard let moved = try? unsafe decompressor.run(rest, room) else { return }
      taken &+= moved.consumed
      count &+= moved.produced
      if taken == input.count, decompressor.mayBePadded {
        isWhole = true
        return
      }
      guard moved.consumed > 0 || moved.produced > 0 else { return }
    }
  }

  private func grow() -> Bool {
    guard count < Self.largestOutput else { return false }
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: min(Self.largestOutput, 2 &* count), alignment: 16)
    // Safe: the new memory is larger.
    unsafe larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
    unsafe memory.deallocate()
    unsafe memory = larger
    return true
  }

  /// Copies bytes that have not been output yet, as far as there is room, and returns their number.
  func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
    let length = min(room.count, count &- given)
    guard length > 0 else { return 0 }
    // Safe: both have that many bytes from there on.
    unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[given..<given &+ length]))
    given &+= length
    return length
  }
}
