import Capture
import PacketCore

/// The first packets of a live capture, whether its filter accepts them or not, to find the reason if none matches.
///
/// They arrive on a second socket, which costs the kernel time for every packet. So it is closed as soon as there are enough packets: at
/// once on a busy link, after a while on a quiet one.
struct LiveSample: ~Copyable {
  private var capture: LiveCapture?
  /// The packets taken so far.
  private(set) var packets = PacketSample()
  /// When to take the next packets.
  private(set) var nextTake = Timestamp.now

  /// Nanoseconds between two calls of `take`.
  private static let interval: Int64 = 250_000_000

  /// Takes packets from a capture that has been started.
  init(_ capture: consuming LiveCapture) {
    self.capture = consume capture
    packets.open(true)
  }

  /// False once there are enough packets, or after an error.
  var isOpen: Bool { capture != nil }

  /// Takes the packets that have arrived, if it is time to do so.
  mutating func takeIfDue() {
    guard isOpen, Timestamp.now >= nextTake else { return }
    take()
    nextTake = Timestamp.now.advanced(byNanoseconds: Self.interval)
  }

  /// Takes the remaining packets.
  mutating func finish() {
    capture?.finish()
    while capture?.waitForRest() ?? false, take() {}
    capture = nil
  }

  /// Takes packets; false if no more can be taken, and the socket is closed.
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
