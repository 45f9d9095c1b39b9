import BPF
import Foundation
import PacketCore
import Protocols
import TestSupport
import Testing

@testable import ApusCLI
@testable import Dissect
@testable import Savefile

/// Several threads give the same result as one.
struct ThreadsTests {
  /// Captures that are mapped into memory, so that their packets do not move.
  private static let captures: [String] = Fixture.all.map(Fixture.capture).filter { path in
    (try? SavefileReader(path: path))?.keepsPackets ?? false
  }

  @Test func capturesAreMapped() { #expect(Self.captures.count > 20) }

  private static let forms: [[String]] = [
    ["-nn"], ["-nnevvv"], ["-nnttt", "-X"], ["-nnS", "-ttttt", "-#"], ["-q"], ["--json"],
  ]

  @Test(arguments: captures)
  func textIsThatOfOneThread(_ path: String) throws {
    for flags in Self.forms {
      let configuration = try Configuration(ApusCommandLine.options(["--color", "never", "-r", "-"] + flags))
      let form = TextWorkers.Form(options: configuration.printing, isJSON: configuration.printsJSON)
      var one = form.printer()
      var reader = try SavefileReader(path: path)
      var number: UInt64 = 0
      while let packet = try reader.next() {
        number += 1
        Self.print(packet, number, &one, form)
      }
      for (threads, batch) in [(2, 3), (8, 1), (3, 512)] {
        #expect(try Self.shared(path, form, threads, batch) == one.out.string, "\(flags), \(threads) threads")
      }
    }
  }

  private static func print(
    _ packet: borrowing Packet, _ number: UInt64, _ printer: inout Printer, _ form: TextWorkers.Form
  ) {
    if form.isJSON {
      printer.json(packet, number: number, interface: nil)
    } else {
      printer.packet(packet, number: number)
    }
  }

  private static func shared(_ path: String, _ form: TextWorkers.Form, _ threads: Int, _ batch: Int) throws -> String {
    guard var workers = TextWorkers(form, threads: threads, batchCount: batch) else { throw Unavailable() }
    var printer = form.printer()
    var reader = try SavefileReader(path: path)
    var (number, text): (UInt64, String) = (0, "")
    while let packet = try reader.next() {
      number += 1
      guard workers.add(packet, number: number, interface: nil, stays: batch > 1, &printer) else { continue }
      workers.submit()
      while workers.hasText { workers.writeFirst { text += $0.string } }
    }
    workers.submit()
    while workers.isBusy { workers.writeFirst { text += $0.string } }
    return text
  }

  /// The error when the system cannot create threads.
  private struct Unavailable: Error {}

  /// Files whose packets contain bytes that look like records, split into pieces at any offset.
  @Test func cutsAreFound() throws {
    var random = SeededRandom(seed: 24)
    let layout = RecordLayout(isByteSwapped: false, largestCaplen: 262_144, snaplen: 262_144)
    // Byte 0 of a packet decides.
    let program = try Program(validating: [
      Instruction(.ldbAbs, k: 0), Instruction(.jsetK, k: 1, jt: 0, jf: 1), Instruction(.retK, k: 262_144),
      Instruction(.retK, k: 0),
    ])
    guard let scan = try? RecordScan(program, layout) else { return }
    let pool = WorkerPool(threads: 4)
    for _ in 0..<100 {
      let file = Self.nestedRecords(&random)
      let (packets, accepted) = Self.walked(file, scan)
      for _ in 0..<100 {
        let walk = PieceWalk(
          pool, pieceLength: Int.random(in: 16...3000, using: &random),
          pieceCount: Int.random(in: 1...9, using: &random))
        var position = RecordPosition(offset: 0)
        var sum: UInt64 = 0
        // Safe: the bytes outlive the loop.
        let octets = unsafe file.span.bytes
        while position.offset < file.count {
          let guess: PieceWalk.Guess = layout.probableRecord(in:from:before:)
          let goesOn = walk.round(in: octets, from: &position, 0 as UInt64, guess: guess) { file, position, limit in
            scan.count(in: file, from: &position, before: limit, wanted: .max)
          } take: { found, _, _ in
            sum += found
            return true
          }
          guard goesOn else { break }
        }
        #expect(position.offset == file.count)
        #expect(position.packets == packets)
        #expect(sum == accepted)
      }
    }
  }

  /// On such files, the walk that looks at several records at a time stops at the same position as a walk from one record to the next, also
  /// when a record is truncated or invalid.
  @Test func lanesPassWhatOneWalkPasses() throws {
    var random = SeededRandom(seed: 26)
    for isByteSwapped in [false, true] {
      let layout = RecordLayout(isByteSwapped: isByteSwapped, largestCaplen: 262_144, snaplen: 262_144)
      for number in 0..<60 {
        var file = Self.nestedRecords(&random, octets: 150_000, isByteSwapped: isByteSwapped)
        if number % 2 == 1 {
          file[Int.random(in: file.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
        if number % 3 == 1 { file.removeLast(Int.random(in: 1...60, using: &random)) }
        let octets = unsafe file.span.bytes
        for _ in 0..<20 {
          let limit = Int.random(in: 0...file.count + 20, using: &random)
          var one = RecordPosition(offset: 0)
          layout.pass(in: octets, from: &one, before: limit, shortestLane: .max)
          var lanes = RecordPosition(offset: 0)
          layout.pass(in: octets, from: &lanes, before: limit, shortestLane: 1)
          #expect(lanes == one)
        }
      }
    }
  }

  /// Records, many of which contain records themselves, whole or in part.
  private static func nestedRecords(
    _ random: inout SeededRandom, octets: Int = 12_000, isByteSwapped: Bool = false
  ) -> [UInt8] {
    func record(_ bytes: [UInt8]) -> [UInt8] {
      var record: [UInt8] = []
      for word in [
        1_700_000_000, UInt32.random(in: 0..<1_000_000, using: &random), UInt32(bytes.count), UInt32(bytes.count),
      ] {
        let word = isByteSwapped ? word.byteSwapped : word
        for shift in stride(from: 0, to: 32, by: 8) { record.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
      }
      return record + bytes
    }
    var file: [UInt8] = []
    while file.count < octets {
      var inner: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<40, using: &random) {
        inner += record(random.octets(Int.random(in: 1...60, using: &random)))
      }
      let cut = Bool.random(using: &random) ? Int.random(in: 0...16, using: &random) : 0
      file += record(random.octets(1) + inner.dropFirst(cut))
    }
    return file
  }

  /// The same for pcapng files with several sections in either byte order, interfaces among the packets, and packets that contain blocks.
  @Test func cutsOfBlocksAreFound() throws {
    var random = SeededRandom(seed: 25)
    let pool = WorkerPool(threads: 4)
    let path = try Subprocess.temporaryFile()
    defer { Subprocess.remove(path) }
    for number in 0..<100 {
      let octets = Self.nestedBlocks(&random, isDamaged: number % 5 == 4)
      try Data(octets).write(to: URL(fileURLWithPath: path))
      var one = try SavefileReader(path: path)
      var expected: [Seen] = []
      let fault = Self.takeAll(&one) { expected.append(Seen($0)) }
      for _ in 0..<100 {
        let walk = PieceWalk(
          pool, pieceLength: Int.random(in: 16...3000, using: &random),
          pieceCount: Int.random(in: 1...9, using: &random))
        var reader = try SavefileReader(path: path)
        var seen: [Seen] = []
        var ending: String?
        repeat {
          while Self.walkRound(&reader, walk, &seen) {}
          ending = Self.take(&reader) { seen.append(Seen($0)) }
        } while ending == nil
        #expect((seen == expected) as Bool)
        #expect(ending == fault)
        #expect(reader.packetsRead == UInt64(expected.count))
      }
    }
  }

  /// The properties of a packet that are compared.
  private struct Seen: Equatable, Sendable {
    var sum: Int
    var len: Int
    var timestamp: Timestamp
    var linkType: LinkType
    var interface: Int
    var hasTime: Bool

    init(_ packet: borrowing Packet) {
      sum = unsafe packet.bytes.rawSpan.withUnsafeBytes { unsafe $0.reduce(packet.caplen) { $0 &* 31 &+ Int($1) } }
      (len, timestamp, linkType) = (packet.len, packet.timestamp, packet.linkType)
      (interface, hasTime) = (packet.interface, packet.hasTime)
    }
  }

  /// Walks one round of pieces; false if it did not complete.
  private static func walkRound(_ reader: inout SavefileReader, _ walk: PieceWalk, _ seen: inout [Seen]) -> Bool {
    guard let form = reader.recordForm else { return false }
    let judge = PieceJudge(form: form, scan: nil, machine: nil)
    var found: [Seen] = []
    let goesOn = reader.walk { file, position in
      let guess: PieceWalk.Guess = form.probableRecord(in:from:before:)
      return walk.round(in: file, from: &position, [] as [Seen], guess: guess) { file, position, limit in
        var seen: [Seen] = []
        judge.forEach(in: file, from: &position, before: limit) { packet, _ in seen.append(Seen(packet)) }
        return seen
      } take: { part, _, _ in
        found += part
        return true
      }
    }
    guard let goesOn else { return false }
    seen += found
    return goesOn
  }

  /// The next packet; if there is none, the error that ended the file.
  private static func take(_ reader: inout SavefileReader, _ body: (borrowing Packet) -> Void) -> String? {
    do {
      guard let packet = try reader.next() else { return "end" }
      body(packet)
      return nil
    } catch {
      return String(describing: error)
    }
  }

  private static func takeAll(_ reader: inout SavefileReader, _ body: (borrowing Packet) -> Void) -> String {
    while true { if let ending = take(&reader, body) { return ending } }
  }

  /// A file of packet blocks, many of which contain blocks themselves.
  private static func nestedBlocks(_ random: inout SeededRandom, isDamaged: Bool) -> [UInt8] {
    var isBigEndian = Bool.random(using: &random)
    func word(_ value: UInt32) -> [UInt8] {
      let octets = (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
      return isBigEndian ? octets.reversed() : octets
    }
    func block(_ type: UInt32, _ body: [UInt8]) -> [UInt8] {
      let padded = body + [UInt8](repeating: 0, count: -body.count & 3)
      let length = word(UInt32(padded.count + 12))
      return word(type) + length + padded + length
    }
    func packet(_ bytes: [UInt8], _ interface: UInt32) -> [UInt8] {
      let (count, time) = (word(UInt32(bytes.count)), word(UInt32.random(in: 0..<1_000_000, using: &random)))
      switch Int.random(in: 0..<20, using: &random) {
      case 0: return block(3, count + bytes)
      case 1: return block(2, word(0) + word(5) + time + count + count + bytes)
      case 2: return block(0x8000_0001, bytes)
      default: return block(6, word(interface) + word(5) + time + count + count + bytes)
      }
    }
    func section() -> [UInt8] {
      isBigEndian = Bool.random(using: &random)
      let version = isBigEndian ? [0, 1, 0, 0] as [UInt8] : [1, 0, 0, 0]
      let header = word(0x1a2b_3c4d) + version + [UInt8](repeating: 0xff, count: 8)
      return block(0x0a0d_0d0a, header) + interface()
    }
    func interface() -> [UInt8] {
      let linkType: UInt8 = Bool.random(using: &random) ? 1 : 101
      return block(1, (isBigEndian ? [0, linkType, 0, 0] : [linkType, 0, 0, 0]) + word(0))
    }
    var file = section()
    var interfaces: UInt32 = 1
    while file.count < 12_000 {
      switch Int.random(in: 0..<60, using: &random) {
      case 0:
        file += section()
        interfaces = 1
        continue
      case 1:
        file += interface()
        interfaces += 1
        continue
      default: break
      }
      var inner: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<40, using: &random) {
        inner += packet(random.octets(Int.random(in: 1...60, using: &random)), 0)
      }
      let cut = Bool.random(using: &random) ? Int.random(in: 0...16, using: &random) : 0
      file += packet(Array(inner.dropFirst(cut)), UInt32.random(in: 0..<interfaces, using: &random))
    }
    guard isDamaged else { return file }
    if Bool.random(using: &random) { return file.dropLast(Int.random(in: 1...40, using: &random)) }
    let place = Int.random(in: 60..<file.count - 8, using: &random)
    return file[..<place] + [0xff, 0xff, 0xff, 0xff, 0xff] + file[(place + 5)...]
  }

  private static func walked(_ file: [UInt8], _ scan: RecordScan) -> (packets: UInt64, accepted: UInt64) {
    var position = RecordPosition(offset: 0)
    let accepted = unsafe scan.count(in: file.span.bytes, from: &position, before: file.count, wanted: .max)
    return (position.packets, accepted)
  }

  /// The program uses several threads for large files, including damaged ones and runs with a limit.
  @Test(arguments: [".pcap", ".pcapng"])
  func resultsAreThoseOfOneThread(_ suffix: String) throws {
    let apus = try Subprocess.apusPath()
    let (made, whole, cut, damaged) = try (
      Subprocess.temporaryFile(), Subprocess.temporaryFile(suffix: suffix), Subprocess.temporaryFile(),
      Subprocess.temporaryFile()
    )
    defer { for path in [made, whole, cut, damaged] { Subprocess.remove(path) } }
    try SyntheticCapture.write(90_000, to: made, seed: 7)
    let copy = try Subprocess.run(apus, ["-r", made, "-w", whole])
    #expect(copy.status == 0, "\(copy.errors)")
    let data = try Data(contentsOf: URL(fileURLWithPath: whole))
    #expect(PieceWalk(threads: 2, octets: data.count - 5) != nil, "the file is too short for pieces")
    // What one thread counts is not compared with anything else.
    #expect(try Self.run(apus, whole, 1, ["--count"]).stdout == Data("90000 packets\n".utf8))
    try data.dropLast(5).write(to: URL(fileURLWithPath: cut))
    var octets = data
    octets.replaceSubrange(data.count / 2..<data.count / 2 + 64, with: [UInt8](repeating: 0xff, count: 64))
    try octets.write(to: URL(fileURLWithPath: damaged))
    let counts = [
      ["--count"], ["--count", "tcp port 80"], ["--count", "-c", "31234", "tcp"],
      ["--stats", "all", "--stats-top", "all"],
      ["--stats", "conversations,rate,1ms", "-c", "60000", "--skip", "1000", "tcp or udp"],
      ["--stats", "all,json", "not arp"],
    ]
    let others = [
      ["-nn", "-c", "70000"], ["-nnvv", "-c", "20000", "vlan"], ["--json", "-c", "9000"], ["-w", "-", "tcp"],
      ["-w", "-", "udp", "-c", "5000"], ["-nn", "--skip", "60000", "--print-sampling", "3"],
    ]
    let copies = [
      ["-w", "-", "--nano", "tcp"], ["-w", "-", "--format", "pcapng", "tcp port 80 or udp"],
      ["-w", "-", "--format", "pcapng", "not arp", "-c", "40000"],
    ]
    for path in [whole, cut, damaged] {
      for flags in suffix == ".pcap" ? counts + copies + others : counts + copies {
        // Outputs are compared as bytes, since packets are not text.
        let one = try Self.run(apus, path, 1, flags)
        for threads in [2, 3, 8] {
          let several = try Self.run(apus, path, threads, flags)
          #expect((several.stdout == one.stdout) as Bool, "\(flags) \(threads)")
          #expect(several.errors == one.errors, "\(flags) \(threads)")
          #expect(several.status == one.status, "\(flags) \(threads)")
        }
      }
    }
  }

  /// Packets that move in memory: from a pipe, from compressed members, and from several files merged by time.
  @Test(arguments: ["-", ".pcap.gz", ".pcapng.zst", "--merge"])
  func streamsGiveWhatOneThreadGives(_ form: String) throws {
    let apus = try Subprocess.apusPath()
    let made = try Subprocess.temporaryFile()
    let copy = try Subprocess.temporaryFile(suffix: form.hasPrefix(".") ? form : ".pcapng")
    defer { for path in [made, copy] { Subprocess.remove(path) } }
    try SyntheticCapture.write(30_000, to: made, seed: 8)
    #expect(try Subprocess.run(apus, ["-r", made, "-w", copy]).status == 0)
    let input =
      switch form {
      case "-": "cat \(copy) | \(apus) -r -"
      case "--merge": "\(apus) --merge -r \(made) -r \(copy)"
      default: "\(apus) -r \(copy)"
      }
    func run(_ threads: Int, _ flags: String) throws -> Outcome {
      try Subprocess.run(
        "/bin/sh", ["-c", "\(input) --threads \(threads) \(flags)"], environment: ["TZ": "UTC"])
    }
    for flags in ["-nn", "-nnevvv -ttt -# tcp", "--json -c 12000", "-nn -c 25000"] {
      let one = try run(1, flags)
      #expect(one.status == 0 && !one.stdout.isEmpty)
      for threads in [2, 3, 8] { #expect((try run(threads, flags) == one) as Bool, "\(flags) \(threads)") }
    }
  }

  private static func run(
    _ apus: String, _ path: String, _ threads: Int, _ flags: [String]
  ) throws -> (stdout: Data, errors: String, status: Int32) {
    let outcome = try Subprocess.run(
      apus, ["-r", path, "--threads", String(threads)] + flags, environment: ["TZ": "UTC"])
    var stdout = outcome.stdout
    // The report contains the current time.
    if flags.contains("all,json") {
      let text = String(decoding: stdout, as: UTF8.self)
      stdout = Data(text.replacing(#/"time":"[^"]*","epoch":[0-9.]*/#, with: "").utf8)
    }
    return (stdout, outcome.errors, outcome.status)
  }

  @Test(arguments: ["0", "257", "two", "-1"])
  func otherNumbersAreRefused(_ number: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), ["--threads", number, "-r", "x"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("apus: invalid number of threads \(number)"))
  }
}
