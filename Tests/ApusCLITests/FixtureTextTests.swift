import Foundation
import TestSupport
import Testing

/// What the fixtures print, whole, octet by octet: the files of `Fixtures/text` and `Fixtures/forms`.
struct FixtureTextTests {
  /// Captures whose text is another on every machine: interfaces are printed by the names that their indexes have there.
  private static let local: Set<String> = ["cooked.pcap"]

  @Test func everyCaptureHasText() {
    let captures = Set(Fixture.texts.map(\.capture))
    #expect(Fixture.all.filter { !captures.contains(Fixture.capture($0)) && !Self.local.contains($0) } == [])
  }

  @Test(arguments: Fixture.texts + Fixture.forms)
  func text(_ text: ExpectedText) throws {
    let apus = try Subprocess.apusPath()
    let outcome = try Subprocess.run(apus, text.flags + ["-r", text.capture], environment: ["TZ": "UTC"])
    #expect(outcome.status == 0)
    #expect(outcome.output == (try text.expected))
  }
}
