import Capture
import PacketCore

/// The loop over the packets of a source, and its callbacks: they print, copy and count packets (`Session`), or show how the filter judges
/// them (`PacketExaminer`).
protocol PacketLoop: ~Copyable {
  /// Called before each packet, to skip packets that need not be taken one by one. False if no more are to be taken for now.
  mutating func advance<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Bool
  /// Takes one packet; false if the loop is to end.
  mutating func take(_ packet: borrowing Packet) -> Bool
  /// Called when there is no packet, for now or at all; false if the loop is to end.
  mutating func pauseWithoutPacket<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Bool
  /// When to wake up even if no packet has arrived; nil if there is nothing to do.
  var wakeTime: Timestamp? { mutating get }
}

extension PacketLoop where Self: ~Copyable {
  /// Takes packets until the source ends or fails, `take` or `pauseWithoutPacket` returns false, or a signal arrives. Returns the source's
  /// error, if any.
  @inline(__always)
  mutating func takePackets<Source: PacketSource & ~Copyable>(from source: inout Source) -> String? {
    StopSignal.makeFirstSignalARequest()
    repeat {
      do throws(Source.Failure) {
        while advance(&source), let packet = try source.next() {
          guard take(packet), !StopSignal.isRaised else { return nil }
        }
      } catch {
        return String(describing: error)
      }
      guard pauseWithoutPacket(&source) else { return nil }
    } while source.awaitMore(until: wakeTime)
    return nil
  }
}
