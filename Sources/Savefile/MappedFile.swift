import Glibc

/// A regular file mapped into memory for reading.
///
/// The size is fixed when the file is opened: bytes that are appended later are not seen. If the file shrinks while it is mapped, the
/// kernel raises SIGBUS for a read past its new end; `BusErrorGuard` then maps zero pages instead, so that nothing crashes, and `shrank`
/// says that the data read last cannot be trusted.
@safe
final class MappedFile {
  /// Size in bytes.
  let count: Int
  private let base: UnsafeMutableRawPointer
  private let slot: Int
  /// Bytes whose pages were released.
  private var released = 0
  /// Bytes to release at a time, a multiple of every page size.
  private static let releaseLength = 32 << 20

  /// How the file is going to be read.
  enum Access {
    /// From beginning to end: the kernel reads ahead.
    case sequential
    /// At arbitrary places.
    case random
  }

  /// Maps the first `count` bytes, at least one, of an open regular file, which may be closed after that. Throws if the system refuses.
  init(descriptor: CInt, count: Int, path: String) throws(SavefileError) {
    let address = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      throw SavefileError(path: path, errno: errno)
    }
    self.count = count
    unsafe base = address
    unsafe slot = BusErrorGuard.watch(address, count)
    advise(.sequential)
  }

  deinit {
    BusErrorGuard.forget(slot)
    unsafe munmap(base, count)
  }

  /// The whole file.
  var window: FileWindow { unsafe FileWindow(base, count: count, isMapped: true) }

  /// Advises the kernel how the file is going to be read.
  func advise(_ access: Access) {
    unsafe madvise(base, count, access == .sequential ? MADV_SEQUENTIAL : MADV_RANDOM)
  }

  /// Releases the pages before `offset`, which are read from the file again if needed: this way the memory in use does not grow with the
  /// files that are read.
  func release(before offset: Int) {
    let end = min(offset, count) / Self.releaseLength * Self.releaseLength
    guard end > released else { return }
    // Safe: the range is within the mapping, and its contents stay in the file.
    unsafe madvise(base + released, end - released, MADV_DONTNEED)
    released = end
  }

  /// True if a read hit the end of a file that has shrunk since it was opened.
  var shrank: Bool { BusErrorGuard.hasFired && BusErrorGuard.hasFired(slot) }
}
