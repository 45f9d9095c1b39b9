import Foundation
import Glibc
import TestSupport
import Testing

/// `--process` and related options, with traffic whose processes are known.
@Suite(
  .serialized,
  .enabled(if: ProcessScript.isPossible, "live capture needs root, ip(8), network namespaces and python3"))
struct ProcessCaptureTests {
  /// The numbers in the line that judge.py prints.
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

  /// The sections of a script's output, each after a line `## NAME`.
  private struct Sections {
    private let texts: [String: String]
    let outcome: Outcome

    init(_ outcome: Outcome) {
      self.outcome = outcome
      var texts: [String: String] = [:]
      var name = ""
      for line in outcome.output.split(separator: "\n", omittingEmptySubsequences: false) {
        if line.hasPrefix("## ") { name = String(line.dropFirst(3)) } else { texts[name, default: ""] += line + "\n" }
      }
      self.texts = texts
    }

    subscript(_ name: String) -> String { texts[name] ?? "no section \(name): \(outcome.output)\(outcome.errors)" }
    func lines(_ name: String) -> [String] { self[name].split(separator: "\n").map(String.init) }
  }

  /// TCP connections, datagrams from connected and unconnected sockets, receivers, workers that share a listener, sockets that are older
  /// than the capture and handed over, pings, IPv6, and the kernel's replies. All tests use the same traffic.
  private static let loopback = Result {
    Sections(
      try ProcessScript.run(
        """
        more() { file=$1; shift; ip netns exec $name "$apus" -i lo "$@" > $file 2> $file.err & captures="$captures $!"; }
        captures=; more only -nn -t --process 'src comm ping or dst comm ping'; more icmp -nn -t --process 'icmp or icmp6'
        more live --process --stats processes,json -w s.pcapng; more live-explained -nn -t --explain 'icmp and src comm ping'
        more counted --process --json -c 5 'comm ping and icmp'; more piped --process -w - --format pcapng 'comm ping and icmp'
        for file in only icmp live live-explained counted piped; do listening $file.err; done
        traffic lo 200 --json --print -w f.pcapng --ledger 0
        kill -INT $captures 2> /dev/null || true; wait $captures || true
        echo '## verdict'; judge out; cat err
        echo '## kept'
        "$apus" -r f.pcapng -w copy.pcapng 2> /dev/null
        "$apus" -r copy.pcapng --process --json > again 2> /dev/null
        python3 -c '
        import json
        a, b = ([json.loads(l).get("process") for l in open(f)] for f in ("out", "again"))
        print("same" if a == b and any(a) else "different")'
        "$apus" -r copy.pcapng -nn -t --process -c 1 'icmp and src comm ping' 2> /dev/null | sed 's/[0-9]*$/N/;s/ping.[0-9]*/ping.N/'
        for filter in 'comm ping' 'not comm ping' ''; do "$apus" -r copy.pcapng --count "$filter" 2> /dev/null; done
        echo '## tshark'
        if command -v tshark > /dev/null; then "$apus" -r f.pcapng -c 1 -w one.pcapng 'comm ping' 2> /dev/null; tshark -r one.pcapng -V 2> /dev/null | grep -i -e process -e comment; fi
        echo '## words'; wc -l < only; wc -l < icmp; grep -vc 'ping' only || true
        echo '## counts'
        "$apus" -r s.pcapng --stats processes,json > file 2> /dev/null
        python3 -c '
        import json
        live, file = (json.load(open(f)) for f in ("live", "file"))
        print("same" if live["processes"] == file["processes"] else "different")
        rows = {r["comm"]: r for r in live["processes"]["rows"]}
        ping, python = rows["ping"], rows["python3"]
        print(sorted(rows), ping["sent"]["packets"], ping["received"]["packets"], ping["connections"])
        known = sum(r["total"]["packets"] for r in rows.values())
        print(python["connections"] >= 400, live["packets"] <= known + live["processes"]["unknown"]["packets"])'
        "$apus" -r s.pcapng --stats processes --sort connections 2> /dev/null | sed -n '3,5p' | tr -s ' '
        hide() { sed -E 's/packet [0-9]+/packet N/; s/(ping|python3)\\.[0-9]+/\\1.N/g'; }
        echo '## explained'
        "$apus" -r f.pcapng -nn -t --explain 'icmp and src comm ping' > explained 2> /dev/null
        grep -m 1 -A 3 '^+ packet' explained | hide
        grep -m 1 -A 2 '^- .*sent by python3' explained | hide
        echo '## explained live'
        grep -m 1 -A 3 '^+ packet' live-explained | hide
        grep -c '^+ packet' live-explained; grep ' captured$' live-explained.err
        echo '## summary'
        "$apus" -r f.pcapng --explain=summary 'comm ping or tcp' 2> /dev/null | tail -n 1 | sed 's/.*: //;s/ accepted.*//'
        "$apus" -r f.pcapng --count 'comm ping or tcp' 2> /dev/null | sed 's/ .*//'
        echo '## forms'
        python3 -c '
        import json
        packets = [json.loads(l)["process"] for l in open("counted")]
        print(len(packets), all("ping" in [end["comm"] for end in p.values()] for p in packets))'
        "$apus" -r piped --count 'comm ping' 2> /dev/null; "$apus" -r piped --count 2> /dev/null
        """))
  }

  /// The client's namespace has listeners on the same port that never accept a connection.
  private static let veth = Result {
    Sections(
      try ProcessScript.run(
        """
        inside python3 -c '
        import socket, time
        listeners = [socket.create_server(("'$net.1'", 7000)), socket.create_server(("::", 7000), family=socket.AF_INET6)]
        open("decoys", "w").close()
        time.sleep(600)' &
        wait_for decoys
        traffic v0 200 --json --ledger 0; echo '## verdict'; judge out; cat err
        """))
  }

  @Test(arguments: ["lo", "v0"]) func namesTheProcesses(_ interface: String) throws {
    let sections = try (interface == "lo" ? Self.loopback : Self.veth).get()
    let verdict = try Verdict(sections.outcome)
    let text = sections["verdict"]
    #expect(verdict.ends > 4000, "\(text)")
    #expect(Double(verdict.right) >= 0.995 * Double(verdict.ends), "\(text)")
    #expect(Double(verdict.wrong) <= 0.003 * Double(verdict.ends), "\(text)")
    #expect(verdict.kernel == 0, "\(text)")
    #expect(text.contains("; 0 events lost, 0 addresses dropped\nledger: balanced\n"), "\(text)")
    #expect(sections.outcome.output.contains("status 0\n"), "\(sections.outcome.output)")
  }

  /// A pcapng file keeps the processes of its packets, and so does a copy; filters can test them.
  @Test func filesKeepTheProcesses() throws {
    let lines = try Self.loopback.get().lines("kept")
    try #require(lines.count == 5, "\(lines)")
    #expect(lines[0] == "same" && lines[1].contains(", from ping.N, to "), "\(lines)")
    let counts = lines.suffix(3).compactMap { Int($0.split(separator: " ")[0]) }
    #expect(counts.count == 3 && counts[0] > 0 && counts[0] + counts[1] == counts[2], "\(lines)")
  }

  /// Wireshark shows the process ID.
  @Test(.enabled(if: Subprocess.installed("tshark") != nil, "tshark is not installed"))
  func wiresharkShowsTheProcess() throws {
    let text = try Self.loopback.get()["tshark"]
    #expect(text.contains("apus: "), "\(text)")
  }

  /// Filter words for processes select live packets.
  @Test func filtersLivePackets() throws {
    let numbers = try Self.loopback.get().lines("words").compactMap { Int($0) }
    #expect(numbers.count == 3 && numbers[0] == 12 && numbers[1] > 12 && numbers[2] == 0, "\(numbers)")
  }

  /// Packets are counted by program, live and from a file that keeps processes.
  @Test func countsPrograms() throws {
    let lines = try Self.loopback.get().lines("counts")
    try #require(lines.count == 6, "\(lines)")
    #expect(lines[0] == "same", "\(lines)")
    // Two runs of ping with three requests each.
    #expect(lines[1] == "['ping', 'python3'] 6 6 0", "\(lines)")
    #expect(lines[2] == "True True", "\(lines)")
    #expect(lines[3] == "program connections packets bytes sent packets bytes received packets bytes", "\(lines)")
    #expect(lines[4].hasPrefix("python3 ") && lines[5].hasPrefix("ping "), "\(lines)")
  }

  /// `--explain` names the processes that decided, for a file and live.
  @Test func explainsWithProcesses() throws {
    let sections = try Self.loopback.get()
    let accepted = """
      + packet N: 98 bytes, accepted: ip proto is 1 (icmp)
        icmp and src comm ping
        ^^^^     ^^^^^^^^^^^^^
        and 'src comm ping': sent by ping.N, received by an unknown process

      """
    #expect(
      sections["explained"] == accepted + """
        - packet N: 69 bytes, rejected: sent by python3.N, received by python3.N
          icmp and src comm ping
                   ^^^^^^^^^^^^^

        """)
    #expect(sections["explained live"] == accepted + "3\n3 packets captured\n")
    let counts = sections.lines("summary")
    #expect(counts.count == 2 && counts[0] == counts[1], "\(counts)")
  }

  /// A process's live packets are printed as JSON, limited with -c, and written to a pipe.
  @Test func printsInEveryForm() throws {
    #expect(try Self.loopback.get()["forms"] == "5 True\n6 packets\n6 packets\n\n")
  }

  /// However apus ends, no eBPF program stays attached.
  @Test(
    .enabled(if: Subprocess.installed("bpftool") != nil, "bpftool lists what is attached"),
    arguments: ["-INT", "-TERM", "-KILL"])
  func nothingStaysAttached(_ signal: String) throws {
    let outcome = try ProcessScript.run(
      """
      ip netns exec $name "$apus" -i lo --process > out 2> err & pid=$!
      listening; during=$(links $pid); kill \(signal) $pid; wait $pid || true
      [ $(echo $during | wc -w) -ge 10 ] && detached "$during" && echo detached
      """)
    #expect(outcome.output == "detached\n", "\(outcome.output)\(outcome.errors)")
  }

  /// Containers are recognized by the paths of their control groups.
  @Test(.enabled(if: ProcessScript.hasControlGroups, "no cgroup2 that can be written to is mounted"))
  func namesContainers() throws {
    let digits = String(repeating: "0123456789abcdef", count: 3) + "fedcba9876543210"
    let outcome = try ProcessScript.run(
      """
      group=$groups/docker-\(digits).scope; mkdir $group
      trap 'end; rmdir $group || { sleep 0.2; rmdir $group; }' EXIT
      "$apus" --netns $name -i lo -nn -t -v --process 'icmp and container 0123456789ab' > out 2> err & pid=$!
      listening
      sh -c "echo 0 > $group/cgroup.procs; exec ip netns exec $name ping -c 1 127.0.0.1" > /dev/null
      inside ping -c 1 127.0.0.1 > /dev/null
      sleep 0.1; kill -INT $pid; wait $pid
      grep -c 'echo re' out; grep -c 'from ping.[0-9]* (uid 0, container 0123456789ab, by event), to -' out
      """)
    #expect(outcome.output == "2\n1\n", "\(outcome.output)\(outcome.errors)")
  }
}
