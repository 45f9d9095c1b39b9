import CZstd
import Glibc

/// Finds where the members or frames end that a compressed file is made of, without decompressing them.
///
/// The length of a BGZF block stands in its header, those of Zstandard and LZ4 frames follow from the headers of their blocks. A gzip
/// member says nothing of its length: it is taken to end where the next one seems to begin. Whoever decompresses what lies between two
/// such places finds out whether that is so.
struct MemberSplitter {
  private let compression: Compression

  /// Octets of compressed members that are decompressed in one go, unless the first has more.
  private static let jobLength = 1 << 17

  init(_ compression: Compression) { self.compression = compression }

  /// Cuts what begins with a member into ranges of whole members, so many at most; the rest is left.
  func jobs(in octets: UnsafeRawBufferPointer, atMost count: Int) -> [Range<Int>] {
    var jobs: [Range<Int>] = []
    var (start, end) = (0, 0)
    // Every member has an octet at least, so that this ends.
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

  /// How many octets the first member has; nil where its end is not among them, or cannot be known.
  private func length(_ octets: UnsafeRawBufferPointer) -> Int? {
    switch compression {
    case .gzip: unsafe gzipLength(octets)
    case .zstd: unsafe zstdLength(octets)
    case .frames: unsafe frameLength(octets)
    }
  }

  private func littleEndian(_ octets: UnsafeRawBufferPointer, at offset: Int, _ width: Int) -> Int? {
    guard offset >= 0, width <= octets.count &- offset else { return nil }
    // Safe: the guard proved that they are there.
    return (0..<width).reversed().reduce(0) { unsafe $0 << 8 | Int(octets[offset &+ $1]) }
  }

  // MARK: gzip

  /// RFC 1952 section 2.3: two octets of magic, the method, flags, the time, extra flags, the system, then an extra field with flag 4.
  private func gzipLength(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard unsafe isGzipHeader(octets, at: 0) else { return nil }
    if let length = unsafe blockLength(octets) { return length <= octets.count ? length : nil }
    // No member is shorter than its header, two octets and the trailer.
    var offset = 20
    while offset &+ 10 <= octets.count, let base = octets.baseAddress {
      // Safe: so many octets are there from the offset on.
      guard let found = unsafe memchr(base + offset, 0x1f, octets.count &- offset) else { return nil }
      offset = unsafe UnsafeRawPointer(found) - base
      if unsafe isGzipHeader(octets, at: offset) { return offset }
      offset &+= 1
    }
    return nil
  }

  private func isGzipHeader(_ octets: UnsafeRawBufferPointer, at offset: Int) -> Bool {
    guard offset &+ 10 <= octets.count, unsafe octets[offset] == 0x1f else { return false }
    // Safe: ten octets are there. Deflate, no reserved flag, extra flags and a system that are assigned.
    let (flags, extra, system) = unsafe (octets[offset &+ 3], octets[offset &+ 8], octets[offset &+ 9])
    return unsafe octets[offset &+ 1] == 0x8b && octets[offset &+ 2] == 8 && flags & 0xe0 == 0
      && (extra == 0 || extra == 2 || extra == 4) && (system <= 13 || system == 0xff)
  }

  /// The length of a BGZF block, one less of which is what the field `BC` of its extra field has (SAM/BAM format specification, section 4.1).
  private func blockLength(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard unsafe octets[3] & 4 != 0, let extraLength = unsafe littleEndian(octets, at: 10, 2) else { return nil }
    var offset = 12
    // Every field moves by four octets or more.
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
    // Safe: libzstd reads so many octets at most.
    let length = unsafe ZSTD_findFrameCompressedSize(octets.baseAddress, octets.count)
    return ZSTD_isError(length) == 0 && length <= octets.count ? length : nil
  }

  private func frameLength(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard let magic = unsafe littleEndian(octets, at: 0, 4) else { return nil }
    return magic == 0x184d_2204 ? unsafe lz4Length(octets) : unsafe zstdLength(octets)
  }

  /// An LZ4 frame (lz4_Frame_format.md): the magic number, flags, a descriptor of 3 to 15 octets, blocks up to one without octets, and a
  /// checksum with flag 4.
  private func lz4Length(_ octets: UnsafeRawBufferPointer) -> Int? {
    guard let flags = unsafe littleEndian(octets, at: 4, 1) else { return nil }
    var offset = 7 &+ (flags & 8 != 0 ? 8 : 0) &+ (flags & 1 != 0 ? 4 : 0)
    // Every block moves by four octets or more.
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

/// Compressed members that follow one another, and what a thread has decompressed of them.
@safe
final class MemberJob: @unchecked Sendable {
  /// Where they lie in the input.
  let range: Range<Int>
  private var memory: UnsafeMutableRawBufferPointer
  /// Decompressed octets, and how many of them have been given.
  private var count = 0
  private var given = 0
  /// They were sound, and ended where they were said to.
  private(set) var isWhole = false

  /// Octets that members may have: those with more are decompressed piece by piece. There may be 64 of these.
  private static let largestOutput = 1 << 22

  init(_ range: Range<Int>) {
    self.range = range
    unsafe memory = .allocate(byteCount: min(Self.largestOutput, max(1 << 16, 4 &* range.count)), alignment: 16)
  }

  deinit { unsafe memory.deallocate() }

  var isGiven: Bool { given == count }

  /// Decompresses the members, all of `input`.
  func run(_ input: UnsafeRawBufferPointer, _ decompressor: any Decompressor) {
    var taken = 0
    while true {
      if unsafe count == memory.count, !grow() { return }
      // Safe: the decompressor has taken no more than there is, and the count is within the memory.
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

  /// Copies what has not been given yet, as far as there is room, and gives how much that was.
  func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
    let length = min(room.count, count &- given)
    guard length > 0 else { return 0 }
    // Safe: both have so many octets from there.
    unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[given..<given &+ length]))
    given &+= length
    return length
  }
}
