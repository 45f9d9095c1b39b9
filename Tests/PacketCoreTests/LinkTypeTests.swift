import CPcap
import PacketCore
import Testing

@Suite struct LinkTypeTests {
  /// Names and descriptions match libpcap's, for all link types that Debian's libpcap knows; libpcap 1.11 has renamed 209.
  @Test func agreesWithLibpcap() {
    var differences: [String] = []
    for number in UInt32(0)..<300 where number != 209 {
      guard let name = unsafe pcap_datalink_val_to_name(CInt(number)) else { continue }
      let expected = unsafe (String(cString: name), String(cString: pcap_datalink_val_to_description(CInt(number))))
      let type = LinkType(rawValue: number)
      if type.name != expected.0 || type.details != expected.1 {
        differences.append("\(number) \(expected) \(type.name ?? "-") \(type.details ?? "-")")
      }
    }
    #expect(differences.isEmpty)
  }

  @Test func names() {
    #expect(LinkType(name: "EN10MB") == .ethernet)
    #expect(LinkType(name: "dlt_linux_sll2") == .linuxSLL2)
    #expect(LinkType(name: "") == nil)
    #expect(LinkType(name: "nothing") == nil)
    #expect(LinkType(rawValue: 9999).name == nil)
    for type in LinkType.all {
      #expect(type.name.flatMap { LinkType(name: $0) } == type)
      #expect(type.details != nil)
    }
    #expect(Set(LinkType.all).count == LinkType.all.count)
  }

  @Test func numbersInFiles() {
    #expect(LinkType(fileValue: 101) == .raw)
    #expect(LinkType.raw.fileValue == 101)
    #expect(LinkType(fileValue: 1) == .ethernet)
    // Bits 28 to 31 give the length of the frame check sequence.
    #expect(LinkType(fileValue: 0x5400_0001) == .ethernet)
    for type in LinkType.all { #expect(LinkType(fileValue: type.fileValue) == type) }
  }
}

@Suite struct TimestampTests {
  @Test func validity() {
    #expect(Timestamp(seconds: 0, nanoseconds: 999_999_999).isValid)
    #expect(!Timestamp(seconds: 0, nanoseconds: 1_000_000_000).isValid)
    #expect(!Timestamp(seconds: 0, nanoseconds: -1).isValid)
  }
}
