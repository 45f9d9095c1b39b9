import Foundation
import Glibc
import Sandbox
import TestSupport

/// Captures on the loopback interface of a namespace, started as root and confined by the sandbox.
enum ConfinedCapture {
  /// True when running as root, where namespaces can be created and the kernel has everything that the sandbox uses.
  static let isPossible =
    geteuid() == 0 && Protection.possible.isComplete
    && (try? Subprocess.run("/bin/sh", ["-c", "ip netns add apus-probe-z && ip netns delete apus-probe-z"]).status) == 0

  /// Runs a script of bash in a new folder that every user may enter, with a namespace that has only `lo`. In the script:
  /// - `capture …` starts `apus -i lo …` with output in the files `out` and `err`, and returns once it listens
  /// - `send N` sends N datagrams to port 9
  /// - `privilege` prints the kernel's view of that process: its user, its capabilities, whether its system calls are filtered
  /// - `finish` ends it as Ctrl-C does and prints `status N`
  static func script(_ text: String) throws -> Outcome {
    let name = "apus-z-\(UInt32.random(in: 0 ... .max))"
    let prelude = """
      set -e
      folder=$(mktemp -d); chmod 755 "$folder"; cd "$folder"
      ip netns add \(name)
      trap 'ip netns delete \(name); rm -rf "$folder"' EXIT
      ip -n \(name) link set lo up
      capture() {
        ip netns exec \(name) "$apus" -i lo "$@" > out 2> err & pid=$!
        for i in $(seq 200); do grep -q listening err && return; sleep 0.05; done
        cat err; exit 9
      }
      send() { ip netns exec \(name) bash -c "for i in \\$(seq $1); do echo -n hello > /dev/udp/127.0.0.1/9; done"; }
      confined() { for i in $(seq 100); do grep -q 'Seccomp:.2' /proc/$pid/status && return; sleep 0.02; done; }
      privilege() {
        awk '/^Uid/ { print "uid", $2, $3, $4, $5 } /^(Cap|NoNew|Seccomp:)/ { print $1, $2 }' /proc/$pid/status
      }
      finish() {
        sleep 0.4; kill -INT $pid 2> /dev/null || true
        for i in $(seq 200); do kill -0 $pid 2> /dev/null || break; sleep 0.05; done
        set +e; kill -KILL $pid 2> /dev/null; wait $pid; echo "status $?"; set -e
      }

      """
    return try Subprocess.run("/bin/bash", ["-c", prelude + text], environment: ["apus": Subprocess.apusPath()])
  }
}
