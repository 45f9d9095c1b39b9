import Foundation
import TestSupport
import Testing

/// `--netns`: capturing in another network namespace, from outside.
@Suite(
  .waits, .bothEngines, .enabled(if: LiveNamespace.isPossible, "live capture needs root, ip(8) and network namespaces"))
struct NamespaceTests {
  /// The namespace is given by name, by process or by file; the savefile goes to the directory where apus was started.
  @Test(arguments: ["$name", "$(cat process)", "/run/netns/$name", "$folder/bound"])
  func capturesInAnother(_ namespace: String) throws {
    let outcome = try LiveNamespace.run(
      """
      ip netns exec $name sleep 60 & echo $! > process; touch bound; mount --bind /run/netns/$name bound
      trap 'umount "$folder/bound"; kill -KILL $(jobs -p) 2> /dev/null || true; ip netns delete $name; rm -rf "$folder"' EXIT
      "$apus" --netns "\(namespace)" -i v1 --ledger 0 -nn -t -c 2 -w f.pcap --print udp port 9 > out 2> err & pid=$!
      for i in $(seq 200); do grep -q listening err && break; sleep 0.05; done
      send 2 9; finish; "$apus" --count -r f.pcap
      """)
    #expect(outcome.output.contains("UDP, length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.contains("ledger: balanced") && outcome.output.hasSuffix("\n2 packets\n"), "\(outcome.output)")
  }

  /// The lists show what exists in the namespace, and nothing else.
  @Test func listsAreThoseOfTheNamespace() throws {
    let outcome = try LiveNamespace.run(
      """
      for list in -D "-L -i v1" "-J -i v1"; do "$apus" --netns $name $list; in_namespace "$apus" $list; done
      "$apus" --netns $name -d -i v1 'ip' | head -n 1
      """)
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(
      lines.contains { $0.contains(".v1 [") } && lines.contains("  EN10MB (Ethernet)"),
      "\(outcome.output)\(outcome.errors)")
    #expect(!lines.contains { $0.contains(".eth0 [") }, "\(outcome.output)")
    // Each list appears twice, since it is the same from outside as from inside.
    let half = lines.dropLast().reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    #expect(half.values.allSatisfy { $0 % 2 == 0 } && lines.last == "(000) ldh      [12]", "\(outcome.output)")
  }

  @Test func waitsForAnInterfaceThere() throws {
    let outcome = try LiveNamespace.run(
      """
      "$apus" --netns $name -i v7 --wait-interface -nn -t -c 1 udp port 9 > out 2> err & pid=$!
      for i in $(seq 200); do grep -q waiting err && break; sleep 0.05; done
      link link add v7 type veth peer name v8; link link set v7 up; link link set v8 up
      for i in $(seq 200); do grep -q listening err && break; sleep 0.05; done
      link address add 198.51.100.1/24 dev v7; link neighbour add 198.51.100.2 lladdr 02:00:00:00:00:03 dev v7
      in_namespace bash -c 'echo -n hello > /dev/udp/198.51.100.2/9'; finish
      """)
    #expect(
      outcome.output.contains(" > 198.51.100.2.9: UDP, length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
  }

  /// A cooked header's interface is printed by its name in the namespace.
  @Test func namesAreThoseOfTheNamespace() throws {
    let outcome = try LiveNamespace.run(
      """
      "$apus" --netns $name -i any -nn -t -c 2 udp port 9 > out 2> err & pid=$!
      for i in $(seq 200); do grep -q listening err && break; sleep 0.05; done
      send 1 9; finish
      """)
    #expect(outcome.output.contains("v0    Out IP 192.0.2.1."), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("v1    P   IP 192.0.2.1."), "\(outcome.output)")
  }

  @Test(arguments: [
    ("nowhere", "no network namespace with that name (ip netns lists them)"),
    ("999999999", "no process with that number, and no network namespace with that name"),
    ("/proc/self/ns/mnt", "not a network namespace"), ("/etc/passwd", "not a network namespace"),
    ("/nowhere/at/all", "No such file or directory"),
  ]) func isRefused(_ name: String, _ words: String) throws {
    for arguments in [["-i", "lo", "-c", "1"], ["-D"]] {
      let outcome = try Subprocess.run(Subprocess.apusPath(), ["--netns", name] + arguments)
      #expect(outcome.status == 1 && outcome.output.isEmpty)
      #expect(outcome.errors == "apus: --netns \(name): \(words)\n")
    }
  }

  @Test func isForCaptures() throws {
    let outcome = try Subprocess.apus("--netns", "1", "-r", Fixture.capture("arp.pcap"))
    #expect(
      outcome.status == 1
        && outcome.errors == "apus: --netns cannot be combined with -r: files are read in any namespace\n")
  }

  /// The error names the missing privilege.
  @Test(.enabled(if: Subprocess.installed("setpriv") != nil, "privilege is given up by setpriv(1)"))
  func withoutPrivilege() throws {
    let outcome = try LiveNamespace.run(
      """
      ip netns exec $name sleep 60 & process=$!
      setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin -- "$apus" --netns $name -D || echo "status $?"
      cp "$apus" apus; chmod 755 . apus; setpriv --reuid=65534 --clear-groups -- ./apus --netns $process -D || echo "status $?"
      """)
    #expect(outcome.output == "status 1\nstatus 1\n", "\(outcome.output)")
    let lines = outcome.errors.split(separator: "\n").map(String.init)
    func says(_ words: String) -> Bool {
      lines.contains { $0.hasSuffix(": no permission: the capability \(words) is missing (root has it)") }
    }
    #expect(says("CAP_SYS_ADMIN") && says("CAP_SYS_PTRACE"), "\(lines)")
  }
}
