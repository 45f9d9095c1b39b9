import Foundation
import TestSupport
import Testing

/// `--process` on a kernel that does not accept eBPF programs: apus scans the open sockets.
@Suite(
  .serialized,
  .enabled(
    if: ProcessScript.isPossible && Subprocess.installed("setpriv") != nil,
    "live capture needs root, ip(8), network namespaces and python3; privilege is given up by setpriv(1)"))
struct ProcessScanTests {
  /// apus says what is missing and what follows from that.
  @Test func saysWhatIsMissing() throws {
    let outcome = try ProcessScript.run(
      """
      for capabilities in net_raw net_raw,net_admin,bpf,sys_ptrace,dac_read_search; do
        nsenter --net=/run/netns/$name setpriv --bounding-set=-all,+$(echo $capabilities | sed 's/,/,+/g') --inh-caps=-all "$apus" -i lo --process 2> err > out & pid=$!
        listening; kill -INT $pid; wait $pid || true; grep -e '^apus: ' err || true; rm err
      done
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines.first?.hasPrefix("apus: processes are found by a scan of the open sockets, once a second at most: ")
        ?? false,
      "\(outcome.output)\(outcome.errors)")
    #expect(lines.contains { $0.contains("(CAP_PERFMON is missing)") }, "\(outcome.output)")
  }

  /// Finds sockets that exist at the start, and those created later within about a second.
  @Test func findsSockets() throws {
    let outcome = try ProcessScript.run(
      """
      cat > talk.py <<'EOF'
      import os, socket, sys, time
      listener = socket.create_server(("127.0.0.1", 6100))
      receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); receiver.bind(("0.0.0.0", 6101))
      open("ready", "w").close()
      while not os.path.exists("go"): time.sleep(0.01)
      client = socket.create_connection(("127.0.0.1", 6100)); server, _ = listener.accept()
      sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      for i in range(18):
          client.send(b"x"); server.recv(1); sender.sendto(b"y", ("127.0.0.1", 6101)); time.sleep(0.1)
      open("done", "w").close()
      EOF
      inside python3 talk.py & talker=$!
      wait_for ready
      nsenter --net=/run/netns/$name setpriv --bounding-set=-all,+net_raw,+sys_ptrace,+dac_read_search --inh-caps=-all \
        "$apus" -i lo -nn -t -v -S --process > out 2> err & pid=$!
      listening; touch go; wait_for done; kill -INT $pid $(pgrep -P $pid) 2> /dev/null; wait $pid || true
      grep '^apus: processes' err
      end="python3.[0-9]* (uid 0, cgroup [^ ]*, by scan)"
      # The first datagram goes to a socket that is older, the last ones are between known sockets.
      grep 'UDP, ' out | head -n 1 | grep -c "to $end$" || true
      tail -n 9 out | grep 'UDP, ' | grep -c "from $end, to $end$" || true
      tail -n 12 out | grep -c "from $end, to $end$" || true
      grep -c 'by event' out || true
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 5, "\(outcome.output)\(outcome.errors)")
    #expect(
      lines[0]
        == "apus: processes are found by a scan of the open sockets, once a second at most: CAP_BPF and CAP_NET_ADMIN are missing (root has them)"
    )
    #expect(lines[1] == "1" && (Int(lines[2]) ?? 0) >= 1 && (Int(lines[3]) ?? 0) >= 5, "\(outcome.output)")
    #expect(lines[4] == "0")
  }

  /// The scanner ends with apus, however apus ends, and sleeps most of the time.
  @Test(arguments: ["-INT", "-KILL"]) func theScannerEnds(_ signal: String) throws {
    let outcome = try ProcessScript.run(
      """
      nsenter --net=/run/netns/$name setpriv --bounding-set=-all,+net_raw,+sys_ptrace,+dac_read_search --inh-caps=-all \
        "$apus" -i lo -nn --process > out 2> err & pid=$!
      listening; scanner=$(pgrep -P $pid); [ -n "$scanner" ] && echo runs
      inside ping -c \(signal == "-INT" ? 120 : 5) -i 0.01 127.0.0.1 > /dev/null; awk '{ print ($14 + $15 < 60) }' /proc/$scanner/stat
      kill \(signal) $pid; wait $pid || true
      alive() { kill -0 $scanner 2> /dev/null && ! grep -q Z /proc/$scanner/stat; }
      for i in $(seq 50); do alive || break; sleep 0.02; done; alive || echo gone
      """)
    #expect(outcome.output == "runs\n1\ngone\n", "\(outcome.output)\(outcome.errors)")
  }
}
