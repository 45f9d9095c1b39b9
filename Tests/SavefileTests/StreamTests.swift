import Foundation
import Glibc
import PacketCore
import TestSupport
import Testing

@testable import Savefile

private let packet = [UInt8](0..<61)

/// A pipe that the test writes to.
final class TestPipe {
  private let readEnd: CInt
  private var writeEnd: CInt
  /// The path that a reader can open.
  var path: String { "/proc/self/fd/\(readEnd)" }

  init() {
    var ends: [CInt] = [-1, -1]
    _ = unsafe pipe(&ends)
    (readEnd, writeEnd) = (ends[0], ends[1])
  }

  deinit {
    close(readEnd)
    end()
  }

  /// The bytes must fit into the pipe's buffer.
  func write(_ octets: some Sequence<UInt8>) {
    let octets = Array(octets)
    let written = unsafe octets.withUnsafeBytes { unsafe Glibc.write(writeEnd, $0.baseAddress, $0.count) }
    #expect(written == octets.count)
  }

  func end() {
    if writeEnd >= 0 { close(writeEnd) }
    writeEnd = -1
  }
}

/// Reads all packets of a source, waiting whenever none is ready; also returns the error that ended it.
func readAll(_ path: String, _ options: ReadingOptions = ReadingOptions()) -> (
  packets: [CopiedPacket], message: String?
) {
  var packets: [CopiedPacket] = []
  do throws(SavefileError) {
    var reader = try SavefileReader(path: path, options)
    repeat {
      while let packet = try reader.next() { packets.append(copy(packet)) }
    } while reader.wait(milliseconds: 5000)
    return (packets, nil)
  } catch {
    return (packets, error.message)
  }
}

@Suite struct StreamTests {
  @Test(arguments: Fixture.all) func aPipeGivesWhatTheFileGives(_ name: String) throws {
    let path = Fixture.capture(name)
    let octets = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    guard octets.count <= 1 << 16 else { return }
    let pipe = TestPipe()
    pipe.write(octets)
    pipe.end()
    let (mapped, piped) = (readAll(path), readAll(pipe.path))
    #expect(piped.packets == mapped.packets && piped.message == mapped.message)
    #expect(!mapped.packets.isEmpty)
  }

  /// A reader that has to wait says so, and returns every packet as soon as it arrives.
  @Test func packetsComeAsTheyAreWritten() throws {
    let pipe = TestPipe()
    pipe.write(PcapFile().octets.bytes)
    let record = PcapFile().adding(packet).octets.bytes.dropFirst(24)
    var reader = try SavefileReader(path: pipe.path)
    #expect(try nextCopy(&reader) == nil)
    for cut in [0, 1, 15, 16, 40, 76] {
      pipe.write(record.prefix(cut))
      #expect(try nextCopy(&reader) == nil)
      pipe.write(record.dropFirst(cut))
      let mayHaveMore = reader.wait(milliseconds: 5000)
      #expect(mayHaveMore)
      #expect(try nextCopy(&reader) == CopiedPacket(octets: packet, len: 61))
    }
    #expect(try nextCopy(&reader) == nil)
    pipe.write(record.prefix(20))
    pipe.end()
    // A program that another test starts at this moment has the write end, too, until it is executed.
    var error: SavefileError?
    for _ in 0..<10 where error == nil {
      let mayHaveMore = reader.wait(milliseconds: 5000)
      #expect(mayHaveMore)
      do { _ = try nextCopy(&reader) } catch let thrown as SavefileError { error = thrown }
    }
    #expect(
      error?.message == "truncated capture file: a packet of 61 bytes at offset 502 has only 4, after 6 whole packets")
    #expect(try nextCopy(&reader) == nil)
    let isEnded = !reader.wait(milliseconds: 0)
    #expect(isEnded)
  }

  /// A descriptor wakes the waiting reader.
  @Test func waitingIsInterrupted() throws {
    let pipe = TestPipe()
    let interrupt = TokenPipe()
    pipe.write(PcapFile().octets.bytes)
    var reader = try SavefileReader(path: pipe.path, ReadingOptions(interrupt: interrupt.descriptor))
    interrupt.give()
    #expect(try nextCopy(&reader) == nil)
    let isInterrupted = !reader.wait(milliseconds: -1)
    #expect(isInterrupted)
    let silent = TestPipe()
    #expect(throws: SavefileError.self) {
      _ = try SavefileReader(path: silent.path, ReadingOptions(interrupt: interrupt.descriptor))
    }
  }

  /// A record longer than a stream's initial buffer.
  @Test func longRecords() throws {
    let long = [UInt8](repeating: 7, count: 262_144)
    let file = PcapFile().adding(packet).adding(long).adding(packet)
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var reader = try SavefileReader(path: path, ReadingOptions(follows: true))
    var lengths: [Int] = []
    while let packet = try nextCopy(&reader) { lengths.append(packet.octets.count) }
    #expect(lengths == [61, 262_144, 61])
    let octetsRead = reader.octetsRead
    #expect(octetsRead == file.octets.bytes.count)
  }

  @Test func aGrowingFileIsFollowed() throws {
    let file = PcapFile().adding(packet)
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var reader = try SavefileReader(path: path, ReadingOptions(follows: true))
    #expect(try nextCopy(&reader) != nil)
    #expect(try nextCopy(&reader) == nil)
    let more = try #require(FileHandle(forWritingAtPath: path))
    try more.seekToEnd()
    for part in [file.octets.bytes[24..<50], file.octets.bytes[50...]] {
      #expect(try nextCopy(&reader) == nil)
      try more.write(contentsOf: Data(part))
      let mayHaveMore = reader.wait(milliseconds: 5000)
      #expect(mayHaveMore)
    }
    #expect(try nextCopy(&reader) == CopiedPacket(octets: packet, len: 61))
    try more.truncate(atOffset: 30)
    #expect(throws: SavefileError.self) { _ = try nextCopy(&reader) }
  }

  /// The variant with longer packet headers, whose snaplen does not count the Ethernet header.
  @Test(arguments: [false, true]) func kuznetzov(bigEndian: Bool) throws {
    var file = PcapFile(bigEndian: bigEndian, magic: 0xa1b2_cd34, snaplen: 40)
    for _ in 0..<2 {
      file.octets.u32(1)
      file.octets.u32(5)
      file.octets.u32(61)
      file.octets.u32(61)
      file.octets.u64(0x0102_0304_0506_0708)
      file.octets.bytes += packet
    }
    let reading = try Reading(file.octets.bytes)
    #expect(reading.snaplen == 54)
    let expected = CopiedPacket(octets: Array(packet.prefix(54)), len: 61)
    #expect(reading.packets == [expected, expected] && reading.failure == nil)
    let cut = try Reading(Array(file.octets.bytes.prefix(24 + 85 + 20)))
    #expect(cut.packets == [expected] && cut.failure?.kind == .truncated)
  }
}

@Suite struct CompressionTests {
  /// Compresses with a system program; nil if it is not installed.
  private static func compressed(_ program: String, _ octets: [UInt8]) throws -> [UInt8]? {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)") else {
      print("skipped: there is no \(program)")
      return nil
    }
    return try [UInt8](Subprocess.run("/usr/bin/\(program)", ["-c"], stdin: Data(octets)).stdout)
  }

  /// The number of packets that recovery reads from a file.
  private static func recovered(_ path: String) -> Int {
    var count = 0
    do {
      var reader = try SavefileReader(path: path, ReadingOptions(recovers: true))
      repeat {
        while let _ = try reader.next() { count += 1 }
      } while reader.wait(milliseconds: 5000)
    } catch {
      // Reading without recovery reports the error, too.
    }
    return count
  }

  private static func capture(packets: Int) -> [UInt8] {
    var file = PcapFile()
    for number in 0..<packets {
      file.add(packet.map { $0 &* UInt8(truncatingIfNeeded: number) }, seconds: UInt32(number))
    }
    return file.octets.bytes
  }

  @Test(arguments: ["gzip", "zstd", "lz4"]) func whole(_ program: String) throws {
    let octets = Self.capture(packets: 20_000)
    let plain = try Reading(octets)
    guard let packed = try Self.compressed(program, octets) else { return }
    let path = try temporaryFile(packed)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let read = readAll(path)
    #expect(read.packets == plain.packets && read.message == nil)
    let pipe = TestPipe()
    if packed.count <= 1 << 16 {
      pipe.write(packed)
      pipe.end()
      #expect(readAll(pipe.path).packets.count == 20_000)
    }
  }

  /// Members or frames that follow each other form one file.
  @Test(arguments: ["gzip", "zstd", "lz4"]) func members(_ program: String) throws {
    let octets = Self.capture(packets: 100)
    let parts = [octets[..<1000], octets[1000..<1001], octets[1001...]]
    let packed = try parts.compactMap { try Self.compressed(program, Array($0)) }
    guard packed.count == 3 else { return }
    let path = try temporaryFile(packed.flatMap { $0 })
    defer { try? FileManager.default.removeItem(atPath: path) }
    let read = readAll(path)
    #expect(read.packets.count == 100 && read.message == nil)
  }

  /// Data before a cut or a changed byte is decompressed, and the error is reported.
  @Test(arguments: ["gzip", "zstd", "lz4"]) func damaged(_ program: String) throws {
    guard let packed = try Self.compressed(program, Self.capture(packets: 200)) else { return }
    for cut in [5, 20, packed.count / 2, packed.count - 1] {
      let path = try temporaryFile(Array(packed.prefix(cut)))
      defer { try? FileManager.default.removeItem(atPath: path) }
      let read = readAll(path)
      #expect(
        read.packets.count <= 200 && read.message?.contains("the compressed file ends before its contents do") == true)
      // Recovery loses no packet, although it reads ahead.
      #expect(Self.recovered(path) == read.packets.count)
    }
    var random = SeededRandom(seed: 3)
    for _ in 0..<20 {
      var changed = packed
      changed[Int.random(in: 4..<packed.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      let path = try temporaryFile(changed)
      defer { try? FileManager.default.removeItem(atPath: path) }
      #expect(readAll(path).packets.count <= 300)
    }
    let path = try temporaryFile(packed + Array("rubbish".utf8))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let read = readAll(path)
    #expect(
      read.packets.count == 200 && read.message?.contains("near offset \(packed.count)") == true,
      "\(read.message ?? "-")")
  }
}
