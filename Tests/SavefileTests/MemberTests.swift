import Foundation
import PacketCore
import TestSupport
import Testing

@testable import Savefile

/// Compressed files of several members or frames: several threads give the same result as one.
@Suite struct MemberTests {
  enum Form: String, CaseIterable {
    case gzip, bgzf, zstd, lz4, mixed
  }

  /// A file whose packets hardly compress, split into parts of random lengths, each compressed.
  private static func members(_ form: Form, _ random: inout SeededRandom) throws -> [[UInt8]]? {
    var file = PcapFile()
    for number in 0..<600 {
      file.add(random.octets(Int.random(in: 20...4000, using: &random)), seconds: UInt32(number))
    }
    let octets = file.octets.bytes
    var members: [[UInt8]] = []
    var start = 0
    while start < octets.count {
      let longest = form == .bgzf ? 60_000 : 150_000
      let end = min(octets.count, start + Int.random(in: 1...longest, using: &random))
      guard let member = try member(form, members.count, Array(octets[start..<end])) else { return nil }
      members.append(member)
      start = end
    }
    return members
  }

  private static func member(_ form: Form, _ number: Int, _ octets: [UInt8]) throws -> [UInt8]? {
    switch form {
    case .gzip: return compressed(octets, .gzip)
    case .zstd: return compressed(octets, .zstd)
    case .bgzf:
      guard var member = compressed(octets, .gzip) else { return nil }
      // The extra field with the length of the block, which follows the header.
      let length = member.count + 8 - 1
      member[3] |= 4
      member.insert(contentsOf: [6, 0, 0x42, 0x43, 2, 0, UInt8(length & 0xff), UInt8(length >> 8)], at: 10)
      return member
    case .lz4: return try lz4(octets)
    case .mixed:
      let skippable: [UInt8] = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]
      guard let frame = number % 2 == 0 ? try lz4(octets) : compressed(octets, .zstd) else { return nil }
      return skippable + frame
    }
  }

  private static func compressed(_ octets: [UInt8], _ compression: SavefileCompression) -> [UInt8]? {
    guard var compressor = Compressor(compression) else { return nil }
    guard let member = unsafe compressor.member(octets.span.bytes) else { return nil }
    return unsafe member.withUnsafeBytes { unsafe Array($0) }
  }

  private static func lz4(_ octets: [UInt8]) throws -> [UInt8]? {
    guard let path = Subprocess.installed("lz4") else { return nil }
    return try [UInt8](Subprocess.run(path, ["-c"], stdin: Data(octets)).stdout)
  }

  private static func read(_ octets: [UInt8], threads: Int) throws -> (packets: [CopiedPacket], message: String?) {
    let path = try temporaryFile(octets)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var options = ReadingOptions()
    options.threads = threads
    return readAll(path, options)
  }

  /// Whole, truncated and damaged files, with padding and with other bytes at the end: several threads give the same packets and the same
  /// error, at the same offset.
  @Test(arguments: Form.allCases)
  func severalThreadsGiveWhatOneGives(_ form: Form) throws {
    var random = SeededRandom(seed: 24)
    guard let members = try Self.members(form, &random) else { return }
    let whole = members.flatMap(\.self)
    #expect(members.count > 8)
    let endings: [[UInt8]] = [[], [UInt8](repeating: 0, count: 700), [0, 0, 7], members[0].dropLast(3)]
    var files = endings.map { whole + $0 }
    for _ in 0..<6 {
      files.append(Array(whole.prefix(Int.random(in: 5..<whole.count, using: &random))))
      var damaged = whole
      for place in 0..<4 { damaged[Int.random(in: 5..<whole.count - 4, using: &random)] ^= UInt8(1 << place) }
      files.append(damaged)
    }
    for (number, file) in files.enumerated() {
      let one = try Self.read(file, threads: 1)
      if number == 0 { #expect(one.packets.count == 600 && one.message == nil, "\(one.message ?? "")") }
      for threads in [2, 3, 8] {
        let several = try Self.read(file, threads: threads)
        #expect((several.packets == one.packets) as Bool, "file \(number)")
        #expect(several.message == one.message, "file \(number)")
      }
    }
  }

  /// All members are found, except the last one of gzip, since no other member follows it.
  @Test(arguments: Form.allCases)
  func membersAreFound(_ form: Form) throws {
    var random = SeededRandom(seed: 25)
    guard let members = try Self.members(form, &random) else { return }
    let whole = members.flatMap(\.self)
    let compression = try #require(Compression(magic: whole))
    // Safe: the array outlives the view of it.
    let jobs = unsafe whole.withUnsafeBytes { unsafe MemberSplitter(compression).jobs(in: $0, atMost: .max) }
    let found = form == .gzip ? whole.count - (members.last?.count ?? 0) : whole.count
    #expect(jobs.first?.lowerBound == 0 && jobs.last?.upperBound == found)
    #expect(zip(jobs, jobs.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    #expect(jobs.count > 2)
  }

  /// Whatever the bytes are, a member that is found lies within them.
  @Test func otherOctetsAreNoMembers() {
    var random = SeededRandom(seed: 26)
    let beginnings: [(Compression, [UInt8])] = [
      (.gzip, [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 3, 6, 0, 0x42, 0x43, 2, 0]), (.zstd, [0x28, 0xb5, 0x2f, 0xfd]),
      (.frames, [4, 0x22, 0x4d, 0x18, 0x64]), (.frames, [0x50, 0x2a, 0x4d, 0x18]),
    ]
    for (compression, beginning) in beginnings {
      for _ in 0..<2000 {
        let octets = beginning + random.octets(Int.random(in: 0...80, using: &random))
        let prefix = Array(octets.prefix(Int.random(in: 0...octets.count, using: &random)))
        // Safe: the array outlives the view of it.
        let jobs = unsafe prefix.withUnsafeBytes { unsafe MemberSplitter(compression).jobs(in: $0, atMost: 4) }
        #expect(jobs.allSatisfy { $0.lowerBound >= 0 && $0.upperBound <= prefix.count && !$0.isEmpty })
      }
    }
  }
}
