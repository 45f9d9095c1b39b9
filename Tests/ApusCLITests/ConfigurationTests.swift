import Capture
import Dissect
import PacketCore
import Testing

@testable import ApusCLI

private func configuration(_ arguments: String) throws -> Configuration {
  try Configuration(ApusCommandLine.options(arguments.split(separator: " ").map(String.init)))
}

@Suite struct ConfigurationTests {
  @Test func defaults() throws {
    let configuration = try configuration("")
    #expect(configuration.printsPackets && !configuration.countsOnly && configuration.optimize)
    #expect(configuration.limit == nil && configuration.skip == 0 && configuration.sampling == 1)
    #expect(configuration.live.snaplen == 262_144 && configuration.live.isPromiscuous)
    #expect(configuration.precision == .microseconds && configuration.filter.expression.isEmpty)
    guard case .interfaces(let names) = configuration.source, names.isEmpty else {
      return #expect(Bool(false), "\(configuration.source)")
    }
  }

  @Test func flags() throws {
    let configuration = try configuration(
      "-ni eth0 -s 96 -p -c 5 --skip 2 -w out -O --nano --netmask 255.255.255.0 tcp port 80")
    #expect(
      configuration.printing.numeric == 1 && configuration.live.snaplen == 96 && !configuration.live.isPromiscuous)
    #expect(configuration.limit == 5 && configuration.skip == 2 && configuration.outputPath == "out")
    #expect(!configuration.printsPackets && !configuration.optimize && configuration.precision == .nanoseconds)
    #expect(configuration.netmask == 0xffff_ff00 && configuration.filter.expression == "tcp port 80")
    #expect(try ApusCLITests.configuration("--netmask 255.255.255.255").netmask == nil)
    #expect(try ApusCLITests.configuration("-s 0").live.snaplen == 262_144)
    #expect(try ApusCLITests.configuration("-w f --print").printsPackets)
    #expect(try ApusCLITests.configuration("-y en10mb").linkType == .ethernet)
  }

  @Test(arguments: [
    ("-c 0", "invalid packet count 0: a whole number from 1 to 2147483647"),
    ("-c 1k", "invalid packet count 1k: a whole number from 1 to 2147483647"),
    ("--skip -1", "invalid packet skip count -1: a whole number from 0 to 2147483647"),
    ("--stats all --stats-top x", "invalid number of rows x: a whole number from 1 to 2147483647, or all"),
    (
      "-s -1",
      "invalid snaplen -1: bytes, or a number with k, m, g (KiB, MiB, GiB), kB, MB, GB or b (bytes) after it, from 0 to 262144 bytes"
    ),
    ("-s 262145", "invalid snaplen 262145"), ("-B 0", "invalid packet buffer size 0"),
    ("-y FOO", "invalid data link type FOO: apus --list-link-types lists what is possible"),
    ("--netmask 1.2.3", "invalid netmask 1.2.3: use four numbers from 0 to 255, as in 255.255.255.0"),
    ("--savefile-order x", "invalid byte order x: use unswapped or swapped"),
    ("--print-sampling 0", "invalid print sampling 0"),
    ("-Q up", "unknown capture direction 'up': use in, out or inout"),
    ("-tttttt", "too many -t: use -t, -tt, -ttt, -tttt or -ttttt"),
    ("-w - --print", "packets and their text cannot both go to standard output"),
    ("-F /nonexistent", "can't open /nonexistent: No such file or directory"),
  ])
  func refuses(_ arguments: String, _ message: String) {
    let error = #expect(throws: CommandError.self) { _ = try configuration(arguments) }
    #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
  }
}
