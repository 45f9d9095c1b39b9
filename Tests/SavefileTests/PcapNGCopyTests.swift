import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// A block of a pcapng file, in the host's byte order, as read back by a test.
private struct FoundBlock: Equatable {
  var type: UInt32
  var body: [UInt8]

  func u32(_ offset: Int) -> UInt32 { body[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) } }
  func u16(_ offset: Int) -> UInt16 { UInt16(body[offset + 1]) << 8 | UInt16(body[offset]) }

  /// The codes and values of the options from an offset on.
  func options(from offset: Int) -> [UInt16: [[UInt8]]] {
    var options: [UInt16: [[UInt8]]] = [:]
    var position = offset
    while position + 4 <= body.count, u16(position) != 0 {
      let length = Int(u16(position + 2))
      options[u16(position), default: []].append(Array(body[position + 4..<position + 4 + length]))
      position += 4 + (length + 3) & ~3
    }
    return options
  }

  static func all(_ path: String) throws -> [FoundBlock] {
    let octets = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    var blocks: [FoundBlock] = []
    var position = 0
    while position + 12 <= octets.count {
      let word = FoundBlock(type: 0, body: Array(octets[position..<position + 8]))
      let length = Int(word.u32(4))
      guard length >= 12, position + length <= octets.count else { break }
      blocks.append(FoundBlock(type: word.u32(0), body: Array(octets[position + 8..<position + length - 4])))
      position += length
    }
    #expect(position == octets.count)
    return blocks
  }
}

/// Copies of pcapng files: everything other than packets is copied, too, where it means the same.
@Suite struct PcapNGCopyTests {
  private static let arp: [UInt8] =
    [UInt8](repeating: 0xff, count: 6) + [2, 0, 0, 0, 0, 1, 8, 6] + [UInt8](repeating: 0, count: 28)
  private static let ip: [UInt8] = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]
  private static let keys = "CLIENT_RANDOM 00 11\n"

  private static func option(_ body: inout Octets, _ code: UInt16, _ value: [UInt8]) {
    body.u16(code)
    body.u16(UInt16(value.count))
    body.bytes += value
    body.pad()
  }

  private static func number(_ bigEndian: Bool, _ write: (inout Octets) -> Void) -> [UInt8] {
    var octets = Octets(isBigEndian: bigEndian)
    write(&octets)
    return octets.bytes
  }

  /// A file with every block type of the draft: two interfaces with different link types and time units, secrets before the packets, names
  /// between them, a journal entry, custom blocks of both kinds, statistics at the end, and a block of an unknown type.
  static func everyBlock(bigEndian: Bool) -> PcapNGFile {
    var file = PcapNGFile(bigEndian: bigEndian).block(0x0a0d_0d0a) { body in
      body.u32(0x1a2b_3c4d)
      body.u16(1)
      body.u16(0)
      body.u64(.max)
      option(&body, 1, Array("first comment".utf8))
      option(&body, 1, Array("second comment".utf8))
      option(&body, 2, Array("Apple M1".utf8))
      option(&body, 3, Array("Plan 9".utf8))
      option(&body, 4, Array("dumpcap".utf8))
      body.u32(0)
    }
    file = file.block(10) { body in
      body.u32(0x544c_534b)
      body.u32(UInt32(keys.utf8.count))
      body.bytes += Array(keys.utf8)
      body.pad()
      option(&body, 1, Array("keys of a test".utf8))
      body.u32(0)
    }
    file = file.interface(options: [
      (1, Array("a comment on eth0".utf8)), (2, Array("eth0".utf8)), (3, Array("uplink".utf8)),
      (4, [192, 0, 2, 1, 255, 255, 255, 0]), (6, [2, 0, 0, 0, 0, 1]), (7, [2, 0, 0, 255, 254, 0, 0, 1]),
      (8, number(bigEndian) { $0.u64(1_000_000_000) }), (9, [9]), (10, number(bigEndian) { $0.u32(3600) }),
      (11, [0] + Array("not port 22".utf8)), (12, Array("Linux 6.1".utf8)), (13, [32]),
      (15, Array("a network card".utf8)), (2988, number(bigEndian) { $0.u32(32473) } + Array("mine".utf8)), (0, []),
    ])
    // Units of 2^-10 s, with an offset of 100 s.
    file = file.interface(
      linkType: 101, snaplen: 96,
      options: [(2, Array("tun0".utf8)), (9, [0x8a]), (14, number(bigEndian) { $0.u64(100) }), (0, [])])
    file = file.enhanced(arp, interface: 0, ticks: 1_700_000_000_123_456_789)
    file = file.block(4) { body in
      body.u16(1)
      body.u16(13)
      body.bytes += [192, 0, 2, 1] + Array("alice.te".utf8) + [0]
      body.pad()
      body.u32(0)
      option(&body, 2, Array("dns.example".utf8))
      body.u32(0)
    }
    file = file.enhanced(ip, interface: 1, ticks: 1_700_000_000 << 10 | 512)
    file = file.block(9) { $0.bytes += Array("__REALTIME_TIMESTAMP=1700000000\n".utf8) }
    file = file.block(0xbad) { body in
      body.u32(32473)
      body.bytes += Array("custom data!".utf8)
    }
    file = file.block(0x4000_0bad) { $0.u32(32473) }
    file = file.block(0x7777_7777) { $0.u32(1) }
    file = file.enhanced(arp, interface: 0, ticks: 1_700_000_002_000_000_001)
    for interface in 0..<2 as Range<UInt32> {
      file = file.block(5) { body in
        body.u32(interface)
        body.u32(0x000a_bcde)
        body.u32(0x1234_5678)
        option(&body, 1, Array("statistics of \(interface)".utf8))
        option(&body, 2, number(bigEndian) { $0.u32(0x000a_0000) } + number(bigEndian) { $0.u32(7) })
        option(&body, 4, number(bigEndian) { $0.u64(1000) })
        option(&body, 5, number(bigEndian) { $0.u64(3) })
        body.u32(0)
      }
    }
    return file
  }

  private static func copy(_ file: PcapNGFile, _ arguments: [String], suffix: String = ".pcapng") throws -> (
    path: String, outcome: Outcome
  ) {
    let input = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: input) }
    let path = try Subprocess.temporaryFile(suffix: suffix)
    let outcome = try Subprocess.run(
      Subprocess.apusPath(), ["-r", input, "-w", path] + arguments.map { $0 == "INPUT" ? input : $0 })
    return (path, outcome)
  }

  /// Copies a file with every block, in both byte orders and in every mode.
  @Test(arguments: [false, true], ["", "arp or ip", "arp", "--from 2023-11-14T22:13:00Z", "--recover"])
  func everyBlockGoesAlong(bigEndian: Bool, flags: String) throws {
    let (path, outcome) = try Self.copy(
      Self.everyBlock(bigEndian: bigEndian),
      flags == "arp or ip" || flags == "arp" ? [flags] : flags.split(separator: " ").map(String.init))
    defer { Subprocess.remove(path) }
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("1 custom block not copied") && outcome.errors.contains("1 block of unknown types"))
    let blocks = try FoundBlock.all(path)
    // The second interface is described before its first packet or at the end; with a preliminary pass over the file, at the start.
    let packetsAndRest: [UInt32] = flags == "arp" ? [9, 0xbad, 6, 5, 5] : [6, 9, 0xbad, 6, 5, 5]
    let wanted: [UInt32] = [0x0a0d_0d0a, 10, 6, 4] + packetsAndRest
    guard blocks.map(\.type).filter({ $0 != 1 }) == wanted, blocks.count == wanted.count + 2 else {
      Issue.record("\(blocks.map { String($0.type, radix: 16) }): \(outcome.errors)")
      return
    }

    let section = blocks[0].options(from: 16)
    #expect(section[1] == [Array("first comment".utf8), Array("second comment".utf8)])
    #expect(section[2] == [Array("Apple M1".utf8)] && section[3] == [Array("Plan 9".utf8)])
    #expect(section[4].map { String(decoding: $0[0], as: UTF8.self).hasPrefix("apus ") } == true)

    let first = blocks[1].options(from: 8)
    let filter = flags.hasPrefix("arp") ? "(not port 22) and (\(flags))" : "not port 22"
    let expected: [UInt16: [UInt8]] = [
      1: Array("a comment on eth0".utf8), 2: Array("eth0".utf8), 3: Array("uplink".utf8),
      4: [192, 0, 2, 1, 255, 255, 255, 0], 6: [2, 0, 0, 0, 0, 1], 7: [2, 0, 0, 255, 254, 0, 0, 1],
      8: Self.number(false) { $0.u64(1_000_000_000) }, 9: [9], 10: Self.number(false) { $0.u32(3600) },
      11: [0] + Array(filter.utf8), 12: Array("Linux 6.1".utf8), 13: [32], 15: Array("a network card".utf8),
      2988: Self.number(false) { $0.u32(32473) } + Array("mine".utf8),
    ]
    #expect(first == expected.mapValues { [$0] })
    let second = try #require(blocks.last { $0.type == 1 }).options(from: 8)
    #expect(second[9] == [[0x8a]] && second[14] == [Self.number(false) { $0.u64(100) }])

    let secrets = try #require(blocks.first { $0.type == 10 })
    #expect(secrets.u32(0) == 0x544c_534b && secrets.u32(4) == UInt32(Self.keys.utf8.count))
    #expect(Array(secrets.body[8..<8 + Self.keys.utf8.count]) == Array(Self.keys.utf8))
    #expect(secrets.options(from: 28)[1] == [Array("keys of a test".utf8)])
    let names = try #require(blocks.first { $0.type == 4 })
    #expect(names.u16(0) == 1 && names.u16(2) == 13 && names.options(from: 24)[2] == [Array("dns.example".utf8)])
    #expect(blocks.first { $0.type == 9 }?.body == Array("__REALTIME_TIMESTAMP=1700000000\n".utf8))
    #expect(
      blocks.first { $0.type == 0xbad }.map { ($0.u32(0) == 32473) && $0.body.suffix(12) == Array("custom data!".utf8) }
        == true)
    for (number, statistics) in blocks.suffix(2).enumerated() {
      #expect(statistics.u32(0) == UInt32(number))
      #expect(statistics.u32(4) == 0x000a_bcde && statistics.u32(8) == 0x1234_5678)
      let options = statistics.options(from: 12)
      #expect(options[1] == [Array("statistics of \(number)".utf8)])
      #expect(options[2] == [Self.number(false) { $0.u32(0x000a_0000) } + Self.number(false) { $0.u32(7) }])
      #expect(options[4] == [Self.number(false) { $0.u64(1000) }])
    }
    // Timestamps equal those of the source, tick by tick.
    let ticks = blocks.filter { $0.type == 6 }.map { UInt64($0.u32(4)) << 32 | UInt64($0.u32(8)) }
    let all: [UInt64] = [1_700_000_000_123_456_789, 1_700_000_000 << 10 | 512, 1_700_000_002_000_000_001]
    #expect(ticks == (flags == "arp" ? [all[0], all[2]] : all))
  }

  /// Other programs read the copies without a complaint and find everything.
  @Test(
    .enabled(
      if: Subprocess.installed("tshark") != nil && Subprocess.installed("capinfos") != nil, "there is no tshark"),
    arguments: [false, true])
  func wiresharkFindsEverything(bigEndian: Bool) throws {
    let (path, _) = try Self.copy(Self.everyBlock(bigEndian: bigEndian), [])
    defer { Subprocess.remove(path) }
    let capinfos = try Subprocess.run(try #require(Subprocess.installed("capinfos")), [path])
    #expect(capinfos.status == 0 && capinfos.errors.isEmpty, "\(capinfos.errors)")
    for line in [
      "Capture hardware:    Apple M1", "Capture oper-sys:    Plan 9", "Capture comment:     first comment",
      "Capture comment:     second comment", "Number of interfaces in file: 2", "Name = eth0", "Description = uplink",
      "Filter string = not port 22", "Operating system = Linux 6.1", "Hardware = a network card", "Speed = 1000000000",
      "FCS length = 32", "Comment = a comment on eth0", "Name = tun0", "Time precision = nanoseconds (9)",
      "Number of stat entries = 1", "Number of resolved IPv4 addresses in file: 1",
      "Number of decryption secrets in file: 1",
    ] {
      #expect(capinfos.output.contains(line), "\(line)\n\(capinfos.output)")
    }
    let tshark = try Subprocess.run(
      try #require(Subprocess.installed("tshark")),
      [
        "-r", path, "-N", "nd", "-T", "fields", "-e", "frame.time_epoch", "-e", "frame.interface_name", "-e",
        "ip.src_host",
      ])
    let lines = tshark.output.split(separator: "\n").map(String.init)
    #expect(lines.prefix(1) == ["1700000000.123456789\teth0\t"], "\(tshark.output)")
    #expect(lines.contains { $0.hasPrefix("1700000100.5") && $0.hasSuffix("tun0\talice.te") }, "\(tshark.output)")
  }

  /// tshark decrypts a copy with the secrets in it, in every mode of copying, and in each file that a copy is split into.
  @Test(
    .enabled(if: Subprocess.installed("tshark") != nil, "there is no tshark"),
    arguments: [[], ["tcp"], ["--merge"], ["--from", "2000-01-01"], ["-C", "3kB"]] as [[String]])
  func secretsDecryptTheCopy(_ flags: [String]) throws {
    let input = Fixture.folder.appendingPathComponent("secrets/tls.pcapng").path
    let path = try Subprocess.temporaryFile(suffix: ".pcapng")
    let others = flags == ["--merge"] ? ["-r", Fixture.capture("arp.pcap")] : []
    defer { Subprocess.remove(path) }
    if flags.first == "-C" { Subprocess.remove(path) }
    let outcome = try Subprocess.run(Subprocess.apusPath(), ["-r", input, "-w", path] + others + flags)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let tshark = try #require(Subprocess.installed("tshark"))
    let found = try Subprocess.run(tshark, ["-r", path, "-Y", "http", "-T", "fields", "-e", "http.request.uri"])
    if flags.first == "-C" {
      // The request comes after the first file: both files begin with the secrets.
      let second = path.replacingOccurrences(of: ".pcapng", with: ".pcapng1")
      defer { Subprocess.remove(second) }
      #expect(try FoundBlock.all(path).map(\.type).prefix(3) == [0x0a0d_0d0a, 1, 10])
      #expect(try FoundBlock.all(second).map(\.type).prefix(3) == [0x0a0d_0d0a, 1, 10])
    } else {
      #expect(found.output.contains("/page.txt"), "\(found.errors)")
    }
    let blocks = try FoundBlock.all(path).map(\.type)
    let (secrets, packet) = (blocks.firstIndex(of: 10), blocks.firstIndex(of: 6))
    #expect(try #require(secrets) < #require(packet))
  }

  /// Merged files keep the blocks of each; statistics refer to the right interfaces.
  @Test func mergedFiles() throws {
    let (path, outcome) = try Self.copy(
      Self.everyBlock(bigEndian: true), ["--merge", "-r", "INPUT", "-r", Fixture.capture("arp.pcap")])
    defer { Subprocess.remove(path) }
    #expect(outcome.status == 0, "\(outcome.errors)")
    let blocks = try FoundBlock.all(path)
    let counts = Dictionary(grouping: blocks, by: \.type).mapValues(\.count)
    #expect(counts[10] == 2 && counts[4] == 2 && counts[9] == 2 && counts[0xbad] == 2 && counts[5] == 4)
    #expect(blocks.filter { $0.type == 5 }.map { $0.u32(0) }.sorted() == [0, 1, 2, 3])
    #expect(blocks[0].options(from: 16)[1]?.count == 2)
    let (firstPacket, secrets) = (blocks.firstIndex { $0.type == 6 }, blocks.lastIndex { $0.type == 10 })
    // The second file's secrets come before its packets.
    let second = blocks.firstIndex { $0.type == 6 && $0.u32(0) == 2 }
    #expect(try #require(firstPacket) < .max && #require(secrets) < #require(second))
  }

  /// The section data of a second file or section is stored in comments.
  @Test func sectionsBehindTheFirst() throws {
    let file = PcapNGFile().section().interface().enhanced(Self.arp)
    var joined = file
    joined.octets.bytes += Self.everyBlock(bigEndian: true).octets.bytes
    let (path, _) = try Self.copy(joined, [])
    defer { Subprocess.remove(path) }
    let blocks = try FoundBlock.all(path)
    #expect(blocks.filter { $0.type == 0x0a0d_0d0a }.count == 1)
    let comments = blocks.filter { $0.type == 4 && $0.u32(0) == 0 }.flatMap { $0.options(from: 4)[1] ?? [] }
    #expect(
      comments.map { String(decoding: $0, as: UTF8.self) } == [
        "first comment", "second comment", "hardware: Apple M1", "operating system: Plan 9",
      ])
    #expect(blocks.filter { $0.type == 5 }.map { $0.u32(0) } == [1, 2])
    let input = try temporaryFile(Self.everyBlock(bigEndian: false).octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: input) }
    let outcome = try Subprocess.apus("-r", Fixture.capture("dumpcap.pcapng"), "-r", input, "-w", path)
    #expect(outcome.status == 0)
    #expect(try FoundBlock.all(path).contains { $0.type == 4 && $0.u32(0) == 0 && $0.options(from: 4)[1]?.count == 4 })
  }

  // MARK: Times

  /// Timestamps that do not fit into 64 bits of nanoseconds, or are finer.
  @Test func ticksOfEveryUnit() throws {
    var file = PcapNGFile().section()
    file = file.interface(options: [(9, [6])])
    file = file.interface(options: [(9, [12])])
    file = file.interface(options: [(9, [0]), (14, Self.number(false) { $0.u64(UInt64(bitPattern: -5)) })])
    let ticks: [UInt64] = [18_446_744_073_204_126_329, 1_700_000_000_123_456, 20_000_000_000]
    for (index, ticks) in ticks.enumerated() { file = file.enhanced(Self.arp, interface: UInt32(index), ticks: ticks) }
    let (path, outcome) = try Self.copy(file, [])
    defer { Subprocess.remove(path) }
    #expect(outcome.status == 0, "\(outcome.errors)")
    let found = try FoundBlock.all(path).filter { $0.type == 6 }.map { UInt64($0.u32(4)) << 32 | UInt64($0.u32(8)) }
    #expect(found == ticks)
    let text = try Subprocess.apus("-tt", "-r", path).output
    #expect(text.hasPrefix("18446744073204.126329 ") && text.contains("\n19999999995.000000 "))
  }

  /// If one interface has a resolution finer than a microsecond, a pcap copy has nanoseconds, wherever the interface is described. If this
  /// is not known in advance, the loss is reported.
  @Test func nanosecondsOfAnyInterface() throws {
    let file = PcapNGFile().section().interface().enhanced(Self.arp, ticks: 1_000_005)
      .interface(options: [(9, [9])]).enhanced(Self.arp, interface: 1, ticks: 1_000_000_007)
    let (path, outcome) = try Self.copy(file, [], suffix: ".pcap")
    defer { Subprocess.remove(path) }
    #expect(outcome.status == 0)
    #expect(try Subprocess.apus("-tt", "--nano", "-r", path).output.contains("1.000000007 "))
    // A pipe cannot be read in advance.
    let command = "cat | \(try Subprocess.apusPath()) -r - -w \(path)"
    let piped = try Subprocess.run("/bin/sh", ["-c", command], stdin: Data(file.octets.bytes))
    #expect(
      piped.status == 1 && piped.errors.contains("times finer than a microsecond were cut (1): --nano keeps them"))
    let asked = try Subprocess.run("/bin/sh", ["-c", command + " --micro"], stdin: Data(file.octets.bytes))
    #expect(asked.status == 0)
    // The same if it is another of several files.
    for flags in [[], ["--merge"]] {
      let both = try Subprocess.run(
        Subprocess.apusPath(),
        ["-r", Fixture.capture("arp.pcap"), "-r", Fixture.capture("nanosecond.pcap"), "-w", path] + flags)
      #expect(both.status == 0 && SavefileMagic.isNanoseconds(path), "\(both.errors)")
    }
  }

  /// Packets without a timestamp stay without one.
  @Test func simplePackets() throws {
    let file = PcapNGFile().section().interface(snaplen: 40).simple(Array(Self.arp.prefix(40)), len: 42)
      .enhanced(Self.arp, ticks: 1_700_000_000_000_000).simple(Array(Self.ip), len: 20)
    let (path, outcome) = try Self.copy(file, [])
    defer { Subprocess.remove(path) }
    #expect(outcome.status == 0 && !outcome.errors.contains("no time"))
    let blocks = try FoundBlock.all(path)
    #expect(blocks.map(\.type) == [0x0a0d_0d0a, 1, 3, 6, 3])
    #expect(blocks[2].u32(0) == 42 && Array(blocks[2].body[4..<44]) == Array(Self.arp.prefix(40)))
    let input = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: input) }
    let json = try Subprocess.apus("--json", "-r", input).output.split(separator: "\n")
    #expect(json.map { $0.contains(#""has_no_time":true"#) } == [true, false, true])
    #expect(json.map { $0.contains(#""time":"#) } == [false, true, false])
    // A pcap file cannot express that.
    let (plain, cut) = try Self.copy(file, [], suffix: ".pcap")
    defer { Subprocess.remove(plain) }
    #expect(cut.status == 0 && cut.errors.contains("packets without a timestamp (2) were written with a time of 0"))
    // Neither can a file in which their interface is not the first.
    let (merged, note) = try Self.copy(file, ["--merge", "-r", "INPUT"])
    defer { Subprocess.remove(merged) }
    #expect(note.errors.contains("packets without a timestamp (2)"))
    // They do not start the duration of `-a duration:`.
    let limited = try Subprocess.apus("--count", "-a", "duration:5", "-r", input)
    #expect(limited.output == "3 packets\n")
  }

  // MARK: pcap

  /// The length of the frame check sequence, and packets longer than the snapshot length.
  @Test func whatAPcapFileSaysOfItself() throws {
    let flags: UInt32 = 0x2400_0000
    let file = PcapFile(snaplen: 50, linkType: 1 | flags).adding(Self.arp).adding([UInt8](repeating: 7, count: 80))
    let input = try temporaryFile(file.octets.bytes)
    let path = try Subprocess.temporaryFile()
    let modern = try Subprocess.temporaryFile(suffix: ".pcapng")
    defer { for path in [input, path, modern] { Subprocess.remove(path) } }
    for flags in [[], ["--no-jit"], ["len > 1"], ["--merge", "-r", input, "-c", "2"]] {
      #expect(try Subprocess.run(Subprocess.apusPath(), ["-r", input, "-w", path] + flags).status == 0)
      let copy = try Array(Data(contentsOf: URL(fileURLWithPath: path)))
      if flags.first != "--merge" { #expect(copy == file.octets.bytes, "\(flags)") }
      #expect(copy[20..<24] == [1, 0, 0, 0x24])
    }
    #expect(try Subprocess.apus("-r", input, "-w", modern).status == 0)
    let blocks = try FoundBlock.all(modern)
    #expect(blocks[1].options(from: 8)[13] == [[32]] && blocks[3].u32(12) == 80)
    #expect(try Subprocess.apus("-r", modern, "-w", path).status == 0)
    #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path)))[20..<24] == [1, 0, 0, 0x24])
    let mixed = try Subprocess.apus("-r", input, "-r", Fixture.capture("arp.pcap"), "-w", path)
    #expect(mixed.status == 0 && mixed.errors.contains("frame check sequences of different lengths"))
  }
}

private enum SavefileMagic {
  static func isNanoseconds(_ path: String) -> Bool {
    let octets = (try? Data(contentsOf: URL(fileURLWithPath: path)))?.prefix(4).map { $0 }
    return octets == [0x4d, 0x3c, 0xb2, 0xa1]
  }
}

/// Files of arbitrary blocks: a copy of a copy equals the copy.
@Suite struct BlockFileTests {
  @Test func copiesOfCopiesAreTheSame() {
    var random = SeededRandom(seed: 17)
    var sizes = 0
    for number in 0..<600 {
      let input = (0..<Int.random(in: 0..<900, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let octets = BlockFile.octets(from: input)
      sizes += octets.count
      if let fault = BlockFile.checkCopies(octets) {
        Issue.record("file \(number): \(fault)")
        return
      }
    }
    #expect(sizes > 100_000)
  }
}
