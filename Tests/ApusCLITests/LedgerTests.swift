import Foundation
import Glibc
import TestSupport
import Testing

/// Every packet of a live capture is accounted for: the ledger's equations hold, and its numbers match the packets that were sent.
@Suite(
  .waits,
  .bothEngines,
  .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"),
  .enabled(if: Subprocess.installed("python3") != nil, "frames are sent by python3"))
struct LedgerTests {
  /// The numbers in an interface's line of the ledger.
  private struct Line {
    let received: Int
    let dropped: Int
    let waiting: Int
    let filtered: Int
    let passedOver: Int
    let kept: Int

    /// Nil if the text has no such line.
    init?(_ name: String, in text: String) {
      let line = text.split(separator: "\n").last { $0.hasPrefix("ledger: \(name): ") && $0.contains(" received = ") }
      guard let line else { return nil }
      let numbers = line.dropFirst("ledger: \(name): ".count).split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 7 else { return nil }
      (received, dropped, waiting) = (numbers[0], numbers[1], numbers[2])
      (filtered, passedOver, kept) = (numbers[3], numbers[4], numbers[5])
    }

    var isBalanced: Bool { received == dropped + waiting + filtered + passedOver + kept && waiting == 0 }
  }

  /// The number before ` packets` in the last line that `--count` printed.
  private func count(_ outcome: Outcome) -> Int? {
    let line = outcome.output.split(separator: "\n").last { $0.hasSuffix(" packets") || $0.hasSuffix(" packet") }
    return line.flatMap { Int($0.prefix { $0 != " " }) }
  }

  @Test func aFloodIntoAFile() throws {
    let outcome = try LiveNamespace.run(
      """
      capture -i v1 --ledger 0 -w f.pcap udp port 9
      flood 20000; send 3 10; kill -INT $pid; finish; $apus --count -r f.pcap
      """)
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced && line.received == 20_000, "\(outcome.output)")
    #expect(count(outcome) == line.kept)
    #expect(outcome.output.contains("\nledger: balanced\n"))
  }

  /// Packets that the kernel passes and the filter then rejects: tagged frames are not `udp`.
  @Test func taggedFramesAreFiltered() throws {
    let outcome = try LiveNamespace.run(
      "capture -i v1 --ledger 0 -nn -t udp port 9; send 2 9; tagged 3; sleep 0.3; kill -INT $pid; finish")
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced && line.received == 5 && line.filtered == 3 && line.kept == 2, "\(outcome.output)")
    #expect(outcome.output.contains("\nledger: text: 2 kept = 2 printed + 0 lost\n"))
  }

  /// With a slow reader, the kernel's buffer, the writer's queue and the pipe fill up, and the ledger counts the packets that the kernel
  /// drops. On a fast machine the three hold thirty thousand packets of this size.
  @Test func aSlowReader() throws {
    let outcome = try LiveNamespace.run(
      """
      mkfifo pipe; (await [ -e flooded ]; cat > piped.pcap) < pipe & reader=$!
      exec 3> pipe; ip netns exec $name "$apus" -i v1 -B 256 --ledger 0 -w - udp port 9 >&3 2> err & pid=$!; exec 3>&-
      for i in $(seq 200); do grep -q listening err && break; sleep 0.05; done
      flood 120000; sleep 1; touch flooded; kill -INT $pid; wait $pid || true; wait $reader
      cat err; $apus --count -r piped.pcap
      """)
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced && line.received == 120_000 && line.dropped > 0, "\(outcome.output)")
    #expect(count(outcome) == line.kept)
    #expect(outcome.output.contains("\nledger: balanced\n"))
  }

  /// When the reader leaves, the packets that it did not read are reported as lost, if any were printed before apus noticed.
  @Test func aClosedPipe() throws {
    let outcome = try LiveNamespace.run(
      """
      set +e
      (ip netns exec $name "$apus" -i v1 -l --ledger 0 -nn -t udp port 9 2> err; echo "status $?" > status) | head -n 2 & pid=$!
      for i in $(seq 200); do grep -q listening err && break; sleep 0.05; done
      for i in 1 2 3 4 5 6; do send 1 9; sleep 0.15; done; wait $pid; sleep 0.3; cat status err
      """)
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced, "\(outcome.output)")
    #expect(
      outcome.output.contains("\nstatus 0\n")
        && (outcome.output.contains(": 2 kept = 2 printed + 0 lost\n")
          || outcome.output.contains(": 3 kept = 2 printed + 1 lost\n")),
      "\(outcome.output)")
    #expect(outcome.output.contains("\nledger: balanced\n"))
  }

  @Test func countsStopExactly() throws {
    let outcome = try LiveNamespace.run(
      "capture -i v1 --ledger 0 -c 7 --skip 2 --print-sampling 2 -w f.pcap udp port 9; flood 500; finish; $apus --count -r f.pcap"
    )
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced && line.kept == 7 && line.passedOver == line.received - 7, "\(outcome.output)")
    #expect(outcome.output.contains("status 0\n") && outcome.output.contains("\n9 packets captured\n"))
    #expect(
      outcome.output.contains("\nledger: text: 7 kept = 3 printed + 4 sampled out + 0 lost\n"), "\(outcome.output)")
    #expect(count(outcome) == 7)
  }

  /// Two interfaces in one pcapng file: each has a block, and packets are in chronological order.
  @Test func twoInterfaces() throws {
    let outcome = try LiveNamespace.run(
      """
      capture -i v0 -i v1 --ledger 0 -w f.pcapng --print -nn -tt udp port 9
      send 20 9; sleep 0.3; kill -INT $pid; finish; "$apus" -nn -tt -r f.pcapng
      """)
    for name in ["v0", "v1"] {
      let line = try #require(Line(name, in: outcome.output), "\(outcome.output)\(outcome.errors)")
      #expect(line.isBalanced && line.kept == 20, "\(outcome.output)")
    }
    let total = try #require(Line("all", in: outcome.output))
    #expect(total.isBalanced && total.kept == 40)
    let printed = outcome.output.split(separator: "\n").filter { $0.hasSuffix(" > 192.0.2.2.9: UDP, length 5") }
    #expect(printed.count == 80)
    // libpcap does not report a frame's direction.
    let (sender, receiver) = LiveEngine.current == .ring ? ("Out", "In ") : ("?  ", "?  ")
    #expect(printed.prefix(40).filter { $0.contains(" v0    \(sender) IP ") }.count == 20, "\(outcome.output)")
    #expect(printed.prefix(40).filter { $0.contains(" v1    \(receiver) IP ") }.count == 20, "\(outcome.output)")
    for half in [printed.prefix(40), printed.suffix(40)] {
      let times = half.map { String($0.prefix { $0 != " " }) }
      #expect(times == times.sorted())
    }
    if let capinfos = Subprocess.installed("capinfos") {
      let counted = try LiveNamespace.run(
        """
        link link set lo up; capture -i v0 -i v1 -i lo -w f.pcapng udp port 9; send 5 9; sleep 0.3; kill -INT $pid; finish; \(capinfos) f.pcapng
        """)
      #expect(counted.output.contains("Number of interfaces in file: 3"), "\(counted.output)\(counted.errors)")
    }
  }

  @Test func anInterfaceBlinks() throws {
    let outcome = try LiveNamespace.run(
      """
      capture -i v1 --wait-interface --ledger 0 -w f.pcapng --print -nn -t udp port 9
      send 1 9; link link set v1 down; sleep 0.3; link link set v1 up; sleep 0.1; send 2 9; sleep 0.2
      link link delete v1; sleep 0.3; link link add v0 type veth peer name v1; link link set v0 up; link link set v1 up
      link address add 192.0.2.1/24 dev v0; link neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0
      sleep 0.2; send 3 9; sleep 0.2; kill -INT $pid; finish; strings f.pcapng
      """)
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced && line.kept == 6, "\(outcome.output)")
    let text = outcome.output.split(separator: "\n").map { $0.hasPrefix("IP ") ? "IP" : String($0) }
    let marks = text.prefix { !$0.hasPrefix("status") }.map { $0.hasPrefix("[v1 is back after ") ? "back" : $0 }
    #expect(
      marks == ["IP", "[v1 went down]", "back", "IP", "IP", "[v1 was removed]", "back", "IP", "IP", "IP"],
      "\(outcome.output)")
    #expect(text.contains("status 0") && text.contains("v1 went down") && text.contains("v1 was removed"))
  }

  @Test func anInterfaceThatIsNotThereYet() throws {
    let outcome = try LiveNamespace.run(
      """
      (await grep -qs waiting err; link link add v7 type veth peer name v8; link link set v7 up; link link set v8 up) &
      capture -i v8 --wait-interface -nn -t -c 1 arp
      in_namespace python3 -c '
      import socket
      s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("v7", 0))
      s.send(bytes.fromhex("ffffffffffff0200000000010806000108000604000102000000000ac0000201000000000000c0000202"))
      '; finish
      """)
    #expect(
      outcome.output.contains("ARP, Request who-has 192.0.2.2 tell 192.0.2.1, length 28\nstatus 0\n"),
      "\(outcome.output)")
    #expect(outcome.output.contains("apus: waiting for v8\n"))
  }

  @Test(arguments: [("down", "link link set v1 down"), ("removed", "link link delete v1")])
  func anInterfaceThatIsNotWaitedForEndsTheCapture(_ what: String, _ command: String) throws {
    let outcome = try LiveNamespace.run("capture -i v1 --ledger 0 -nn -t udp; send 2 9; \(command); finish")
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced && line.kept == 2)
    #expect(outcome.output.contains("status 1\n") && outcome.output.contains("\n2 packets captured\n"))
    let words = what == "down" ? "went down" : "was removed"
    #expect(outcome.output.hasSuffix("apus: v1: the interface \(words)\n"), "\(outcome.output)")
  }

  /// Reports are written on a signal, every second and at the end, also as lines of JSON.
  @Test func reports() throws {
    let outcome = try LiveNamespace.run(
      """
      capture -i any --ledger 1,json -w f.pcap udp port 9
      send 3 9; sleep 1.2; kill -USR1 $pid; sleep 0.2; kill -TERM $pid; finish
      """)
    struct Report: Decodable {
      struct Account: Decodable {
        let name: String
        let received, dropped_by_kernel, waiting, filtered, passed_over, kept: UInt64
      }
      struct Output: Decodable { let kept, written, lost: UInt64 }
      let occasion: String
      let balanced: Bool
      let interfaces: [Account]
      let outputs: [Output]
    }
    let lines = outcome.output.split(separator: "\n").filter { $0.hasPrefix("{") }
    let reports = try lines.map { try JSONDecoder().decode(Report.self, from: Data($0.utf8)) }
    #expect(reports.map(\.occasion) == ["interval", "signal", "end"], "\(outcome.output)\(outcome.errors)")
    for report in reports {
      #expect(report.balanced && report.interfaces.count == 1 && report.outputs.count == 1)
      let account = try #require(report.interfaces.first)
      #expect(account.name == "any" && account.kept == 6 && account.received == 6)
      #expect(report.outputs.first.map { $0.written == 6 && $0.lost == 0 } ?? false)
    }
  }

  @Test(arguments: [
    ("inbound", 0, 3), ("outbound", 3, 0), ("(inbound and udp port 9) or (outbound and udp port 10)", 2, 3),
  ])
  func directionsHaveAMeaningLive(_ expression: String, _ sender: Int, _ receiver: Int) throws {
    let outcome = try LiveNamespace.run(
      """
      capture -i v0 -i v1 --ledger 0 -nn -t '\(expression)'
      send 3 9; send \(sender == 2 ? 2 : 0) 10; sleep 0.3; kill -INT $pid; finish
      """)
    if LiveEngine.current == .libpcap {
      #expect(outcome.status == 9 && outcome.output.hasPrefix(Self.noDirection), "\(outcome.output)")
      return
    }
    #expect(Line("v0", in: outcome.output)?.kept == sender, "\(outcome.output)\(outcome.errors)")
    #expect(Line("v1", in: outcome.output)?.kept == receiver, "\(outcome.output)\(outcome.errors)")
  }

  /// The error for a filter that tests a direction which libpcap does not report.
  static let noDirection =
    "apus: the filter tests the direction or the interface, which libpcap does not report: use -Q in, -Q out or -i instead\n"

  /// Even with libpcap the direction is known if only packets of that direction are captured.
  @Test(arguments: [("in", "inbound", 0, 3), ("out", "outbound", 3, 0), ("in", "outbound or udp port 10", 0, 0)])
  func directionsThatAreAskedFor(_ wanted: String, _ expression: String, _ sender: Int, _ receiver: Int) throws {
    let outcome = try LiveNamespace.run(
      """
      capture -i v0 -i v1 -Q \(wanted) --ledger 0 -nn -t '\(expression)'
      send 3 9; sleep 0.3; kill -INT $pid; finish
      """)
    #expect(Line("v0", in: outcome.output)?.kept == sender, "\(outcome.output)\(outcome.errors)")
    #expect(Line("v1", in: outcome.output)?.kept == receiver, "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("ledger: balanced"), "\(outcome.output)")
  }

  /// More packets arrive than the ring, the writer's buffer and the pipe can hold while nobody reads, but the writer thread has room for
  /// the rest.
  @Test func aReaderThatStallsDropsNothing() throws {
    let outcome = try LiveNamespace.run(
      """
      mkfifo pipe; (sleep 4; cat > taken.pcap) < pipe & reader=$!
      capture -i v1 -B 1024 -w pipe --ledger 0 udp port 9
      for i in $(seq 10); do flood 2000; done; sleep 0.3; kill -INT $pid; finish; wait $reader
      "$apus" --count -r taken.pcap
      """)
    let line = try #require(Line("v1", in: outcome.output), "\(outcome.output)\(outcome.errors)")
    #expect(line.isBalanced && line.dropped == 0 && line.kept == 20_000, "\(outcome.output)")
    #expect(count(outcome) == 20_000)
  }
}
