import Foundation
import TestSupport
import Testing

/// Bash scripts that capture traffic whose processes are known.
enum ProcessScript {
  static let isPossible = LiveNamespace.isPossible && Subprocess.installed("python3") != nil
  /// True if control groups can be created.
  static let hasControlGroups =
    (try? Subprocess.run(
      "/bin/sh",
      ["-c", "\(findGroups); d=$groups/apus-probe-$$; mkdir $d && [ -e $d/cgroup.procs ]; s=$?; rmdir $d; exit $s"]
    ).status) == 0

  /// Sets `groups` to the mount point of cgroup2.
  private static let findGroups = "groups=$(awk '$3 == \"cgroup2\" { print $2; exit }' /proc/mounts)"

  /// Two namespaces, `$name` with `v0` and `$name-b` with `v1`, and in the script:
  /// - `traffic INTERFACE COUNT FLAGS…` captures the traffic of Fixtures/processes/traffic.py on `lo` or `v0`, as JSON in `out`
  /// - `judge FILE` compares it with the truth
  /// - `links PID` lists the eBPF links of a process, `attached LINKS` counts those that still exist,
  ///   and `detached LINKS` waits until none does
  static func run(_ script: String) throws -> Outcome {
    let name = "apus-\(UInt32.random(in: 0 ... .max))"
    let prelude = """
      set -e; \(findGroups); name=\(name); scripts='\(Fixture.packageRoot.path)/Fixtures/processes'
      folder=$(mktemp -d); chmod 755 "$folder"; cd "$folder"
      ip netns add $name; ip netns add $name-b
      end() {
        set +e  # Whatever is left holds descriptors for which the test would wait.
        kill -KILL $(jobs -p) 2> /dev/null || true
        for n in $name $name-b; do ip netns pids $n | xargs -r kill -KILL; ip netns delete $n; done
        rm -rf "$folder"
      }
      trap end EXIT
      ip -n $name link add v0 type veth peer name v1 netns $name-b
      for n in $name $name-b; do ip -n $n link set lo up; done
      ip -n $name link set v0 addrgenmode none up; ip -n $name-b link set v1 addrgenmode none up
      # Other tests have namespaces at the same time, whose sockets must not have the same addresses.
      net=198.18.$((RANDOM % 256)) net6=2001:db8:$(printf %x $RANDOM):
      ip -n $name address add $net.1/24 dev v0; ip -n $name-b address add $net.2/24 dev v1
      ip -n $name address add $net6:1/64 dev v0 nodad; ip -n $name-b address add $net6:2/64 dev v1 nodad
      inside() { ip netns exec $name "$@"; }
      wait_for() { for i in $(seq 1500); do [ -e "$1" ] && return; sleep 0.02; done; echo "no $1"; exit 9; }
      listening() { f=${1:-err}; for i in $(seq 500); do grep -q listening $f && return; sleep 0.02; done; cat $f; exit 9; }
      traffic() {
        interface=$1 count=$2; shift 2
        servers="127.0.0.1 ::1"; if [ $interface = v0 ]; then servers="$net.2 $net6:2 /run/netns/$name-b"; fi
        inside python3 "$scripts/traffic.py" "$folder" $count $servers &
        wait_for ready
        ip netns exec $name "$apus" -i $interface --process "$@" > out 2> err & pid=$!
        listening; touch go; wait_for done
        kill -INT $pid; wait $pid && status=0 || status=$?
        echo "status $status"; cat err
      }
      links() { grep -h link_id /proc/$1/fdinfo/* | tr -dc '0-9\\n'; }
      attached() { n=0; for link in $1; do if bpftool link show id $link > /dev/null 2>&1; then n=$((n + 1)); fi; done; echo $n; }
      detached() { for i in $(seq 50); do [ $(attached "$1") = 0 ] && return; sleep 0.02; done; attached "$1"; }
      judge() { python3 "$scripts/judge.py" truth "$1"; }

      """
    // Test runners block signals, and their child processes inherit that.
    let unblock = """
      import os, signal, sys
      signal.pthread_sigmask(signal.SIG_SETMASK, [])
      for number in signal.SIGPIPE, signal.SIGXFSZ: signal.signal(number, signal.SIG_DFL)
      os.execv("/bin/bash", ["bash", "-c", sys.argv[1]])
      """
    let python = try #require(Subprocess.installed("python3"))
    return try Subprocess.run(
      python, ["-c", unblock, prelude + script], environment: ["apus": try Subprocess.apusPath()])
  }
}
