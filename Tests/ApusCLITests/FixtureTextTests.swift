import Dissect
import Foundation
import PacketCore
import Protocols
import Savefile
import Synchronization
import TestSupport
import Testing

@testable import ApusCLI

/// The complete text of the fixtures, byte by byte: the files of `Fixtures/text` and `Fixtures/forms`.
struct FixtureTextTests {
  /// Captures whose text differs between machines: it contains interface names, which depend on the machine's interface indexes.
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

  /// The print options of these flags, in UTC and without terminal colors.
  private static func options(_ flags: [String]) throws -> PrintOptions {
    if let known = known.withLock({ $0[flags] }) { return known }
    var options = try Configuration(ApusCommandLine.options(["--color", "never", "-r", "-"] + flags)).printing
    options.utcOffset = 0
    known.withLock { [options] in $0[flags] = options }
    return options
  }

  /// Caches parsed options, since parsing takes a while.
  private static let known = Mutex<[[String]: PrintOptions]>([:])

  /// The program prints the same text. Its output depends on flags and packets, and how packets are read depends on the file format, so
  /// each set of flags and each format is tested once.
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
