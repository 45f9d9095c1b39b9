import Foundation
import PacketCore
import TestSupport
import Testing

@Suite struct FixtureTests {
  @Test func thereAreFixtures() {
    #expect(Fixture.all.contains("http.pcap"))
    #expect(FileManager.default.fileExists(atPath: Fixture.packageRoot.appendingPathComponent("Package.swift").path))
  }

  @Test(arguments: Fixture.all) func libpcapReadsIt(_ name: String) throws {
    if name == "interfaces.pcapng" {
      // libpcap does not read files with two link types.
      #expect(throws: Libpcap.Failure.self) { try Libpcap.read(Fixture.capture(name)) }
      return
    }
    let capture = try Libpcap.read(Fixture.capture(name))
    #expect(!capture.packets.isEmpty)
    #expect(capture.packets.count <= 60)
    #expect(capture.isByteSwapped == name.contains("big-endian"))
  }

  @Test(arguments: Fixture.all) func itIsInTheReadme(_ name: String) throws {
    let readme = try String(contentsOf: Fixture.folder.appendingPathComponent("README.md"), encoding: .utf8)
    let stem = name.hasSuffix(".pcap") ? String(name.dropLast(5)) : name
    #expect(readme.contains("`\(stem)`"))
  }
}
