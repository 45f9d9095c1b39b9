import Foundation
import Glibc
import TestSupport
import Testing

/// `--process` and what belongs to it, with traffic whose processes are known.
@Suite(
  .serialized,
  .enabled(
    if: LiveNamespace.isPossible && Subprocess.installed("python3") != nil,
    "live capture needs root, ip(8), network namespaces and python3"))
struct ProcessCaptureTests {
  /// Two namespaces, `$name` with `v0` and `$name-b` with `v1`, and in the script:
  /// - `traffic INTERFACE COUNT FLAGS…` captures the traffic of Fixtures/processes/traffic.py on `lo` or `v0`, as JSON in `out`
  /// - `judge FILE` compares it with the truth
  private static func run(_ script: String) throws -> Outcome {
    let name = "apus-\(UInt32.random(in: 0 ... .max))"
    let prelude = """
      set -e; name=\(name); scripts='\(Fixture.packageRoot.path)/Fixtures/processes'
      folder=$(mktemp -d); chmod 755 "$folder"; cd "$folder"
      ip netns add $name; ip netns add $name-b
      trap 'kill -KILL $(jobs -p) 2> /dev/null || true; ip netns delete $name; ip netns delete $name-b; rm -rf "$folder"' EXIT
      ip -n $name link add v0 type veth peer name v1 netns $name-b
      for n in $name $name-b; do ip -n $n link set lo up; done
      ip -n $name link set v0 up; ip -n $name-b link set v1 up
      ip -n $name address add 192.0.2.1/24 dev v0; ip -n $name-b address add 192.0.2.2/24 dev v1
      ip -n $name address add 2001:db8::1/64 dev v0 nodad; ip -n $name-b address add 2001:db8::2/64 dev v1 nodad
      inside() { ip netns exec $name "$@"; }
      wait_for() { for i in $(seq 600); do [ -e "$1" ] && return; sleep 0.05; done; echo "no $1"; exit 9; }
      listening() { for i in $(seq 200); do grep -q listening err && return; sleep 0.05; done; cat err; exit 9; }
      traffic() {
        interface=$1 count=$2; shift 2
        servers="127.0.0.1 ::1"; if [ $interface = v0 ]; then servers="192.0.2.2 2001:db8::2 /run/netns/$name-b"; sleep 1.5; fi
        inside python3 "$scripts/traffic.py" "$folder" $count $servers &
        wait_for ready
        ip netns exec $name "$apus" -i $interface --process "$@" > out 2> err & pid=$!
        listening; touch go; wait_for done; sleep 0.4
        kill -INT $pid; wait $pid && status=0 || status=$?
        echo "status $status"; cat err
      }
      judge() { python3 "$scripts/judge.py" truth "$1"; }

      """
    return try Subprocess.run("/bin/bash", ["-c", prelude + script], environment: ["apus": try Subprocess.apusPath()])
  }

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
    let outcome = try Self.run("traffic \(interface) 200 --json --ledger 0; judge out")
    let verdict = try Verdict(outcome)
    #expect(verdict.ends > 4000, "\(outcome.output)")
    #expect(Double(verdict.right) >= 0.995 * Double(verdict.ends), "\(outcome.output)")
    #expect(Double(verdict.wrong) <= 0.003 * Double(verdict.ends), "\(outcome.output)")
    #expect(verdict.kernel == 0, "\(outcome.output)")
    #expect(outcome.output.contains("; 0 events lost\nledger: balanced\n"), "\(outcome.output)")
    #expect(outcome.output.contains("\nstatus 0\n") || outcome.output.hasPrefix("status 0\n"), "\(outcome.output)")
  }

  /// A pcapng file keeps what was known, and so does a copy; a filter reads it.
  @Test func filesKeepTheProcesses() throws {
    let outcome = try Self.run(
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
    let outcome = try Self.run(
      """
      traffic lo 2 -w f.pcapng
      tshark -r f.pcapng -V -Y icmp 2> /dev/null | grep -i -e 'process' -e 'comment' | sort | uniq | head
      """)
    #expect(outcome.output.contains("apus: "), "\(outcome.output)\(outcome.errors)")
  }

  /// The words of the filter choose live packets.
  @Test func filtersLivePackets() throws {
    let outcome = try Self.run(
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

  /// A command, its children, and nobody else.
  @Test(.enabled(if: Subprocess.installed("curl") != nil, "curl is not installed"))
  func runsACommand() throws {
    let outcome = try Self.run(
      """
      inside python3 -m http.server 8000 --bind 127.0.0.1 > /dev/null 2>&1 &
      for i in $(seq 100); do inside curl -s -o /dev/null http://127.0.0.1:8000/ && break; sleep 0.1; done
      (while :; do inside curl -s -o /dev/null http://127.0.0.1:8000/; done) & noise=$!
      echo hello | inside "$apus" -w f.pcapng --process --run sh -c 'cat; curl -s -o /dev/null --local-port 5001 http://127.0.0.1:8000/; (curl -s -o /dev/null --local-port 5002 http://127.0.0.1:8000/)' 2> err
      echo "status $?"
      inside "$apus" --run curl -s -f http://127.0.0.1:8000/missing > /dev/null 2> err2 && status=0 || status=$?; echo "status $status"
      inside "$apus" --run /nonexistent 2>&1 | tail -n 1
      inside "$apus" --run sh -c 'kill -TERM $$' 2> /dev/null && status=0 || status=$?; echo "status $status"
      kill $noise
      "$apus" -r f.pcapng --count 'port 5001 or port 5002' 2> /dev/null; "$apus" -r f.pcapng --count 2> /dev/null
      "$apus" -r f.pcapng -nn -t 'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0' 2> /dev/null | grep -c 'Flags \\[[SF]'
      find /sys/fs/cgroup -maxdepth 3 -name 'apus-*' | wc -l
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 9, "\(outcome.output)\(outcome.errors)")
    #expect(lines[0] == "hello" && lines[1] == "status 0" && lines[2] == "status 22", "\(outcome.output)")
    #expect(lines[3] == "apus: --run: /nonexistent: No such file or directory", "\(outcome.output)")
    #expect(lines[4] == "status 143", "\(outcome.output)")
    // Two connections, from the first SYN to the last FIN, and no other packet.
    #expect(lines[5] == lines[6] && lines[5] != "0 packets", "\(outcome.output)")
    #expect(Int(lines[7]) == 8, "\(outcome.output)")
    #expect(lines[8] == "0", "\(outcome.output)")
  }

  /// Whatever ends apus, nothing stays attached.
  @Test(
    .enabled(if: Subprocess.installed("bpftool") != nil, "bpftool lists what is attached"),
    arguments: ["-INT", "-TERM", "-KILL"])
  func nothingStaysAttached(_ signal: String) throws {
    let outcome = try Self.run(
      """
      links() { bpftool link show 2> /dev/null | grep -c -e cgroup -e tracing || true; }
      before=$(links); inside "$apus" -i lo --process > out 2> err & pid=$!
      listening; during=$(links); kill \(signal) $(pgrep -P $pid -x apus || echo $pid); wait $pid || true; sleep 0.3
      echo "$((during > before)) $(($(links) - before))"
      """)
    #expect(outcome.output.hasSuffix("1 0\n"), "\(outcome.output)\(outcome.errors)")
  }

  /// What is missing is said, and what it means.
  @Test(.enabled(if: Subprocess.installed("setpriv") != nil, "privilege is given up by setpriv(1)"))
  func saysWhatIsMissing() throws {
    let outcome = try Self.run(
      """
      for capabilities in net_raw net_raw,net_admin,bpf,sys_ptrace,dac_read_search; do
        inside setpriv --bounding-set=-all,+$(echo $capabilities | sed 's/,/,+/g') --inh-caps=-all "$apus" -i lo --process -a duration:1 2>&1 | grep -e '^apus: ' || true
      done
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines.first?.hasPrefix("apus: processes are known only of sockets that are open now: ") ?? false,
      "\(outcome.output)\(outcome.errors)")
    #expect(lines.contains { $0.contains("(CAP_PERFMON is missing)") }, "\(outcome.output)")
  }
}

/// Words of the filter that ask for processes, where there is no privilege to ask the kernel.
@Suite struct ProcessWordTests {
  private static let capture = Fixture.packageRoot.appendingPathComponent("Fixtures/captures/http.pcap").path

  /// A file without processes is an error, with the words that ask for them.
  @Test func aFileSaysNothing() throws {
    let outcome = try Subprocess.apus("-r", Self.capture, "tcp and (src pid 5 or not comm curl*)")
    #expect(outcome.status == 1)
    #expect(
      outcome.errors.hasSuffix(
        """
        apus: the packets say nothing of processes; capture with --process -w to a pcapng file (column 10)
          tcp and (src pid 5 or not comm curl*)
                   ^^^^^^^^^        ^^^^^^^^^^

        """), "\(outcome.errors)")
  }

  /// A program leaves open what processes decide.
  @Test(arguments: [
    ("pid 5 and tcp", "tcp"), ("tcp and not comm x", "tcp"), ("tcp or uid 0", ""), ("not (pid 5 or udp)", "not udp"),
    ("src and dst cgroup /a and udp", "udp"),
  ])
  func programsLeaveThemOpen(_ filter: String, _ rest: String) throws {
    #expect(
      try Subprocess.apus("-ddd", filter).output == Subprocess.apus("-ddd", rest).output)
  }

  @Test(arguments: [
    ("pid curl", "expected the number of a process after 'pid' (column 5)"),
    ("comm", "expected the name of a process after 'comm' (column 5)"),
    (
      "comm abcdefghijklmnopq", "the kernel keeps 15 bytes of a process's name; write 'comm abcdefghijklmno' (column 6)"
    ),
    ("cgroup user.slice", "the path of a control group begins with '/'; write 'cgroup /user.slice' (column 8)"),
    (
      "container web",
      "'web' is not the identifier of a container; write its first hexadecimal digits, 'cgroup' takes paths (column 11)"
    ),
    ("uid nobody-at-all", "unknown user 'nobody-at-all'; write the number of the user (column 5)"),
    ("comm 'a b", "there is no second quotation mark for this one (column 6)"),
    ("ra pid 5", "expected 'src' or 'dst' before 'pid' (column 4)"),
  ])
  func errorsNameTheWords(_ filter: String, _ message: String) throws {
    let outcome = try Subprocess.apus("-d", filter)
    #expect(outcome.status == 1)
    #expect(outcome.errors.split(separator: "\n").first?.hasSuffix(message) ?? false, "\(outcome.errors)")
    #expect(outcome.errors.contains("^"), "\(outcome.errors)")
  }

  @Test(arguments: ["--explain", "--trace"]) func bytesAloneDoNotTell(_ flag: String) throws {
    let outcome = try Subprocess.apus(flag, "-r", Self.capture, "pid 5")
    #expect(outcome.status == 1)
    #expect(outcome.errors.contains("know the bytes of packets, and not the processes (column 1)\n  pid 5\n  ^^^^^\n"))
  }

  /// The rest of the line is the command's.
  @Test func theCommandTakesTheRest() throws {
    let outcome = try Subprocess.apus("--run")
    #expect(outcome.errors == "apus: option --run needs a value\n")
    #expect(
      try Subprocess.apus("-r", Self.capture, "--run", "true", "-x").errors
        == "apus: --run cannot be combined with -r\n")
  }
}
