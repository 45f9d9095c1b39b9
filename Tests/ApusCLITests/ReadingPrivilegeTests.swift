import Foundation
import Glibc
import TestSupport
import Testing

/// Nothing is read from an input before system calls are filtered: strace(1) shows the order.
@Suite(
  .waits,
  .enabled(
    if: ConfinedCapture.isPossible && Subprocess.installed("strace") != nil && Subprocess.installed("setcap") != nil,
    "needs root, ip(8), network namespaces, a kernel with Landlock and seccomp, strace and setcap"))
struct ReadingPrivilegeTests {
  /// Who starts apus: root, a plain user, or a plain user whose apus has file capabilities.
  enum Starter: String, CaseIterable { case root, user, setcap }

  /// A way of reading; `IN` is a capture and `FILE` a file with a filter; both are inputs.
  private static let ways = [
    "--count -r IN.pcap", "--count -r IN.gz", "--count -r IN.pcapng", "-nn -r IN.pcap -r IN.gz",
    "-nn --merge -r IN.pcap -r IN.gz",
    "--count --from 22:55:47 -r IN.pcap -r IN.gz", "--count --last 1s -r IN.pcap -r IN.gz",
    "--count --recover -r IN.pcap", "-w theirs/copy -r IN.pcap -r IN.gz", "-w theirs/copy -C 1k -r IN.pcap",
    "-w theirs/copy -Z daemon -r IN.pcap", "--explain -r IN.pcap tcp", "--witness -r IN.pcap tcp",
    "--annotate -r IN.pcap tcp",
    "--graph ascii -r IN.pcap tcp", "--graph svg -r IN.pcap tcp", "--trace -r IN.pcap tcp", "--profile -r IN.pcap tcp",
    "--lint -r IN.pcap tcp", "-d -r IN.pcap tcp", "--emit ebpf -r IN.pcap tcp", "--stats all -r IN.pcap",
    "--json -r IN.pcap", "--count -V list", "--count -F FILE -r IN.pcap", "-d -F FILE", "-d --bytecode FILE.code",
    "--witness -F FILE", "--compare-bytecode FILE.code tcp",
    "--run-ebpf FILE.ebpf --program-type socket --memory 0000000000000000000000000800",
    "--engine libpcap --count -r IN.pcap", "--engine libpcap -nn -r IN.pcap -r IN.pcap", "--count -r -",
    "--count -r IN.pipe",
  ]

  /// The lines of a trace that read or map an input before the process has filtered its system calls.
  private func earlyReads(_ trace: String) -> [Substring] {
    var filtered: Set<Substring> = []
    var early: [Substring] = []
    for line in trace.split(separator: "\n") {
      let process = line.prefix { $0 != " " }
      if line.contains("seccomp(SECCOMP_SET_MODE_FILTER"), line.hasSuffix(" = 0") { filtered.insert(process) }
      // With -y, strace prints each descriptor with its path: read(7</tmp/x/IN.pcap>, …
      guard
        line.firstMatch(
          of: #/^\S+ +(read|readv|pread64|preadv|preadv2|mmap|sendfile|splice|copy_file_range)\(.*\/(IN|FILE)/#) != nil
      else { continue }
      if !filtered.contains(process) { early.append(line) }
    }
    return early
  }

  @Test(arguments: Starter.allCases) func nothingIsReadBefore(_ starter: Starter) throws {
    let outcome = try ConfinedCapture.script(
      """
      mkdir -m 777 theirs; cp "$apus" apus; chmod 755 apus
      [ \(starter) = setcap ] && setcap cap_net_raw,cap_net_admin=eip apus
      cp '\(Fixture.capture("http.pcap"))' IN.pcap; gzip -kc IN.pcap > IN.gz; cp '\(Fixture.capture("interfaces.pcapng"))' IN.pcapng
      echo tcp > FILE; "$apus" -ddd tcp > FILE.code; "$apus" --emit ebpf-bytes tcp > FILE.ebpf; printf 'IN.pcap\\nIN.gz\\n' > list
      chmod 644 IN* FILE* list; mkfifo -m 666 IN.pipe
      number=0
      while IFS= read -r words; do
        rm -rf theirs/*; number=$((number + 1))
        case $words in *pipe*) cat IN.pcap > IN.pipe & ;; esac
        case \(starter) in root) user="";; *) user="-u daemon";; esac
        timeout 60 strace -f -y -e trace=read,readv,pread64,preadv,preadv2,mmap,sendfile,splice,copy_file_range,seccomp $user \\
          -o trace.$number ./apus $words < IN.pcap > out 2> err && status=0 || status=$?
        echo "== $status $words"; [ $status -lt 2 ] || cat err
        cat trace.$number | grep -a -e seccomp -e /IN -e /FILE
      done <<'END'
      \(Self.ways.joined(separator: "\n"))
      END
      """)
    let parts = outcome.output.components(separatedBy: "== ").dropFirst()
    #expect(parts.count == Self.ways.count, "\(outcome.output.suffix(2000))\(outcome.errors)")
    for part in parts {
      let way = part.prefix { $0 != "\n" }
      let early = earlyReads(part)
      #expect(early.isEmpty, "\(starter) \(way): \(early)")
      // The input was read, and by a process that filters its system calls.
      #expect(part.contains("seccomp(SECCOMP_SET_MODE_FILTER"), "\(starter) \(way)")
      #expect(part.contains(#/(read|pread64|mmap)\(.*\/(IN|FILE)/#), "\(starter) \(way): \(part.prefix(1500))")
      #expect(way.hasPrefix("0 ") || way.contains("compare"), "\(starter) \(way): \(part.suffix(500))")
    }
  }

  /// A live capture reads a filter from a file after giving up every privilege except loading filters into the kernel.
  @Test func aCaptureReadsItsFilterWithoutPrivilege() throws {
    let outcome = try ConfinedCapture.script(
      """
      echo 'udp port 9' > FILE; chmod 644 FILE
      printf '%s\\n' '#!/bin/bash' "exec strace -f -y -e trace=read,mmap,seccomp,capset -o $PWD/trace $apus \\"\\$@\\"" > traced
      chmod 755 traced; original=$apus; apus=$PWD/traced
      capture -nn -c 2 -F FILE; send 2; finish; grep -a -e seccomp -e /FILE -e capset trace
      """)
    let text = outcome.output
    #expect(text.hasPrefix("status 0\n") && earlyReads(text).isEmpty, "\(text)\(outcome.errors)")
    let lines = text.split(separator: "\n")
    let reading = try #require(lines.firstIndex { $0.contains("read(") && $0.contains("/FILE") })
    // Only CAP_BPF is left at that point, and it is dropped afterwards.
    let before = try #require(lines[..<reading].last { $0.contains("capset") })
    #expect(before.contains("effective=1<<CAP_BPF, permitted=1<<CAP_BPF"), "\(text)")
    let after = try #require(lines[reading...].last { $0.contains("capset") })
    #expect(after.contains("effective=0, permitted=0"), "\(text)")
    #expect(lines.count { $0.contains("SECCOMP_SET_MODE_FILTER") } == 2, "\(text)")
  }

  /// A long filter is loaded into the kernel as eBPF, also when it comes from a file.
  @Test func aLongFilterIsLoaded() throws {
    let outcome = try ConfinedCapture.script(
      """
      python3 -c 'print("udp port 9 and (" + " or ".join(f"host 10.{i >> 8}.{i & 255}.1" for i in range(4000)) + " or host 127.0.0.1)")' > FILE
      capture -nn -t --ledger 0 -F FILE; send 2; finish; cat out; grep -c 'no filter in the kernel' err || true
      grep -h 'ledger: lo' err
      """)
    #expect(outcome.output.hasPrefix("status 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("UDP, length 5\n0\nledger: lo: "), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains(" 0 filtered "), "\(outcome.output)")
  }

  /// When reading fails, existing files stay unchanged.
  @Test func whatIsThereStays() throws {
    let outcome = try ConfinedCapture.script(
      """
      echo precious > kept; echo garbage > garbage; cp '\(Fixture.capture("http.pcap"))' in.pcap
      for words in "-r nosuch -w kept" "-r garbage -w kept" "-r in.pcap -w kept tcp prot 80" "-r in.pcap -w kept arp and tcp" \\
        "-i lo -w kept arp and tcp" "-i nosuch0 -w kept" "-r in.pcap -r nosuch2 --trace -w kept" "-r nosuch -w new" "-r in.pcap -w new tcp prot"; do
        "$apus" $words > out 2> err && echo "done: $words"; cat kept
      done; ls
      """)
    #expect(
      outcome.output == String(repeating: "precious\n", count: 9) + "err\ngarbage\nin.pcap\nkept\nout\n",
      "\(outcome.output)\(outcome.errors)")
  }

  /// More files than can be open at once, some of which only root may read; and FIFOs whose writers come one after the other.
  @Test func manyFiles() throws {
    let outcome = try ConfinedCapture.script(
      """
      cp '\(Fixture.capture("http.pcap"))' in.pcap; chmod 600 in.pcap; mkfifo one two
      for i in $(seq 40); do echo in.pcap; done > list; ulimit -Sn 200
      "$apus" --count -V list 2> err; (ulimit -n 40; "$apus" --count -V list 2> err)
      (cat in.pcap > one; sleep 0.3; cat in.pcap > two) & "$apus" --count -r one -r two 2> err
      (cat in.pcap > one; sleep 0.3; cat in.pcap > one) & "$apus" --count -r one -r one 2> err
      (sleep 0.3; cat in.pcap > one) & "$apus" --engine libpcap --count -r one 2> err
      """)
    #expect(
      outcome.output == "1200 packets\n1200 packets\n60 packets\n60 packets\n30 packets\n",
      "\(outcome.output)\(outcome.errors)")
  }
}
