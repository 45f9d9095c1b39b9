import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// Writes the packets of a file to another file.
private func rewrite(
  _ bytes: [UInt8], to path: String, precision: TimestampPrecision = .microseconds, packetBuffered: Bool = false,
  compression: SavefileCompression = .none
) throws {
  let source = try temporaryFile(bytes)
  defer { try? FileManager.default.removeItem(atPath: source) }
  var reader = try SavefileReader(path: source)
  var writer = try SavefileWriter(
    path: path, SavefileWriter.Settings(.pcap(precision), compression: compression, isPacketBuffered: packetBuffered),
    CaptureDescription(InterfaceDescription(linkType: reader.linkType, snaplen: reader.snaplen)))
  while let packet = try reader.next() { try writer.write(packet) }
  try writer.close()
}

private func description(_ linkType: LinkType) -> CaptureDescription {
  CaptureDescription(InterfaceDescription(linkType: linkType, snaplen: 1))
}

@Suite struct SavefileWriterTests {
  @Test(arguments: [false, true]) func roundTrip(packetBuffered: Bool) throws {
    var file = PcapFile(snaplen: 1000, linkType: 101)
    for length in 0..<900 {
      file.add([UInt8](repeating: UInt8(length & 0xff), count: length), fraction: UInt32(length))
    }
    let path = try temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try rewrite(file.octets.bytes, to: path, packetBuffered: packetBuffered)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(file.octets.bytes))
    #expect(try Libpcap.read(path).packets.count == 900)
  }

  @Test func nanoseconds() throws {
    let source = PcapFile(magic: 0xa1b2_3c4d).adding([1], fraction: 123_456_789)
    let path = try temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try rewrite(source.octets.bytes, to: path, precision: .nanoseconds)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(source.octets.bytes))
    try rewrite(source.octets.bytes, to: path)
    let coarse = PcapFile().adding([1], fraction: 123_456)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data(coarse.octets.bytes))
  }

  @Test func timestampsThatDoNotFit() throws {
    let file = PcapNGFile().section().interface(options: [(9, [0])]).enhanced([1], ticks: 1 << 33).enhanced(
      [1], ticks: 9)
    let source = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: source) }
    var reader = try SavefileReader(path: source)
    var writer = try SavefileWriter(
      path: "/dev/null", SavefileWriter.Settings(.pcap(.microseconds)), description(.ethernet))
    while let packet = try reader.next() { try writer.write(packet) }
    #expect(writer.timestampsCut == 1)
    try writer.close()
  }

  @Test func aFullDisk() throws {
    let error = #expect(throws: SavefileError.self) { try rewrite(PcapFile().octets.bytes, to: "/dev/full") }
    #expect(error?.description == "/dev/full: No space left on device: no packet is in the file")
    #expect(throws: SavefileError.self) {
      _ = try SavefileWriter(
        path: "/nonexistent/x", SavefileWriter.Settings(.pcapng), description(.raw))
    }
  }

  /// When a file reaches a size limit, it ends with its last whole packet.
  @Test func aLimitOnTheFileSize() throws {
    let source = try temporaryFile()
    let target = try temporaryFile()
    defer { for path in [source, target] { try? FileManager.default.removeItem(atPath: path) } }
    var file = PcapFile()
    for _ in 0..<100 { file.add([UInt8](repeating: 0, count: 84)) }
    try Data(file.octets.bytes).write(to: URL(fileURLWithPath: source))
    // 2048 bytes hold the header of 24 and 20 records of 100.
    let command = "ulimit -f 2; exec '\(try Subprocess.apusPath())' -r '\(source)' -w '\(target)'"
    let outcome = try Subprocess.run("/bin/bash", ["-c", command])
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("\(target): File too large: 20 packets are in the file, 80 are lost\n"))
    #expect(try Data(contentsOf: URL(fileURLWithPath: target)).count == 2024)
  }

  /// The system's tools decompress compressed files, also if every packet was written at once.
  @Test(arguments: [SavefileCompression.gzip, .zstd], [false, true])
  func compressed(_ compression: SavefileCompression, packetBuffered: Bool) throws {
    let tool = compression == .gzip ? "gzip" : "zstd"
    guard let program = Subprocess.installed(tool) else {
      print("skipped: there is no \(tool)")
      return
    }
    var file = PcapFile()
    for number in 0..<400 { file.add([UInt8](repeating: UInt8(number & 0xff), count: number)) }
    let path = try temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try rewrite(file.octets.bytes, to: path, packetBuffered: packetBuffered, compression: compression)
    let outcome = try Subprocess.run(program, ["-dc"], stdin: Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(outcome.status == 0 && outcome.stdout == Data(file.octets.bytes))
  }

  @Test func formatsByName() {
    let cases: [(String, SavefileFormat, SavefileCompression)] = [
      ("a.pcap", .pcap(.microseconds), .none), ("a.pcapng", .pcapng, .none), ("a.ntar.gz", .pcapng, .gzip),
      ("a.zst", .pcap(.microseconds), .zstd), ("a.pcapng.zst", .pcapng, .zstd), ("gz", .pcap(.microseconds), .none),
    ]
    for (path, format, compression) in cases {
      #expect(SavefileFormat(path: path, precision: .microseconds) == format)
      #expect(SavefileCompression(path: path) == compression)
    }
  }

  /// Writing a run of records at once, short or long, gives the same file as writing packet by packet.
  @Test(arguments: [10, 5000]) func records(_ packets: Int) throws {
    var file = PcapFile()
    for number in 0..<packets { file.add([UInt8](repeating: UInt8(number & 0xff), count: 84)) }
    let path = try temporaryFile()
    defer { try? FileManager.default.removeItem(atPath: path) }
    var writer = try SavefileWriter(path: path, SavefileWriter.Settings(.pcap(.microseconds)), description(.ethernet))
    let layout = RecordLayout(isByteSwapped: false, largestCaplen: 1000, snaplen: 1000)
    let fits = writer.takesRecords(layout)
    let swapped = writer.takesRecords(RecordLayout(isByteSwapped: true, largestCaplen: 1000, snaplen: 1000))
    let cut = writer.takesRecords(RecordLayout(isByteSwapped: false, largestCaplen: 1000, snaplen: 999))
    #expect(fits && !swapped && !cut)
    let records = Array(file.octets.bytes.dropFirst(24))
    // Safe: the bytes outlive the call.
    try writer.write(records: unsafe records.span.bytes, packets: UInt64(packets))
    #expect(writer.packetsTaken == UInt64(packets))
    try writer.close()
    #expect(writer.packetsWritten == UInt64(packets))
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)).dropFirst(24) == Data(records))
  }
}
