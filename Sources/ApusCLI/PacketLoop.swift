import Capture
import PacketCore

/// The loop over the packets of a source, and what it calls: to print, copy and count them (`Session`), or to say how the filter judges them
/// (`PacketExaminer`).
protocol PacketLoop: ~Copyable {
  /// Called before each packet: skips those that need not be taken one by one. False where no more are to be taken for now.
  mutating func advance<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Bool
  /// One packet; false where the loop is to end.
  mutating func take(_ packet: borrowing Packet) -> Bool
  /// Called where there is no packet, for now or for good; false where the loop is to end.
  mutating func pauseWithoutPacket<Source: PacketSource & ~Copyable>(_ source: inout Source) -> Bool
  /// When there is something to do although no packet has come; nil where there is nothing.
  var wakeTime: Timestamp? { mutating get }
}

extension PacketLoop where Self: ~Copyable {
  /// Takes packets until the source ends or fails, `take` or `pauseWithoutPacket` say so, or a signal asks for the end. Gives what was wrong
  /// with the source.
  @inline(__always)
  mutating func takePackets<Source: PacketSource & ~Copyable>(from source: inout Source) -> String? {
    StopSignal.becomeRequest()
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
