import TestSupport
import Testing

/// Packets that arrive over ssh(1), from the test's own sshd on the loopback interface of a namespace.
@Suite(
  .waits,
  .enabled(
    if: LiveNamespace.isPossible && Subprocess.installed("sshd") != nil && Subprocess.installed("ssh") != nil,
    "needs openssh-server and openssh-client, root, ip(8) and network namespaces"))
struct RemoteTests {
  /// Runs a script in a namespace, where `remote WORDS` runs a shell command line over ssh, in the same namespace.
  private func namespace(_ script: String) throws -> Outcome {
    try LiveNamespace.run(
      """
      link link set lo up
      ssh-keygen -q -t ed25519 -N '' -f host; ssh-keygen -q -t ed25519 -N '' -f key
      cat > sshd_config << END
      ListenAddress 127.0.0.1:2222
      HostKey $folder/host
      AuthorizedKeysFile $folder/key.pub
      PidFile none
      StrictModes no
      UsePAM no
      PasswordAuthentication no
      PermitRootLogin prohibit-password
      END
      echo "[127.0.0.1]:2222 $(cat host.pub)" > known_hosts
      # The daemon wants /run/sshd: here it has a /run of its own.
      ip netns exec $name sh -c 'mount -t tmpfs none /run; mkdir -m 755 /run/sshd; exec "$0" -D -e -f "$1/sshd_config"' \
        \(Subprocess.installed("sshd") ?? "sshd") "$folder" 2> sshd.log &
      for i in $(seq 100); do grep -q listening sshd.log && break; sleep 0.05; done
      remote() {
        in_namespace ssh -F none -p 2222 -i key -o UserKnownHostsFile=known_hosts -o IdentitiesOnly=yes \
          root@127.0.0.1 "$@"
      }

      """ + script)
  }

  @Test(arguments: ["http.pcap", "nanosecond.pcap", "interfaces.pcapng"]) func aCopyArrivesWhole(capture: String) throws
  {
    let path = Fixture.capture(capture)
    let outcome = try namespace(
      """
      set -o pipefail
      for filter in '' ip; do
        "$apus" -r '\(path)' -w direct.pcapng $filter 2> /dev/null
        remote "'$apus' -r '\(path)' -w - --format pcapng $filter" 2> err | "$apus" -r - -w copy.pcapng 2>> err || cat err
        "$apus" -nn -tttt --nano -XX --lengths -r direct.pcapng > direct 2> /dev/null
        "$apus" -nn -tttt --nano -XX --lengths -r copy.pcapng > copy 2> /dev/null
        [ -s direct ]; cmp direct copy && echo equal
      done
      """)
    #expect(outcome.output == "equal\nequal\n", "\(outcome.output)\(outcome.errors)")
  }

  @Test(.bothEngines) func aLiveCaptureArrives() throws {
    let outcome = try namespace(
      """
      capture -i v1 -c 4 -w direct udp port 9
      # Standard error of the other end comes, too.
      (remote "'$apus' -i v1 -c 4 -w - udp port 9" 2> said; true) | "$apus" -r - -c 4 -w copy 2> err & reader=$!
      for i in $(seq 200); do grep -q listening said && break; sleep 0.05; done
      send 2 10; send 4 9; finish; wait $reader || cat err
      for file in direct copy; do "$apus" -nn -t -XX -r $file > $file.txt 2> /dev/null; wc -l < $file.txt; done
      cmp direct.txt copy.txt && echo equal
      """)
    #expect(outcome.output.hasSuffix("\n16\n16\nequal\n"), "\(outcome.output)\(outcome.errors)")
  }

  /// When the connection is gone, the remote capture ends, even if no packet arrives.
  @Test(.bothEngines) func theOtherEndEndsWithTheConnection() throws {
    let outcome = try namespace(
      """
      processes() { for p in $(ip netns pids $name); do [ "$(cat /proc/$p/comm)" != $1 ] || echo $p; done; }
      remote "exec '$apus' -i v1 -w - udp port 9" > copy 2> said &
      for i in $(seq 200); do grep -q listening said && break; sleep 0.05; done
      processes apus | wc -l; kill -KILL $(processes ssh)
      for i in $(seq 100); do [ -n "$(processes apus)" ] || break; sleep 0.05; done
      processes apus | wc -l
      """)
    #expect(outcome.output == "1\n0\n", "\(outcome.output)\(outcome.errors)")
  }
}
