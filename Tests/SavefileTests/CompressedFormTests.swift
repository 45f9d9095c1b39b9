import Foundation
import PacketCore
import TestSupport
import Testing

@testable import Savefile

private let packet = [UInt8](0..<61)

/// Data around the contents of compressed files: padding at the end, skippable frames, legacy frames.
@Suite struct CompressedFormTests {
  private static let octets = (0..<3000).reduce(into: PcapFile()) { file, number in
    file.add(packet.map { $0 &* UInt8(truncatingIfNeeded: number) }, seconds: UInt32(number))
  }.octets.bytes

  /// Compresses with a system program; nil if it is not installed.
  private static func compressed(_ program: String, _ flags: String..., octets: [UInt8] = octets) throws -> [UInt8]? {
    guard let path = Subprocess.installed(program) else {
      print("skipped: there is no \(program)")
      return nil
    }
    return try [UInt8](Subprocess.run(path, flags + ["-c"], stdin: Data(octets)).stdout)
  }

  private static func read(_ octets: [UInt8]) throws -> (packets: [CopiedPacket], message: String?) {
    let path = try temporaryFile(octets)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return readAll(path)
  }

  /// A skippable frame of the LZ4 and Zstandard formats.
  private static func skippable(_ number: UInt8, _ length: Int) -> [UInt8] {
    [0x50 | number, 0x2a, 0x4d, 0x18] + (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
      + [UInt8](repeating: 0xaa, count: length)
  }

  @Test(arguments: ["gzip", "zstd", "lz4", "lz4 -l"], [1, 2, 3, 4, 511, 300_000])
  func zerosBehindTheLastMemberArePadding(_ command: String, _ count: Int) throws {
    let words = command.split(separator: " ").map(String.init)
    guard
      let packed = words.count == 1 ? try Self.compressed(words[0]) : try Self.compressed(words[0], words[1])
    else { return }
    let padded = try Self.read(packed + [UInt8](repeating: 0, count: count))
    #expect(padded.packets.count == 3000 && padded.message == nil, "\(padded.message ?? "")")
    // Anything but zeros is not padding.
    let other = try Self.read(packed + [UInt8](repeating: 0, count: count) + [7, 7, 7, 7, 7])
    #expect(other.packets.count == 3000 && other.message != nil)
  }

  @Test(arguments: ["lz4", "lz4 -l", "zstd"]) func skippableFramesComeFirst(_ command: String) throws {
    let words = command.split(separator: " ").map(String.init)
    guard
      let packed = words.count == 1 ? try Self.compressed(words[0]) : try Self.compressed(words[0], words[1])
    else { return }
    for lengths in [[0], [5], [300_000, 0, 1]] {
      let frames = lengths.enumerated().flatMap { Self.skippable(UInt8($0), $1) }
      let read = try Self.read(frames + packed)
      #expect(read.packets.count == 3000 && read.message == nil, "\(read.message ?? "")")
    }
    // A truncated frame.
    #expect(throws: SavefileError.self) { _ = try SavefileReader(path: temporaryFile(Self.skippable(0, 9).dropLast())) }
  }

  /// Legacy frames of several blocks, and frames of every kind one after another.
  @Test func legacyFrames() throws {
    let large = (0..<140_000).reduce(into: PcapFile()) { file, number in
      file.add(packet.map { $0 &* UInt8(truncatingIfNeeded: number) }, seconds: UInt32(number))
    }.octets.bytes
    guard let packed = try Self.compressed("lz4", "-l", octets: large) else { return }
    #expect(packed.starts(with: [0x02, 0x21, 0x4c, 0x18]))
    let whole = try Self.read(packed)
    #expect(whole.packets.count == 140_000 && whole.message == nil)
    let cut = try Self.read(packed.dropLast(9))
    #expect(cut.packets.count < 140_000 && cut.message?.contains("ends before its contents do") == true)

    let parts = [
      Self.octets[..<10_000], Self.octets[10_000..<10_001], Self.octets[10_001..<50_000], Self.octets[50_000...],
    ]
    guard let legacy = try Self.compressed("lz4", "-l", octets: Array(parts[0])),
      let modern = try Self.compressed("lz4", octets: Array(parts[1])),
      let second = try Self.compressed("lz4", "-l", octets: Array(parts[2])),
      let zstd = try Self.compressed("zstd", octets: Array(parts[3]))
    else { return }
    let mixed = try Self.read(legacy + modern + Self.skippable(3, 7) + second + zstd)
    #expect(mixed.packets.count == 3000 && mixed.message == nil, "\(mixed.message ?? "")")
  }
}
