import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// Written pcapng files, read back by apus and by tshark.
@Suite struct PcapNGWriterTests {
  private func description(_ interface: InterfaceDescription) -> CaptureDescription {
    CaptureDescription(interface, application: "apus test")
  }

  private let interfaces = [
    InterfaceDescription(
      linkType: .ethernet, snaplen: 1000, name: "eth0", details: "uplink", filter: "tcp port 80", system: "Linux 6.1.0"),
    InterfaceDescription(linkType: .null, snaplen: 0, name: "idle"),
    InterfaceDescription(linkType: .raw, snaplen: 96, name: "tun0"),
  ]

  /// A source of two sections in both byte orders, with packets of three interfaces, one of which has comments.
  private func write(to path: String, _ table: InterfaceTable?, compression: SavefileCompression = .none) throws {
    var source = PcapNGFile(bigEndian: true).section().interface().interface(linkType: 0).interface(linkType: 101)
    source = source.block(6) { body in
      for word: UInt32 in [0, 0, 1_000_005, 3, 60] { body.u32(word) }
      body.bytes += [1, 2, 3, 0]
      for (code, text) in [(1, "why, ünder"), (1, "two")] as [(UInt16, String)] {
        body.u16(code)
        body.u16(UInt16(text.utf8.count))
        body.bytes += Array(text.utf8)
        body.pad()
      }
      body.u16(2)
      body.u16(4)
      body.u32(0x0102_0304)
      body.u32(0)
    }
    source = source.enhanced([0x45, 0, 0, 4], interface: 2, ticks: 1_700_000_000_123_457)
    let original = try temporaryFile(source.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: original) }
    var reader = try SavefileReader(path: original)
    var writer = try SavefileWriter(
      path: path, SavefileWriter.Settings(.pcapng, compression: compression), description(interfaces[0]),
      interfaces: table)
    while let packet = try reader.next() { try writer.write(packet) }
    let counts = (1...3).map {
      CaptureCounts(received: UInt64($0) << 33, droppedByKernel: UInt64($0), droppedByInterface: 7)
    }
    try writer.close(counts, at: Timestamp(seconds: 1_700_000_001, nanoseconds: 5))
  }

  @Test func packetsAndTheirOptionsAreKept() throws {
    let path = try temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write(to: path, InterfaceTable(interfaces))
    var reader = try SavefileReader(path: path)
    #expect(reader.linkType == .ethernet && reader.snaplen == 1000 && reader.precision == .nanoseconds)
    do {
      guard let packet = try reader.next() else { return #expect(Bool(false), "no packet") }
      var options: [UInt16: [[UInt8]]] = [:]
      packet.options.forEach { code, value in
        options[code, default: []].append(unsafe value.withUnsafeBytes { unsafe Array($0) })
      }
      #expect(options == [1: [Array("why, ünder".utf8), Array("two".utf8)], 2: [[4, 3, 2, 1]]])
      #expect(packet.caplen == 3 && packet.len == 60 && packet.interface == 0)
    }
    let second = try nextCopy(&reader)
    #expect(
      second
        == CopiedPacket(
          octets: [0x45, 0, 0, 4], len: 4, seconds: 1_700_000_000, nanoseconds: 123_457_000, linkType: .raw,
          interface: 2))
    #expect(try nextCopy(&reader) == nil)
  }

  /// Interfaces that are not known in advance get a block when their first packet arrives.
  @Test func unknownInterfaces() throws {
    let path = try temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try write(to: path, nil)
    let packets = try Reading(Array(Data(contentsOf: URL(fileURLWithPath: path)))).packets
    #expect(packets.map(\.linkType) == [.ethernet, .raw] && packets.map(\.interface) == [0, 1])
    // The same if the table has only the first two.
    try write(to: path, InterfaceTable(Array(interfaces.prefix(2))))
    let others = try Reading(Array(Data(contentsOf: URL(fileURLWithPath: path)))).packets
    #expect(others.map(\.linkType) == [.ethernet, .raw] && others.map(\.interface) == [0, 2])
  }

  @Test(
    .enabled(if: Subprocess.installed("tshark") != nil, "there is no tshark"), arguments: SavefileCompression.allCases)
  func tsharkReadsEveryField(_ compression: SavefileCompression) throws {
    let tshark = try #require(Subprocess.installed("tshark"))
    let suffix = compression == .none ? "" : compression == .gzip ? ".gz" : ".zst"
    let path = try Subprocess.temporaryFile(suffix: ".pcapng" + suffix)
    defer { Subprocess.remove(path) }
    try write(to: path, InterfaceTable(interfaces), compression: compression)
    let fields = [
      "interface_id", "interface_name", "interface_description", "encap_type", "time_epoch", "len", "cap_len",
      "comment",
    ]
    let arguments = ["-r", path, "-T", "fields"] + fields.flatMap { ["-e", "frame." + $0] }
    let outcome = try Subprocess.run(tshark, arguments)
    #expect(outcome.status == 0)
    let warnings = outcome.errors.split(separator: "\n").filter { !$0.hasPrefix("Running as user") }
    #expect(warnings.isEmpty)
    #expect(
      outcome.output == """
        0\teth0\tuplink\t1\t1.000005000\t60\t3\twhy, ünder,two
        2\ttun0\t\t7\t1700000000.123457000\t4\t4\t

        """)
    guard let capinfos = Subprocess.installed("capinfos") else { return }
    let information = try Subprocess.run(capinfos, [path])
    #expect(information.status == 0 && information.errors.isEmpty)
    for line in [
      "Capture application: apus test", "Number of interfaces in file: 3", "Name = eth0", "Description = uplink",
      "Filter string = tcp port 80", "Operating system = Linux 6.1.0", "Capture length = 1000", "Name = idle",
      "Time precision = nanoseconds (9)", "Number of stat entries = 1", "Capture length = 96",
    ] {
      #expect(information.output.contains(line), "\(line)\n\(information.output)")
    }
  }
}
