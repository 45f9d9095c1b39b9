import Glibc

/// The bytes of a file that are in memory: the whole of a mapped file, or the part of a stream that is being parsed. Offsets count from the
/// start of the file.
///
/// The owner of the memory creates a new window whenever it moves or grows; the old one must not be used any more.
@safe
struct FileWindow: BitwiseCopyable {
  /// The offset of the first byte in the file.
  let start: Int
  /// The offset after the last byte in the file.
  let end: Int
  /// The address of the first byte.
  private let base: UnsafeRawPointer
  /// The bytes are those of a mapped file, from its first page on: released pages are read again.
  private let isMapped: Bool

  /// `count` bytes at `base`, whose first one is at offset `start` of the file.
  init(_ base: UnsafeRawPointer, count: Int, start: Int = 0, isMapped: Bool = false) {
    unsafe self.base = base
    self.start = start
    end = start &+ count
    self.isMapped = isMapped
  }

  /// True if `length` bytes from `offset` on are within the window.
  @inline(__always)
  func has(_ offset: Int, _ length: Int) -> Bool {
    // As unsigned numbers, an offset before the start and a negative length are larger than the window.
    let place = UInt(bitPattern: offset &- start)
    let size = UInt(bitPattern: end &- start)
    return place <= size && UInt(bitPattern: length) <= size &- place
  }

  /// Sixteen bytes from `offset` on as four words in the host's byte order; nil if the window ends before.
  @inline(__always)
  func words(at offset: Int) -> SIMD4<UInt32>? {
    guard has(offset, 16) else { return nil }
    // Safe: the guard proved that 16 octets lie within the window.
    return unsafe base.loadUnaligned(fromByteOffset: offset &- start, as: SIMD4<UInt32>.self)
  }

  /// Four bytes from `offset` on in the host's byte order; nil if the window ends before.
  @inline(__always)
  func u32(at offset: Int) -> UInt32? {
    guard has(offset, 4) else { return nil }
    // Safe: the guard proved that 4 octets lie within the window.
    return unsafe base.loadUnaligned(fromByteOffset: offset &- start, as: UInt32.self)
  }

  /// Twelve bytes from `offset` on, which must be within the window, as three words in the host's byte order, and a zero.
  func firstWords(at offset: Int) -> SIMD4<UInt32> {
    SIMD4(u32(at: offset) ?? 0, u32(at: offset &+ 4) ?? 0, u32(at: offset &+ 8) ?? 0, 0)
  }

  /// Two bytes from `offset` on in the host's byte order; nil if the window ends before.
  func u16(at offset: Int) -> UInt16? {
    guard has(offset, 2) else { return nil }
    // Safe: the guard proved that 2 octets lie within the window.
    return unsafe base.loadUnaligned(fromByteOffset: offset &- start, as: UInt16.self)
  }

  /// The sum of one byte of every cache line from `offset` on, over `length` bytes or to the end of the window.
  @inline(__always)
  func touch(_ offset: Int, _ length: Int) -> UInt8 {
    guard offset >= start, offset < end else { return 0 }
    let stop = offset &+ min(length, end &- offset)
    var sum: UInt8 = 0
    var position = offset
    while position < stop {
      // Safe: start <= offset <= position < stop <= end.
      sum &+= unsafe base.load(fromByteOffset: position &- start, as: UInt8.self)
      position &+= 64
    }
    return sum
  }

  /// Bytes of zeros after which their pages are released, a multiple of every page size.
  private static let zeroStep = 32 << 20

  /// The offset of the first byte from `offset` on that is not zero; nil if the window has none. Long runs of zeros in a mapped file do not
  /// increase the memory in use.
  func firstNonZero(from offset: Int) -> Int? {
    var place = offset
    while place < end {
      let stop = min(end, (place / Self.zeroStep &+ 1) &* Self.zeroStep)
      let octets = unsafe octets(at: place, length: stop &- place)
      if let found = unsafe Self.firstNonZero(octets) { return place &+ found }
      // Safe: the range is within the mapping and begins at a page, and its contents stay in the file.
      if isMapped, place % Self.zeroStep == 0 {
        unsafe madvise(UnsafeMutableRawPointer(mutating: base + place), stop &- place, MADV_DONTNEED)
      }
      place = stop
    }
    return nil
  }

  private static func firstNonZero(_ octets: UnsafeRawBufferPointer) -> Int? {
    var position = 0
    // Safe: the guards of both loops keep the reads within the bytes.
    while octets.count &- position >= 8, unsafe octets.loadUnaligned(fromByteOffset: position, as: UInt64.self) == 0 {
      position &+= 8
    }
    while position < octets.count, unsafe octets[position] == 0 { position &+= 1 }
    return position < octets.count ? position : nil
  }

  /// Where the zeros at the end of the window begin; its end if there are none, its start if there are more of them than `limit`.
  func contentEnd(within limit: Int) -> Int {
    let octets = unsafe all
    let stop = max(0, octets.count &- limit)
    var count = octets.count
    // Safe: the guards of both loops keep the reads within the bytes.
    while count &- stop >= 8, unsafe octets.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self) == 0 {
      count &-= 8
    }
    while count > stop, unsafe octets[count &- 1] == 0 { count &-= 1 }
    return count == stop ? start : start &+ count
  }

  /// `length` bytes from `offset` on, valid as long as the memory is unchanged; empty if they are not all in the window.
  @inline(__always)
  func octets(at offset: Int, length: Int) -> UnsafeRawBufferPointer {
    guard has(offset, length) else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    // Safe: the guard proved that the range lies within the window.
    return unsafe UnsafeRawBufferPointer(start: base + (offset &- start), count: length)
  }

  /// All bytes, valid as long as the memory is unchanged.
  var all: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: end &- start) }
}
