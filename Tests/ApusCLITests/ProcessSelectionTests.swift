import Foundation
import TestSupport
import Testing

/// The kernel drops packets of other processes, but no packet that the filter selects.
@Suite(
  .serialized,
  .enabled(
    if: ProcessScript.isPossible && ProcessScript.hasControlGroups && Subprocess.installed("curl") != nil,
    "live capture needs root, ip(8), network namespaces, python3 and curl, and cgroup2"))
struct ProcessSelectionTests {
  /// Every filter runs in two captures: in one the kernel drops packets of other processes, in the other it does not. Both have the same
  /// packets.
  private static let filters = [
    "lo": """
    comm ping
    not comm python3
    src and dst comm python3
    uid 0 and not comm ping
    comm ping or port 7100
    comm ping and not container 0123
    """,
    "v0": """
    src comm python*
    dst comm python3 and tcp
    not src comm python3
    uid 1 or icmp or icmp6
    not (comm python3 and tcp)
    comm ping
    """,
  ]

  @Test(arguments: ["lo", "v0"]) func losesNothing(_ interface: String) throws {
    let outcome = try ProcessScript.run(
      """
      cat > filters <<'EOF'
      \(Self.filters[interface] ?? "")
      EOF
      number=0; pids=
      start() { ip netns exec $name "$apus" -i \(interface) -U -w $1.pcap --kernel-filter $2 -v --process "$3" > /dev/null 2> $1.err & pids="$pids $!"; }
      while read -r filter; do
        number=$((number + 1)); start kernel$number auto "$filter"; start user$number classic "$filter"
      done < filters
      for i in $(seq 400); do [ $(grep -l listening *.err | wc -l) = $((2 * number)) ] && break; sleep 0.02; done
      traffic \(interface) 40 -w all.pcap > /dev/null
      kill -INT $pids; wait $pids || true
      received() { sed -n 's/ packets* received by filter//p' $1.err; }
      undecided() { sed -n 's/ packets* undecided.*//p' $1.err | grep . || echo 0; }
      for i in $(seq $number); do
        for side in kernel user; do "$apus" -r $side$i.pcap -nn -t -v 2> /dev/null | sort > $side.text; done
        lost=$(comm -23 user.text kernel.text | wc -l)
        echo "$i $(grep -c 'drops packets' kernel$i.err) $lost $(undecided kernel$i) $(grep -c . user.text) $(received kernel$i) $(received user$i)"
      done
      """)
    let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
    try #require(lines.count == 6 && lines.allSatisfy { $0.count == 7 }, "\(outcome.output)\(outcome.errors)")
    for line in lines {
      let (number, selections, lost, undecided, printed) = (line[0], line[1], line[2], line[3], line[4])
      // If apus learns of a process too late, a packet is undecided; the kernel must not add further losses.
      #expect(selections == 1 && lost <= undecided, "\(line)")
      #expect(number > 0 && printed > 0, "\(line)")
    }
    // On lo both ends of every connection are known.
    if interface == "lo" { #expect(lines.filter { $0[5] < $0[6] }.count >= 4, "\(outcome.output)") }
  }

  /// Of 200 connections of one program and 200 of another, the kernel passes hardly more than the packets of the first.
  @Test func dropsForeignPackets() throws {
    let outcome = try ProcessScript.run(
      """
      cat > server.py <<'EOF'
      import http.server, socketserver
      class Handler(http.server.BaseHTTPRequestHandler):
          def do_GET(self):
              self.send_response(200); self.send_header("Content-Length", "200000"); self.end_headers()
              self.wfile.write(bytes(200000))
          def log_message(self, *_): pass
      class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
          request_queue_size = 100
      Server(("127.0.0.1", 8000), Handler).serve_forever()
      EOF
      cp "$(command -v curl)" other
      ip netns exec $name python3 server.py & for i in $(seq 100); do inside curl -s -o /dev/null http://127.0.0.1:8000/ && break; sleep 0.1; done
      ip netns exec $name "$apus" -i lo -s 200 -w all.pcap 2> all.err & all=$!; listening all.err
      ip netns exec $name "$apus" -i lo -s 200 -w some.pcapng --ledger 0 --process 'comm curl and tcp' 2> err & some=$!; listening
      ip netns exec $name "$apus" -i lo -s 200 -w run.pcapng --run sh -c 'sleep 0.3; ./other -s -o /dev/null http://127.0.0.1:8000/ --local-port 19000' 2> run.err & run=$!
      requests() { for port in $(seq $2 $3); do echo --next -s -o /dev/null --local-port $port http://127.0.0.1:8000/; done \\
        | inside xargs -P 4 -n 70 sh -c 'program=$1; shift 2; exec $program "$@"' sh $1; }
      requests ./other 30001 30200 & pids=$!
      requests curl 20001 20200 & pids="$pids $!"
      wait $pids $run; sleep 0.05; kill -INT $all $some; wait $all $some || true
      count() { "$apus" -r "$@" --count 2> /dev/null | sed 's/ .*//'; }
      echo $(count all.pcap 'portrange 20001-20200') $(count some.pcapng) $(count all.pcap 'tcp[13] & 2 != 0 and portrange 20001-20200')
      echo $(count all.pcap 'port 19000') $(count run.pcapng)
      echo $(count all.pcap) $(sed -n 's/ packets received by filter//p' err) $(sed -n 's/ packets received by filter//p' run.err)
      echo $(sed -n 's/ packets* undecided.*//p' err | grep . || echo 0)
      grep '^ledger: ' err
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    try #require(lines.count >= 5, "\(outcome.output)\(outcome.errors)")
    let numbers = lines.prefix(4).map { $0.split(separator: " ").compactMap { Int($0) } }
    try #require(
      numbers[0].count == 3 && numbers[1].count == 2 && numbers[2].count == 3 && numbers[3].count == 1,
      "\(outcome.output)")
    // The captures have every packet of the 200 connections, except those whose process apus learned too late, and every packet of the
    // command.
    #expect(numbers[0][0] - numbers[0][1] <= numbers[3][0] && numbers[0][2] == 400, "\(outcome.output)")
    #expect(numbers[3][0] < 40, "\(outcome.output)")
    #expect(numbers[1][0] == numbers[1][1] && numbers[1][0] > 10, "\(outcome.output)")
    let (all, some, run) = (numbers[2][0], numbers[2][1], numbers[2][2])
    #expect(some < numbers[0][0] + (all - numbers[0][0]) / 2, "\(outcome.output)")
    #expect(run < numbers[1][0] + (all - numbers[1][0]) / 2, "\(outcome.output)")
    #expect(lines.contains("ledger: balanced"), "\(outcome.output)")
  }

  /// Connections with a host that has no sockets here: their packets are dropped although only one end is known.
  @Test func dropsPacketsOfOtherHosts() throws {
    let outcome = try ProcessScript.run(
      """
      cat > client.py <<'EOF'
      import socket, sys, time
      open("/proc/self/comm", "w").write(sys.argv[1])
      for i in range(3):
          client = socket.create_connection((sys.argv[2], 80)); client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
          for j in range(50): client.send(b"x"); time.sleep(0.001)
          client.close()
      sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      for i in range(20): sender.sendto(b"y", (sys.argv[2], 9))
      EOF
      ip -n $name address add 198.51.100.1/24 dev v0
      ip netns exec $name-b sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip -n $name-b address flush dev v1; ip -n $name-b link set v1 arp off
      ip netns exec $name-b python3 "$scripts/peer.py" &
      pids=
      start() { file=$1; shift; ip netns exec $name "$apus" -i v0 -w $file.pcapng "$@" 2> $file.err & pids="$pids $!"; listening $file.err; }
      start all 'ip and net 198.51.100.0/24'; start either --process 'comm wanted'; start sender --process 'src comm wanted'; start denied --process 'not comm other and ip'
      inside python3 client.py other 198.51.100.9; inside python3 client.py wanted 198.51.100.7
      sleep 0.1; kill -INT $pids; wait $pids || true
      count() { "$apus" -r $1.pcapng --count "$2" 2> /dev/null | sed 's/ .*//'; }
      received() { sed -n 's/ packets* received by filter//p' $1.err; }
      echo $(count all 'host 198.51.100.7') $(count either ip) $(count denied) $(count all 'dst host 198.51.100.7') $(count sender)
      echo $(count all 'host 198.51.100.9') $(received either) $(received sender)
      """)
    let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ").compactMap { Int($0) } }
    try #require(lines.count == 2 && lines[0].count == 5 && lines[1].count == 3, "\(outcome.output)\(outcome.errors)")
    let (wanted, sent, foreign) = (lines[0][0], lines[0][3], lines[1][0])
    #expect(wanted > 300 && wanted == lines[0][1] && wanted == lines[0][2], "\(outcome.output)")
    #expect(sent > 150 && sent == lines[0][4], "\(outcome.output)")
    // Datagrams pass, since their receiver is not known, and so does the first packet of each connection.
    #expect(foreign > 300 && lines[1][1] - wanted < 60, "\(outcome.output)\(outcome.errors)")
    #expect(lines[1][2] - sent < 40, "\(outcome.output)")
  }
}
