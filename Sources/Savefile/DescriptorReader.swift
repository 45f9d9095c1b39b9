import Glibc

/// What a stream can deliver at the moment.
enum Supply {
  /// The number of bytes, at least one.
  case octets(Int)
  /// Nothing now; there may be more later.
  case idle
  /// The end of the stream.
  case end
}

/// An open file, pipe or device that is read from beginning to end, without waiting except on request.
@safe
final class DescriptorReader {
  private let descriptor: CInt
  /// Reports when the file has grown; nil if its end is final.
  private let growth: FileGrowth?
  private let isRegular: Bool
  /// Bytes that `peek` has read, and `read` has not returned yet.
  private var prefix: [UInt8] = []
  /// Bytes read so far.
  private(set) var count = 0

  /// A pipe whose reader may leave; -1 for none.
  private let output: CInt

  /// Takes over the descriptor. With `growth`, the file may grow, so its end is not final. If the reader of the pipe `output` has left, a
  /// wait without limit ends.
  init(_ descriptor: CInt, isRegular: Bool, growth: FileGrowth?, output: CInt = -1) {
    self.output = output
    self.descriptor = descriptor
    self.isRegular = isRegular
    self.growth = growth
  }

  deinit {
    if descriptor != STDIN_FILENO { close(descriptor) }
  }

  /// The next bytes, up to `wanted`, which will be read again. Waits for them.
  func peek(_ wanted: Int, interrupt: CInt) throws(Fault) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted, alignment: 1)
    defer { unsafe buffer.deallocate() }
    while prefix.count < wanted {
      // Safe: there are fewer bytes than the buffer has room for.
      let room = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[prefix.count...])
      let supply = try unsafe receive(room)
      switch supply {
      case .octets(let received): unsafe prefix += room.prefix(received)
      case .idle: guard wait(milliseconds: -1, interrupt: interrupt) else { return prefix }
      case .end: return prefix
      }
    }
    return prefix
  }

  /// Reads bytes into the buffer, which must not be empty.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Fault) -> Supply {
    guard !prefix.isEmpty else { return try unsafe receive(buffer) }
    let given = min(prefix.count, buffer.count)
    // Safe: both have that many bytes.
    unsafe buffer.copyBytes(from: prefix.prefix(given))
    prefix.removeFirst(given)
    return .octets(given)
  }

  private func receive(_ buffer: UnsafeMutableRawBufferPointer) throws(Fault) -> Supply {
    if !isRegular, !isReadable(within: 0, interrupt: -1) { return .idle }
    while true {
      let received = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      if received > 0 {
        count += received
        return .octets(received)
      }
      if received == 0 {
        guard growth != nil else { return .end }
        try checkSize()
        return .idle
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .idle
      default:
        let error = SavefileError(path: "", errno: errno)
        throw Fault(kind: error.kind, offset: count, message: error.message)
      }
    }
  }

  /// A file that is followed must not shrink.
  private func checkSize() throws(Fault) {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0, Int(status.st_size) < count else { return }
    throw Fault(
      kind: .truncated, offset: Int(status.st_size), message: "the file became shorter while it was being read")
  }

  /// True if `read` can return something without waiting, as far as that is known.
  var isReady: Bool { growth == nil && isReadable(within: 0, interrupt: -1) }

  /// Waits until there may be bytes, but at most for that many milliseconds (without limit if negative); false if `interrupt`, a
  /// descriptor, became readable first.
  func wait(milliseconds: Int32, interrupt: CInt) -> Bool {
    if milliseconds < 0, output >= 0, growth == nil {
      while !isReadable(within: 1000, interrupt: interrupt) {
        if isRaised(interrupt) { return false }
        var state = pollfd(fd: output, events: 0, revents: 0)
        if unsafe poll(&state, 1, 0) > 0, state.revents & Int16(POLLERR | POLLHUP) != 0 { return false }
      }
      return true
    }
    guard let growth else { return isReadable(within: milliseconds, interrupt: interrupt) || !isRaised(interrupt) }
    return growth.wait(milliseconds: milliseconds, interrupt: interrupt) || !isRaised(interrupt)
  }

  /// A pipe is also readable once its other end is closed: then its end can be read.
  private func isReadable(within milliseconds: Int32, interrupt: CInt) -> Bool {
    awaitReadable(descriptor, interrupt, milliseconds)
  }
}

/// True if the descriptor `interrupt` is readable now; false for -1.
func isRaised(_ interrupt: CInt) -> Bool { interrupt >= 0 && awaitReadable(interrupt, -1, 0) }

/// Waits for `descriptor`, or for `interrupt` unless that is negative; true if the former is readable, closed or broken. A signal ends the
/// wait early.
func awaitReadable(_ descriptor: CInt, _ interrupt: CInt, _ milliseconds: Int32) -> Bool {
  var both = [
    pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: interrupt, events: Int16(POLLIN), revents: 0),
  ]
  guard unsafe Glibc.poll(&both, 2, milliseconds) > 0 else { return false }
  return both[0].revents != 0
}
