import Glibc

/// Reports when a file has been written to: through inotify(7) if available, and otherwise by checking regularly, since remote writes to
/// network file systems are not reported.
final class FileGrowth {
  private let descriptor: CInt

  /// Milliseconds between two checks, in case a write is not reported.
  private static let longestWait: Int32 = 1000

  init(path: String) {
    let descriptor = inotify_init1(CInt(IN_NONBLOCK) | CInt(IN_CLOEXEC))
    // Standard input has a path as well.
    let name = path == "-" ? "/proc/self/fd/0" : path
    if descriptor >= 0, unsafe inotify_add_watch(descriptor, name, UInt32(IN_MODIFY)) < 0 {
      close(descriptor)
      self.descriptor = -1
    } else {
      self.descriptor = descriptor
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Waits as `DescriptorReader.wait` does; false does not mean that nothing was written, since not every write is reported.
  func wait(milliseconds: Int32, interrupt: CInt) -> Bool {
    let limit = descriptor >= 0 ? Self.longestWait : Self.longestWait / 5
    let isWritten = awaitReadable(descriptor, interrupt, milliseconds < 0 ? limit : min(milliseconds, limit))
    var notices = [UInt8](repeating: 0, count: 4096)
    if descriptor >= 0 { while unsafe read(descriptor, &notices, notices.count) > 0 {} }
    return isWritten
  }
}
