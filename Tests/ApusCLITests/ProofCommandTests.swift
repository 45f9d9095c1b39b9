import Foundation
import PacketCore
import TestSupport
import Testing

/// End-to-end tests of `--witness`, `--compare` and `--verify-optimizer`.
@Suite(.enabled(if: Subprocess.installed("z3") != nil, "z3 is not installed"))
struct ProofCommandTests {
  @Test func aWitness() throws {
    let hex = try Subprocess.apus("--witness", "udp dst port 53")
    #expect(hex.status == 0 && hex.errors.isEmpty)
    #expect(hex.output.hasPrefix("42 bytes\n\t0x0000:  0200 0000 0002 0200 0000 0001 0800 4500  ..............E.\n"))
    let text = try Subprocess.apus("--witness", "--print", "-nn", "udp dst port 9 and src host 10.1.2.3")
    #expect(text.output == "IP 10.1.2.3.49152 > 192.0.2.2.9: UDP, length 0\n")
    let raw = try Subprocess.apus("--witness", "--print", "-nn", "-y", "RAW", "-O", "tcp and ip6")
    #expect(raw.output == "IP6 2001:db8::1.49152 > 2001:db8::2.80: Flags [S], seq 1, win 65535, length 0\n")
  }

  @Test func aWitnessInAFile() throws {
    let path = try Subprocess.temporaryFile()
    defer { Subprocess.remove(path) }
    let written = try Subprocess.apus("--witness", "-w", path, "tcp port 80 and vlan 7 or len > 300")
    #expect(written.status == 0 && written.output.isEmpty && written.errors.isEmpty)
    let capture = try Libpcap.read(path)
    #expect(capture.packets.count == 1 && capture.linkType == .ethernet)
    #expect(try Subprocess.apus("--count", "-r", path, "tcp port 80 and vlan 7 or len > 300").output == "1 packet\n")
    // The file's link type is used.
    let other = try Subprocess.apus("--witness", "-r", path, "arp")
    #expect(other.status == 0 && other.output.hasPrefix("42 bytes\n"))
  }

  @Test func nothingMatches() throws {
    let outcome = try Subprocess.apus("--witness", "tcp and len > 60 and arp")
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(
      outcome.errors == """
        apus: expression rejects all packets: these terms contradict each other (column 1)
          tcp and len > 60 and arp
          ^^^                  ^^^

        """)
  }

  @Test func comparisons() throws {
    let equal = try Subprocess.apus("--compare", "ip proto 6", "ip and tcp")
    #expect(equal.status == 0 && equal.output == "equal: both accept the same packets\n" && equal.errors.isEmpty)
    let wider = try Subprocess.apus("--compare", "arp host 10.0.0.1", "-nn", "arp")
    #expect(wider.status == 1 && wider.errors.isEmpty)
    #expect(
      wider.output.hasPrefix(
        "'arp' is wider: it accepts all that 'arp host 10.0.0.1' accepts, and\n"
          + "ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28\n\t0x0000:  "))
    let neither = try Subprocess.apus("--compare", "udp", "tcp")
    #expect(neither.status == 1)
    #expect(neither.output.hasPrefix("neither is wider: only 'tcp' accepts\n"))
    #expect(neither.output.contains("\nand only 'udp' accepts\n"))
  }

  /// Filters that load the addresses in different order: only a packet that is truncated between the addresses tells them apart.
  @Test func packetsThatWereCut() throws {
    let halves = "net 10.0.0.0/9 or net 10.128.0.0/9"
    let outcome = try Subprocess.apus("--compare", halves, "-nn", "net 10.0.0.0/8")
    #expect(outcome.status == 1 && outcome.errors.isEmpty)
    #expect(
      outcome.output.hasPrefix(
        "equal for whole packets, not for those that were cut short:\n"
          + "only 'net 10.0.0.0/8' accepts this one, with 33 of 34 bytes captured\nIP "))
    // On whole packets one filter accepts more; nothing else is reported.
    let wider = try Subprocess.apus("--compare", "net 10.0.0.0/9", "-nn", "net 10.0.0.0/8")
    #expect(wider.output.hasPrefix("'net 10.0.0.0/8' is wider: it accepts all"))
  }

  @Test func bytecodeOnEitherSide() throws {
    let path = try Subprocess.temporaryFile(suffix: ".bpf")
    defer { Subprocess.remove(path) }
    try Data(Subprocess.apus("-ddd", "tcp port 80").stdout).write(to: URL(fileURLWithPath: path))
    #expect(try Subprocess.apus("--compare-bytecode", path, "tcp port 80").status == 0)
    let other = try Subprocess.apus("--bytecode", path, "--compare", "port 80")
    #expect(other.status == 1)
    #expect(other.output.hasPrefix("'port 80' is wider: it accepts all that \(path) accepts, and\n"))
    #expect(try Subprocess.apus("--bytecode", path, "--compare-bytecode", path).status == 0)
  }

  @Test func theOptimizer() throws {
    let outcome = try Subprocess.apus("--verify-optimizer", "tcp port 80 or (udp and not port 53)")
    #expect(outcome.status == 0 && outcome.output.hasPrefix("proved: the "))
    let none = try Subprocess.apus("--verify-optimizer", "ip and arp")
    #expect(none.status == 0 && none.output == "proved: no packet matches, as the optimiser says\n")
    #expect(try Subprocess.apus("--verify-optimizer", "--linux-extensions", "vlan 5 or inbound").status == 0)
  }

  @Test(arguments: [
    (["--witness", "--compare", "tcp", "udp"], "--witness cannot be combined with --compare"),
    (["--witness", "-d", "udp"], "--witness cannot be combined with -d"),
    (
      ["--proof-timeout", "3", "udp"],
      "--proof-timeout requires --witness, --compare, --compare-bytecode or --verify-optimizer"
    ),
    (["--compare", "udp"], "--compare needs a second filter"),
    (["--witness", "--proof-timeout", "0", "udp"], "invalid proof time-out 0"),
    (["--witness", "--linux-extensions", "vlan"], "--linux-extensions"),
  ])
  func whatIsRefused(_ arguments: [String], _ message: String) throws {
    let outcome = try Subprocess.run(try Subprocess.apusPath(), arguments)
    #expect(outcome.status == 1 && outcome.output.isEmpty)
    #expect(outcome.errors.hasPrefix("apus: ") && outcome.errors.contains(message))
  }

  @Test func statusTwoIsForWhatIsNotAnswered() throws {
    let wrong = try Subprocess.apus("--compare", "prot 80", "tcp")
    #expect(wrong.status == 2 && wrong.errors.contains("^^^^"))
    let missing = try Subprocess.apus("--compare", "len > 5", "len > 6", environment: ["PATH": "/nonexistent"])
    #expect(missing.status == 2 && missing.output.isEmpty)
    #expect(
      missing.errors == "apus: this needs the program z3, which is not in PATH (Debian, Ubuntu: apt-get install z3)\n")
    let hard = "ether[0:4] * ether[4:4] * ether[8:4] = 0x7654321 and ether[0:4] > 0xfffff and ether[4:4] > 0xfffff"
    let slow = try Subprocess.apus(
      "--verify-optimizer", "--proof-timeout", "1", "\(hard) and ether[4:4] % 1000003 = 77")
    #expect(slow.status == 0 || slow.status == 2)
  }
}
