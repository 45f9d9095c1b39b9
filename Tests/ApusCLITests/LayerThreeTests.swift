import Foundation
import TestSupport
import Testing

/// Captures on devices without a link layer. The tests use tun(4), which can report any hardware type.
@Suite(
  .waits,
  .bothEngines,
  .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"),
  .enabled(if: FileManager.default.fileExists(atPath: "/dev/net/tun"), "the kernel has no tun devices"),
  .enabled(if: Subprocess.installed("python3") != nil, "tun devices are made by python3"))
struct LayerThreeTests {
  /// `tun KIND N` creates the device `t0` with that hardware type (a number of net/if_arp.h), waits for the file `go` and removes it, lets
  /// the host receive and send N datagrams of 5 bytes through the device, one after the other, and closes the device half a second later.
  private static let prelude = """
    cat > tun.py <<'END'
    import fcntl, os, socket, struct, subprocess, sys, time
    kind, count = int(sys.argv[1]), int(sys.argv[2])
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, 0x400454ca, struct.pack("16sH22x", b"t0", 0x1001))
    fcntl.ioctl(device, 0x400454cd, kind)
    for words in ["link set t0 up", "address add 198.51.100.1/24 dev t0"]:
      subprocess.run(["ip"] + words.split(), check=True)
    while not os.path.exists("go"): time.sleep(0.02)
    os.remove("go")
    received = bytes.fromhex("450000210000000040110ec6c6336402c633640107d00009000d000068656c6c6f")
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(count):
      os.write(device, received)
      sender.sendto(b"hello", ("198.51.100.2", 9))
      time.sleep(0.002)
    time.sleep(0.5)
    END
    has_address() { in_namespace ip -4 address show dev t0 2> /dev/null | grep -q inet; }
    tun() { in_namespace python3 tun.py "$@"; }

    """

  private func namespace(_ script: String) throws -> Outcome { try LiveNamespace.run(Self.prelude + script) }

  /// Names of hardware types as in net/if_arp.h, and the link type that libpcap gives them.
  private static let kinds = [
    (name: "NONE", number: 65534, linkType: "RAW (Raw IP)"), ("PPP", 512, "LINUX_SLL (Linux cooked v1)"),
    ("TUNNEL", 768, "RAW (Raw IP)"), ("TUNNEL6", 769, "LINUX_SLL (Linux cooked v1)"), ("SIT", 776, "RAW (Raw IP)"),
    ("IPGRE", 778, "LINUX_SLL (Linux cooked v1)"), ("RAWIP", 519, "LINUX_SLL (Linux cooked v1)"),
  ]

  /// Directions are known, and the file is the same as tcpdump's.
  @Test(arguments: kinds) func directionsAreKnown(_ kind: (name: String, number: Int, linkType: String)) throws {
    let tcpdump = Subprocess.installed("tcpdump")
    // libpcap reports the direction only in a cooked header, or when packets of one direction are requested.
    let asks = LiveEngine.current == .ring || kind.linkType.hasPrefix("LINUX_SLL")
    let outcome = try namespace(
      """
      tun \(kind.number) 3 & await has_address
      \(tcpdump.map { "in_namespace \($0) -i t0 --immediate-mode -U -w theirs.pcap udp port 9 2> theirs & other=$!; await grep -q listening theirs" } ?? "other=")
      in_namespace "$apus" -i t0 -c 3 -w in.pcap \(asks ? "inbound" : "-Q in") 2> in.err & in_pid=$!
      in_namespace "$apus" -i t0 -c 3 -nn -t \(asks ? "outbound and udp" : "-Q out udp") > out.txt 2> out.err & out_pid=$!
      await grep -q listening in.err; await grep -q listening out.err
      capture -i t0 -c 6 -w both.pcap udp port 9
      touch go; wait $in_pid $out_pid; sleep 0.2; [ -z "$other" ] || kill -INT $other 2> /dev/null || true; finish
      echo "in $("$apus" --count -r in.pcap 'src host 198.51.100.2')"; cat out.txt
      for file in both theirs; do [ ! -e $file.pcap ] || "$apus" -nn -t -e -xx -r $file.pcap 2> /dev/null > $file.txt; done
      [ -z "$other" ] || cmp both.txt theirs.txt; grep -c 'UDP, length 5' both.txt
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines.contains("apus: listening on t0, link-type \(kind.linkType), snapshot length 262144 bytes"),
      "\(outcome.output)\(outcome.errors)")
    #expect(lines.contains("in 3 packets") && lines.last == "6", "\(outcome.output)\(outcome.errors)")
    let sent = lines.filter { $0.contains("IP 198.51.100.1.") && $0.hasSuffix(" > 198.51.100.2.9: UDP, length 5") }
    #expect(sent.count == 3, "\(outcome.output)")
    #expect(lines.contains("6 packets received by filter"), "\(outcome.output)")
  }

  /// Captures on a second interface as well: each packet has its device and its direction, in the text and in the file.
  @Test func besideAnotherInterface() throws {
    guard LiveEngine.current == .ring else { return try besideAnotherInterfaceThroughLibrary() }
    let outcome = try namespace(
      """
      tun 65534 2 & await has_address
      capture -i v1 -i t0 -c 5 -nn -t -w f.pcapng --print 'udp port 9 and (inbound or outbound)'
      send 1 9; touch go; finish
      "$apus" --count -r f.pcapng inbound; "$apus" --count -r f.pcapng outbound
      "$apus" --count -r f.pcapng 'ip and inbound and dst host 198.51.100.1'
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.hasPrefix("v1    In  IP 192.0.2.1.") }, "\(outcome.output)\(outcome.errors)")
    #expect(lines.filter { $0.hasPrefix("t0    In  IP 198.51.100.2.2000 > 198.51.100.1.9: ") }.count == 2)
    #expect(lines.filter { $0.hasPrefix("t0    Out IP 198.51.100.1.") }.count == 2, "\(outcome.output)")
    #expect(outcome.output.hasSuffix("3 packets\n2 packets\n2 packets\n"), "\(outcome.output)")
  }

  /// libpcap reports neither direction.
  private func besideAnotherInterfaceThroughLibrary() throws {
    let outcome = try namespace(
      """
      tun 65534 2 & await has_address
      capture -i v1 -i t0 -c 5 -nn -t -w f.pcapng --print udp port 9
      send 1 9; touch go; finish; "$apus" --count -r f.pcapng 'ip and dst host 198.51.100.1'
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.filter { $0.hasPrefix("v1    ?   IP 192.0.2.1.") }.count == 1, "\(outcome.output)\(outcome.errors)")
    #expect(lines.filter { $0.hasPrefix("t0    ?   IP 198.51.100.") }.count == 4, "\(outcome.output)")
    #expect(outcome.output.hasSuffix("2 packets\n"), "\(outcome.output)")
  }

  /// A device that is closed and created again, as when a VPN restarts: the packets of both are captured, with their directions.
  @Test(arguments: [65534, 512]) func aDeviceIsMadeAgain(_ kind: Int) throws {
    // libpcap reports no direction for raw IP.
    let isReported = LiveEngine.current == .ring || kind == 512
    let (inbound, outbound) =
      isReported ? ("inbound", "outbound") : ("dst host 198.51.100.1", "src host 198.51.100.1")
    let outcome = try namespace(
      """
      (await grep -qs waiting err; tun \(kind) 2; sleep 0.3; tun \(kind) 3) & devices=$!
      capture -i t0 --wait-interface --ledger 0 -nn -t -w f.pcapng --print udp port 9
      touch go; await grep -q 'is back' err; touch go; wait $devices; sleep 0.3; kill -INT $pid; finish
      "$apus" --count -r f.pcapng \(inbound); "$apus" --count -r f.pcapng \(outbound); strings f.pcapng
      """)
    let text = outcome.output.split(separator: "\n").map(String.init)
    let marks = text.prefix { !$0.hasPrefix("status") }.compactMap { line -> String? in
      if line.hasSuffix(": UDP, length 5") { return line.contains(" 198.51.100.2.2000 > ") ? "received" : "sent" }
      return line.hasPrefix("[t0 is back after ") ? "back" : line
    }
    let pair = ["received", "sent"]
    #expect(
      marks == pair + pair + ["[t0 was removed]", "back"] + pair + pair + pair + ["[t0 was removed]"],
      "\(outcome.output)\(outcome.errors)")
    #expect(text.contains("status 0") && text.contains("ledger: balanced"), "\(outcome.output)")
    #expect(outcome.output.contains("\n5 packets\n5 packets\n"), "\(outcome.output)")
    #expect(text.filter { $0 == "t0 was removed" }.count >= 2, "\(outcome.output)")
  }
}
