import Foundation
import Glibc
import TestSupport
import Testing

/// Which privileges `apus` keeps while it processes packets, and what still works then.
@Suite(
  .waits,
  .enabled(
    if: ConfinedCapture.isPossible, "needs root, ip(8), network namespaces, and a kernel with Landlock and seccomp"))
struct ConfinementTests {
  private func script(_ text: String) throws -> Outcome { try ConfinedCapture.script(text) }

  private func none(uid: Int) -> String {
    let zero = "0000000000000000"
    return """
      uid \(uid) \(uid) \(uid) \(uid)
      CapInh: \(zero)
      CapPrm: \(zero)
      CapEff: \(zero)
      CapBnd: \(zero)
      CapAmb: \(zero)
      NoNewPrivs: 1
      Seccomp: 2

      """
  }

  @Test func aCaptureHasNoPrivilege() throws {
    let outcome = try script("capture -nn -t udp port 9; confined; privilege; send 2; finish; cat out; cat err")
    #expect(outcome.output.hasPrefix(none(uid: 65534) + "status 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.contains("> 127.0.0.1.9: UDP, length 5\n") && outcome.output.contains("\n0 packets dropped"))
    #expect(outcome.output.contains("packets captured\n") && !outcome.output.contains("gaps"))
  }

  @Test func aCaptureCanBeTold() throws {
    let named = try script("\"$apus\" -i lo -Z daemon -w f.pcap udp port 9 2> err || echo \"status $?\"; cat err")
    // Root owns the folder, so no other user can create the file.
    #expect(named.output.hasPrefix("status 1\n"), "\(named.output)")
    #expect(named.output.hasSuffix("apus: f.pcap: Permission denied (as user daemon; see -Z)\n"), "\(named.output)")
    let root = try script("capture -Z root -w f.pcap udp port 9; confined; privilege; send 1; finish; ls")
    #expect(root.output.hasPrefix(none(uid: 0) + "status 0\n"), "\(root.output)\(root.errors)")
    let free = try script("capture --no-sandbox udp port 9; sleep 0.3; privilege; finish")
    #expect(
      free.output.contains("uid 0 0 0 0") && free.output.contains("Seccomp: 0") && free.output.contains("status 0"))
    #expect(!free.output.contains("CapEff: 0000000000000000"))
    let unknown = try Subprocess.apus("-Z", "nosuchuser", "-r", Fixture.capture("http.pcap"))
    #expect(unknown.status == 1 && unknown.errors.hasSuffix("apus: Couldn't find user 'nosuchuser'\n"))
  }

  /// Reading from a pipe can last as long as its writer likes; the reader has no privileges meanwhile, either.
  @Test func readingHasNoPrivilege() throws {
    let http = Fixture.capture("http.pcap")
    let outcome = try script(
      """
      mkfifo pipe; (cat '\(http)'; sleep 1) > pipe & "$apus" -nn -r pipe > out 2> err & pid=$!
      confined; privilege; wait $pid; echo "status $?"; wc -l < out
      """)
    #expect(outcome.output == none(uid: 65534) + "status 0\n30\n", "\(outcome.output)\(outcome.errors)")
  }

  /// Files are opened before their turn comes, with the privileges of the user who started the process. A compressed file starts its thread
  /// only when its turn comes.
  @Test(.enabled(if: Subprocess.installed("gzip") != nil, "gzip is not installed"))
  func filesAreOpenedLater() throws {
    let outcome = try script(
      """
      cp '\(Fixture.capture("http.pcap"))' private; chmod 600 private; gzip -k private; mkfifo pipe
      (sleep 1; cat private.gz) > pipe & "$apus" --count -r private.gz -r private -r pipe > out 2> err & pid=$!
      confined; privilege; wait $pid; echo "status $?"; cat out
      """)
    #expect(outcome.output == none(uid: 65534) + "status 0\n90 packets\n", "\(outcome.output)\(outcome.errors)")
  }

  /// Rotated files belong to the owner of their folder. Their names, their rotation and signals work as without a sandbox.
  @Test func filesRotateWithoutPrivilege() throws {
    let outcome = try script(
      """
      mkdir files; chown daemon files
      capture -G 3600 -w files/f%Y.pcap udp port 9; confined; privilege
      send 3; sleep 0.4; kill -USR2 $pid; sleep 0.4; send 2; finish
      ls files | sed s/20../YEAR/; stat -c %U files/*
      for f in files/*; do "$apus" --count -r $f 2> /dev/null; done
      """)
    #expect(outcome.output.hasPrefix(none(uid: 1) + "status 0\n"), "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.hasSuffix("fYEAR.pcap\nfYEAR.pcap1\ndaemon\ndaemon\n3 packets\n2 packets\n"), "\(outcome.output)")
  }

  @Test func namedUsersOwnTheirFiles() throws {
    let outcome = try script(
      """
      mkdir files; chmod 777 files
      capture -Z nobody -C 1k -W 2 -w files/f udp port 9; confined; privilege; send 40; finish
      stat -c %U files/*; ls files
      """)
    #expect(
      outcome.output == none(uid: 65534) + "status 0\nnobody\nnobody\nf0\nf1\n", "\(outcome.output)\(outcome.errors)")
  }

  /// A `-C -W` ring replaces the files it finds, but a symbolic link that leads outside its folder is refused before the capture.
  @Test func noFileOutsideTheFolderIsTouched() throws {
    let outcome = try script(
      """
      mkdir files; echo precious > precious; ln -s ../precious files/f1.part
      "$apus" -i lo -C 1k -W 2 -w files/f udp port 9 2> err || echo "status $?"; cat precious err; ls files
      """)
    #expect(
      outcome.output == """
        status 1
        precious
        apus: files/f1.part: a symbolic link is in the way, and apus did not create it: remove it
        f1.part

        """, "\(outcome.output)\(outcome.errors)")
  }

  /// The program of `-z` can access the file, and nothing else.
  @Test(.enabled(if: Subprocess.installed("gzip") != nil, "gzip is not installed"))
  func programsForFilesAreConfinedToo() throws {
    let compressed = try script(
      """
      mkdir files; capture -C 1k -z gzip -w files/f udp port 9; confined; privilege; send 40; finish
      ls files | grep -vc gz || true; gzip -t files/*.gz && echo sound
      """)
    #expect(compressed.output.hasPrefix(none(uid: 0) + "status 0\n"), "\(compressed.output)\(compressed.errors)")
    #expect(compressed.output.hasSuffix("\n0\nsound\n"), "\(compressed.output)\(compressed.errors)")
    let script = try script(
      """
      mkdir files; printf '%s\\n' '#!/bin/sh' 'echo seen > "$1.seen"; echo x > outside' > each; chmod +x each
      capture -C 1k -z ./each -w files/f udp port 9; send 40; finish; cat files/f.seen; ls outside
      """)
    // The script fails at the file outside the folder.
    #expect(script.output.hasPrefix("status 1\nseen\n") && script.status == 2, "\(script.output)\(script.errors)")
  }

  /// In a namespace whose only user is root, apus stays root; a user named on the command line must exist.
  @Test(.enabled(if: Subprocess.installed("unshare") != nil, "unshare is not installed"))
  func whereThereIsNoOtherUser() throws {
    let outcome = try script(
      """
      unshare -r "$apus" --count -r '\(Fixture.capture("http.pcap"))' 2>&1 | tail -n 1
      unshare -r "$apus" -Z nobody --count -r '\(Fixture.capture("http.pcap"))' 2>&1 | tail -n 1
      """)
    #expect(
      outcome.output == """
        30 packets
        apus: cannot set the groups of user nobody: Operation not permitted

        """, "\(outcome.errors)")
  }

  @Test func theVersionTells() throws {
    let possible = try Subprocess.apus("--version").output
    #expect(possible.contains("\nsandbox: no capabilities, files by Landlock "))
    #expect(possible.contains(", system calls by seccomp\n"))
    #expect(try Subprocess.apus("--no-sandbox", "--version").output.contains("\nsandbox: off (--no-sandbox)\n"))
  }
}
