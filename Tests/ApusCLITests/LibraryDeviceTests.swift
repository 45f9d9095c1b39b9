import Foundation
import TestSupport
import Testing

/// Devices that only libpcap supports, and options that only libpcap provides.
@Suite(
  .waits,
  .bothEngines, .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"))
struct LibraryDeviceTests {
  /// True if the kernel logs packets for nftables.
  private static let logs =
    (try? LiveNamespace.run("\(rules); echo yes").output) == "yes\n" && Subprocess.installed("tcpdump") != nil

  /// An nftables rule that logs datagrams to port 9 in group 5.
  private static let rules = """
    in_namespace nft "add table t; add chain t out { type filter hook output priority 0 ; }; add rule t out udp dport 9 log group 5"
    """

  /// An idle device is not an error: the capture waits, and the packets that arrive later are the same that tcpdump captures in the next
  /// run.
  @Test(
    .enabled(if: logs, "needs nft(8), a kernel that logs packets, and tcpdump"),
    arguments: ["", "--wait-interface", "--immediate-mode"])
  func aLogThatIsIdle(_ flags: String) throws {
    let outcome = try LiveNamespace.run(
      """
      \(Self.rules)
      capture -i nflog:5 \(flags) --ledger 0 -w ours.pcap
      sleep 1; kill -0 $pid; send 3 9; sleep 1.3; send 2 9; sleep 1.5; kill -INT $pid; finish; cp err said
      in_namespace tcpdump -Z root -i nflog:5 -w theirs.pcap -c 3 2> theirs & await grep -q listening theirs
      send 3 9; wait $!
      for file in ours theirs; do "$apus" -t -xx -r $file.pcap 2> /dev/null | grep 0x0000 | head -n 3 | cut -c 1-40 > $file.txt; done
      cmp ours.txt theirs.txt; wc -l < ours.txt; "$apus" --count -r ours.pcap 'len > 60'
      """)
    #expect(outcome.output.hasSuffix("3\n5 packets\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("status 0\n") && outcome.output.contains("\n5 packets captured\n"))
    #expect(outcome.output.contains("ledger: balanced"), "\(outcome.output)")
  }

  /// apus filters the packets of such a device itself. The kernel does not get the filter, since it would apply it to netlink messages
  /// instead.
  @Test(
    .enabled(if: logs, "needs nft(8), a kernel that logs packets, and tcpdump"),
    arguments: [("len > 60", 2), ("len < 60", 0)])
  func aLogIsFiltered(_ expression: String, _ count: Int) throws {
    let outcome = try LiveNamespace.run(
      """
      \(Self.rules)
      capture -i nflog:5 -w ours.pcap '\(expression)'
      send 2 9; sleep 1.5; kill -INT $pid; finish
      """)
    #expect(
      outcome.output.contains("status 0\n") && outcome.output.contains("\n\(count) packets captured\n"),
      "\(outcome.output)")
  }

  @Test(.enabled(if: logs, "needs nft(8), a kernel that logs packets, and tcpdump"))
  func aQueueThatIsIdle() throws {
    let outcome = try LiveNamespace.run(
      "capture -i nfqueue:7 --wait-interface -nn; sleep 1; kill -0 $pid; kill -INT $pid; finish")
    #expect(
      outcome.output.contains("status 0\n") && outcome.output.contains("\n0 packets captured\n"), "\(outcome.output)")
  }

  /// A device that only libpcap could know, but does not.
  @Test func aDeviceThatCannotAppearIsNotWaitedFor() throws {
    let outcome = try LiveNamespace.run(
      "timeout 5 ip netns exec $name $apus -i nflog:none --wait-interface || echo status $?")
    #expect(outcome.output == "status 1\n" && outcome.errors.hasPrefix("apus: "), "\(outcome.errors)")
  }

  // MARK: Instead of the ring

  /// If the kernel has no packet ring, apus captures through libpcap and says so.
  @Test(
    .enabled(if: Subprocess.installed("python3") != nil, "a system call is refused by python3"),
    .enabled(if: isX86, "the number of a system call is that of x86-64"))
  func withoutARing() throws {
    let outcome = try LiveNamespace.run(
      """
      cat > refuse.py <<'END'
      import ctypes, os, struct, sys
      # socket(AF_PACKET, ... | SOCK_NONBLOCK, ...), as the ring opens it, fails with EINVAL; libpcap opens its own in another way.
      rows = [(0x20, 0, 0, 0), (0x15, 0, 5, 41), (0x20, 0, 0, 16), (0x15, 0, 3, 17), (0x20, 0, 0, 24),
              (0x45, 0, 1, 0x800), (0x06, 0, 0, 0x50016), (0x06, 0, 0, 0x7fff0000)]
      code = b"".join(struct.pack("HBBI", *row) for row in rows)
      class Program(ctypes.Structure): _fields_ = [("count", ctypes.c_ushort), ("code", ctypes.c_char_p)]
      program = Program(len(rows), code)
      libc = ctypes.CDLL(None, use_errno=True)
      libc.prctl(38, 1, 0, 0, 0)
      if libc.prctl(22, 2, ctypes.byref(program)) != 0: sys.exit(3)
      os.execv(sys.argv[1], sys.argv[1:])
      END
      real=$apus; printf '#!/bin/bash\nexec python3 %s/refuse.py %s "$@"\n' "$folder" "$real" > refused; chmod 755 refused; apus=$folder/refused
      capture -i v1 -v -nn -t -c 2 --ledger 0 udp port 9; send 2 9; finish
      """)
    #expect(outcome.output.contains("length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("apus: v1: captured through libpcap version "), "\(outcome.output)")
    #expect(
      outcome.output.contains("ledger: v1: libpcap does not count packets that wait\nledger: "), "\(outcome.output)")
    let note = "apus: v1: no packet socket: Invalid argument: capturing through libpcap\n"
    #expect(outcome.output.contains(note) == (LiveEngine.current == .ring), "\(outcome.output)")
  }

  private static let isX86: Bool = {
    #if arch(x86_64)
      true
    #else
      false
    #endif
  }()

  /// `-v` names the capture engine of each interface.
  @Test func theEngineIsNamed() throws {
    let outcome = try LiveNamespace.run("capture -i v1 -i any -v -nn -c 1 udp port 9; send 1 9; finish")
    let engine = LiveEngine.current == .ring ? "a packet ring (TPACKET_V3)" : "libpcap version "
    for name in ["v1", "any"] {
      #expect(outcome.output.contains("apus: \(name): captured through \(engine)"), "\(outcome.output)")
    }
  }

  // MARK: Clocks

  /// A clock that the interface lacks is ignored with tcpdump's warning; an unknown clock is refused.
  @Test func aClockThatTheInterfaceLacks() throws {
    let outcome = try LiveNamespace.run(
      "capture -j adapter_unsynced -i v1 -nn -t -c 2 -Q in udp port 9; send 2 9; finish")
    #expect(outcome.output.contains("length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.contains(
        "apus: WARNING: When trying to set timestamp type 'adapter_unsynced' on v1: That type of time stamp is not supported by that device\n"
      ))
    let refused = try Subprocess.apus("-j", "sundial", "-i", "lo", "-c", "1")
    #expect(refused.status == 1 && refused.errors == "apus: invalid time stamp type sundial (apus -J lists them)\n")
  }

  /// Every clock that the interface has is used without a warning.
  @Test func clocksThatTheInterfaceHas() throws {
    let outcome = try LiveNamespace.run(
      """
      for clock in $(in_namespace "$apus" -J -i v1 | sed -n 's/^  \\([a-z_]*\\) .*/\\1/p'); do
        capture -j $clock -i v1 -nn -t -c 1 udp port 9; send 1 9; finish; echo "clock $clock"
      done
      """)
    #expect(outcome.output.contains("clock host\n") && !outcome.output.contains("WARNING"), "\(outcome.output)")
    #expect(!outcome.output.contains("status 1"), "\(outcome.output)")
  }

  /// With a savefile, `-L` and `-J` have no effect, since they list properties of an interface: the file is read.
  @Test(arguments: ["-L", "-J"]) func listsAreOfInterfaces(_ flag: String) throws {
    let path = Fixture.capture("arp.pcap")
    let outcome = try Subprocess.apus(flag, "-r", path, "-nn")
    #expect(outcome == (try Subprocess.apus("-r", path, "-nn")))
    #expect(outcome.status == 0 && outcome.output.contains("ARP, Request"))
  }
}
