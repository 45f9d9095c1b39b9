import Foundation
import TestSupport
import Testing

/// A process that is ended by a crash signal.
@Suite(.waits) struct CrashTests {
  /// Swift's runtime would start a backtrace program that inspects the process. apus prevents that, whatever the environment asks for, so
  /// that the kernel simply ends the process.
  @Test func startsNothing() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apus-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = """
      cd '\(folder.path)'; mkfifo packets
      printf '#!/bin/sh\\ntouch started\\n' > swift-backtrace; chmod +x swift-backtrace
      SWIFT_BACKTRACE=enable=yes,swift-backtrace=$PWD/swift-backtrace "$0" --no-sandbox -nl -r - < packets > printed 2> message &
      exec 3> packets; cat '\(Fixture.capture("http.pcap"))' >&3
      while kill -0 $! && ! [ -s printed ]; do sleep 0.05; done
      kill -SEGV $!; wait $!; echo "status $?"; ls
      """
    let outcome = try Subprocess.run("/bin/sh", ["-c", text, try Subprocess.apusPath()])
    #expect(
      outcome.output == "status 139\nmessage\npackets\nprinted\nswift-backtrace\n", "\(outcome.output)\(outcome.errors)"
    )
  }
}
