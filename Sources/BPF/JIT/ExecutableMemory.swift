import Glibc

/// Machine code in its own pages, which are writable while the code is copied there and executable from then on, never both.
@safe
final class ExecutableMemory: Sendable {
  /// The first byte of the code. It never changes, so threads may share it.
  nonisolated(unsafe) let start: UnsafeRawPointer
  private let size: Int

  /// Copies the code. Throws the system's error if it does not provide memory or does not allow execution.
  init(_ code: [UInt8]) throws(NativeCodeError) {
    let size = (max(1, code.count) + 4095) & ~4095
    let pages = unsafe mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let pages = unsafe pages, unsafe pages != MAP_FAILED else { throw NativeCodeError.memoryRefused(errno) }
    // Safe: the pages hold at least as many bytes as the code has.
    unsafe code.withUnsafeBytes { unsafe UnsafeMutableRawBufferPointer(start: pages, count: size).copyMemory(from: $0) }
    guard unsafe mprotect(pages, size, PROT_READ | PROT_EXEC) == 0 else {
      let code = errno
      unsafe munmap(pages, size)
      throw NativeCodeError.memoryRefused(code)
    }
    unsafe start = UnsafeRawPointer(pages)
    self.size = size
  }

  deinit { unsafe munmap(UnsafeMutableRawPointer(mutating: start), size) }
}
