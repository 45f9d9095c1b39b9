import Foundation
import Glibc
import TestSupport

/// Network namespaces in which tests capture.
enum LiveNamespace {
  /// True when running as root with an ip(8) that can create namespaces.
  static let isPossible =
    geteuid() == 0
    && (try? Subprocess.run("/bin/sh", ["-c", "ip netns add apus-probe && ip netns delete apus-probe"]).status) == 0

  /// Runs a script of bash in a new namespace that has `v0` (192.0.2.1/24) and its peer `v1`. In the script:
  /// - `capture …` starts `apus` with output in the files `out` and `err`, and returns once it listens
  /// - `send N PORT` sends N datagrams of 5 bytes from `v0` to 192.0.2.2
  /// - `tagged N` sends N frames of VLAN 5 from `v0`, each with a datagram to port 9
  /// - `frames FILE` sends the frames of a file from `v0`, one per line in hex; `flood N` sends N frames of 60 bytes, UDP to port 9
  /// - `await COMMAND …` repeats a command until it succeeds, for up to half a minute
  /// - `ledger` prints the last ledger that apus has printed
  /// - `finish` waits for `apus` and prints its output, then `status N`, then its messages
  ///
  /// `$apus` captures with the engine of the test.
  static func run(_ script: String) throws -> Outcome {
    let program = try LiveEngine.current.program()
    defer { if program.isTemporary { Subprocess.remove(program.path) } }
    let name = "apus-\(UInt32.random(in: 0 ... .max))"
    let prelude = """
      set -e; name=\(name)
      folder=$(mktemp -d); cd "$folder"
      ip netns add \(name)
      trap 'kill -KILL $(jobs -p) 2> /dev/null || true; ip netns delete \(name); rm -rf "$folder"' EXIT
      in_namespace() { ip netns exec \(name) "$@"; }
      link() { ip -n \(name) "$@"; }
      link link add v0 type veth peer name v1
      in_namespace sysctl -qw net.ipv6.conf.all.disable_ipv6=1
      link link set v0 up; link link set v1 up
      link address add 192.0.2.1/24 dev v0
      link neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0
      await() { for i in $(seq 600); do "$@" && return; sleep 0.05; done; echo "never: $*" >&2; exit 9; }
      capture() {
        # ip(8) becomes apus, so the signals of the script reach it.
        ip netns exec \(name) "$apus" "$@" > out 2> err & pid=$!
        for i in $(seq 200); do grep -q listening err && return; sleep 0.05; done
        cat err; exit 9
      }
      send() { for i in $(seq $1); do in_namespace bash -c "echo -n hello > /dev/udp/192.0.2.2/$2"; done; }
      tagged() { for i in $(seq $1); do in_namespace python3 -c '
      import socket
      frame = "0200000000020200000000018100000508004500002100000000401100000a0000010a00000203e80009000d000068656c6c6f"
      s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
      s.bind(("v0", 0))
      s.send(bytes.fromhex(frame))
      '; done; }
      frames() { in_namespace python3 -c '
      import socket, sys
      s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
      s.bind(("v0", 0))
      for line in open(sys.argv[1]): s.send(bytes.fromhex(line))
      ' "$1"; }
      # What the kernel had no room for (it keeps a thousand frames for a busy processor) never arrived, and is sent again.
      flood() { in_namespace python3 -c '
      import socket, sys
      frame = "020000000002020000000001080045000021000000004011b6c8c0000201c000020203e80009000d000068656c6c6f" + "00" * 13
      s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
      s.bind(("v0", 0))
      octets = bytes.fromhex(frame)
      def dropped(): return int(open("/sys/class/net/v0/statistics/tx_dropped").read())
      wanted = int(sys.argv[1])
      for attempt in range(100):
        before = dropped()
        for i in range(wanted):
          try: s.send(octets)
          except OSError: pass
        wanted = dropped() - before
        if wanted == 0: break
      ' "$1"; }
      ledger() { grep -h '^ledger: ' err | tail -n "$1"; }
      finish() {
        for i in $(seq 200); do kill -0 $pid 2> /dev/null || break; sleep 0.05; done
        set +e; kill -KILL $pid 2> /dev/null; wait $pid; status=$?;
        set -e; cat out; echo "status $status"; cat err
      }

      """
    return try Subprocess.run(
      "/bin/bash", ["-c", prelude + script], environment: ["apus": program.path])
  }
}
