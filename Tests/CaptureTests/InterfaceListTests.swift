import Capture
import PacketCore
import Testing

@Suite struct InterfaceListTests {
  @Test func devicesByNameAndNumber() throws {
    let interfaces = try InterfaceList.all()
    let index = try #require(interfaces.firstIndex { $0.name == "lo" })
    #expect(try InterfaceList.device("\(index + 1)") == "lo")
    #expect(try InterfaceList.device("lo") == "lo")
    #expect(try InterfaceList.device(nil) == interfaces[0].name)
    #expect(throws: CaptureError.self) { try InterfaceList.device("999") }
  }

  @Test func lines() {
    var text = TextBuffer()
    InterfaceList.write(
      [
        Interface(name: "eth0", details: nil, flags: ["Up", "Connected"], netmask: nil),
        Interface(name: "any", details: "all of them", flags: ["none"], netmask: nil),
      ], to: &text)
    let written = unsafe text.bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    #expect(written == "1.eth0 [Up, Connected]\n2.any (all of them) [none]\n")
  }
}
