import Foundation
import Glibc
import TestSupport
import Testing

/// Rotated files after privileges are dropped: their folder, and the program of `-z`.
@Suite(
  .waits,
  .enabled(
    if: ConfinedCapture.isPossible, "needs root, ip(8), network namespaces, and a kernel with Landlock and seccomp"))
struct RotatingFolderTests {
  private func script(_ text: String) throws -> Outcome { try ConfinedCapture.script(text) }

  // MARK: The folder

  /// The user that apus becomes cannot reach the folder by its path, but may write to the folder itself.
  @Test(arguments: ["root", "daemon"]) func theFolderAboveIsClosed(_ owner: String) throws {
    let outcome = try script(
      """
      mkdir -p home/alice/caps; chown games:games home/alice; chmod 750 home/alice; chown \(owner) home/alice/caps
      capture -G 1 -w "$PWD/home/alice/caps/h%S.pcap" udp port 9; confined
      for i in 1 2 3 4 5 6; do send 1; sleep 0.5; done; finish; tail -n 4 err
      echo "files $(ls home/alice/caps | wc -l), parts $(ls home/alice/caps | grep -c part)"
      stat -c %U home/alice/caps/* | sort | uniq
      for f in home/alice/caps/*; do "$apus" --count -r $f 2> /dev/null; done | awk '{ sum += $1 } END { print "sum", sum }'
      """)
    let text = outcome.output
    #expect(text.hasPrefix("status 0\n") && text.hasSuffix("\n\(owner)\nsum 6\n"), "\(text)\(outcome.errors)")
    let files = try #require(text.firstMatch(of: #/files (\d+), parts 0\n/#), "\(text)")
    #expect((Int(files.output.1) ?? 0) >= 3, "\(text)")
  }

  /// Subfolders named with strftime(3), and a relative name.
  @Test func foldersBelowAreFound() throws {
    let outcome = try script(
      """
      mkdir -p home/caps/a$(date +%Y); chown -R daemon home/caps; chmod 700 home
      capture -G 1 -C 1k -w home/caps/a%Y/f udp port 9; confined; send 30; finish; ls home/caps/a*
      """)
    #expect(
      outcome.output.hasPrefix("status 0\nf\nf1\n") && !outcome.output.contains("part"),
      "\(outcome.output)\(outcome.errors)")
  }

  /// Root's privileges are gone after the first file, so a folder in which the second file could not be created is refused before the
  /// capture begins.
  @Test(arguments: ["root 555", "daemon 555", "daemon 500"]) func aFolderThatNobodyMayWriteTo(_ owner: String) throws {
    let words = owner.split(separator: " ")
    let outcome = try script(
      """
      mkdir files; chown \(words[0]) files; chmod \(words[1]) files
      for flags in "-G 3600" "-C 1 -W 3" "-C 1 -Z root"; do
        timeout 10 "$apus" -i lo $flags -w files/f udp port 9 2> err && true; echo "status $?"; grep -c listening err || true; tail -n 1 err
      done; ls files
      """)
    let lines = outcome.output.split(separator: "\n")
    try #require(lines.count >= 9, "\(outcome.output)\(outcome.errors)")
    for start in [0, 3, 6] {
      #expect(lines[start] == "status 1" && lines[start + 1] == "0", "\(outcome.output)")
      #expect(
        lines[start + 2].contains("files") && lines[start + 2].contains(": Permission denied"), "\(outcome.output)")
    }
    let free = try script(
      "mkdir files; chmod 555 files; capture --no-sandbox -C 1k -w files/f udp port 9; send 40; finish; ls files | wc -l"
    )
    #expect(free.output.hasPrefix("status 0\n") && !free.output.hasSuffix("\n1\n"), "\(free.output)\(free.errors)")
  }

  // MARK: The program

  @Test(arguments: [
    ("nosuchprogram", "apus: -z: nosuchprogram: no such program in PATH"),
    ("./nosuch", "apus: -z: ./nosuch cannot be run: No such file or directory"),
    ("./plain -9", "apus: -z: ./plain cannot be run: Permission denied"),
    ("gzip 'x", "apus: -z gzip 'x: a quotation mark is not closed"),
    (" ", "apus: -z needs the name of a program"),
    (
      "./private",
      "apus: -z: ./private: the user that apus becomes cannot run this program: Permission denied (see Privilege, and -Z)"
    ),
  ])
  func whatCannotBeRunIsRefused(_ program: String, _ message: String) throws {
    let outcome = try script(
      """
      echo > plain; printf '#!/bin/sh\\n' > private; chmod 700 private; mkdir files; chown daemon files
      timeout 10 "$apus" -i lo -C 1 -w files/f -z "$(cat <<'END'
      \(program)
      END
      )" udp port 9 2> err && true; echo "status $?"; cat err; ls files
      """)
    #expect(outcome.output == "status 1\n\(message)\n", "\(outcome.output)\(outcome.errors)")
  }

  /// However the capture ends, the program also runs for the last file; its arguments are split without a shell.
  @Test(
    .enabled(if: Subprocess.installed("gzip") != nil, "gzip is not installed"),
    arguments: ["INT", "TERM", "-c", "duration"])
  func theProgramRunsForEveryFile(_ end: String) throws {
    let flags = end == "-c" ? "-c 40" : end == "duration" ? "-a duration:2" : ""
    let outcome = try script(
      """
      mkdir 'my files'; chown daemon 'my files'
      capture -C 1k -z "gzip -9 '-S' .gzip" \(flags) -w 'my files/f' udp port 9; send 40; sleep 0.5
      \(end == "INT" || end == "TERM" ? "kill -\(end) $pid; " : "")for i in $(seq 100); do kill -0 $pid 2> /dev/null || break; sleep 0.05; done
      set +e; wait $pid; echo "status $?"; cd 'my files'; ls | grep -vc gzip
      gzip -S .gzip -t * && for f in *; do gzip -S .gzip -dc $f | "$apus" --count -r - 2> /dev/null; done | awk '{ sum += $1 } END { print sum }'
      """)
    #expect(outcome.output == "status 0\n0\n40\n", "\(outcome.output)\(outcome.errors)")
  }

  /// Splitting a capture file runs the program, too; the programs of two files may end in either order.
  @Test func filesOfACopy() throws {
    let outcome = try script(
      """
      mkdir files; printf '#!/bin/sh\\necho "$# $1 $2"\\n' > each; chmod 755 each
      "$apus" -r '\(Fixture.capture("http.pcap"))' -C 2k -z './each now' -w files/f 2> /dev/null; echo "status $?"
      "$apus" -r '\(Fixture.capture("http.pcap"))' --no-sandbox -C 4k -z ./each -w files/g 2> /dev/null
      """)
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.contains("2 now files/f") && lines.contains("status 0"), "\(outcome.output)\(outcome.errors)")
    #expect(lines.contains { $0.hasPrefix("1 files/g") }, "\(outcome.output)\(outcome.errors)")
  }

  /// A failure of the program is reported with the file's name, and the capture goes on.
  @Test func aProgramThatFails() throws {
    let outcome = try script(
      """
      mkdir files; chown daemon files; printf '%s\\n' '#!/bin/sh' 'case $1 in *1) exit 3;; *2) kill -9 $$;; esac' > each; chmod 755 each
      capture -C 1k -z ./each -w files/f udp port 9; send 60; finish; grep each err | sort
      for f in files/*; do "$apus" --count -r $f 2> /dev/null; done | awk '{ sum += $1 } END { print sum }'
      """)
    #expect(
      outcome.output == """
        status 1
        apus: -z: ./each ended with status 3 (files/f1)
        apus: -z: ./each failed for 2 files; the files are complete
        apus: -z: ./each was ended by signal 9 (files/f2)
        60

        """, "\(outcome.output)\(outcome.errors)")
  }

  /// Programs inherit the three standard descriptors and no others: neither those of apus nor those of its parent.
  @Test func programsInheritNoDescriptor() throws {
    let outcome = try script(
      """
      mkdir files; chown daemon files
      printf '%s\\n' '#!/bin/bash' 'ls -l /proc/$$/fd > "$1.fds"' > each; chmod 755 each
      exec 17< each 400< each
      for flags in "" --no-sandbox; do
        capture $flags -C 1k -z ./each -w files/f udp port 9; send 20; finish
        # 255 is the descriptor of the script itself.
        grep -o ' [0-9]* ->' files/f.fds | tr -dc '0-9\\n' | sort -n | tr '\\n' ' '
        grep -c socket: files/f.fds || true; rm files/*
      done
      """)
    #expect(outcome.output == "status 0\n0 1 2 255 0\nstatus 0\n0 1 2 255 0\n", "\(outcome.output)\(outcome.errors)")
  }

  /// A folder that the program of `-z` cannot reach is refused before the capture.
  @Test func aFolderThatProgramsCannotReach() throws {
    let outcome = try script(
      """
      mkdir -p home/caps; chown daemon home/caps; chmod 700 home
      timeout 10 "$apus" -i lo -C 1 -w home/caps/f -z gzip udp port 9 2> err && true; echo "status $?"; cat err; ls home/caps
      """)
    #expect(
      outcome.output == """
        status 1
        apus: -z: home/caps: the user that apus becomes cannot get to this folder, so no program can open its files: Permission denied (see Privilege, and -Z)

        """, "\(outcome.output)\(outcome.errors)")
  }
}
