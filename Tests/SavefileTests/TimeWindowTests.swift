import Foundation
import Glibc
import PacketCore
import Savefile
import TestSupport
import Testing

/// Files with packets of 60 000 bytes, most of them holes, by default one per second.
private struct SparseCapture {
  let path: String
  private let file: FileHandle
  private var offset: UInt64 = 0
  static let caplen: UInt32 = 60_000

  init(_ header: [UInt8]) throws {
    path = try temporaryFile(header)
    file = try #require(FileHandle(forWritingAtPath: path))
    offset = UInt64(header.count)
  }

  mutating func add(_ head: [UInt8], _ tail: [UInt8] = []) throws {
    try file.seek(toOffset: offset)
    try file.write(contentsOf: Data(head))
    offset += UInt64(head.count) + UInt64(Self.caplen)
    try file.seek(toOffset: offset)
    try file.write(contentsOf: Data(tail))
    offset += UInt64(tail.count)
  }

  func close() throws {
    try file.truncate(atOffset: offset)
    try file.close()
  }

  static func pcap(_ seconds: [UInt32]) throws -> String {
    var capture = try SparseCapture(PcapFile().octets.bytes)
    for second in seconds {
      var head = Octets()
      for word in [second, 0, caplen, caplen] { head.u32(word) }
      try capture.add(head.bytes)
    }
    try capture.close()
    return capture.path
  }

  static func pcapng(_ seconds: [UInt32], lateInterface: Bool = false) throws -> String {
    var capture = try SparseCapture(
      PcapNGFile().section().interface().interface(linkType: 101, options: [(9, [3])]).octets.bytes)
    for (number, second) in seconds.enumerated() {
      let interface = UInt32(number % 2)
      // Ticks are microseconds on interface 0 and milliseconds on the other.
      let ticks = UInt64(second) * (interface == 0 ? 1_000_000 : 1000)
      var head = Octets()
      if lateInterface, number == seconds.count / 2 { head.bytes += PcapNGFile().interface().octets.bytes }
      for word in [6, caplen + 32, interface, UInt32(ticks >> 32), UInt32(truncatingIfNeeded: ticks), caplen, caplen] {
        head.u32(word)
      }
      var tail = Octets()
      tail.u32(caplen + 32)
      try capture.add(head.bytes, tail.bytes)
    }
    try capture.close()
    return capture.path
  }
}

@Suite struct TimeWindowTests {
  /// The seconds of the packets in a window, and the offset in the file at which reading begins.
  private func read(_ path: String, _ window: TimeWindow) throws -> (seconds: [Int64], first: Int) {
    var reader = try SavefileReader(path: path)
    _ = try reader.firstTime()
    reader.restrict(to: window)
    let first = reader.octetsRead
    var seconds: [Int64] = []
    while let packet = try reader.next() { seconds.append(packet.timestamp.seconds) }
    return (seconds, first)
  }

  private func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: seconds, nanoseconds: 0) }

  /// One packet per second, some of them up to 8 seconds late.
  private static let unsorted: [UInt32] = {
    var random = SeededRandom(seed: 5)
    return (0..<600).map { 1000 + UInt32($0) }.map { ($0, Int($0) + Int.random(in: 0...8, using: &random)) }
      .sorted { $0.1 < $1.1 }.map(\.0)
  }()
  private static let sorted: [UInt32] = (0..<600).map { 1000 + $0 }

  @Test(arguments: [false, true], [false, true]) func searching(pcapng: Bool, isSorted: Bool) throws {
    let seconds = isSorted ? Self.sorted : Self.unsorted
    let path = pcapng ? try SparseCapture.pcapng(seconds) : try SparseCapture.pcap(seconds)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let windows: [(Int64, Int64)] = [
      (1300, 1310), (1000, 1001), (0, 5), (1599, 2000), (1600, 1700), (1100, 1500), (900, 3000),
    ]
    for (from, to) in windows {
      let start = time(from)
      let window = TimeWindow(start: start, end: time(to))
      let found = try read(path, window)
      let wanted: [Int64] = seconds.map(Int64.init).filter { $0 >= from && $0 < to }
      #expect(found.seconds == wanted, "\(from)..<\(to)")
      // Data before the window is skipped, except for the allowed disorder and the part that is read record by record.
      let before = Int(from - 1000 - 10) * 60_016
      if from > 1200, from <= 1600 { #expect(found.first > before - (6 << 20)) }
      let all = try read(path, TimeWindow(start: start, end: time(to), disorder: nil))
      #expect(all.seconds == found.seconds && all.first < 500)
    }
    #expect(try read(path, TimeWindow(end: time(1003))).seconds.count == 3)
  }

  /// If an interface is described after the first packet, the whole file is read, and the packets are the same.
  @Test func aFileThatCannotBeSearched() throws {
    let path = try SparseCapture.pcapng(Self.sorted, lateInterface: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let found = try read(path, TimeWindow(start: time(1550), end: time(1553)))
    #expect(found.seconds == [1550, 1551, 1552])
  }

  /// A savefile inside a packet of a savefile does not mislead the search.
  @Test func aCaptureWithinAPacket() throws {
    var inner = PcapFile()
    for _ in 0..<1500 { inner.add([1, 2, 3, 4, 5, 6, 7], seconds: 1) }
    var file = PcapFile()
    for second in 0..<400 { file.add(Array(inner.octets.bytes.prefix(30_000)), seconds: 1000 + UInt32(second)) }
    let path = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let found = try read(path, TimeWindow(start: time(1350), end: time(1353)))
    #expect(found.seconds == [1350, 1351, 1352])
  }
}

@Suite struct MergedReaderTests {
  @Test func packetsComeInTheOrderOfTime() throws {
    func file(_ seconds: [UInt32], linkType: UInt32) throws -> String {
      var file = PcapFile(linkType: linkType)
      for second in seconds { file.add([UInt8(truncatingIfNeeded: second)], seconds: second) }
      return try temporaryFile(file.octets.bytes)
    }
    let paths = [
      try file([1, 4, 4, 9], linkType: 1), try file([2, 4, 20], linkType: 101), try file([], linkType: 1),
      try file([3, 1, 5], linkType: 1),
    ]
    defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
    var merged = MergedReader()
    for path in paths { merged.add(try SavefileReader(path: path)) }
    var seconds: [Int64] = []
    var interfaces: [Int] = []
    while let packet = merged.next() {
      seconds.append(packet.timestamp.seconds)
      interfaces.append(packet.interface >> 16)
      let octets = unsafe packet.bytes.rawSpan.withUnsafeBytes { unsafe Array($0) }
      #expect(octets == [UInt8(truncatingIfNeeded: packet.timestamp.seconds)])
      #expect((packet.linkType == .raw) == (packet.interface >> 16 == 1))
    }
    #expect(seconds == [1, 2, 3, 1, 4, 4, 4, 5, 9, 20])
    #expect(interfaces == [0, 1, 3, 3, 0, 0, 1, 3, 0, 1])
    #expect(merged.packetsRead == 10 && merged.takeFault() == nil)
  }

  @Test func aFaultEndsOneFile() throws {
    var file = PcapFile()
    for second in [UInt32(1), 3, 5] { file.add([1], seconds: second) }
    let whole = try temporaryFile(file.octets.bytes)
    let cut = try temporaryFile(file.octets.bytes.dropLast(3))
    defer { for path in [whole, cut] { try? FileManager.default.removeItem(atPath: path) } }
    var merged = MergedReader()
    merged.add(try SavefileReader(path: cut))
    merged.add(try SavefileReader(path: whole))
    var seconds: [Int64] = []
    while let packet = merged.next() { seconds.append(packet.timestamp.seconds) }
    #expect(seconds == [1, 1, 3, 3, 5])
    #expect(merged.takeFault()?.kind == .truncated && merged.takeFault() == nil)
  }
}
