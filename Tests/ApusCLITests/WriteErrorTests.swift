import Foundation
import Glibc
import PacketCore
import TestSupport
import Testing

private let mountsArePossible =
  geteuid() == 0 && (try? Subprocess.run("/bin/sh", ["-c", "unshare -m true"]).status) == 0

/// When packets cannot be written, apus gives a message with numbers and status 1, and the file has whole packets only.
@Suite(.waits) struct WriteErrorTests {
  /// Runs a script of bash in a folder with a capture; `$apus` is the program.
  private func run(_ script: String, packets: Int = 4000) throws -> Outcome {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { Subprocess.remove(folder) }
    try SyntheticCapture.write(packets, to: folder + "/in.pcap", seed: 5)
    return try Subprocess.run(
      "/bin/bash", ["-c", "cd '\(folder)'\n" + script], environment: ["apus": Subprocess.apusPath()])
  }

  /// Both numbers in `N packets are PLACE, M are lost`.
  private func numbers(_ text: String, _ place: String) -> (written: Int, lost: Int)? {
    guard let match = text.firstMatch(of: #/(\d+) packets? (?:is|are) ([a-z ]+), (\d+) (?:is|are) lost/#),
      match.output.2 == place, let written = Int(match.output.1), let lost = Int(match.output.3)
    else { return nil }
    return (written, lost)
  }

  @Test(
    .enabled(if: mountsArePossible, "a small file system needs root and mount namespaces"),
    arguments: ["f.pcap", "f.pcapng", "f.pcap.gz", "f.pcapng.zst"])
  func aFullDisk(_ name: String) throws {
    let size = name.hasSuffix("gz") || name.hasSuffix("zst") ? "640k" : "256k"
    let outcome = try run(
      """
      mkdir disk; export name='\(name)'
      unshare -m bash -c 'mount -t tmpfs -o size=\(size) none disk
        $apus -r in.pcap -w disk/$name; echo "status $?"; cp disk/$name .'
      case $name in *.gz) gzip -dc $name;; *.zst) zstd -qdc $name;; *) cat $name;; esac | $apus -r - --count 2>&1
      """)
    #expect(outcome.output.contains("status 1\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.errors.contains("apus: disk/\(name): No space left on device: "))
    let counts = try #require(numbers(outcome.errors, "in the file"), "\(outcome.errors)")
    #expect(counts.written > 0 && counts.lost > 0)
    // The file ends with a whole packet, so no truncation is reported.
    #expect(outcome.output.hasSuffix("\n\(counts.written) packets\n"), "\(outcome.output)")
    #expect(!outcome.output.contains("truncated"))
  }

  @Test(.enabled(if: mountsArePossible, "a small file system needs root and mount namespaces"))
  func aFullDiskAmongFiles() throws {
    let outcome = try run(
      """
      mkdir disk
      unshare -m bash -c 'mount -t tmpfs -o size=256k none disk
        $apus -r in.pcap -w disk/f -C 100kB; echo "status $?"; cp disk/* .'
      ls f*
      for f in f*; do $apus -r $f --count 2> /dev/null; done | awk '{ sum += $1 } END { print "sum", sum }'
      """)
    #expect(outcome.output.contains("status 1\nf\nf1\nf2\n"), "\(outcome.output)\(outcome.errors)")
    let inFile = try #require(numbers(outcome.errors, "in the file"), "\(outcome.errors)")
    let before = try #require(outcome.errors.firstMatch(of: #/; (\d+) are in the 2 files before/#), "\(outcome.errors)")
    #expect(outcome.output.hasSuffix("sum \(inFile.written + (Int(before.output.1) ?? 0))\n"))
  }

  @Test func aClosedPipe() throws {
    let outcome = try run("$apus -r in.pcap -w - | head -c 1000 > out; echo status ${PIPESTATUS[0]}; wc -c < out")
    #expect(outcome.output == "status 1\n1000\n", "\(outcome.errors)")
    #expect(outcome.errors.contains("apus: standard output: Broken pipe: "))
    let counts = try #require(numbers(outcome.errors, "written"), "\(outcome.errors)")
    #expect(counts.lost > 0)
  }

  @Test func aFolderThatIsRemoved() throws {
    let script = """
      mkdir gone
      (head -c 100000 in.pcap; sleep 0.3; rm -r gone; tail -c +100001 in.pcap) | $apus -r - -w gone/f
      """
    let one = try run(script + "; echo status $?")
    #expect(one.output == "status 1\n")
    #expect(
      one.errors.contains(
        "apus: gone/f: the file was removed while it was being written: 0 packets are in the file, 4000 are lost\n"))
    let many = try run(script + " -C 30kB; echo status $?")
    #expect(many.output == "status 1\n")
    #expect(many.errors.contains("gone/f") && many.errors.contains(" lost; "), "\(many.errors)")
  }
}
