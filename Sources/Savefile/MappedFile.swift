import Glibc
import PacketCore

/// A regular file mapped into memory for reading from the beginning to the end.
///
/// The size is fixed when the file is opened: octets that are appended later are not seen. Where the file shrinks under the
/// mapping, the kernel answers a read past its new end with SIGBUS; `BusErrorGuard` then puts zero pages in the place of what
/// is gone, so that nothing crashes, and `shrank` tells that what was read last cannot be trusted.
@safe
struct MappedFile: ~Copyable {
  /// The name that it was opened by.
  let path: String
  /// Octets in it.
  let count: Int
  private let base: UnsafeMutableRawPointer
  private let slot: Int
  /// Opens and maps a file. Throws where it does not exist, may not be read, is no regular file or is empty.
  init(path: String) throws(SavefileError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SavefileError(path: path, errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw SavefileError(path: path, errno: errno) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw SavefileError(path: path, errno: EISDIR) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw SavefileError(path: path, kind: .notRegular, message: "not a regular file")
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      throw SavefileError(path: path, kind: .truncated, message: "not a savefile: it is empty")
    }
    let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw SavefileError(path: path, errno: errno)
    }
    unsafe madvise(address, count, MADV_SEQUENTIAL)
    self.path = path
    self.count = count
    unsafe base = address
    unsafe slot = BusErrorGuard.watch(address, count)
  }

  deinit {
    BusErrorGuard.forget(slot)
    unsafe munmap(base, count)
  }

  /// True where a read met the end of a file that has become shorter than it was when it was opened.
  var shrank: Bool { BusErrorGuard.hasFired && BusErrorGuard.hasFired(slot) }

  /// True where `length` octets from `offset` on lie within the file.
  @inline(__always)
  func has(_ offset: Int, _ length: Int) -> Bool {
    offset >= 0 && length >= 0 && length <= count && offset <= count &- length
  }

  /// Sixteen octets from `offset` on as four words in the host's byte order; nil where the file ends before.
  @inline(__always)
  func words(at offset: Int) -> SIMD4<UInt32>? {
    guard has(offset, 16) else { return nil }
    // Safe: the guard proved that 16 octets lie within the mapping.
    return unsafe base.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt32>.self)
  }

  /// The sum of one octet of every cache line from `offset` on, over `length` octets or to the end of the file.
  @inline(__always)
  func touch(_ offset: Int, _ length: Int) -> UInt8 {
    guard offset >= 0, offset < count else { return 0 }
    let end = offset &+ min(length, count &- offset)
    var sum: UInt8 = 0
    var position = offset
    while position < end {
      // Safe: 0 <= offset <= position < end <= count.
      sum &+= unsafe base.load(fromByteOffset: position, as: UInt8.self)
      position &+= 64
    }
    return sum
  }

  /// Four octets from `offset` on in the host's byte order; nil where the file ends before.
  @inline(__always)
  func u32(at offset: Int) -> UInt32? {
    guard has(offset, 4) else { return nil }
    // Safe: the guard proved that 4 octets lie within the mapping.
    return unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
  }

  /// Two octets from `offset` on in the host's byte order; nil where the file ends before.
  func u16(at offset: Int) -> UInt16? {
    guard has(offset, 2) else { return nil }
    // Safe: the guard proved that 2 octets lie within the mapping.
    return unsafe base.loadUnaligned(fromByteOffset: offset, as: UInt16.self)
  }

  /// `length` octets from `offset` on, to be lent no longer than the mapping lives; none where they do not all lie in the file.
  @inline(__always)
  func octets(at offset: Int, length: Int) -> UnsafeRawBufferPointer {
    guard has(offset, length) else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
    // Safe: the guard proved that the range lies within the mapping.
    return unsafe UnsafeRawBufferPointer(start: base + offset, count: length)
  }
}
