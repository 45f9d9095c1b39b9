import PacketCore
import TestSupport
import Testing

@testable import Proof

/// Packet forms, compared with packets of the tests' own builder.
struct PacketFormTests {
  @Test(arguments: LinkType.all)
  func lengthsAreWithinTheHeaders(_ linkType: LinkType) {
    for form in PacketForm.all(for: linkType) {
      #expect(form.isFixed.count == form.count && form.count <= form.maximumLength)
      for field in form.lengths { #expect(field.offset + 2 <= form.count && field.origin <= form.count) }
      for exclusion in form.exclusions { #expect(exclusion.offset + exclusion.octets <= form.count) }
      for sum in form.checksums { #expect(sum.offset + 2 <= form.count && sum.start <= sum.offset) }
      #expect(form.packet(length: form.count + 3).count == form.count + 3)
    }
  }

  /// The packet of a form, with checksums.
  private static func packet(_ form: PacketForm) -> [UInt8] {
    var octets = form.packet(length: form.count)
    for field in form.checksums { field.set(in: &octets) }
    return octets
  }

  @Test func formsAreTheUsualPackets() {
    let made = Set(PacketForm.all(for: .ethernet).map(Self.packet))
    let six = PacketBuilder().ethernet().ipv6("2001:db8::1", "2001:db8::2")
    let four = PacketBuilder().ethernet().vlan(1).ipv4("192.0.2.1", "192.0.2.2", id: 0)
    for packet in [six.udp(0xc000, 9), six.icmpv6(), four.icmp(), four.udp(0xc000, 9)] {
      let isMade = made.contains(packet.octets)
      #expect(isMade, "\(packet.octets)")
    }
  }
}
