import Foundation
import PacketCore
import Savefile
import TestSupport
import Testing

/// pcapng files made by Wireshark's programs: several interfaces and link types, nanoseconds, comments and secrets.
@Suite struct WiresharkFilesTests {
  /// The fields of a packet that tshark and apus both report.
  private struct Line: Equatable {
    var seconds: Int64
    var nanoseconds: Int64
    var len: Int
    var caplen: Int
    var interface: Int
    var comments: String
  }

  private static func tshark(_ path: String) throws -> [Line] {
    let fields = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_id", "frame.comment"]
    let outcome = try Subprocess.run(
      "/usr/bin/tshark", ["-n", "-r", path, "-T", "fields"] + fields.flatMap { ["-e", $0] })
    return outcome.output.split(separator: "\n").compactMap { line in
      let words = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      let time = words[0].split(separator: ".").compactMap { Int64($0) }
      guard words.count == 5, time.count == 2, let len = Int(words[1]), let caplen = Int(words[2]),
        let interface = Int(words[3])
      else { return nil }
      return Line(
        seconds: time[0], nanoseconds: time[1], len: len, caplen: caplen, interface: interface, comments: words[4])
    }
  }

  private static func read(_ path: String) throws -> [Line] {
    var reader = try SavefileReader(path: path)
    var lines: [Line] = []
    while let packet = try reader.next() {
      var comments: [String] = []
      packet.options.forEachComment { text in
        comments.append(unsafe text.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) })
      }
      lines.append(
        Line(
          seconds: packet.timestamp.seconds, nanoseconds: packet.timestamp.nanoseconds, len: packet.len,
          caplen: packet.caplen, interface: packet.interface, comments: comments.joined(separator: ",")))
    }
    return lines
  }

  @Test func interfacesCommentsAndSecrets() throws {
    for program in ["tshark", "mergecap", "editcap"]
    where !FileManager.default.isExecutableFile(atPath: "/usr/bin/\(program)") {
      print("skipped: there is no \(program)")
      return
    }
    let paths = try (0..<3).map { _ in try temporaryFile() }
    defer { for path in paths { try? FileManager.default.removeItem(atPath: path) } }
    let captures = ["http.pcap", "interfaces.pcapng", "nanosecond.pcap", "loopback.pcap"].map(Fixture.capture)
    let merged = try Subprocess.run("/usr/bin/mergecap", ["-w", paths[0]] + captures)
    #expect(merged.status == 0)
    let secrets = "CLIENT_RANDOM \(String(repeating: "12", count: 32)) \(String(repeating: "ab", count: 48))\n"
    try Data(secrets.utf8).write(to: URL(fileURLWithPath: paths[1]))
    let edited = try Subprocess.run(
      "/usr/bin/editcap",
      [
        "-a", "1:first packet", "-a", "3:dritter ü", "-s", "60", "--inject-secrets", "tls,\(paths[1])", paths[0],
        paths[2],
      ])
    #expect(edited.status == 0)

    let (theirs, ours) = (try Self.tshark(paths[2]), try Self.read(paths[2]))
    #expect(ours == theirs && ours.count == 56)
    #expect(Set(ours.map(\.interface)).count > 3 && ours.contains { $0.nanoseconds % 1000 != 0 })
    #expect(
      ours[0].comments == "first packet" && ours[2].comments == "dritter ü" && ours.contains { $0.caplen < $0.len })

    // A second section numbers its interfaces from 0 again; apus continues the numbering.
    let joined = try Data(contentsOf: URL(fileURLWithPath: paths[2])) + Data(contentsOf: URL(fileURLWithPath: paths[0]))
    try joined.write(to: URL(fileURLWithPath: paths[1]))
    let both = try Self.read(paths[1])
    let number = both[56].interface
    #expect(number > (ours.map(\.interface).max() ?? 0))
    let second = both.dropFirst(56).map { line in
      var line = line
      line.interface -= number
      return line
    }
    #expect(try Array(both.prefix(56)) + second == Self.tshark(paths[1]))
  }
}
