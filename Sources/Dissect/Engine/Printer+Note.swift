public import PacketCore

extension Printer {
  /// Appends a line that is about the capture and no packet of it: the time, as the flags ask for, and `text` between brackets.
  public mutating func note(_ text: String, at time: Timestamp) {
    writeTimestamp(time)
    out.write("[")
    for byte in text.utf8 { out.write(escaped: byte) }
    out.write("]\n")
  }

  /// Has the text of packets begin with the name of the interface and the direction, in the form of Linux cooked packets, where
  /// `names` gives the name of an interface. Link types that carry it themselves stay as they are.
  public mutating func showInterfaces(_ names: [String]) { interfaceLabels = names }

  /// `v0    In  `: five characters or more, three or more.
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
