import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

private let octets = [UInt8](0..<61)
private let firstSecond: Int64 = 1_795_000_000

@Suite struct RecoveryTests {
  /// Reads a damaged file with recovery: the seconds of its packets, and the parts that were skipped.
  private func recover(_ bytes: [UInt8], piped: Bool = false) throws -> (seconds: [Int64], parts: [SkippedPart]) {
    let path = try temporaryFile(bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let pipe = TestPipe()
    if piped {
      pipe.write(bytes)
      pipe.end()
    }
    var reader = try SavefileReader(path: piped ? pipe.path : path, ReadingOptions(recovers: true))
    var seconds: [Int64] = []
    repeat {
      while let packet = try reader.next() { seconds.append(packet.timestamp.seconds) }
    } while reader.wait(milliseconds: 5000)
    let (count, octets) = (reader.skippedCount, reader.skippedOctets)
    let parts = reader.skippedParts
    #expect(count == parts.count)
    #expect(octets == parts.map(\.count).reduce(0, +))
    return (seconds, parts)
  }

  private static func pcap(_ count: UInt32) -> [UInt8] {
    var file = PcapFile()
    for number in 0..<count { file.add(octets, seconds: UInt32(firstSecond) + number) }
    return file.octets.bytes
  }

  private static let record = 16 + 61

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    /// The numbers of the packets that are missing, out of ten.
    var missing: Set<Int64>
    var parts: [(Int, Int)]
  }

  private static func start(_ number: Int) -> Int { 24 + number * record }

  static let cases: [Case] = {
    let whole = pcap(10)
    func changed(_ place: Int, _ value: [UInt8]) -> [UInt8] {
      var bytes = whole
      bytes.replaceSubrange(place..<place + value.count, with: value)
      return bytes
    }
    func inserted(_ place: Int, _ value: [UInt8]) -> [UInt8] {
      var bytes = whole
      bytes.insert(contentsOf: value, at: place)
      return bytes
    }
    var removed = whole
    removed.removeSubrange(start(3) + 20..<start(6) + 7)
    return [
      Case(testDescription: "whole", bytes: whole, missing: [], parts: []),
      Case(testDescription: "cut", bytes: whole.dropLast(5), missing: [9], parts: [(start(9), record - 5)]),
      Case(
        testDescription: "an impossible caplen", bytes: changed(start(4) + 8, [0xff, 0xff, 0xff, 0x7f]), missing: [4],
        parts: [(start(4), record)]),
      Case(
        testDescription: "a caplen that swallows others", bytes: changed(start(4) + 8, [200, 0]), missing: [4],
        parts: [(start(4), record)]),
      Case(
        testDescription: "a caplen that is too small", bytes: changed(start(4) + 8, [50, 0]), missing: [],
        parts: [(start(4) + 16 + 50, 11)]),
      Case(
        testDescription: "garbage between records", bytes: inserted(start(5), [UInt8](repeating: 0xa5, count: 333)),
        missing: [], parts: [(start(5), 333)]),
      Case(
        testDescription: "zeros between records", bytes: inserted(start(5), [UInt8](repeating: 0, count: 4096)),
        missing: [], parts: [(start(5), 4096)]),
      Case(
        testDescription: "a hole", bytes: removed, missing: [4, 5, 6], parts: [(start(4), 20 - 7)]),
      Case(
        testDescription: "two places",
        bytes: { () -> [UInt8] in
          var bytes = changed(start(2) + 8, [0xff, 0xff, 0xff, 0x7f])
          bytes.replaceSubrange(start(7) + 8..<start(7) + 12, with: [0xff, 0xff, 0xff, 0x7f])
          return bytes
        }(), missing: [2, 7], parts: [(start(2), record), (start(7), record)]),
    ]
  }()

  @Test(arguments: cases, [false, true]) func pcap(_ expected: Case, piped: Bool) throws {
    let (seconds, parts) = try recover(expected.bytes, piped: piped)
    #expect(seconds == (0..<10).filter { !expected.missing.contains($0) }.map { $0 + firstSecond })
    #expect(parts.map(\.offset) == expected.parts.map(\.0) && parts.map(\.count) == expected.parts.map(\.1))
  }

  /// The clock may be set while packets are captured.
  @Test func aLeapInTimeIsNoDamage() throws {
    var file = PcapFile()
    for second in [UInt32(5), 6, 7, 1_795_000_000, 1_795_000_001, 20] { file.add(octets, seconds: second) }
    let (seconds, parts) = try recover(file.octets.bytes)
    #expect(seconds == [5, 6, 7, 1_795_000_000, 1_795_000_001, 20] && parts.isEmpty)
  }

  /// If a file can be read to its end, recovery skips nothing, whatever the packets are.
  @Test func strangePacketsAreNoDamage() throws {
    var file = PcapFile()
    for second in [UInt32(5), 1_795_000_000] {
      file.add(octets, seconds: second, fraction: 4_000_000_000)
      file.add([], seconds: second)
      file.add(octets, seconds: second + 200_000, words: (61, 7))
      file.add(octets, seconds: second, words: (61, .max))
    }
    let (seconds, parts) = try recover(file.octets.bytes)
    #expect(seconds.count == 8 && parts.isEmpty)
    let cut = try recover(file.octets.bytes.dropLast(3))
    #expect(cut.seconds.count == 7 && cut.parts.map(\.count) == [16 + 61 - 3])
  }

  @Test(arguments: [false, true], [false, true]) func pcapng(bigEndian: Bool, piped: Bool) throws {
    var file = PcapNGFile(bigEndian: bigEndian).section().interface()
    let length = 32 + 64
    for number in 0..<10 { file = file.enhanced(octets, ticks: UInt64(number) * 1_000_000) }
    let start = file.octets.bytes.count - 10 * length
    func all(but missing: Set<Int64>) -> [Int64] { (0..<10).filter { !missing.contains($0) } }

    var bytes = file.octets.bytes
    for index in 4..<8 { bytes[start + 3 * length + index] = 0x13 }
    var outcome = try recover(bytes, piped: piped)
    #expect(outcome.seconds == all(but: [3]) && outcome.parts.map(\.count) == [length])
    #expect(outcome.parts.map(\.offset) == [start + 3 * length])

    bytes = file.octets.bytes
    bytes.insert(contentsOf: [UInt8](repeating: 0xee, count: 777), at: start + 5 * length)
    outcome = try recover(bytes, piped: piped)
    #expect(outcome.seconds == all(but: []) && outcome.parts.map(\.count) == [777])

    // A complete block that refers to an interface that does not exist.
    bytes = file.octets.bytes
    bytes[start + 2 * length + (bigEndian ? 11 : 8)] = 9
    outcome = try recover(bytes, piped: piped)
    #expect(outcome.seconds == all(but: [2]) && outcome.parts.map(\.count) == [length])

    outcome = try recover(bytes.dropLast(1), piped: piped)
    #expect(outcome.seconds == all(but: [2, 9]) && outcome.parts.map(\.count) == [length, length - 1])
  }

  /// A few of the damaged files that `apus-fuzz savefiles` tries.
  @Test func mutants() throws {
    var mutants = SavefileMutants(seed: 11)
    for name in ["http.pcap", "interfaces.pcapng", "big-endian.pcap", "nanosecond.pcap"] {
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: Fixture.capture(name))))
      mutants.read(bytes, name: name, cuts: 12, mutations: 12)
    }
    #expect(mutants.faults.isEmpty, "\(mutants.faults.prefix(5))")
    #expect(mutants.damaged > 20)
  }
}
