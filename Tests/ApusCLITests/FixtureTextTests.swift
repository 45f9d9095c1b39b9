import Dissect
import Foundation
import PacketCore
import Protocols
import Savefile
import Synchronization
import TestSupport
import Testing

@testable import ApusCLI

/// What the fixtures print, whole, octet by octet: the files of `Fixtures/text` and `Fixtures/forms`.
struct FixtureTextTests {
  /// Captures whose text is another on every machine: interfaces are printed by the names that their indexes have there.
  private static let local: Set<String> = ["cooked.pcap"]

  private static let all = Fixture.texts + Fixture.forms

  @Test func everyCaptureHasText() {
    let captures = Set(Fixture.texts.map(\.capture))
    #expect(Fixture.all.filter { !captures.contains(Fixture.capture($0)) && !Self.local.contains($0) } == [])
  }

  @Test(arguments: all)
  func text(_ text: ExpectedText) throws {
    var printer = Printer(options: try Self.options(text.flags))
    var reader = try SavefileReader(path: text.capture)
    var number: UInt64 = 0
    while let packet = try reader.next() {
      number += 1
      printer.packet(packet, number: number)
    }
    #expect(printer.out.string == (try text.expected))
  }

  /// What flags ask for, in UTC and without the colours of a terminal.
  private static func options(_ flags: [String]) throws -> PrintOptions {
    if let known = known.withLock({ $0[flags] }) { return known }
    var options = try Configuration(ApusCommandLine.options(["--color", "never", "-r", "-"] + flags)).printing
    options.utcOffset = 0
    known.withLock { [options] in $0[flags] = options }
    return options
  }

  /// The parser of options takes its time.
  private static let known = Mutex<[[String]: PrintOptions]>([:])

  /// The program prints just that. What it prints depends on flags and packets, and how these are read on the form of the file: each set of
  /// flags and each form is there once.
  @Test(arguments: sample)
  func textOfTheProgram(_ text: ExpectedText) throws {
    let apus = try Subprocess.apusPath()
    let outcome = try Subprocess.run(apus, text.flags + ["-r", text.capture], environment: ["TZ": "UTC"])
    #expect(outcome.status == 0)
    #expect(outcome.output == (try text.expected))
  }

  private static let sample: [ExpectedText] = {
    var flags: Set<[String]> = []
    let forms = ["big-endian.pcap", "nanosecond.pcap", "snaplen.pcap", "interfaces.pcapng", "dumpcap.pcapng"]
      .map(Fixture.capture)
    return all.filter { flags.insert($0.flags).inserted || forms.contains($0.capture) }
  }()
}
