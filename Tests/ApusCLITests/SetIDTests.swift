import Foundation
import Glibc
import TestSupport
import Testing

/// An apus with a set-user-ID or set-group-ID bit that another user starts, and a root that may not become another user.
@Suite(
  .waits,
  .enabled(
    if: ConfinedCapture.isPossible && Subprocess.installed("setpriv") != nil && Subprocess.installed("capsh") != nil,
    "needs root, ip(8), network namespaces, a kernel with Landlock and seccomp, setpriv and capsh"))
struct SetIDTests {
  /// Runs a script of `ConfinedCapture` with a copy of apus as `./apus` in folder `bin`, with that owner and mode. `as_daemon` runs a
  /// program as the user daemon.
  private func script(_ mode: String, _ text: String) throws -> Outcome {
    let words = mode.split(separator: " ")
    let prelude = """
      mkdir bin closed; cp "$apus" bin/apus; chown \(words[0]) bin/apus; chmod \(words[1]) bin/apus; original=$apus; apus=$PWD/bin/apus
      mkdir -m 777 theirs; chmod 700 closed; echo 'secret words' > closed/filter; chmod 600 closed/filter
      cp '\(Fixture.capture("http.pcap"))' private.pcap; chmod 600 private.pcap; cp private.pcap public.pcap; chmod 644 public.pcap
      cp closed/filter private; chmod 600 private
      as_daemon() { setpriv --reuid daemon --regid daemon --clear-groups "$@"; }
      identity() { awk '/^(Uid|Gid|Groups)/ { $1 = $1; print } /^(CapPrm|CapEff)/ { print $1, $2 }' /proc/$pid/status; }

      """
    return try ConfinedCapture.script(prelude + text)
  }

  /// However a file is named, the caller cannot read root's files, not even in messages, nor create files in closed folders.
  @Test(arguments: ["root:root 4755", "root:root 2755", "root:root 6755", "games:games 6755"], ["", "--no-sandbox"])
  func filesAreOpenedAsTheCaller(_ mode: String, _ sandbox: String) throws {
    let outcome = try script(
      mode,
      """
      for words in "-r private.pcap" "-V private" "-d -F private" "--bytecode private -d" "--run-ebpf private" "-r public.pcap -w closed/new" \\
        "-r public.pcap -w new" "-r public.pcap -C 1 -w new" "--emit ebpf-elf -w new tcp" "--compare-bytecode private tcp"; do
        as_daemon timeout 20 "$apus" \(sandbox) $words 2> message && echo "done: $words"
        grep -q 'Permission denied' message || { echo "$words:"; cat message; }
        grep secret message || true
      done
      ls closed; as_daemon "$apus" \(sandbox) -r public.pcap -w theirs/copy 2> message; stat -c '%U %G' theirs/copy
      """)
    #expect(outcome.output == "filter\ndaemon daemon\n", "\(outcome.output)\(outcome.errors)")
  }

  /// A program found in the caller's PATH runs with the caller's rights.
  @Test(arguments: ["root:root 6755", "games:games 6755"]) func programsRunAsTheCaller(_ mode: String) throws {
    let outcome = try script(
      mode,
      """
      mkdir -m 755 path; printf '%s\\n' '#!/bin/sh' 'id > "$IDS"; grep Cap[PE] /proc/self/status >> "$IDS"' > path/z3
      chmod 755 path/z3; cp path/z3 path/dot
      for words in "--witness tcp" "--graph svg tcp"; do
        rm -f theirs/ids; IDS=$PWD/theirs/ids PATH=$PWD/path:$PATH as_daemon timeout 20 "$apus" $words > /dev/null 2>&1 || true
        cat theirs/ids
      done
      """)
    let expected =
      "uid=1(daemon) gid=1(daemon) groups=1(daemon)\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
    #expect(outcome.output == expected + expected, "\(outcome.output)\(outcome.errors)")
  }

  /// A capture works, and no privileges are left when packets arrive.
  @Test(arguments: ["", "--no-sandbox"], ["root:root 4755", "root:root 6755"])
  func aCaptureKeepsNothing(_ sandbox: String, _ mode: String) throws {
    let outcome = try script(
      mode,
      """
      printf '%s\\n' '#!/bin/bash' "exec setpriv --reuid daemon --regid daemon --clear-groups $PWD/bin/apus \\"\\$@\\"" > wrapper
      chmod 755 wrapper; apus=$PWD/wrapper
      capture \(sandbox) -nn -t -c 2 -w theirs/f.pcap --print udp port 9; sleep 0.5; identity; send 2; finish; cat out
      stat -c '%U %G' theirs/f.pcap
      """)
    let zero = "0000000000000000"
    #expect(
      outcome.output.hasPrefix(
        "Uid: 1 1 1 1\nGid: 1 1 1 1\nGroups:\nCapPrm: \(zero)\nCapEff: \(zero)\nstatus 0\n"),
      "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.hasSuffix("UDP, length 5\ndaemon daemon\n"), "\(outcome.output)\(outcome.errors)")
  }

  // MARK: Root without CAP_SETUID or CAP_SETGID

  /// User and groups change together or not at all, and apus says which privileges stay.
  @Test(arguments: [
    ("cap_setuid", "CAP_SETUID is missing"), ("cap_setgid", "CAP_SETGID is missing"),
    ("cap_setuid,cap_setgid", "CAP_SETUID and CAP_SETGID are missing"),
  ])
  func rootThatMayNotBecomeAnother(_ capabilities: String, _ words: String) throws {
    let outcome = try script(
      "root:root 755",
      """
      printf '%s\\n' '#!/bin/bash' "exec capsh --drop=\(capabilities) -- -c 'exec \\"\\$0\\" \\"\\$@\\"' $PWD/bin/apus \\"\\$@\\"" > less
      chmod 755 less; apus=$PWD/less
      capture -nn udp port 9; confined; identity; send 1; finish; grep gaps err
      "$apus" -Z daemon -r public.pcap 2> err && true; tail -n 1 err
      """)
    let zero = "0000000000000000"
    #expect(
      outcome.output.hasPrefix("Uid: 0 0 0 0\nGid: 0 0 0 0\nGroups:"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("\nCapPrm: \(zero)\nCapEff: \(zero)\nstatus 0\n"), "\(outcome.output)")
    let reason = "\(words), so the process cannot become user"
    #expect(
      outcome.output.contains(
        "apus: the sandbox has gaps: no capabilities, still user root (\(reason) nobody), files by"),
      "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.hasSuffix("apus: \(reason) daemon\n"), "\(outcome.output)")
  }
}
