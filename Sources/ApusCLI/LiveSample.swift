import Capture
import PacketCore

/// The first packets of a live capture, whether its filter accepts them or not, for the reason why none matches.
///
/// They come through a second socket on the interfaces, which the kernel serves packet by packet. So it is closed as soon as there are
/// enough: of many packets at once, of few after a while.
struct LiveSample: ~Copyable {
  private var capture: LiveCapture?
  /// What has been taken so far.
  private(set) var packets = PacketSample()
  /// When what has arrived is taken next.
  private(set) var nextTake = Timestamp.now

  /// Nanoseconds between two takings.
  private static let interval: Int64 = 250_000_000

  /// Takes from a capture that has been started.
  init(_ capture: consuming LiveCapture) {
    self.capture = consume capture
    packets.open(true)
  }

  /// False once enough was taken, or nothing can be taken any more.
  var isOpen: Bool { capture != nil }

  /// Takes what has arrived, where it is time.
  mutating func takeIfDue() {
    guard isOpen, Timestamp.now >= nextTake else { return }
    take()
    nextTake = Timestamp.now.advanced(byNanoseconds: Self.interval)
  }

  /// Takes the last packets.
  mutating func finish() {
    capture?.finish()
    while capture?.waitForRest() ?? false, take() {}
    capture = nil
  }

  /// False where no more can be taken: the socket is closed then.
  @discardableResult
  private mutating func take() -> Bool {
    do throws(CaptureError) {
      while packets.isOpen, let packet = try capture?.next() { packets.add(packet) }
    } catch {
      capture = nil
      return false
    }
    if !packets.isOpen { capture = nil }
    return isOpen
  }
}
