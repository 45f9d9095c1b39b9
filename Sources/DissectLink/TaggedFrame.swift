import Dissect
import PacketCore

extension Printer {
  /// An Ethernet frame with a switch tag between the source address and the type:
  ///
  ///     0      6      12    12 + tagLength
  ///     +------+------+-----+----------+---------
  ///     | dst  | src  | tag | type/len | payload
  ///     +------+------+-----+----------+---------
  ///
  /// `printTag` writes the tag, and a separator after it.
  mutating func printFrame(
    _ frame: PacketBytes, tagLength: Int, printTag: (PacketBytes, inout Printer) throws(DecodeError) -> Void
  ) throws(DecodeError) {
    let headerLength = 14 &+ tagLength
    try frame.check(0, headerLength)
    try noteAddresses(ofFrame: frame)
    if enter(.ethernet) {
      fields.write("source", try frame.mac(at: 6))
      fields.write("destination", try frame.mac(at: 0))
    }
    if options.linkHeader { try writeMACs(frame) }
    try printTag(try frame.slice(at: 12, length: tagLength), &self)
    let type = try frame.u16(at: headerLength &- 2)
    context.linkHeaderLength = try printEtherPayload(type, try frame.dropping(headerLength), frame: frame)
  }
}
