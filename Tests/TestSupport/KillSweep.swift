import Foundation
import Glibc

/// Kills apus at random moments while it copies a capture, and checks the savefiles that it leaves: each must open in apus, and in tcpdump
/// and tshark where they are installed, and together they must hold the first packets of the capture, byte for byte.
public struct KillSweep {
  /// How files are written.
  public struct Variant: Sendable, CustomStringConvertible {
    public let suffix: String
    /// Rotate about this many times; 1 means no rotation.
    public let files: Int
    public var description: String { "\(suffix) in \(files)" }

    public static let all = [
      Variant(suffix: ".pcap", files: 1), Variant(suffix: ".pcapng", files: 1), Variant(suffix: ".pcap", files: 3),
      Variant(suffix: ".pcapng", files: 3),
    ]
  }

  /// Runs checked so far.
  public private(set) var runs = 0
  /// Files with their final name, and files that were still being written.
  public private(set) var files = 0
  public private(set) var parts = 0
  /// Files whose last record was cut, which the kernel may do when a kill interrupts write(2).
  public private(set) var cut = 0
  /// Packets in all files.
  public private(set) var packets = 0
  /// The faults found.
  public private(set) var faults: [String] = []

  private let apus: String
  private let folder: String
  private let input: String
  /// The records of the capture, after its header.
  private let records: Data
  private let tcpdump = Subprocess.installed("tcpdump")
  private let tshark = Subprocess.installed("tshark")
  private var random: SeededRandom

  private static let headerLength = 24

  /// Creates the capture to copy.
  public init(apus: String, packets: Int, seed: UInt64) throws {
    self.apus = apus
    random = SeededRandom(seed: seed)
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    input = folder + "/input.pcap"
    try SyntheticCapture.write(packets, to: input, seed: seed)
    records = try Data(contentsOf: URL(fileURLWithPath: input)).dropFirst(Self.headerLength)
  }

  /// Removes the files.
  public func remove() { Subprocess.remove(folder) }

  /// Copies the capture `times` times, and kills each copy.
  public mutating func run(_ variant: Variant, times: Int) throws {
    let undisturbed = try time(variant)
    for _ in 0..<times {
      let delay = Double.random(in: 0..<undisturbed * 1.1, using: &random)
      try copy(variant, killAfter: delay)
      try inspect(variant, "\(variant), killed after \(Int(delay * 1e6)) µs")
      runs += 1
    }
  }

  private var outputFolder: String { folder + "/out" }

  private func time(_ variant: Variant) throws -> Double {
    let start = Date()
    try copy(variant, killAfter: nil)
    return Date().timeIntervalSince(start)
  }

  private func copy(_ variant: Variant, killAfter delay: Double?) throws {
    Subprocess.remove(outputFolder)
    try FileManager.default.createDirectory(atPath: outputFolder, withIntermediateDirectories: true)
    var arguments = ["-r", input, "-w", "\(outputFolder)/f\(variant.suffix)"]
    if variant.files > 1 { arguments += ["-C", "\(records.count / variant.files)b"] }
    let process = try ChildProcess(apus, arguments)
    if let delay {
      usleep(UInt32(delay * 1e6))
      kill(process.processIdentifier, SIGKILL)
    }
    try process.awaitEnd()
  }

  private mutating func inspect(_ variant: Variant, _ what: String) throws {
    let stem = "f\(variant.suffix)"
    // Numbered in the order of writing; the file that was still being written is the last.
    let names = try FileManager.default.contentsOfDirectory(atPath: outputFolder).sorted { first, second in
      func key(_ name: String) -> (Int, Int) {
        let digits = name.dropFirst(stem.count).prefix { $0.isNumber }
        return (name.hasSuffix(".part") ? 1 : 0, Int(digits) ?? 0)
      }
      return key(first) < key(second)
    }
    var offset = records.startIndex
    for name in names {
      let isPart = name.hasSuffix(".part") || variant.files == 1
      if isPart { parts += 1 } else { files += 1 }
      let path = outputFolder + "/" + name
      // The file is created before any input is read: it stays empty until its header is written.
      if isPart, try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int == 0 { continue }
      let read = try copied(by: apus, ["--micro", "-r", path, "-w"], "apus")
      if read.status != 0 { cut += 1 }
      if read.status != 0, !isPart || !read.errors.contains("truncated") {
        faults.append("\(what): \(name): apus: \(read.errors)")
      }
      guard read.records == records[offset..<min(records.endIndex, offset + read.records.count)] else {
        faults.append("\(what): \(name): not the packets that come next")
        return
      }
      offset += read.records.count
      if let tcpdump { try compare(what, name, read, copied(by: tcpdump, ["-r", path, "-w"], "tcpdump")) }
      if let tshark { try compare(what, name, read, copied(by: tshark, ["-r", path, "-F", "pcap", "-w"], "tshark")) }
    }
    packets += Self.count(records[..<offset])
  }

  private mutating func compare(_ what: String, _ name: String, _ ours: Reading, _ theirs: Reading) {
    if theirs.records != ours.records || (theirs.status == 0) != (ours.status == 0) {
      faults.append("\(what): \(name): status \(theirs.status), \(theirs.records.count) octets: \(theirs.errors)")
    }
  }

  /// What a program read from a file.
  private struct Reading {
    var status: Int32
    var records: Data
    var errors: String
  }

  /// The records that a program copies to a pcap file.
  private func copied(by program: String, _ arguments: [String], _ name: String) throws -> Reading {
    let target = folder + "/\(name).pcap"
    Subprocess.remove(target)
    // tcpdump drops its privileges before it writes.
    try Data().write(to: URL(fileURLWithPath: target))
    try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: target)
    let outcome = try Subprocess.run(program, arguments + [target])
    let octets = (try? Data(contentsOf: URL(fileURLWithPath: target))) ?? Data()
    return Reading(status: outcome.status, records: octets.dropFirst(Self.headerLength), errors: outcome.errors)
  }

  private static func count(_ records: Data) -> Int {
    var count = 0
    var offset = records.startIndex
    while offset + 16 <= records.endIndex {
      let caplen = (0..<4).reduce(0) { $0 | Int(records[offset + 8 + $1]) << (8 * $1) }
      offset += 16 + caplen
      count += 1
    }
    return count
  }
}
