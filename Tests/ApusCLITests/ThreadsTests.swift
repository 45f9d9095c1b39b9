import BPF
import Foundation
import PacketCore
import Protocols
import TestSupport
import Testing

@testable import ApusCLI
@testable import Dissect
@testable import Savefile

/// Several threads do what one does.
struct ThreadsTests {
  /// Captures that are mapped, so that their packets stay where they are.
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
      guard workers.add(packet, number: number, interface: nil, &printer) else { continue }
      workers.submit()
      while workers.hasText { workers.writeFirst { text += $0.string } }
    }
    workers.submit()
    while workers.isBusy { workers.writeFirst { text += $0.string } }
    return text
  }

  /// The system has no threads to give.
  private struct Unavailable: Error {}

  /// Files whose packets hold what looks like records, cut into pieces anywhere.
  @Test func cutsAreFound() throws {
    var random = SeededRandom(seed: 24)
    let layout = RecordLayout(isByteSwapped: false, largestCaplen: 262_144, snaplen: 262_144)
    // Octet 0 of a packet decides.
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
          layout, pool, pieceLength: Int.random(in: 16...3000, using: &random),
          pieceCount: Int.random(in: 1...9, using: &random))
        var position = RecordPosition(offset: 0)
        var sum: UInt64 = 0
        // Safe: the octets outlive the loop.
        let octets = unsafe file.span.bytes
        while position.offset < file.count {
          let goesOn = walk.round(in: octets, from: &position, 0 as UInt64) { file, position, limit in
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

  /// Records of which many hold records themselves, whole ones and parts of some.
  private static func nestedRecords(_ random: inout SeededRandom) -> [UInt8] {
    func record(_ bytes: [UInt8]) -> [UInt8] {
      var record: [UInt8] = []
      for word in [
        1_700_000_000, UInt32.random(in: 0..<1_000_000, using: &random), UInt32(bytes.count), UInt32(bytes.count),
      ] {
        for shift in stride(from: 0, to: 32, by: 8) { record.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
      }
      return record + bytes
    }
    var file: [UInt8] = []
    while file.count < 12_000 {
      var inner: [UInt8] = []
      for _ in 0..<Int.random(in: 0..<40, using: &random) {
        inner += record(random.octets(Int.random(in: 1...60, using: &random)))
      }
      let cut = Bool.random(using: &random) ? Int.random(in: 0...16, using: &random) : 0
      file += record(random.octets(1) + inner.dropFirst(cut))
    }
    return file
  }

  private static func walked(_ file: [UInt8], _ scan: RecordScan) -> (packets: UInt64, accepted: UInt64) {
    var position = RecordPosition(offset: 0)
    let accepted = unsafe scan.count(in: file.span.bytes, from: &position, before: file.count, wanted: .max)
    return (position.packets, accepted)
  }

  /// The program does so with files that are large enough for it, damaged ones and such with a limit included.
  @Test func resultsAreThoseOfOneThread() throws {
    let apus = try Subprocess.apusPath()
    let (whole, cut, damaged) = try (
      Subprocess.temporaryFile(), Subprocess.temporaryFile(), Subprocess.temporaryFile()
    )
    defer { for path in [whole, cut, damaged] { Subprocess.remove(path) } }
    try SyntheticCapture.write(90_000, to: whole, seed: 7)
    let data = try Data(contentsOf: URL(fileURLWithPath: whole))
    try data.dropLast(5).write(to: URL(fileURLWithPath: cut))
    var octets = data
    octets.replaceSubrange(data.count / 2..<data.count / 2 + 64, with: [UInt8](repeating: 0xff, count: 64))
    try octets.write(to: URL(fileURLWithPath: damaged))
    for path in [whole, cut, damaged] {
      for flags in [
        ["--count"], ["--count", "tcp port 80"], ["--count", "-c", "31234", "tcp"], ["-nn", "-c", "70000"],
        ["-nnvv", "-c", "20000", "vlan"], ["--json", "-c", "9000"], ["-w", "-", "tcp"],
        ["-w", "-", "udp", "-c", "5000"],
        ["-nn", "--skip", "60000", "--print-sampling", "3"],
      ] {
        // Bytes are compared, since those of packets are no text.
        let one = try Subprocess.run(apus, ["-r", path, "--threads", "1"] + flags, environment: ["TZ": "UTC"])
        for threads in ["2", "3", "8"] {
          let several = try Subprocess.run(
            apus, ["-r", path, "--threads", threads] + flags, environment: ["TZ": "UTC"])
          #expect((several.stdout == one.stdout) as Bool, "\(flags) \(threads)")
          #expect(several.errors == one.errors, "\(flags) \(threads)")
          #expect(several.status == one.status, "\(flags) \(threads)")
        }
      }
    }
  }

  @Test(arguments: ["0", "257", "two", "-1"])
  func otherNumbersAreRefused(_ number: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), ["--threads", number, "-r", "x"])
    #expect(outcome.status == 1)
    #expect(outcome.errors.hasPrefix("apus: invalid number of threads \(number)"))
  }
}
