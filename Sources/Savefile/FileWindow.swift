import Glibc

/// Octets of a file that lie in memory: all of a mapped file, or those of a stream that are being walked over. Offsets are from the
/// start of the file.
///
/// Who owns the memory hands out a window anew whenever it moves or grows; the old one must not be used any more.
@safe
struct FileWindow: BitwiseCopyable {
  /// The first octet, from the start of the file.
  let start: Int
  /// After the last octet, from the start of the file.
  let end: Int
  /// Where the first octet is.
  private let base: UnsafeRawPointer
  /// The octets are those of a mapped file, from its first page on: pages that were given back are read again.
  private let isMapped: Bool

  /// `count` octets at `base`, which begin `start` octets after the start of the file.
  init(_ base: UnsafeRawPointer, count: Int, start: Int = 0, isMapped: Bool = false) {
    unsafe self.base = base
    self.start = start
    end = start &+ count
    self.isMapped = isMapped
  }

  /// True where `length` octets from `offset` on lie within the window.
  @inline(__always)
  func has(_ offset: Int, _ length: Int) -> Bool {
    // As unsigned numbers, what lies before the start or is negative is larger than the window.
    let place = UInt(bitPattern: offset &- start)
    let size = UInt(bitPattern: end &- start)
    return place <= size && UInt(bitPattern: length) <= size &- place
  }

  /// Sixteen octets from `offset` on as four words in the host's byte order; nil where the window ends before.
  @inline(__always)
  func words(at offset: Int) -> SIMD4<UInt32>? {
    guard has(offset, 16) else { return nil }
    // Safe: the guard proved that 16 octets lie within the window.
    return unsafe base.loadUnaligned(fromByteOffset: offset &- start, as: SIMD4<UInt32>.self)
  }

  /// Four octets from `offset` on in the host's byte order; nil where the window ends before.
  @inline(__always)
  func u32(at offset: Int) -> UInt32? {
    guard has(offset, 4) else { return nil }
    // Safe: the guard proved that 4 octets lie within the window.
    return unsafe base.loadUnaligned(fromByteOffset: offset &- start, as: UInt32.self)
  }

  /// Twelve octets from `offset` on, which must lie within the window, as three words in the host's byte order, and a zero.
  func firstWords(at offset: Int) -> SIMD4<UInt32> {
    SIMD4(u32(at: offset) ?? 0, u32(at: offset &+ 4) ?? 0, u32(at: offset &+ 8) ?? 0, 0)
  }

  /// Two octets from `offset` on in the host's byte order; nil where the window ends before.
  func u16(at offset: Int) -> UInt16? {
    guard has(offset, 2) else { return nil }
    // Safe: the guard proved that 2 octets lie within the window.
    return unsafe base.loadUnaligned(fromByteOffset: offset &- start, as: UInt16.self)
  }

  /// The sum of one octet of every cache line from `offset` on, over `length` octets or to the end of the window.
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

  /// Octets of zeros after which pages are given back, a multiple of every size of a page.
  private static let zeroStep = 32 << 20

  /// Where the first octet that is not zero lies, from `offset` on; nil where the window has none. The memory that a process takes does not
  /// grow with the zeros of a mapped file.
  func firstNonZero(from offset: Int) -> Int? {
    var place = offset
    while place < end {
      let stop = min(end, (place / Self.zeroStep &+ 1) &* Self.zeroStep)
      let octets = unsafe octets(at: place, length: stop &- place)
      if let found = unsafe Self.firstNonZero(octets) { return place &+ found }
      // Safe: the range lies within the mapping, begins with a page, and what it holds stays in the file.
      if isMapped, place % Self.zeroStep == 0 {
        unsafe madvise(UnsafeMutableRawPointer(mutating: base + place), stop &- place, MADV_DONTNEED)
      }
      place = stop
    }
    return nil
  }

  private static func firstNonZero(_ octets: UnsafeRawBufferPointer) -> Int? {
    var position = 0
    // Safe: the guards of both loops keep the reads within the octets.
    while octets.count &- position >= 8, unsafe octets.loadUnaligned(fromByteOffset: position, as: UInt64.self) == 0 {
      position &+= 8
    }
    while position < octets.count, unsafe octets[position] == 0 { position &+= 1 }
    return position < octets.count ? position : nil
  }

  /// Where the zeros begin with which the window ends; its end if there are none, its start if there are more than these are looked for.
  func contentEnd(within limit: Int) -> Int {
    let octets = unsafe all
    let stop = max(0, octets.count &- limit)
    var count = octets.count
    // Safe: the guards of both loops keep the reads within the octets.
    while count &- stop >= 8, unsafe octets.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self) == 0 {
      count &-= 8
    }
    while count > stop, unsafe octets[count &- 1] == 0 { count &-= 1 }
    return count == stop ? start : start &+ count
  }

  /// `length` octets from `offset` on, valid as long as the memory is unchanged; none where they do not all lie in the
  /// window.
  @inline(__always)
  func octets(at offset: Int, length: Int) -> UnsafeRawBufferPointer {
    guard has(offset, length) else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    // Safe: the guard proved that the range lies within the window.
    return unsafe UnsafeRawBufferPointer(start: base + (offset &- start), count: length)
  }

  /// All octets, valid as long as the memory is unchanged.
  var all: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: end &- start) }
}
