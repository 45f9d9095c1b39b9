import Foundation
import TestSupport
import Testing

/// `--run` captures the packets of a command.
@Suite(
  .serialized,
  .enabled(
    if: ProcessScript.isPossible && ProcessScript.hasControlGroups && Subprocess.installed("curl") != nil,
    "live capture needs root, ip(8), network namespaces, python3 and curl, and cgroup2"))
struct CommandCaptureTests {
  /// Captures the packets of the command and its children, and of no other process.
  @Test func runsACommand() throws {
    let outcome = try ProcessScript.run(
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
      find "$groups" -maxdepth 1 -name 'apus-*' -newer f.pcapng | wc -l
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

  /// An HTTP server on port 8000, with a thread or a process for each connection (`server.py Forking`).
  private static let server = """
    cat > server.py <<'EOF'
    import http.server, socketserver, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200); self.send_header("Content-Length", "5"); self.end_headers(); self.wfile.write(b"hello")
        def log_message(self, *_): pass
    class Server(getattr(socketserver, sys.argv[1] + "MixIn"), http.server.HTTPServer):
        request_queue_size = 100
    Server(("127.0.0.1", 8000), Handler).serve_forever()
    EOF
    answering() { for i in $(seq 100); do inside curl -s -o /dev/null http://127.0.0.1:8000/ && return; sleep 0.1; done; exit 9; }
    # curls FIRST COUNT: a request from each of so many ports after that, ten of them by one process.
    cat > curls <<'EOF'
    for port in $(seq $(($1 + 1)) $(($1 + $2))); do echo --next -s -o /dev/null --local-port $port http://127.0.0.1:8000/; done \\
      | xargs -P 4 -n 70 sh -c 'shift; exec curl "$@"' curl
    EOF
    reference() {
      ip netns exec $name "$apus" -i lo -w reference.pcap > /dev/null 2> err & pid=$!
      listening
    }
    finish() { sleep 0.05; kill -INT $pid; wait $pid || true; }

    """

  /// Captures all packets of 300 requests, and none of 300 requests that another process makes at the same time.
  @Test func ownPacketsAlone() throws {
    let outcome = try ProcessScript.run(
      Self.server + """
        inside python3 server.py Threading & answering; reference
        inside sh curls 30000 300 & others=$!
        inside "$apus" -i lo -w f.pcapng --run sh curls 20000 300 2> err2; echo "status $?"
        wait $others; finish
        "$apus" -r f.pcapng --count 2> /dev/null; "$apus" -r f.pcapng --count 'portrange 20001-20300' 2> /dev/null
        "$apus" -r reference.pcap --count 'portrange 20001-20300' 2> /dev/null
        "$apus" -r reference.pcap --count 'tcp[13] & 2 != 0 and portrange 30001-30300' 2> /dev/null
        """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 5, "\(outcome.output)\(outcome.errors)")
    #expect(lines[0] == "status 0")
    #expect(lines[1] == lines[2] && lines[2] == lines[3], "\(outcome.output)\(outcome.errors)")
    #expect((Int(lines[1].split(separator: " ")[0]) ?? 0) >= 3000 && lines[4] == "600 packets", "\(outcome.output)")
  }

  /// A server whose child processes answer the requests.
  @Test func aServerWithChildren() throws {
    let outcome = try ProcessScript.run(
      Self.server + """
        reference; mv err err1
        inside "$apus" -i lo -w f.pcapng --run python3 server.py Forking 2> err & runner=$!
        listening; answering; inside sh curls 20000 50
        kill -TERM $(pgrep -P $runner -x apus || echo $runner); wait $runner && status=0 || status=$?; echo "status $status"
        finish
        "$apus" -r f.pcapng --count 'portrange 20001-20300' 2> /dev/null
        "$apus" -r reference.pcap --count 'portrange 20001-20300' 2> /dev/null
        """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 3, "\(outcome.output)\(outcome.errors)")
    #expect(lines[0] == "status 143")
    #expect(lines[1] == lines[2] && lines[1] != "0 packets", "\(outcome.output)\(outcome.errors)")
  }

  /// Under sudo, the command runs as the user who called sudo.
  @Test func becomesTheCaller() throws {
    let outcome = try ProcessScript.run(
      """
      export SUDO_UID=65534 SUDO_GID=65534 SUDO_USER=nobody
      inside "$apus" -i lo --run id 2> /dev/null
      inside "$apus" -i lo --run sh -c 'grep -e CapEff /proc/self/status; cat < /etc/shadow' 2> /dev/null || echo refused
      export SUDO_UID=0 SUDO_GID=0 SUDO_USER=root; inside "$apus" -i lo --run id -u 2> /dev/null
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count == 4, "\(outcome.output)\(outcome.errors)")
    #expect(lines[0].hasPrefix("uid=65534(nobody) gid=65534(nogroup) groups=65534(nogroup)"), "\(lines)")
    #expect(lines[1] == "CapEff:\t0000000000000000" && lines[2] == "refused" && lines[3] == "0", "\(lines)")
  }

  /// The same with a real sudo: the command has the caller's groups and environment, and the capture file belongs to root or to the user of
  /// -Z.
  @Test(
    .enabled(
      if: Subprocess.installed("sudo") != nil && Subprocess.installed("setpriv") != nil,
      "sudo or setpriv is not installed"))
  func becomesWhoCalledSudo() throws {
    // A user in two groups who may use sudo, defined by files that only this mount namespace sees.
    let outcome = try ProcessScript.run(
      """
      cat > calls <<'EOF'
      set -e; mount --make-rprivate /; mkdir out; chown 54321 out
      for file in passwd group shadow; do cp -p /etc/$file .; done
      echo 'apuscaller:x:54321:54321::/nonexistent/apuscaller:/bin/sh' >> passwd
      printf 'apuscaller:x:54321:\napusmore:x:54322:apuscaller\n' >> group; echo 'apuscaller:*:19000::::::' >> shadow
      for file in passwd group shadow; do mount --bind $file /etc/$file; done
      mount -t tmpfs -o mode=755 none /etc/sudoers.d; echo 'apuscaller ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/apus; chmod 440 /etc/sudoers.d/apus
      call() { setpriv --reuid 54321 --regid 54321 --init-groups sudo "$apus" -i lo "$@" 2>> err; }
      call --run id; call --run sh -c 'echo $HOME $USER $LOGNAME $SHELL; env | grep -c -e ^SUDO_ -e ^MAIL=; grep CapEff /proc/self/status' || true
      call -w root.pcapng --run sh -c 'exit 5' && status=0 || status=$?
      call -Z apuscaller -w out/other.pcapng --process --run ping -c 1 127.0.0.1 > /dev/null
      call --process -c 1 -nn -t --run ping -c 1 127.0.0.1 | sed -n 's/.*, from ping.*/ping/p'
      echo $status $(stat -c %U root.pcapng out/other.pcapng)
      EOF
      inside unshare --mount bash calls || true; grep -e sudo -e '^apus: --run' err || true
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines == [
        "uid=54321(apuscaller) gid=54321(apuscaller) groups=54321(apuscaller),54322(apusmore)",
        "/nonexistent/apuscaller apuscaller apuscaller /bin/sh", "0", "CapEff:\t0000000000000000", "ping",
        "5 root apuscaller",
      ], "\(outcome.output)\(outcome.errors)")
  }

  /// Ctrl-C at a terminal reaches the command once, and apus exits with the command's status.
  @Test func ctrlCReachesItOnce() throws {
    let outcome = try ProcessScript.run(
      """
      cat > count.py <<'EOF'
      import signal, sys, time
      count = 0
      def note(*_):
          global count; count += 1
      signal.signal(signal.SIGINT, note)
      print("begun", flush=True)
      end = time.time() + 5
      while time.time() < end and not count: time.sleep(0.01)
      time.sleep(0.2)
      print("signals", count, flush=True); sys.exit(count + 40)
      EOF
      cat > terminal.py <<'EOF'
      import os, pty, sys
      pid, terminal = pty.fork()
      if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
      text, sent = b"", False
      while True:
          try: part = os.read(terminal, 1000)
          except OSError: break
          if not part: break
          text += part
          if b"begun" in text and not sent: os.write(terminal, bytes([3])); sent = True
      print(text.decode().split("signals")[1].split()[0], os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
      EOF
      inside python3 terminal.py "$apus" -i lo -w f.pcapng --run python3 count.py
      """)
    #expect(outcome.output == "1 41\n", "\(outcome.output)\(outcome.errors)")
  }

  /// Packets can go to a pipe while the command's output goes elsewhere, and the command reads the standard input of apus.
  @Test func streams() throws {
    let outcome = try ProcessScript.run(
      """
      echo 127.0.0.1 | inside "$apus" -i lo -w - --run sh -c 'read address; ping -c 2 -i 0.2 $address > ping.out; echo done >&2' 2> err \
        | "$apus" -r - -nn -t 2> /dev/null | cut -d , -f 1
      grep -c '^done$' err; grep -c 'bytes from' ping.out
      """)
    let request = "IP 127.0.0.1 > 127.0.0.1: ICMP echo request"
    let reply = "IP 127.0.0.1 > 127.0.0.1: ICMP echo reply"
    #expect(
      outcome.output == "\(request)\n\(reply)\n\(request)\n\(reply)\n1\n2\n", "\(outcome.output)\(outcome.errors)")
  }

  /// When apus is killed, the command keeps running, and its control group is removed when the command ends.
  @Test func killedItLeavesNothing() throws {
    let outcome = try ProcessScript.run(
      """
      inside "$apus" -i lo -w f.pcapng --run sh -c 'while [ ! -e stop ]; do sleep 0.02; done' 2> err & pid=$!
      listening; apus=$(pgrep -P $pid -x apus || echo $pid); group=$groups/apus-$apus
      for i in $(seq 50); do [ -n "$(cat $group/cgroup.procs)" ] && break; sleep 0.02; done
      [ -d $group ] && [ -n "$(cat $group/cgroup.procs)" ] && echo running
      kill -KILL $apus; wait $pid || true
      [ -n "$(cat $group/cgroup.procs)" ] && echo going on
      touch stop; for i in $(seq 100); do [ -d $group ] || break; sleep 0.02; done; [ -d $group ] || echo gone
      """)
    #expect(outcome.output == "running\ngoing on\ngone\n", "\(outcome.output)\(outcome.errors)")
  }

  /// When apus and the command are killed together, no eBPF program stays attached. The next run of apus removes the empty control group,
  /// but no group that is still in use.
  @Test(.enabled(if: Subprocess.installed("bpftool") != nil, "bpftool lists what is attached"))
  func killedTogetherItLeavesAGroup() throws {
    let outcome = try ProcessScript.run(
      """
      ip netns exec $name "$apus" -i lo -w g.pcapng --run sh -c 'echo $$ > user; while [ ! -e stop ]; do sleep 0.02; done' 2> err & other=$!
      listening; wait_for user; rm err
      setsid ip netns exec $name "$apus" -i lo -w f.pcapng --process --run sleep 30 2> err & pid=$!
      listening; group=$groups/apus-$pid; attached=$(links $pid)
      for i in $(seq 50); do [ -n "$(cat $group/cgroup.procs)" ] && break; sleep 0.02; done
      [ $(echo $attached | wc -w) -ge 10 ] && echo running
      kill -KILL -- -$pid; wait $pid || true; detached "$attached" && echo detached
      for i in $(seq 50); do [ -z "$(cat $group/cgroup.procs)" ] && break; sleep 0.02; done
      [ -z "$(cat $group/cgroup.procs)" ] && echo empty
      inside "$apus" -i lo --run true 2> /dev/null; [ -d $group ] || echo removed
      grep -q /apus-$other /proc/$(cat user)/cgroup && echo used
      touch stop; wait $other && [ ! -d $groups/apus-$other ] && echo end
      """)
    #expect(
      outcome.output == "running\ndetached\nempty\nremoved\nused\nend\n", "\(outcome.output)\(outcome.errors)")
  }
}
