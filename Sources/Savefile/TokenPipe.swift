import Glibc

/// A semaphore that can be waited for together with descriptors: a pipe, in which an octet is one token.
struct TokenPipe: ~Copyable {
  /// Readable while there is a token; -1 where the system had no pipe to give.
  let descriptor: CInt
  private let writeEnd: CInt

  init() {
    var ends: [CInt] = [-1, -1]
    let status = unsafe pipe(&ends)
    for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (descriptor, writeEnd) = status == 0 ? (ends[0], ends[1]) : (-1, -1)
  }

  deinit {
    for end in [descriptor, writeEnd] where end >= 0 { close(end) }
  }

  /// Adds one token.
  func give() {
    var token: UInt8 = 0
    while unsafe write(writeEnd, &token, 1) < 0, errno == EINTR {}
  }

  /// Takes one token, and waits for it; false where `interrupt`, a descriptor, became readable first, or there is no pipe.
  func take(interrupt: CInt) -> Bool {
    while descriptor >= 0 {
      if awaitReadable(descriptor, interrupt, -1) {
        var token: UInt8 = 0
        if unsafe read(descriptor, &token, 1) == 1 { return true }
        if errno != EINTR { return false }
      } else if isRaised(interrupt) {
        return false
      }
    }
    return false
  }
}
