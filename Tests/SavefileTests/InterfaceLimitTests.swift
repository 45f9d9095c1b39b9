import Foundation
import Glibc
import PacketCore
import Savefile
import TestSupport
import Testing

/// Files with more interfaces and longer texts than anyone has: reading and copying take time and memory that grow with the file, within
/// limits.
@Suite struct InterfaceLimitTests {
  private static let packet = [UInt8](repeating: 0xff, count: 12) + [8, 6] + [UInt8](repeating: 0, count: 28)

  private static func interface(_ name: [UInt8]) -> [UInt8] {
    PcapNGFile().interface(options: [(2, name), (0, [])]).octets.bytes
  }

  /// How many seconds a run takes, and its outcome.
  private static func timed(_ arguments: [String]) throws -> (seconds: Double, outcome: Outcome) {
    let clock = ContinuousClock()
    var outcome: Outcome?
    let time = try clock.measure { outcome = try Subprocess.run(Subprocess.apusPath(), arguments) }
    return (Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18, try #require(outcome))
  }

  /// Packets that alternate between thousands of interfaces: each interface is found quickly, and twice as many do not take four times as
  /// long.
  @Test func interfacesInTurn() throws {
    func run(_ count: Int) throws -> Double {
      var octets = PcapNGFile().section().octets.bytes
      for number in 0..<count { octets += Self.interface(Array("if\(number)".utf8)) }
      for number in 0..<20_000 {
        octets +=
          PcapNGFile().enhanced(Self.packet, interface: UInt32(number % count), ticks: UInt64(number)).octets.bytes
      }
      let input = try temporaryFile(octets)
      let path = try Subprocess.temporaryFile(suffix: ".pcapng")
      defer { for path in [input, path] { Subprocess.remove(path) } }
      let (seconds, outcome) = try Self.timed(["-r", input, "-w", path])
      #expect(outcome.status == 0, "\(outcome.errors)")
      var reader = try SavefileReader(path: path)
      var number = 0
      while let copy = try nextCopy(&reader) {
        guard copy.interface == number % count else {
          Issue.record("packet \(number) is of interface \(copy.interface)")
          return seconds
        }
        number += 1
      }
      #expect(number == 20_000)
      return seconds
    }
    let (few, many) = (try run(3000), try run(12_000))
    print("copies with 3000 and 12000 interfaces in turn: \(few) s, \(many) s")
    #expect(many < 8 * few + 2)
  }

  /// A long name that all interfaces share is stored once.
  @Test func oneLongName() throws {
    let name = [UInt8](repeating: 0x78, count: 60_000)
    var octets = PcapNGFile().section().octets.bytes
    for _ in 0..<1000 { octets += Self.interface(name) }
    for number in 0..<1000 {
      octets += PcapNGFile().enhanced(Self.packet, interface: UInt32(number), ticks: UInt64(number)).octets.bytes
    }
    let input = try temporaryFile(octets)
    let path = try Subprocess.temporaryFile(suffix: ".pcapng")
    defer { for path in [input, path] { Subprocess.remove(path) } }
    let (seconds, outcome) = try Self.timed(["-r", input, "-w", path])
    print("a copy with 1000 interfaces of one name of 60000 octets: \(seconds) s")
    #expect(outcome.status == 0 && seconds < 20)
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
    #expect(try #require(size) >= octets.count)
  }

  /// Texts have a size limit: those beyond it are dropped, the packets are not, and apus says that a copy is incomplete.
  @Test func manyLongNames() throws {
    var octets = PcapNGFile().section().octets.bytes
    for number in 0..<600 {
      octets += Self.interface(Array("\(number)".utf8) + [UInt8](repeating: 0x79, count: 60_000))
    }
    for number in 0..<600 {
      octets += PcapNGFile().enhanced(Self.packet, interface: UInt32(number), ticks: UInt64(number)).octets.bytes
    }
    let input = try temporaryFile(octets)
    let path = try Subprocess.temporaryFile(suffix: ".pcapng")
    defer { for path in [input, path] { Subprocess.remove(path) } }
    let words = "descriptions of interfaces are longer than 16 MiB together: 321 texts left out"
    let counted = try Subprocess.apus("--count", "-r", input)
    #expect(
      counted.status == 0 && counted.output == "600 packets\n" && counted.errors.contains(words), "\(counted.errors)")
    let copied = try Subprocess.apus("-r", input, "-w", path)
    #expect(copied.status == 1 && copied.errors.contains(words), "\(copied.errors)")
    #expect(try Subprocess.apus("--count", "-r", path).output == "600 packets\n")
    // The same with little memory.
    let command = "ulimit -v 400000; \(try Subprocess.apusPath()) --count -r - < \(input)"
    let limited = try Subprocess.run("/bin/sh", ["-c", command])
    #expect(limited.status == 0 && limited.output == "600 packets\n", "\(limited.errors)")
  }

  /// The number of interfaces is limited, too.
  @Test func tooManyInterfaces() throws {
    let one = PcapNGFile().interface().octets.bytes
    var octets = PcapNGFile().section().octets.bytes
    octets.reserveCapacity(one.count * 262_200)
    for _ in 0..<262_145 { octets += one }
    let path = try temporaryFile(octets)
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus("--count", "-r", path)
    #expect(
      outcome.status == 1 && outcome.errors.contains("the capture file has more than 262144 interfaces, at offset"))
  }

  /// A block too large for the available memory is an error.
  @Test func memoryThatCannotBeHad() throws {
    let file = PcapNGFile().section().interface().enhanced(Self.packet)
      .block(0xbad) { $0.bytes += [UInt8](repeating: 0, count: 60 << 20) }.enhanced(Self.packet)
    let input = try temporaryFile(file.octets.bytes)
    defer { Subprocess.remove(input) }
    let command = "cat \(input) | (ulimit -v 110000; exec \(try Subprocess.apusPath()) --no-sandbox --count -r -)"
    let outcome = try Subprocess.run("/bin/sh", ["-c", command])
    #expect(
      outcome.status == 1 && outcome.errors.contains("out of memory for"), "\(outcome.status) \(outcome.errors)")
    #expect(try Subprocess.apus("--count", "-r", input).output == "2 packets\n")
  }

  /// Thousands of names of files that do not exist.
  @Test func manyMissingFiles() throws {
    let list = try temporaryFile(
      Array((0..<5000).map { "/nonexistent/\($0)\n" }.joined().utf8) + Array((Fixture.capture("arp.pcap") + "\n").utf8))
    defer { Subprocess.remove(list) }
    let outcome = try Subprocess.apus("--count", "-V", list)
    let lines = outcome.errors.split(separator: "\n")
    #expect(outcome.status == 1 && outcome.output.hasSuffix(" packets\n"))
    #expect(
      lines.count == 1003 && lines.last == "apus: 5000 of 5001 files could not be read to the end", "\(lines.count)")
    #expect(lines.contains("apus: 4000 more messages of this kind left out"))
  }
}
