import Glibc

/// A regular file mapped into memory for reading.
///
/// The size is fixed when the file is opened: octets that are appended later are not seen. Where the file shrinks under the
/// mapping, the kernel answers a read past its new end with SIGBUS; `BusErrorGuard` then puts zero pages in the place of what
/// is gone, so that nothing crashes, and `shrank` says that what was read last cannot be trusted.
@safe
final class MappedFile {
  /// Octets in it.
  let count: Int
  private let base: UnsafeMutableRawPointer
  private let slot: Int
  /// Octets whose pages were given back.
  private var released = 0
  /// Octets that are given back at a time, a multiple of every size of a page.
  private static let releaseLength = 32 << 20

  /// How the octets are going to be read.
  enum Access {
    /// From the first to the last: the kernel reads ahead.
    case sequential
    /// Here and there.
    case random
  }

  /// Maps the first `count` octets, at least one, of an open regular file, which may be closed then. Throws where the system refuses.
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

  /// All of it.
  var window: FileWindow { unsafe FileWindow(base, count: count, isMapped: true) }

  /// Advises the kernel how the octets are going to be read.
  func advise(_ access: Access) {
    unsafe madvise(base, count, access == .sequential ? MADV_SEQUENTIAL : MADV_RANDOM)
  }

  /// Gives back the pages before `offset`, which are read from the file again where they are wanted again: the memory that a process takes
  /// does not grow with the files that it reads.
  func release(before offset: Int) {
    let end = min(offset, count) / Self.releaseLength * Self.releaseLength
    guard end > released else { return }
    // Safe: the range lies within the mapping, and what it holds stays in the file.
    unsafe madvise(base + released, end - released, MADV_DONTNEED)
    released = end
  }

  /// True where a read met the end of a file that has become shorter than it was when it was opened.
  var shrank: Bool { BusErrorGuard.hasFired && BusErrorGuard.hasFired(slot) }
}
