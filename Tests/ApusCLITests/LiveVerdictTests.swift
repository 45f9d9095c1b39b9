import Foundation
import Glibc
import TestSupport
import Testing

/// A filter accepts the same packets when they arrive and in the file that holds them: thirty expressions are applied to a mix of frames,
/// with tags in metadata and in band, with two tags, of both IP versions, and with fragments.
@Suite(
  .waits,
  .bothEngines,
  .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"),
  .enabled(if: Subprocess.installed("python3") != nil, "frames are sent by python3"))
struct LiveVerdictTests {
  static let ethernet = [
    "ip", "ip6", "arp", "udp", "tcp", "icmp", "icmp6", "vlan", "not vlan", "vlan 5", "vlan 7", "vlan and vlan",
    "vlan 5 and udp port 9", "vlan and ip6", "vlan 7 and vlan 8 and udp", "udp port 9", "not udp port 9",
    "udp port 9 or (vlan and udp port 9)", "tcp[tcpflags] & tcp-syn != 0", "ip[6:2] & 0x1fff != 0",
    "ip[6:2] & 0x3fff = 0", "len > 60", "len <= 60 and vlan", "greater 100", "src host 10.0.0.1",
    "net 10.0.0.0/8 or vlan 5", "ip6 host 2001:db8::1", "ether proto 0x88a8 or ether proto 0x8100", "ether broadcast",
    "port 53 or (vlan and (port 53 or arp))",
  ]

  /// Filters on cooked packets have no word for tags, and do not look behind a tag.
  static let cooked = [
    "ip", "ip6", "arp", "udp", "tcp", "icmp", "icmp6", "udp port 9", "not udp port 9", "ip[6:2] & 0x1fff != 0",
    "ip[6:2] & 0x3fff = 0", "len > 60", "greater 100", "src host 10.0.0.1", "net 10.0.0.0/8", "ip6 host 2001:db8::1",
    "ether proto 0x8100", "ether proto 0x88a8", "port 53", "inbound", "outbound", "inbound and udp", "not outbound",
    "ifindex 1", "ifindex 2 or ifindex 3", "outbound and ifindex 2", "outbound and ifindex 3", "portrange 1-100",
    "tcp[tcpflags] & tcp-syn != 0", "ip proto 17 or ip6 proto 17",
  ]

  /// Frames in hex, starting with the destination address.
  private static func frames() -> [String] {
    let source = "020000000001"
    let (unicast, broadcast) = ("020000000002", "ffffffffffff")
    func hex(_ number: Int, _ octets: Int) -> String {
      let digits = String(number, radix: 16)
      return String(repeating: "0", count: max(0, octets * 2 - digits.count)) + digits
    }
    func ip(_ proto: Int, _ payload: String, fragment: Int = 0) -> String {
      "0800" + "4500" + hex(20 + payload.count / 2, 2) + "0001" + hex(fragment, 2) + "40" + hex(proto, 1)
        + "00000a0000010a000002" + payload
    }
    func ip6(_ next: Int, _ payload: String) -> String {
      "86dd60000000" + hex(payload.count / 2, 2) + hex(next, 1) + "40"
        + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" + payload
    }
    func udp(_ port: Int, _ octets: Int) -> String {
      "03e8" + hex(port, 2) + hex(8 + octets, 2) + "0000" + String(repeating: "61", count: octets)
    }
    let tcp = "03e80050000000010000000050022000" + "00000000"
    let arp = "08060001080006040001" + source + "0a000001" + "000000000000" + "0a000002"
    let bodies = [
      ip(17, udp(9, 5)), ip(17, udp(53, 80)), ip(17, udp(9, 300)), ip(6, tcp), ip(1, "0800f7ff00000000"),
      ip(17, udp(9, 16), fragment: 0x2000), ip(17, String(repeating: "62", count: 24), fragment: 0x0003),
      ip6(17, udp(9, 5)), ip6(6, tcp), ip6(58, "8000000000000000"), ip6(44, "1100000100000001" + udp(53, 8)), arp,
    ]
    // Tags in metadata and in band are the same on the wire: the receiver strips the outermost one.
    let tags = ["", "81000005", "81000007", "88a800078100" + "0008", "8100000781000008"]
    return tags.flatMap { tag in
      bodies.map { (($0 == arp ? broadcast : unicast) + source) + tag + $0 }
    }
  }

  /// Runs all expressions at once, each in its own process, next to a process that captures everything. Each expression must find as many
  /// packets in that file as it found live, with apus and, if installed, with tcpdump.
  @Test(arguments: [("v1", ethernet), ("any", cooked)])
  func liveAndInAFile(_ interface: String, _ expressions: [String]) throws {
    let list = try Subprocess.temporaryFile(Data(expressions.joined(separator: "\n").utf8), suffix: ".txt")
    let frames = try Subprocess.temporaryFile(Data(Self.frames().joined(separator: "\n").utf8), suffix: ".hex")
    defer {
      Subprocess.remove(list)
      Subprocess.remove(frames)
    }
    let tcpdump = interface == "any" ? nil : Subprocess.installed("tcpdump")
    let outcome = try LiveNamespace.run(
      """
      mapfile -t expressions < \(list); count=${#expressions[@]}; pids=
      for i in $(seq 0 $count); do
        ip netns exec $name "$apus" -i \(interface) --ledger 0 -w $i.pcap "${expressions[$i]}" 2> $i.err & pids="$pids $!"
      done
      for i in $(seq 0 $count); do for n in $(seq 400); do grep -q listening $i.err && break; kill -0 $(echo $pids | cut -d " " -f $((i + 1))) || break; sleep 0.05; done; done
      frames \(frames); frames \(frames); sleep 0.4; kill -INT $pids; wait $pids || true
      for i in $(seq 0 $((count - 1))); do
        live=$("$apus" --count -r $i.pcap 2> /dev/null); file=$("$apus" --count -r $count.pcap "${expressions[$i]}" 2> /dev/null)
        other=\(tcpdump.map { "$(\($0) --count -r $count.pcap \"${expressions[$i]}\" 2> /dev/null)" } ?? "$file")
        echo "${live% *}:${file% *}:${other% *}:$(grep -c '^ledger: balanced' $i.err):${expressions[$i]}"
      done
      echo "all $("$apus" --count -r $count.pcap 2> /dev/null)"
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    let sent = Self.frames().count * 2
    #expect(lines.last == "all \(interface == "any" ? 2 * sent : sent) packets", "\(outcome.errors)")
    #expect(lines.count == expressions.count + 1)
    var accepted = 0
    for (line, expression) in zip(lines, expressions) {
      let parts = line.split(separator: ":", maxSplits: 4).map(String.init)
      try #require(parts.count == 5 && parts[4] == expression, "\(line)")
      #expect(parts[0] == parts[1] && parts[1] == parts[2] && parts[3] == "1", "\(line)")
      accepted += Int(parts[0]) ?? 0
    }
    #expect(accepted > 5 * sent, "\(outcome.output)")
  }
}
