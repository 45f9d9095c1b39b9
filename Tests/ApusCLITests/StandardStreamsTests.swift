import Foundation
import TestSupport
import Testing

/// When apus starts without standard input, output or error, it must not use its own files as these streams.
@Suite(.waits) struct StandardStreamsTests {
  private func script(_ text: String) throws -> Outcome {
    try Subprocess.run(
      "/bin/bash", ["-c", "folder=$(mktemp -d); cd \"$folder\"; trap 'rm -rf \"$folder\"' EXIT\n" + text],
      environment: ["apus": Subprocess.apusPath(), "http": Fixture.capture("http.pcap")])
  }

  /// The capture file is truncated, so apus reports an error on standard error after the savefile was opened.
  @Test(arguments: ["2>&-", "<&- 2>&-", "<&- >&- 2>&-", ">&- 2>&-"])
  func noMessageGoesIntoTheSavefile(_ closed: String) throws {
    let outcome = try script(
      """
      head -c 3000 "$http" > cut
      "$apus" -r cut -w expected 2> err; echo "status $?"; grep -c cut err
      "$apus" -r cut -w written \(closed); echo "status $?"; cmp expected written && echo same
      """)
    #expect(outcome.output == "status 1\n2\nstatus 1\nsame\n", "\(outcome.output)\(outcome.errors)")
  }

  @Test func whatIsClosedCannotBeUsed() throws {
    let outcome = try script(
      """
      "$apus" --count -r "$http" >&-; echo "status $?"
      "$apus" -r - <&-; echo "status $?"
      "$apus" --count -r "$http" 2>&-; echo "status $?"
      """)
    #expect(outcome.output == "status 1\nstatus 1\n30 packets\nstatus 0\n", "\(outcome.output)")
    #expect(outcome.errors.contains("apus: unable to write output: Bad file descriptor\n"))
    #expect(outcome.errors.contains("apus: -: "))
  }
}
