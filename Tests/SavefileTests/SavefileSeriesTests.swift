import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// Rotated savefiles.
@Suite struct SavefileSeriesTests {
  /// A folder that is removed together with its files.
  private final class Folder {
    let path: String

    init() throws {
      path = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// For each file, the third bytes of its packets, which are their numbers.
    func packets() throws -> [String: [Int]] {
      var result: [String: [Int]] = [:]
      for name in try FileManager.default.contentsOfDirectory(atPath: path) {
        guard let file = try? Libpcap.read(path + "/" + name) else { continue }
        result[name] = file.packets.map { Int($0.octets[0]) << 8 | Int($0.octets[1]) }
      }
      return result
    }

    func writeFile(_ name: String) throws { try Data([1]).write(to: URL(fileURLWithPath: path + "/" + name)) }
  }

  /// Writes packets of 84 bytes (100 in a pcap file), one every `interval` seconds from 13:59:57 UTC on, and returns how many were
  /// accepted.
  private func write(
    _ count: Int, to path: String, _ rotation: Rotation, every interval: UInt32 = 1,
    format: SavefileFormat = .pcap(.microseconds),
    onClose: ((String) -> Void)? = nil
  ) throws -> Int {
    var file = PcapFile()
    for number in 0..<count {
      let octets = [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 0, count: 82)
      file.add(octets, seconds: 1_763_992_797 + UInt32(number) * interval)
    }
    let source = try temporaryFile(file.octets.bytes)
    defer { try? FileManager.default.removeItem(atPath: source) }
    var reader = try SavefileReader(path: source)
    var series = try SavefileSeries(
      path: path, rotation, SavefileWriter.Settings(format, compression: SavefileCompression(path: path)),
      CaptureDescription(InterfaceDescription(linkType: .ethernet, snaplen: 262_144)), now: nil, onClose: onClose)
    var taken = 0
    while let packet = try reader.next() {
      guard try series.write(packet) else { break }
      taken += 1
      if series.isFull { break }
    }
    try series.close()
    return taken
  }

  @Test func bySize() throws {
    let folder = try Folder()
    #expect(try write(100, to: folder.path + "/f.pcap", Rotation(size: 1000)) == 100)
    let files = try folder.packets()
    // 24 bytes and 10 packets are more than 1000 bytes.
    #expect(files.keys.sorted() == ["f.pcap"] + (1...9).map { "f.pcap\($0)" })
    #expect(files["f.pcap"] == Array(0..<10))
    #expect(files["f.pcap9"] == Array(90..<100))
  }

  @Test func ring() throws {
    let folder = try Folder()
    #expect(try write(150, to: folder.path + "/f", Rotation(size: 1000, files: 11)) == 150)
    let files = try folder.packets()
    #expect(files.count == 11)
    #expect(files["f00"] == Array(110..<120))
    #expect(files["f03"] == Array(140..<150))
    #expect(files["f10"] == Array(100..<110))
  }

  @Test func byTheClock() throws {
    let folder = try Folder()
    // Files end on full minutes, so the first one covers only three seconds.
    #expect(try write(130, to: folder.path + "/f%M%S", Rotation(seconds: 60)) == 130)
    let files = try folder.packets()
    #expect(files["f5957"] == Array(0..<3))
    #expect(files["f0000"] == Array(3..<63))
    #expect(files["f0100"] == Array(63..<123))
    #expect(files["f0200"] == Array(123..<130))
    #expect(files.count == 4)
  }

  @Test func byTheClockAndSizeIsARingOfTheNewest() throws {
    let folder = try Folder()
    #expect(try write(130, to: folder.path + "/f%M", Rotation(size: 2000, seconds: 60, files: 3)) == 130)
    let files = try folder.packets()
    let newest = ["f011": Array(83..<103), "f012": Array(103..<123), "f02": Array(123..<130)]
    #expect(files == newest)
  }

  @Test func byTheClockEndsAfterTheLastFile() throws {
    let folder = try Folder()
    #expect(try write(130, to: folder.path + "/f%M", Rotation(seconds: 60, files: 2)) == 63)
    #expect(try folder.packets() == ["f59": Array(0..<3), "f00": Array(3..<63)])
  }

  @Test func nothingIsReplaced() throws {
    let folder = try Folder()
    for name in ["f", "f2.part", "f3"] { try folder.writeFile(name) }
    #expect(try write(30, to: folder.path + "/f", Rotation(seconds: 10)) == 30)
    let files = try folder.packets()
    #expect(files.keys.sorted() == ["f1", "f4", "f5", "f6"])
    #expect(files.values.flatMap { $0 }.sorted() == Array(0..<30))
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/f")).count == 1)
  }

  @Test(arguments: [
    ("f.pcap", "."), ("a/f", "a"), ("/f", "/"), ("/a/b/f%S", "/a/b"), ("a/%Y/%m/f", "a"), ("%Y/f", "."), ("/%Y/f", "/"),
    ("a/b%Y/f", "a"), ("a%/", "."),
  ])
  func folder(_ template: String, _ folder: String) {
    #expect(Rotation(seconds: 60).folder(of: template) == folder)
    // Without rotation by time, % has no special meaning.
    #expect(Rotation(size: 1).folder(of: "a%Y/f") == "a%Y")
  }

  @Test func limits() throws {
    let folder = try Folder()
    var rotation = Rotation(size: 1000)
    rotation.lastFile = 2
    #expect(try write(100, to: folder.path + "/f", rotation) == 20)
    rotation = Rotation()
    rotation.limit = 500
    #expect(try write(100, to: folder.path + "/g", rotation) == 5)
    #expect(try folder.packets() == ["f": Array(0..<10), "f1": Array(10..<20), "g": Array(0..<5)])
  }

  @Test func noPacketsGiveAnEmptyFile() throws {
    let folder = try Folder()
    #expect(try write(0, to: folder.path + "/f", Rotation(seconds: 60)) == 0)
    #expect(try folder.packets() == ["f": []])
  }

  @Test func everyFileIsReportedWhenItIsComplete() throws {
    let folder = try Folder()
    var names: [String] = []
    _ = try write(25, to: folder.path + "/f", Rotation(size: 1000)) { name in
      names.append(name)
      #expect((try? Libpcap.read(name).packets.count) == (names.count < 3 ? 10 : 5))
    }
    #expect(names == ["f", "f1", "f2"].map { folder.path + "/" + $0 })
  }

  /// If another process takes the name while the file is written, the file gets the next number.
  @Test func aNameThatIsTakenMeanwhile() throws {
    let folder = try Folder()
    var series = try SavefileSeries(
      path: folder.path + "/f", Rotation(size: 1000), SavefileWriter.Settings(.pcap(.microseconds)),
      CaptureDescription(InterfaceDescription(linkType: .ethernet, snaplen: 100)), now: nil)
    try folder.writeFile("f")
    try series.close()
    #expect(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/f")).count == 1)
    #expect(try folder.packets() == ["f1": []])
  }

  @Test func aFileThatIsRemovedIsTold() throws {
    let folder = try Folder()
    var series = try SavefileSeries(
      path: folder.path + "/f", Rotation(), SavefileWriter.Settings(.pcap(.microseconds)),
      CaptureDescription(InterfaceDescription(linkType: .ethernet, snaplen: 100)), now: nil)
    try FileManager.default.removeItem(atPath: folder.path + "/f")
    let error = #expect(throws: SavefileError.self) { try series.close() }
    #expect(error?.message == "the file was removed while it was being written: 0 packets are in the file, 0 are lost")
  }

  /// Numbers precede the suffix of a compressed file.
  @Test func compressedFiles() throws {
    let folder = try Folder()
    #expect(try write(30, to: folder.path + "/f.pcap.gz", Rotation(size: 40)) == 30)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names.prefix(2) == ["f.pcap.gz", "f.pcap1.gz"], "\(names)")
  }

  /// Every pcapng file of a series has the counters and describes the interfaces.
  @Test func countsAreInEveryFile() throws {
    let folder = try Folder()
    var series = try SavefileSeries(
      path: folder.path + "/f", Rotation(size: 1), SavefileWriter.Settings(.pcapng),
      CaptureDescription(InterfaceDescription(linkType: .ethernet, snaplen: 100)), now: nil)
    series.note(
      [CaptureCounts(received: 0x0102_0304_0506_0708, droppedByKernel: 3, droppedByInterface: 4)],
      at: Timestamp(seconds: 1, nanoseconds: 0))
    try series.rotate()
    try series.close()
    let octets = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/f"))
    let number = unsafe withUnsafeBytes(of: UInt64(0x0102_0304_0506_0708)) { unsafe Data($0) }
    #expect(octets.range(of: number) != nil)
  }
}
