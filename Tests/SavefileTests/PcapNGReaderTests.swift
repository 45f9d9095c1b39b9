import Foundation
import PacketCore
import Savefile
import Testing

private let packet = [UInt8](0..<61)
private let start = PcapNGFile().section().interface()
private let copied = CopiedPacket(octets: packet, len: 61)

@Suite struct PcapNGReaderTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var file: PcapNGFile
    var packets: [CopiedPacket] = []
    var message: String?

    init(_ name: String, _ file: PcapNGFile, _ packets: [CopiedPacket] = [], message: String? = nil) {
      testDescription = name
      self.file = file
      self.packets = packets
      self.message = message
    }
  }

  /// A packet at tick 1 000 005, in a file whose only interface has that if_tsresol.
  static func resolution(_ value: UInt8, _ seconds: Int64, _ nanoseconds: Int64) -> Case {
    Case(
      "if_tsresol \(value)",
      PcapNGFile().section().interface(options: [(9, [value]), (0, [])]).enhanced(packet),
      [CopiedPacket(octets: packet, len: 61, seconds: seconds, nanoseconds: nanoseconds)])
  }

  static let cases = [
    Case("no packets", start),
    Case("enhanced", start.enhanced(packet).enhanced([]), [copied, CopiedPacket(octets: [], len: 0)]),
    Case("big-endian", PcapNGFile(bigEndian: true).section().interface().enhanced(packet), [copied]),
    Case("version 1.2", PcapNGFile().section(version: (1, 2)).interface().enhanced(packet), [copied]),
    Case("obsolete packet block", start.obsolete(packet), [copied]),
    Case(
      "simple", start.simple(packet), [CopiedPacket(octets: packet, len: 61, seconds: 0, nanoseconds: 0)]),
    Case(
      "simple, cut to the snaplen",
      PcapNGFile().section().interface(snaplen: 20).simple(Array(packet.prefix(20)), len: 61),
      [CopiedPacket(octets: Array(packet.prefix(20)), len: 61, seconds: 0, nanoseconds: 0)]),
    Case(
      "two interfaces",
      PcapNGFile().section().interface().interface(linkType: 101, snaplen: 99)
        .enhanced(packet, interface: 1).enhanced(packet),
      [CopiedPacket(octets: packet, len: 61, linkType: .raw, interface: 1), copied]),
    Case(
      "a second section of the other byte order",
      start.enhanced(packet).section(bigEndian: true).interface(linkType: 101).enhanced(packet),
      [copied, CopiedPacket(octets: packet, len: 61, linkType: .raw, interface: 1)]),
    Case(
      "blocks without packets",
      start.block(4) { $0.u32(0) }.block(5) { $0.u64(0) }.block(0xbad) { _ in }.enhanced(packet).block(5) { $0.u32(1) },
      [copied]),
    Case(
      "if_tsoffset",
      PcapNGFile().section().interface(options: [(14, [0xf0, 0xf1] + [UInt8](repeating: 0xff, count: 6))])
        .enhanced(packet),
      [CopiedPacket(octets: packet, len: 61, seconds: 1 - 3600)]),
    resolution(0, 1_000_005, 0), resolution(3, 1000, 5_000_000), resolution(6, 1, 5000), resolution(9, 0, 1_000_005),
    resolution(12, 0, 1000), resolution(19, 0, 0), resolution(0x80, 1_000_005, 0),
    resolution(0x8a, 976, 567_382_812), resolution(0x94, 0, 953_679_084), resolution(0xbf, 0, 0),

    Case(
      "no interface", PcapNGFile().section(),
      message: "Failed opening: the capture file has no Interface Description Blocks"),
    Case(
      "a packet before the interface", PcapNGFile().section().enhanced(packet),
      message: "Failed opening: the capture file has a packet block before any Interface Description Blocks"),
    Case(
      "version 1.1", PcapNGFile().section(version: (1, 1)).interface(),
      message: "Failed opening: unsupported pcapng savefile version 1.1"),
    Case(
      "if_tsresol 10^-20", PcapNGFile().section().interface(options: [(9, [20])]),
      message: "Failed opening: Interface Description Block if_tsresol option resolution 10^-20 is too high"),
    Case(
      "if_tsresol 2^-64", PcapNGFile().section().interface(options: [(9, [0xc0])]),
      message: "Failed opening: Interface Description Block if_tsresol option resolution 2^-64 is too high"),
    Case(
      "if_tsresol of two octets", PcapNGFile().section().interface(options: [(9, [6, 6])]),
      message: "Failed opening: Interface Description Block has if_tsresol option with length 2 != 1"),
    Case(
      "an interface that is not described", start.enhanced(packet).enhanced(packet, interface: 7), [copied],
      message:
        "a packet arrived on interface 7, but there's no Interface Description Block for that interface, at offset 144, after 1 whole packet"
    ),
    Case(
      "an interface of the section before", start.enhanced(packet).section().enhanced(packet), [copied],
      message:
        "a packet arrived on interface 0, but there's no Interface Description Block for that interface, at offset 172, after 1 whole packet"
    ),
    Case(
      "caplen beyond the block", start.enhanced(packet, caplen: 65),
      message: "block of type 6 at offset 48 in pcapng savefile is too short, after 0 whole packets"),
    Case(
      "lengths that differ", start.block(5, trailer: 99) { $0.u32(0) },
      message: "block total length in header 16 and trailer 99 don't match, at offset 48, after 0 whole packets"),
    Case(
      "a first block that ends with another length",
      PcapNGFile().block(0x0a0d_0d0a, trailer: 99) { body in
        body.u32(0x1a2b_3c4d)
        body.u32(1)
        body.u64(.max)
      }.interface().enhanced(packet), [copied]),
    Case(
      "an option beyond its block",
      PcapNGFile().section().block(1) { body in
        body.u32(1)
        body.u32(100)
        body.u16(9)
        body.u16(400)
      }, message: "Failed opening: block of type 1 at offset 28 in pcapng savefile is too short"),
  ]

  @Test(arguments: cases) func reads(_ expected: Case) throws {
    let reading = try Reading(expected.file.octets.bytes)
    #expect(reading.packets == expected.packets)
    #expect(reading.failure?.message == expected.message)
  }

  /// A pcap copy uses microseconds only if the unit is a whole number of them: 15 625 µs is, 7812.5 µs is not.
  @Test(arguments: [
    (0x86, true), (0x87, false), (0x93, false), (0xa0, false), (5, true), (6, true), (7, false), (9, false),
  ])
  func precisionThatLosesNothing(_ resolution: UInt8, _ isMicroseconds: Bool) throws {
    let file = PcapNGFile().section().interface(options: [(9, [resolution]), (0, [])]).enhanced(packet)
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try SavefileReader(path: path).precision == (isMicroseconds ? .microseconds : .nanoseconds))
  }

  @Test(arguments: [UInt32(0), 8, 11, 13, .max]) func blockLengthsThatCannotBe(_ length: UInt32) throws {
    var file = start.enhanced(packet)
    file.octets.u32(5)
    file.octets.u32(length)
    file.octets.u64(0)
    let reading = try Reading(file.octets.bytes)
    #expect(reading.packets == [copied])
    #expect(reading.failure != nil)
  }

  @Test func everyCut() throws {
    let parts = [
      PcapNGFile().section(), start, start.enhanced(packet), start.enhanced(packet).simple(packet),
      start.enhanced(packet).simple(packet).obsolete(packet),
    ].map(\.octets.bytes)
    let bytes = parts[4]
    for length in 0..<bytes.count {
      let reading = try Reading(Array(bytes.prefix(length)))
      #expect(reading.packets.count == parts.dropFirst(2).count { $0.count <= length })
      #expect((reading.failure == nil) == parts.dropFirst().contains { $0.count == length })
    }
  }

  @Test func everyOctetChanged() throws {
    let bytes = start.enhanced(packet).simple(packet).section(bigEndian: true).interface().obsolete(packet).octets.bytes
    for index in bytes.indices {
      for value in [UInt8(0), 0x80, 0xff] {
        var changed = bytes
        changed[index] = value
        let reading = try Reading(changed)
        #expect(reading.packets.count <= 3)
      }
    }
  }
}

@Suite struct PacketOptionsTests {
  /// The comments of each packet of a file.
  private static func comments(_ file: PcapNGFile) throws -> [[String]] {
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var reader = try SavefileReader(path: path)
    var all: [[String]] = []
    while let packet = try reader.next() {
      var comments: [String] = []
      packet.options.forEachComment { text in
        comments.append(unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
      }
      all.append(comments)
    }
    return all
  }

  @Test(arguments: [false, true]) func comments(bigEndian: Bool) throws {
    func block(_ file: PcapNGFile, _ options: (inout Octets) -> Void) -> PcapNGFile {
      file.block(6) { body in
        for word in [0, 0, 1, 5, 5] { body.u32(UInt32(word)) }
        body.bytes += [1, 2, 3, 4, 5]
        body.pad()
        options(&body)
      }
    }
    func option(_ body: inout Octets, _ code: UInt16, _ text: String, length: UInt16? = nil) {
      body.u16(code)
      body.u16(length ?? UInt16(text.utf8.count))
      body.bytes += Array(text.utf8)
      body.pad()
    }
    var file = block(PcapNGFile(bigEndian: bigEndian).section().interface()) { body in
      option(&body, 1, "first")
      option(&body, 2, "flag")
      option(&body, 1, "zweiter ü")
      body.u32(0)
      option(&body, 1, "behind the end")
    }
    file = block(file) { _ in }
    file = block(file) { option(&$0, 1, "too long", length: 500) }
    file = file.simple([1, 2, 3])
    #expect(try Self.comments(file) == [["first", "zweiter ü"], [], [], []])
  }
}
