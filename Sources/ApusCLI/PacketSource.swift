import Capture
import PacketCore
import Savefile

/// Anything that packets come from, one after the other.
protocol PacketSource: ~Copyable {
  associatedtype Failure: Error & CustomStringConvertible

  /// The next packet, lent until the one after it is asked for; nil where there is none, for now or for good.
  @_lifetime(&self)
  mutating func next() throws(Failure) -> Packet?

  /// Waits until there may be a packet again; false where there will be none.
  mutating func awaitMore() -> Bool
}

extension LiveCapture: PacketSource {
  mutating func awaitMore() -> Bool {
    if !StopSignal.isRaised { wait() }
    return !StopSignal.isRaised
  }
}

/// A savefile, mapped or as a stream.
protocol SavefileSource: PacketSource, ~Copyable {
  /// The link type of the file, or of its first interface.
  var linkType: LinkType { get }
  /// The snapshot length of the file, or of its first interface, in octets.
  var snaplen: UInt32 { get }
  /// True where the file was written in the other byte order than the host's.
  var isByteSwapped: Bool { get }
}

extension SavefileSource where Self: ~Copyable {
  mutating func awaitMore() -> Bool { false }
}

extension SavefileReader: SavefileSource {}
extension StreamReader: SavefileSource {}
