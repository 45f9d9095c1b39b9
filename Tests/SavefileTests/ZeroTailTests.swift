import Foundation
import PacketCore
import TestSupport
import Testing

@testable import Savefile

private let packet = [UInt8](0..<61)

/// Zeros at the end of a pcap file, as a machine leaves them when it crashes while writing.
@Suite struct ZeroTailTests {
  private static let file = PcapFile().adding(packet, seconds: 5).adding(packet, seconds: 6)

  @Test(arguments: [32, 40, 4096, 1_000_000]) func zerosUpToTheEndAreDamage(_ count: Int) throws {
    let octets = Self.file.octets.bytes + [UInt8](repeating: 0, count: count)
    let path = try temporaryFile(octets)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let message =
      "only zeros from offset 178 to the end, \(count) bytes: no packets, but the traces of a crash, "
      + "after 2 whole packets"
    let mapped = readAll(path)
    #expect(mapped.packets.count == 2 && mapped.message == message)
    // The same through a pipe, however the data is split.
    let piped = try Subprocess.run(
      "/bin/sh", ["-c", "\(try Subprocess.apusPath()) --count -r - < /dev/stdin"], stdin: Data(octets))
    #expect(piped.status == 1 && piped.output == "2 packets\n" && piped.errors.contains("only zeros"))
    // The same in every mode that skips over records without reading each one.
    for flags in [["--count"], ["--count", "tcp or not tcp"], ["-w", "/dev/null"], ["--no-jit", "--count"]] {
      let outcome = try Subprocess.run(Subprocess.apusPath(), ["-r", path] + flags)
      #expect(outcome.status == 1 && outcome.errors.contains(message), "\(flags): \(outcome.errors)")
    }
    let recovered = try Subprocess.apus("--count", "--recover", "-r", path)
    #expect(recovered.status == 2 && recovered.output == "2 packets\n")
    #expect(recovered.errors.contains("\(count) bytes at offset 178"))
  }

  /// A single record header of zeros is an empty packet, as for tcpdump: a crash leaves more zeros.
  @Test func aSingleHeaderOfZerosIsAPacket() throws {
    let octets = Self.file.octets.bytes + [UInt8](repeating: 0, count: 16)
    let path = try temporaryFile(octets)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let mapped = readAll(path)
    #expect(mapped.packets.count == 3 && mapped.message == nil)
    for flags in [["--count"], ["--count", "tcp or not tcp"], ["--no-jit", "--count"]] {
      let outcome = try Subprocess.run(Subprocess.apusPath(), ["-r", path] + flags)
      #expect(outcome.status == 0 && outcome.output.hasSuffix(" packets\n"), "\(flags): \(outcome.errors)")
    }
    let piped = try Subprocess.apus("--count", "-r", "-", stdin: Data(octets))
    #expect(piped.status == 0 && piped.output == "3 packets\n")
  }

  /// Records of zeros before other records are empty packets.
  @Test func zerosBeforeAPacketArePackets() throws {
    var file = Self.file
    file.octets.bytes += [UInt8](repeating: 0, count: 16 * 5000)
    file.add(packet, seconds: 9)
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let mapped = readAll(path)
    #expect(mapped.packets.count == 5003 && mapped.message == nil)
    #expect(mapped.packets.last?.seconds == 9 && mapped.packets[2].octets.isEmpty)
    let followed = try SavefileReader(path: path, ReadingOptions(follows: true))
    var reader = followed
    var count = 0
    while let _ = try reader.next() { count += 1 }
    #expect(count == 5003)
    let counted = try Subprocess.apus("--count", "-r", path)
    #expect(counted.status == 0 && counted.output == "5003 packets\n")
  }

  /// A packet whose own bytes are zeros is not damage.
  @Test func packetsOfZeros() throws {
    let file = Self.file.adding([UInt8](repeating: 0, count: 1000), seconds: 7)
    let read = try Reading(file.octets.bytes)
    #expect(read.packets.count == 3 && read.failure == nil)
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Subprocess.apus("--count", "-r", path).output == "3 packets\n")
  }
}
