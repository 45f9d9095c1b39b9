import Capture
import PacketCore
import TestSupport
import Testing

@Suite struct StreamReaderTests {
  @Test(arguments: Fixture.all) func readsWhatLibpcapReads(_ name: String) throws {
    let path = Fixture.capture(name)
    // libpcap refuses interfaces of several link types in one file.
    guard let expected = try? Libpcap.read(path) else { return }
    var reader = try StreamReader(path: path)
    #expect(reader.linkType == expected.linkType && reader.snaplen == expected.snaplen)
    for saved in expected.packets {
      guard let packet = try reader.next() else {
        Issue.record("ended after \(reader.packetsRead) packets")
        return
      }
      let octets = unsafe packet.bytes.rawSpan.withUnsafeBytes { unsafe Array($0) }
      let (len, timestamp) = (packet.len, packet.timestamp)
      #expect(octets == saved.octets && len == Int(saved.len) && timestamp == saved.timestamp)
    }
    #expect(reader.packetsRead == UInt64(expected.packets.count))
  }

  @Test func errorsNameTheFile() {
    let missing = #expect(throws: CaptureError.self) { _ = try StreamReader(path: "/nonexistent") }
    #expect(missing?.description == "/nonexistent: No such file or directory")
    let text = #expect(throws: CaptureError.self) { _ = try StreamReader(path: #filePath) }
    #expect(text?.description == "\(#filePath): Failed opening: unknown file format")
  }
}
