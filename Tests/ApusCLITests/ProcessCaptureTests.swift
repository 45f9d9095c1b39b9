import Foundation
import Glibc
import TestSupport
import Testing

/// `--process` and what belongs to it, with traffic whose processes are known.
@Suite(
  .serialized,
  .enabled(if: ProcessScript.isPossible, "live capture needs root, ip(8), network namespaces and python3"))
struct ProcessCaptureTests {
  /// The numbers of the line of judge.py.
  private struct Verdict {
    let ends, right, wrong, missing, kernel: Int

    init(_ outcome: Outcome) throws {
      let line = outcome.output.split(separator: "\n").first { $0.contains(" ends, ") }
      let numbers = try #require(line, "\(outcome.output)\(outcome.errors)").split(separator: " ").compactMap {
        Int($0)
      }
      try #require(numbers.count == 5)
      (ends, right, wrong, missing, kernel) = (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4])
    }
  }

  /// Connections of TCP, datagrams from sockets that are connected and not, receivers, workers that share a listener, sockets older than the
  /// capture and handed over, pings, IPv6; and what the kernel answers.
  @Test(arguments: ["lo", "v0"]) func namesTheProcesses(_ interface: String) throws {
    let outcome = try ProcessScript.run("traffic \(interface) 200 --json --ledger 0; judge out")
    let verdict = try Verdict(outcome)
    #expect(verdict.ends > 4000, "\(outcome.output)")
    #expect(Double(verdict.right) >= 0.995 * Double(verdict.ends), "\(outcome.output)")
    #expect(Double(verdict.wrong) <= 0.003 * Double(verdict.ends), "\(outcome.output)")
    #expect(verdict.kernel == 0, "\(outcome.output)")
    #expect(outcome.output.contains("; 0 events lost, 0 addresses dropped\nledger: balanced\n"), "\(outcome.output)")
    #expect(outcome.output.contains("\nstatus 0\n") || outcome.output.hasPrefix("status 0\n"), "\(outcome.output)")
  }

  /// A pcapng file keeps what was known, and so does a copy; a filter reads it.
  @Test func filesKeepTheProcesses() throws {
    let outcome = try ProcessScript.run(
      """
      traffic lo 20 --json --print -w f.pcapng; judge out
      "$apus" -r f.pcapng -w copy.pcapng 2> /dev/null
      "$apus" -r copy.pcapng --process --json > again 2> /dev/null; judge again
      python3 -c '
      import json
      a, b = ([json.loads(l).get("process") for l in open(f)] for f in ("out", "again"))
      print("same" if a == b and any(a) else "different")'
      "$apus" -r copy.pcapng -nn -t --process -c 1 'icmp and src comm ping' 2> /dev/null | sed 's/[0-9]*$/N/;s/ping.[0-9]*/ping.N/'
      "$apus" -r copy.pcapng --count 'comm ping' 2> /dev/null; "$apus" -r copy.pcapng --count 'not comm ping' 2> /dev/null
      "$apus" -r copy.pcapng --count 2> /dev/null
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.contains("same"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains(", from ping.N, to "), "\(outcome.output)")
    let counts = lines.suffix(3).compactMap { Int($0.split(separator: " ")[0]) }
    #expect(counts.count == 3 && counts[0] > 0 && counts[0] + counts[1] == counts[2], "\(outcome.output)")
  }

  /// Wireshark knows the number of the process.
  @Test(.enabled(if: Subprocess.installed("tshark") != nil, "tshark is not installed"))
  func wiresharkShowsTheProcess() throws {
    let outcome = try ProcessScript.run(
      """
      traffic lo 2 -w f.pcapng
      tshark -r f.pcapng -V -Y icmp 2> /dev/null | grep -i -e 'process' -e 'comment' | sort | uniq | head
      """)
    #expect(outcome.output.contains("apus: "), "\(outcome.output)\(outcome.errors)")
  }

  /// The words of the filter choose live packets.
  @Test func filtersLivePackets() throws {
    let outcome = try ProcessScript.run(
      """
      traffic lo 10 -nn -t 'src comm ping or dst comm ping'; cp out only
      rm -f ready go done truth; traffic lo 10 -nn -t 'icmp or icmp6'
      wc -l < only; wc -l < out; grep -vc 'ping' only || true
      """)
    let numbers = outcome.output.split(separator: "\n").suffix(3).compactMap { Int($0) }
    #expect(
      numbers.count == 3 && numbers[0] == 12 && numbers[1] > 12 && numbers[2] == 0,
      "\(outcome.output)\(outcome.errors)")
  }

  /// Whatever ends apus, nothing stays attached.
  @Test(
    .enabled(if: Subprocess.installed("bpftool") != nil, "bpftool lists what is attached"),
    arguments: ["-INT", "-TERM", "-KILL"])
  func nothingStaysAttached(_ signal: String) throws {
    let outcome = try ProcessScript.run(
      """
      links() { bpftool link show 2> /dev/null | grep -c -e cgroup -e tracing || true; }
      before=$(links); inside "$apus" -i lo --process > out 2> err & pid=$!
      listening; during=$(links); kill \(signal) $(pgrep -P $pid -x apus || echo $pid); wait $pid || true; sleep 0.3
      echo "$((during > before)) $(($(links) - before))"
      """)
    #expect(outcome.output.hasSuffix("1 0\n"), "\(outcome.output)\(outcome.errors)")
  }

  /// Programs are counted: live, and from a file that keeps processes.
  @Test func countsPrograms() throws {
    let outcome = try ProcessScript.run(
      """
      traffic lo 10 --stats processes,json -w f.pcapng 2> /dev/null > messages; cat out > live
      "$apus" -r f.pcapng --stats processes,json > file 2> /dev/null
      python3 -c '
      import json
      live, file = (json.load(open(f)) for f in ("live", "file"))
      print("same" if live["processes"] == file["processes"] else "different")
      rows = {r["comm"]: r for r in live["processes"]["rows"]}
      ping, python = rows["ping"], rows["python3"]
      print(sorted(rows), ping["sent"]["packets"], ping["received"]["packets"], ping["connections"])
      known = sum(r["total"]["packets"] for r in rows.values())
      print(python["connections"] >= 20, live["packets"] <= known + live["processes"]["unknown"]["packets"])'
      "$apus" -r f.pcapng --stats processes --sort connections 2> /dev/null | sed -n '3,5p' | tr -s ' '
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 6, "\(outcome.output)\(outcome.errors)")
    #expect(lines[0] == "same", "\(outcome.output)")
    // Two runs of ping with three requests each.
    #expect(lines[1] == "['ping', 'python3'] 6 6 0", "\(outcome.output)")
    #expect(lines[2] == "True True", "\(outcome.output)")
    #expect(
      lines[3] == "program connections packets bytes sent packets bytes received packets bytes", "\(outcome.output)")
    #expect(lines[4].hasPrefix("python3 ") && lines[5].hasPrefix("ping "), "\(outcome.output)")
  }

  /// Containers are known by the paths of their control groups.
  @Test(.enabled(if: ProcessScript.hasControlGroups, "no cgroup2 that can be written to is mounted"))
  func namesContainers() throws {
    let digits = String(repeating: "0123456789abcdef", count: 3) + "fedcba9876543210"
    let outcome = try ProcessScript.run(
      """
      group=$groups/docker-\(digits).scope; mkdir $group
      trap 'end; sleep 0.2; rmdir $group' EXIT
      "$apus" --netns $name -i lo -nn -t -v --process 'icmp and container 0123456789ab' > out 2> err & pid=$!
      listening
      sh -c "echo 0 > $group/cgroup.procs; exec ip netns exec $name ping -c 1 127.0.0.1" > /dev/null
      inside ping -c 1 127.0.0.1 > /dev/null
      sleep 0.4; kill -INT $pid; wait $pid
      grep -c 'echo re' out; grep -c 'from ping.[0-9]* (uid 0, container 0123456789ab, by event), to -' out
      """)
    #expect(outcome.output == "2\n1\n", "\(outcome.output)\(outcome.errors)")
  }

  /// `--explain` says which processes decided.
  @Test func explainsWithProcesses() throws {
    let outcome = try ProcessScript.run(
      """
      traffic lo 2 -w f.pcapng > /dev/null
      "$apus" -r f.pcapng -nn -t --explain 'icmp and src comm ping' > explained 2> /dev/null
      hide() { sed -E 's/packet [0-9]+/packet N/; s/(ping|python3)\\.[0-9]+/\\1.N/g'; }
      grep -m 1 -A 3 '^+ packet' explained | hide
      grep -m 1 -A 2 '^- .*sent by python3' explained | hide
      "$apus" -r f.pcapng --explain=summary 'comm ping or tcp' 2> /dev/null | tail -n 1 | sed 's/.*: //;s/ accepted.*//' > a
      "$apus" -r f.pcapng --count 'comm ping or tcp' 2> /dev/null | sed 's/ .*//' > b
      cmp a b && echo same
      """)
    #expect(
      outcome.output == """
        + packet N: 98 bytes, accepted: ip proto is 1 (icmp)
          icmp and src comm ping
          ^^^^     ^^^^^^^^^^^^^
          and 'src comm ping': sent by ping.N, received by an unknown process
        - packet N: 69 bytes, rejected: sent by python3.N, received by python3.N
          icmp and src comm ping
                   ^^^^^^^^^^^^^
        same

        """, "\(outcome.output)\(outcome.errors)")
  }
}
