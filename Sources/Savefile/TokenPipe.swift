import Glibc

/// A semaphore that can be polled together with descriptors: a pipe, in which each byte is a token.
package struct TokenPipe: ~Copyable {
  /// Readable while there is a token; -1 if no pipe was available.
  package let descriptor: CInt
  private let writeEnd: CInt

  package init() {
    var ends: [CInt] = [-1, -1]
    let status = unsafe pipe(&ends)
    for end in ends where end >= 0 { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    // If several threads wait for a token, one gets it, and the others wait again.
    if status == 0 { _ = fcntl(ends[0], F_SETFL, O_NONBLOCK) }
    (descriptor, writeEnd) = status == 0 ? (ends[0], ends[1]) : (-1, -1)
  }

  deinit {
    for end in [descriptor, writeEnd] where end >= 0 { close(end) }
  }

  /// Adds one token.
  package func give() {
    var token: UInt8 = 0
    while unsafe write(writeEnd, &token, 1) < 0, errno == EINTR {}
  }

  /// Waits for a token and takes it; false if `interrupt`, a descriptor, became readable first, or if there is no pipe.
  package func take(interrupt: CInt) -> Bool {
    while descriptor >= 0 {
      if awaitReadable(descriptor, interrupt, -1) {
        var token: UInt8 = 0
        if unsafe read(descriptor, &token, 1) == 1 { return true }
        if errno != EINTR, errno != EAGAIN { return false }
      } else if isRaised(interrupt) {
        return false
      }
    }
    return false
  }

  /// Takes a token if there is one; returns false immediately otherwise.
  package func takeNow() -> Bool {
    var token: UInt8 = 0
    return unsafe read(descriptor, &token, 1) == 1
  }
}
