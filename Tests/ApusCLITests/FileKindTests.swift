import Foundation
import TestSupport
import Testing

/// Files that are not captures: the error message, and the command that it suggests.
@Suite struct FileKindTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let octets: [UInt8]
    let message: String
    var testDescription: String { name }

    init(_ name: String, _ text: String, _ message: String) { self.init(name, Array(text.utf8), message) }
    init(_ name: String, _ octets: [UInt8], _ message: String) {
      (self.name, self.octets, self.message) = (name, octets, message)
    }
  }

  private static let record: [UInt8] =
    [0, 0, 0, 0, 0x40, 0x42, 0x0f, 0x66, 2, 4, 0, 80, 0, 0, 0, 60] + [UInt8](repeating: 1, count: 64)

  static let cases = [
    Case("x.jpg", [0xff, 0xd8, 0xff, 0xe0, 0, 16], "NAME: not a capture file; it looks like a JPEG image\n"),
    Case(
      "all.pcap.xz", [0xfd] + Array("7zXZ".utf8) + [0, 0, 4], "NAME: xz is not read directly: xz -dc NAME | apus -r -\n"
    ),
    Case("b c.bz2", "BZh91AY", "NAME: bzip2 is not read directly: bzip2 -dc 'NAME' | apus -r -\n"),
    Case("a.zip", "PK\u{3}\u{4}1234", "NAME: zip is not read directly: unzip -p NAME | apus -r -\n"),
    Case(
      "s.snoop", "snoop\0\0\0\0\0\0\u{2}",
      "NAME: neither pcap nor pcapng; it looks like a snoop capture (Solaris): editcap NAME NAME.pcapng converts it\n"),
    Case(
      "e.erf", record + record,
      "NAME: neither pcap nor pcapng; it looks like an ERF capture (Endace): editcap NAME NAME.pcapng converts it\n"),
    Case("log.txt", "May 3 12:00:00 host\n", "NAME: not a capture file; it looks like a text file\n"),
    Case(
      "dump.txt", "12:00 IP a > b\n\t0x0000:  4500\n",
      "NAME: not a capture file; it looks like a text file: text2pcap(1) makes a capture file of a hex dump\n"),
    Case(
      "ls", [0x7f] + Array("ELF".utf8) + [2, 1, 1, 0],
      "NAME: not a capture file; it looks like an ELF executable, library or core dump\n"),
    Case(
      "t.tar", [UInt8](repeating: 0x41, count: 257) + Array("ustar\0".utf8),
      "NAME: not a capture file; it looks like a tar archive: unpack it first\n"),
    Case(
      "unknown", [0, 1, 2, 3, 4],
      "NAME: not a capture file: it begins with 00 01 02 03, which is neither pcap nor pcapng\n"),
    Case("short", "ab", "NAME: not a capture file: 2 bytes are too few for a magic number\n"),
  ]

  @Test(arguments: cases) func whatItLooksLike(_ test: Case) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appendingPathComponent(test.name).path
    try Data(test.octets).write(to: URL(fileURLWithPath: path))
    let outcome = try Subprocess.apus("-r", path)
    #expect(outcome.status == 1)
    #expect(outcome.errors == "apus: " + test.message.replacingOccurrences(of: "NAME", with: path))
    // The same through a pipe.
    let pipe = try Subprocess.apus("-r", "-", stdin: Data(test.octets))
    #expect(pipe.status == 1 && pipe.errors.hasPrefix("apus: -: "))
  }

  @Test func contentsOfACompressedFile() throws {
    guard let gzip = Subprocess.installed("gzip") else { return }
    let packed = try Subprocess.run(gzip, ["-c"], stdin: Data([0x41, 0x42, 0x43, 0x44, 0x0a])).stdout
    let path = try Subprocess.temporaryFile(packed, suffix: ".pcap.gz")
    defer { Subprocess.remove(path) }
    let outcome = try Subprocess.apus("-r", path)
    #expect(outcome.errors == "apus: \(path): not a capture file; its content looks like a text file\n")
  }

  /// Compression formats that apus cannot write are refused, and no file is created.
  @Test(arguments: ["o.pcap.xz", "o.pcapng.bz2", "o.lz4", "o.pcap.ZIP"]) func otherCompressions(_ name: String) throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString)-\(name)").path
    let input = Fixture.capture("http.pcap")
    let outcome = try Subprocess.apus("-r", input, "-w", path)
    #expect(
      outcome.status == 1 && outcome.errors.hasPrefix("apus: -w \(path): apus compresses to .gz and .zst, not to ."))
    #expect(!FileManager.default.fileExists(atPath: path))
    let plain = try Subprocess.apus("-r", input, "-w", path, "--compress", "none")
    #expect(plain.status == 0)
    Subprocess.remove(path)
  }
}
