import Foundation
import Glibc
import TestSupport
import Testing

/// Captures between the two ends of a veth pair, in a network namespace created for the test.
@Suite(
  .waits,
  .bothEngines, .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"))
struct LiveTests {
  private func namespace(_ script: String) throws -> Outcome { try LiveNamespace.run(script) }

  @Test func capturesExactlyWhatWasSent() throws {
    let outcome = try namespace(
      "capture -i v1 -nn -t -c 5 udp port 9; send 2 10; send 3 9; send 2 10; send 2 9; finish")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 11, "\(outcome.output)\(outcome.errors)")
    for line in lines.prefix(5) {
      #expect(line.hasPrefix("IP 192.0.2.1.") && line.hasSuffix(" > 192.0.2.2.9: UDP, length 5"))
    }
    #expect(
      lines.dropFirst(5).prefix(4) == [
        "status 0", "apus: verbose output suppressed, use -v[v]... for full protocol decode",
        "listening on v1, link-type EN10MB (Ethernet), snapshot length 262144 bytes", "5 packets captured",
      ])
    #expect(lines.last == "0 packets dropped by kernel")
  }

  /// A program from a file: UDP, in the form of iptables. The kernel filters with it, too.
  @Test func bytecode() throws {
    let outcome = try namespace(
      "echo '4,48 0 0 23,21 0 1 17,6 0 0 65535,6 0 0 0' > udp; "
        + "capture -i v1 -nn -t -c 2 --bytecode udp; in_namespace ping -c1 -W1 192.0.2.2 > /dev/null || true; send 2 9; finish"
    )
    #expect(outcome.output.split(separator: "\n").filter { $0.contains("> 192.0.2.2.9: UDP, length 5") }.count == 2)
    #expect(!outcome.output.contains("ICMP") && outcome.output.contains("status 0"))
    #expect(!outcome.output.contains("no filter in the kernel"))
  }

  /// A trace shows the packets that the filter rejects, so the kernel's filter does not drop them.
  @Test func trace() throws {
    let outcome = try namespace(
      "capture -i v1 -nn -t -c 1 --trace udp port 9; send 1 10; send 1 9; finish")
    #expect(outcome.output.contains(": 47 bytes, rejected\n(000) "))
    #expect(outcome.output.contains(": 47 bytes, accepted ("))
    #expect(outcome.output.contains("> 192.0.2.2.9: UDP, length 5\nstatus 0"))
  }

  @Test func capturesOnAllInterfaces() throws {
    let outcome = try namespace("capture -i any -nn -t -c 4 udp port 9; send 2 10; send 2 9; finish")
    #expect(outcome.output.contains("> 192.0.2.2.9: UDP, length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("\n4 packets captured\n4 packets received by filter\n"))
  }

  /// Files rotated by the clock end on time even without packets, and get their final names only when they are complete.
  @Test func filesRotateWhileIdle() throws {
    let outcome = try namespace(
      """
      capture -i v1 -G 1 -w f%s.pcap udp port 9
      send 3 9; sleep 2.3; ls | grep -c part || true; send 2 9; sleep 0.5; kill -INT $pid; finish
      for f in f*.pcap; do "$apus" --count -r $f 2> /dev/null; done; ls | grep -c part || true
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "0", "\(outcome.output)\(outcome.errors)")
    #expect(lines.last == "0")
    #expect(outcome.output.contains("\n5 packets captured\n"))
    let counts = lines.compactMap { line in
      line.hasSuffix(" packets") || line.hasSuffix(" packet") ? Int(line.prefix { $0 != " " }) : nil
    }
    #expect(counts.reduce(0, +) == 5)
  }

  @Test func aSignalBeginsTheNextFile() throws {
    let outcome = try namespace(
      """
      capture -i v1 -C 100 -w f.pcap udp port 9
      send 3 9; sleep 0.5; kill -USR2 $pid; sleep 0.5; send 2 9; sleep 0.5; kill -INT $pid; finish
      for f in f.pcap f.pcap1; do "$apus" --count -r $f 2> /dev/null; done
      """)
    #expect(outcome.output.hasSuffix("3 packets\n2 packets\n"), "\(outcome.output)\(outcome.errors)")
  }

  /// Captured packets are written while the capture is idle, without any flag.
  @Test func anIdleCaptureHasWrittenEverything() throws {
    let outcome = try namespace(
      """
      capture -i v1 -w f.pcap udp port 9
      send 3 9; sleep 0.6; "$apus" --count -r f.pcap 2> /dev/null; kill -INT $pid; finish
      """)
    #expect(outcome.output.hasPrefix("3 packets\n"), "\(outcome.output)\(outcome.errors)")
  }

  @Test func aCaptureEndsAfterItsDuration() throws {
    let outcome = try namespace("capture -i v1 -nn -t -a duration:1 udp port 9; send 2 9; finish")
    #expect(outcome.output.contains("length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("\n2 packets captured\n"))
  }

  @Test(arguments: ["INT", "TERM", "HUP"]) func signalsEndItWithItsCounts(signal: String) throws {
    let outcome = try namespace(
      "capture -i v1 -nn -t -l udp port 9; send 3 9; sleep 0.5; kill -\(signal) $pid; finish"
    )
    #expect(outcome.output.contains("length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains(" bytes\n\n3 packets captured\n3 packets received by filter\n0 packets dropped"))
  }

  /// A filter of 1500 hosts is too long a program for the kernel's classic BPF.
  @Test func aLongListIsFilteredByEBPF() throws {
    let outcome = try namespace(
      """
      hosts=$(for i in $(seq 1500); do echo -n "host 10.0.$((i / 250)).$((i % 250)) or "; done)
      capture -i v1 -nn -t -l "($hosts host 192.0.2.2) and udp port 9"
      send 2 10; send 3 9; sleep 1; kill -INT $pid; finish
      """)
    #expect(outcome.output.contains("3 packets captured\n3 packets received by filter\n"), "\(outcome.output)")
    #expect(!outcome.output.contains("no filter in the kernel"), "\(outcome.output)")
  }

  @Test func writesWhatItCaptures() throws {
    let outcome = try namespace(
      "capture -i v1 -s 60 -c 3 -w file udp port 9; send 3 9; finish; $apus -nn -t -r file; ls -l file | cut -d ' ' -f 5"
    )
    #expect(
      outcome.output.hasPrefix("status 0\napus: listening on v1, link-type EN10MB (Ethernet), snapshot length 60"))
    #expect(outcome.output.hasSuffix("> 192.0.2.2.9: UDP, length 5\n\(24 + 3 * (16 + 47))\n"), "\(outcome.output)")
  }

  /// `udp` does not match a tagged frame, live or in a file: 2 plain frames and 3 tagged ones are sent.
  @Test(
    .enabled(if: Subprocess.installed("python3") != nil, "frames with a tag are sent by python3"),
    arguments: [
      ("udp port 9", 2), ("vlan 5 and udp port 9", 3), ("vlan 6", 0), ("not udp port 9", 3),
      ("udp port 9 or (vlan and udp port 9)", 5), ("len = 47", 2), ("len = 51", 3), ("", 5),
    ])
  func taggedFramesMeanTheSameLiveAndInAFile(_ expression: String, _ count: Int) throws {
    let outcome = try namespace(
      """
      capture -i v1 -Q in -w file '\(expression)'
      send 2 9; tagged 3; sleep 0.5; kill -INT $pid; finish
      $apus --count -r file; $apus --count -r file '\(expression)'
      """)
    let counts = outcome.output.split(separator: "\n").suffix(2).map(String.init)
    #expect(counts == [String](repeating: "\(count) packets", count: 2), "\(outcome.output)\(outcome.errors)")
  }

  /// If a file cannot hold the packets of all interfaces, the capture is refused.
  @Test(arguments: [
    ("-w both.pcap", "-w both.pcapng"), ("-w both", "-w both.pcapng"),
    ("--format pcap -w both.pcapng", "--format pcapng"),
    ("-w - > both", "--format pcapng"), ("-w both.pcap.gz", "--format pcapng"),
  ])
  func severalLinkTypesInOneFile(_ output: String, _ remedy: String) throws {
    let outcome = try LiveNamespace.run(
      "ip netns exec $name $apus -i v1 -i any \(output) || echo status $?; ls both* 2> /dev/null || true")
    #expect(outcome.output.hasPrefix("status 1\n"), "\(outcome.output)")
    #expect(
      outcome.errors
        == "apus: v1 is EN10MB (Ethernet), any is LINUX_SLL2 (Linux cooked v2), and a pcap file holds one link type: use \(remedy)\n"
    )
    #expect(!outcome.output.contains("both."), "\(outcome.output)")
  }

  /// `-v -w` counts the packets written, once a second, on a terminal only.
  @Test(.enabled(if: Subprocess.installed("script") != nil, "the terminal is made by script(1)"))
  func aRunningCount() throws {
    let outcome = try namespace(
      """
      touch out err shown; script -qfc "ip netns exec $name $apus -i v1 -v -w f.pcap udp port 9" shown > /dev/null 2>&1 < /dev/null & pid=$!
      for i in $(seq 200); do grep -q listening shown && break; sleep 0.05; done
      send 3 9; for i in $(seq 60); do grep -q 'Got 3' shown && break; sleep 0.05; done
      kill -INT $(ip netns pids $name); finish; tr '\\r' '\\n' < shown
      capture -i v1 -v -w g.pcap udp port 9; send 2 9; sleep 1.2; kill -INT $pid; finish
      """)
    let lines = outcome.output.split(whereSeparator: \.isNewline).map(String.init)
    #expect(
      lines.contains { $0.hasPrefix("Got 3 packets, 141 bytes, 0 dropped by kernel") },
      "\(outcome.output)\(outcome.errors)")
    #expect(lines.contains("3 packets captured") && lines.contains("2 packets captured"), "\(outcome.output)")
    #expect(!outcome.output.contains("Got 2"), "\(outcome.output)")
  }

  /// `-U` writes each packet at once; only packets that arrive faster than they are written are written together.
  ///
  /// The flood fills the kernel's buffer. On a busy machine it is full before the flood ends, since the kernel closes a block after a
  /// while.
  @Test(.enabled(if: Subprocess.installed("python3") != nil, "frames are sent by python3"))
  func packetsAreWrittenOneByOneUnlessTheyWait() throws {
    let outcome = try namespace(
      """
      writes() { sed -n 's/^syscw: //p' /proc/$pid/io; }
      written() { "$apus" --count -r f.pcap 2> /dev/null | cut -d " " -f 1; }
      capture -i v1 -B 4096 -U -w f.pcap --ledger 0 udp port 9
      before=$(writes); for i in 1 2 3 4 5 6; do send 1 9; sleep 0.15; done
      echo "one by one $(($(writes) - before))"; "$apus" --count -r f.pcap
      kill -STOP $pid; flood 20000; sleep 1; before=$(writes); kill -CONT $pid
      last=6; for i in $(seq 100); do sleep 0.2; now=$(written); [ $now != 6 ] && [ $now = $last ] && break; last=$now; done
      echo "together $(($(writes) - before))"; kill -INT $pid; finish; "$apus" --count -r f.pcap
      """)
    let lines = outcome.output.split(separator: "\n")
    func number(before text: String) -> Int? {
      lines.last { $0.hasSuffix(text) }.flatMap { Int($0.dropLast(text.count)) }
    }
    func number(behind text: String) -> Int? {
      lines.last { $0.hasPrefix(text) }.flatMap { Int($0.dropFirst(text.count)) }
    }
    let single = try #require(number(behind: "one by one "), "\(outcome.output)\(outcome.errors)")
    let together = try #require(number(behind: "together "), "\(outcome.output)\(outcome.errors)")
    let captured = try #require(number(before: " packets captured"), "\(outcome.output)\(outcome.errors)")
    #expect(single >= 6 && outcome.output.contains("\n6 packets\n"), "\(outcome.output)")
    #expect(captured > 100 && together * 2 < captured, "\(outcome.output)")
    #expect(number(before: " packets") == captured, "\(outcome.output)")
    #expect(captured + (number(before: " packets dropped by kernel") ?? 0) == 20_006, "\(outcome.output)")
  }

  @Test func withoutPrivilegeItSaysWhich() throws {
    guard let capsh = Subprocess.installed("setpriv") else { return }
    let outcome = try Subprocess.run(
      capsh, ["--bounding-set=-net_raw", "--inh-caps=-net_raw", "--", Subprocess.apusPath(), "-i", "lo", "-c", "1"])
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.hasPrefix(
        "apus: lo: no permission to capture: the capability CAP_NET_RAW is missing; grant it with: setcap "))
  }
}
