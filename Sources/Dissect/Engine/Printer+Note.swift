public import PacketCore

extension Printer {
  /// Appends a line about the capture rather than a packet: the time in the requested form, and `text` in brackets.
  public mutating func note(_ text: String, at time: Timestamp) {
    writeTimestamp(time)
    out.write("[")
    for byte in text.utf8 { out.write(escaped: byte) }
    out.write("]\n")
  }

  /// Makes the text of each packet begin with the name of its interface and the direction, in the form of Linux cooked packets; `names` has
  /// the name of each interface. Link types that show the interface themselves are not changed.
  public mutating func showInterfaces(_ names: [String]) { interfaceLabels = names }

  /// `v0    In  `: the name padded to five characters, the direction to three.
  package mutating func writeInterfaceLabel(_ packet: borrowing Packet) {
    guard packet.interface < interfaceLabels.count, packet.linkType != .linuxSLL2 else { return }
    let start = out.count
    out.write(visible: interfaceLabels[packet.interface])
    out.write(repeating: UInt8(ascii: " "), count: 5 - (out.count - start))
    switch packet.direction {
    case .inbound: out.write(" In  ")
    case .outbound: out.write(" Out ")
    case .unknown: out.write(" ?   ")
    }
  }
}
