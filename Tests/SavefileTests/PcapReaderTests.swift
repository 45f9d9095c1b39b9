import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

private let packet = [UInt8](0..<60)

@Suite struct PcapReaderTests {
  @Test(arguments: [false, true], [UInt32(0xa1b2_c3d4), 0xa1b2_3c4d])
  func bothByteOrdersAndPrecisions(bigEndian: Bool, magic: UInt32) throws {
    let file = PcapFile(bigEndian: bigEndian, magic: magic, snaplen: 65535, linkType: 101)
      .adding(packet, seconds: 7, fraction: 999_999).adding(Array(packet.prefix(3)), words: (3, 1500))
    let reading = try Reading(file.octets.bytes)
    let unit: Int64 = magic == 0xa1b2_3c4d ? 1 : 1000
    #expect(reading.failure == nil)
    #expect(reading.linkType == .raw && reading.snaplen == 65535)
    #expect(reading.isByteSwapped == (bigEndian == (UInt32(littleEndian: 1) == 1)))
    #expect(
      reading.packets == [
        CopiedPacket(octets: packet, len: 60, seconds: 7, nanoseconds: 999_999 * unit, linkType: .raw),
        CopiedPacket(octets: [0, 1, 2], len: 1500, nanoseconds: 5 * unit, linkType: .raw),
      ])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var file: PcapFile
    var packets: [CopiedPacket] = []
    var message: String?
  }

  static let cases = [
    Case(testDescription: "no packets", file: PcapFile()),
    Case(
      testDescription: "seconds beyond 2038", file: PcapFile().adding(packet, seconds: .max),
      packets: [CopiedPacket(octets: packet, len: 60, seconds: Int64(UInt32.max))]),
    Case(
      testDescription: "a fraction of more than a second", file: PcapFile().adding(packet, fraction: .max),
      packets: [CopiedPacket(octets: packet, len: 60, nanoseconds: Int64(UInt32.max) * 1000)]),
    Case(
      testDescription: "upper bits of the link type", file: PcapFile(linkType: 0x1400_0001).adding(packet),
      packets: [CopiedPacket(octets: packet, len: 60)]),
    Case(
      testDescription: "caplen above the snaplen is cut", file: PcapFile(snaplen: 20).adding(packet),
      packets: [CopiedPacket(octets: Array(packet.prefix(20)), len: 60)]),
    Case(
      testDescription: "snaplen 0 cuts nothing", file: PcapFile(snaplen: 0).adding(packet),
      packets: [CopiedPacket(octets: packet, len: 60)]),
    Case(
      testDescription: "caplen above len", file: PcapFile().adding(packet, words: (60, 20)),
      packets: [CopiedPacket(octets: packet, len: 20)]),
    Case(
      testDescription: "version 2.2: len first", file: PcapFile(version: (2, 2)).adding(packet, words: (100, 60)),
      packets: [CopiedPacket(octets: packet, len: 100)]),
    Case(
      testDescription: "version 2.3: the smaller is caplen",
      file: PcapFile(version: (2, 3)).adding(packet, words: (100, 60)),
      packets: [CopiedPacket(octets: packet, len: 100)]),
    Case(
      testDescription: "an empty packet", file: PcapFile().adding([]).adding(packet),
      packets: [CopiedPacket(octets: [], len: 0), CopiedPacket(octets: packet, len: 60)]),
    Case(
      testDescription: "a caplen that cannot be",
      file: PcapFile().adding(packet).adding(packet, words: (262_145, 262_145)),
      packets: [CopiedPacket(octets: packet, len: 60)],
      message:
        "bogus packet header at offset 100: caplen 262145 is more than the largest possible, 262144, after 1 whole packet"
    ),
    Case(
      testDescription: "version 1.4", file: PcapFile(version: (1, 4)),
      message: "Failed opening: unsupported pcap savefile version 1.4"),
    Case(
      testDescription: "version 2.5", file: PcapFile(bigEndian: true, version: (2, 5)),
      message: "Failed opening: unsupported pcap savefile version 2.5"),
    Case(
      testDescription: "reserved bits of the link type", file: PcapFile(linkType: 0x0030_0001),
      message: "Failed opening: reserved bits of the link type are not 0: 0x300001"),
    Case(
      testDescription: "a frame check sequence", file: PcapFile(linkType: 0x2400_0001).adding(packet),
      packets: [CopiedPacket(octets: packet, len: 60)]),
  ]

  @Test(arguments: cases) func reads(_ expected: Case) throws {
    let reading = try Reading(expected.file.octets.bytes)
    #expect(reading.packets == expected.packets)
    #expect(reading.failure?.message == expected.message)
  }

  @Test func everyCut() throws {
    let bytes = PcapFile().adding(packet).adding(packet).adding([1, 2, 3]).octets.bytes
    let ends = [24, 100, 176, 195]
    for length in 0..<bytes.count {
      let reading = try Reading(Array(bytes.prefix(length)))
      let whole = ends.dropFirst().count { $0 <= length }
      #expect(reading.packets.count == whole)
      #expect((reading.failure == nil) == ends.contains(length))
      if let failure = reading.failure { #expect(failure.kind == .truncated) }
    }
    let reading = try Reading(Array(bytes.prefix(150)))
    #expect(
      reading.failure?.message
        == "truncated capture file: a packet of 60 bytes at offset 116 has only 34, after 1 whole packet")
  }

  @Test func whatIsNoSavefile() throws {
    let text = try Reading(Array("hello world, this is text".utf8))
    #expect(text.failure?.kind == .unknownFormat)
    #expect(try Reading([]).failure?.message == "not a capture file: it is empty")
    let missing = "/nonexistent/file.pcap"
    #expect(throws: SavefileError(path: missing, errno: ENOENT)) { _ = try SavefileReader(path: missing) }
    #expect(throws: SavefileError(path: "/", errno: EISDIR)) { _ = try SavefileReader(path: "/") }
    #expect(throws: SavefileError.self) { _ = try SavefileReader(path: "/dev/null") }
  }

  @Test func agreesWithLibpcapOnFixtures() throws {
    for name in Fixture.all {
      let path = Fixture.capture(name)
      // libpcap refuses interfaces of several link types in one file.
      guard let expected = try? Libpcap.read(path) else { continue }
      var reader = try SavefileReader(path: path)
      #expect(reader.linkType == expected.linkType && reader.snaplen == expected.snaplen)
      for packet in expected.packets {
        let copied = try nextCopy(&reader)
        #expect(copied?.octets == packet.octets && copied?.len == Int(packet.len), "\(name)")
        #expect(copied?.seconds == packet.timestamp.seconds && copied?.nanoseconds == packet.timestamp.nanoseconds)
      }
      #expect(try nextCopy(&reader) == nil)
    }
  }

  @Test func aFileThatShrinksIsReported() throws {
    var file = PcapFile()
    for _ in 0..<1000 { file.add(packet) }
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var reader = try SavefileReader(path: path)
    #expect(try nextCopy(&reader) != nil)
    #expect(unsafe truncate(path, 8192) == 0)
    #expect(throws: SavefileError.self) {
      while try nextCopy(&reader) != nil {}
    }
    // The page that the guard put in place of the file's end does not affect other readers.
    #expect(try Reading(PcapFile().adding(packet).octets.bytes).failure == nil)
  }

  /// Other code may walk the records, and `next()` continues where it stopped.
  @Test(arguments: [false, true]) func othersWalk(bigEndian: Bool) throws {
    var file = PcapFile(bigEndian: bigEndian, snaplen: 50)
    for _ in 0..<100 { file.add(packet) }
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var reader = try SavefileReader(path: path)
    let layout = RecordLayout(
      isByteSwapped: bigEndian == (UInt32(littleEndian: 1) == 1), largestCaplen: 262_144, snaplen: 50)
    #expect(reader.recordLayout == layout)
    #expect(try nextCopy(&reader) != nil)
    let seen = reader.walk { octets, position in
      let seen = (octets.byteCount, position.offset, position.packets)
      position.offset += 76 * 98
      position.packets += 98
      return seen
    }
    #expect(try #require(seen) == (file.octets.bytes.count, 24 + 76, 1))
    #expect(try nextCopy(&reader)?.octets.count == 50)
    #expect(reader.packetsRead == 100)
    #expect(try nextCopy(&reader) == nil)
    // An invalid offset is ignored.
    for offset in [0, -1, file.octets.bytes.count + 1] {
      #expect(reader.walk { _, position in position.offset = offset } == nil)
    }
    #expect(try nextCopy(&reader) == nil)
  }

  @Test func othersDoNotWalkWhatTheyDoNotKnow() throws {
    for bytes in [PcapFile(version: (2, 3)).octets.bytes, PcapNGFile().section().interface().octets.bytes] {
      let path = try temporaryFile(bytes)
      defer { try? FileManager.default.removeItem(atPath: path) }
      var reader = try SavefileReader(path: path)
      #expect(reader.recordLayout == nil)
      #expect(reader.walk { _, _ in } == nil)
    }
  }

  @Test func aFileThatShrinksUnderOthersIsReported() throws {
    var file = PcapFile()
    for _ in 0..<1000 { file.add(packet) }
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var reader = try SavefileReader(path: path)
    #expect(unsafe truncate(path, 8192) == 0)
    let last = reader.walk { octets, position in
      position.offset = octets.byteCount
      position.packets = 1000
      // Safe: the byte lies within the span.
      return unsafe octets.unsafeLoad(fromByteOffset: octets.byteCount - 1, as: UInt8.self)
    }
    #expect(last == nil)
    #expect(throws: SavefileError.self) { _ = try nextCopy(&reader) }
    #expect(reader.packetsRead == 0)
  }
}
