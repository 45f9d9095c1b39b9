import Foundation
import Glibc
import TestSupport
import Testing

/// Files that another user has put where apus writes: in a world-writable folder with the sticky bit, such as /tmp. The kernel's own
/// protection (protected_symlinks and the like) may be off, so apus itself refuses them, with its own message.
@Suite(.waits, .enabled(if: geteuid() == 0, "other users' files can only be made by root"))
struct PlantedFilesTests {
  /// Runs a script of bash in a new folder that contains `shared`, which is like /tmp, and a file `precious`; `$http` is a capture. `plant`
  /// makes something belong to another user; `apus …` runs apus, then prints its status and its last line.
  private func script(_ text: String) throws -> Outcome {
    let prelude = """
      folder=$(mktemp -d); chmod 755 "$folder"; cd "$folder"; trap 'rm -rf "$folder"' EXIT; umask 022
      mkdir -m 1777 shared; echo precious > precious; chmod 600 precious
      plant() { chown -h games:games "$@"; }
      apus() { timeout 20 "$apus" "$@" 2> err; echo "status $?"; grep '^apus: ' err | tail -n 1; }

      """
    return try Subprocess.run(
      "/bin/bash", ["-c", prelude + text],
      environment: ["apus": Subprocess.apusPath(), "http": Fixture.capture("http.pcap")])
  }

  @Test func aPlantedLink() throws {
    let outcome = try script(
      """
      ln -s ../precious shared/f; plant shared/f
      apus -r "$http" -w shared/f; apus --emit ebpf-elf -w shared/f tcp
      mkdir private; ln -s ../private shared/link; plant shared/link
      apus -r "$http" -w shared/link/f; cat precious; ls private
      # An own link is followed, and so is one in a folder of one's own.
      ln -s ../own shared/own; ln -s precious mine; plant mine
      apus -r "$http" -w shared/own; apus -r "$http" -w mine; wc -c < own; wc -c < precious
      """)
    let size = try Data(contentsOf: URL(fileURLWithPath: Fixture.capture("http.pcap"))).count
    #expect(
      outcome.output == """
        status 1
        apus: shared/f: 'f' is a symbolic link of user 5 in a folder that others may write to: remove it or choose another name
        status 1
        apus: shared/f: 'f' is a symbolic link of user 5 in a folder that others may write to: remove it or choose another name
        status 1
        apus: shared/link/f: 'link' is a symbolic link of user 5 in a folder that others may write to: remove it or choose another name
        precious
        status 0
        status 0
        \(size)
        \(size)

        """, "\(outcome.output)\(outcome.errors)")
  }

  @Test func aPlantedFile() throws {
    let outcome = try script(
      """
      echo theirs > shared/f; chmod 666 shared/f; plant shared/f; apus -r "$http" -w shared/f; cat shared/f
      ln precious shared/hard; apus -r "$http" -w shared/hard; cat precious
      echo own > shared/own; apus -r "$http" -w shared/own; stat -c %s shared/own
      """)
    #expect(
      outcome.output.hasPrefix(
        """
        status 1
        apus: shared/f: a file of user 5 in a folder that others may write to: remove it or choose another name
        theirs
        status 1
        apus: shared/hard: a file with 2 names (hard links) in a folder that others may write to: remove it or choose another name
        precious
        status 0

        """), "\(outcome.output)\(outcome.errors)")
  }

  @Test func aPlantedFIFO() throws {
    let outcome = try script(
      """
      mkfifo shared/f shared/own; chmod 666 shared/f; plant shared/f
      timeout 20 cat shared/f > stolen & apus -r "$http" -w shared/f
      apus --capture --extcap-interface apus-lo --fifo shared/f
      timeout 20 bash -c 'echo -n > shared/f'; wait; stat -c %s stolen
      timeout 20 cat shared/own > taken & apus -r "$http" -w shared/own; wait; cmp taken "$http" && echo same
      """)
    let refusal =
      "apus: shared/f: a FIFO of user 5 in a folder that others may write to: remove it or choose another name\n"
    #expect(
      outcome.output == "status 1\n\(refusal)status 1\n\(refusal)0\nstatus 0\nsame\n",
      "\(outcome.output)\(outcome.errors)")
  }

  /// Names that apus generates: it never writes to an existing file of such a name, whatever kind of file it is.
  @Test(arguments: ["mkfifo -m 666 F", "ln -s ../precious F", "echo theirs > F; chmod 666 F", "ln precious F"])
  func plantedNamesOfARotation(_ plant: String) throws {
    func planted(_ name: String) -> String {
      plant.replacing("F", with: "shared/\(name)") + (plant.hasPrefix("ln p") ? "" : "; plant shared/\(name)")
    }
    let outcome = try script(
      """
      \(planted("r2.part")); \(planted("t.part")); \(planted("u"))
      apus -r "$http" --no-sandbox -C 2k -W 4 -w shared/r; ls shared | grep '^r'
      apus -r "$http" --no-sandbox -G 3600 -w shared/t; apus -r "$http" --no-sandbox -G 3600 -w shared/u
      ls shared | grep -c '^[tu]1$'; cat precious
      for f in shared/t1 shared/u1; do "$apus" --count -r $f 2> err; stat -c %a $f; done
      """)
    #expect(
      outcome.output.contains(" is in the way, and apus did not create it: remove it\nr2.part\n")
        && outcome.output.hasPrefix("status 1\n"), "\(outcome.output)\(outcome.errors)")
    #expect(
      outcome.output.hasSuffix("status 0\nstatus 0\n2\nprecious\n30 packets\n600\n30 packets\n600\n"),
      "\(outcome.output)\(outcome.errors)")
  }

  /// Files left by an earlier run do not stop a ring.
  @Test func leftoversOfARing() throws {
    let outcome = try script(
      """
      echo old > shared/r1.part; echo old > shared/r1
      apus -r "$http" --no-sandbox -C 1k -W 3 -w shared/r; ls shared; "$apus" --count -r shared/r1 2> err | grep -c packets
      """)
    #expect(outcome.output == "status 0\nr0\nr1\nr2\n1\n", "\(outcome.output)\(outcome.errors)")
  }

  @Test(arguments: [
    ("1777", "022", "600"), ("777", "022", "600"), ("757", "000", "600"), ("755", "022", "644"), ("775", "000", "666"),
    ("755", "077", "600"), ("700", "027", "640"),
  ])
  func theModeOfNewFiles(_ folder: String, _ umask: String, _ mode: String) throws {
    let outcome = try script(
      """
      mkdir -m \(folder) files; umask \(umask)
      apus -r "$http" -w files/plain; apus -r "$http" -C 100 -w files/part; apus --emit ebpf-elf -w files/object tcp
      stat -c %a files/*
      """)
    #expect(
      outcome.output == "status 0\nstatus 0\nstatus 0\n\(mode)\n\(mode)\n\(mode)\n",
      "\(outcome.output)\(outcome.errors)")
  }

  /// Paths of devices, and links that only the kernel can resolve.
  @Test func devicesAndDescriptors() throws {
    let outcome = try script(
      """
      apus -r "$http" -w /dev/null; timeout 20 "$apus" -r "$http" -w /dev/stdout 2> err | cmp - "$http" && echo same
      exec 9> nine; timeout 20 "$apus" -r "$http" -w /dev/fd/9 2> err; cmp nine "$http" && echo same
      timeout 20 "$apus" -r "$http" -w >(cmp - "$http" && echo same) 2> err; sleep 0.5
      apus -r "$http" -w shared; apus -r "$http" -w shared/; apus -r "$http" -w none/f; apus -r "$http" -w ''
      ln -s loop loop; apus -r "$http" -w loop
      """)
    #expect(
      outcome.output == """
        status 0
        same
        same
        same
        status 1
        apus: shared: Is a directory
        status 1
        apus: shared/: Is a directory
        status 1
        apus: none/f: No such file or directory
        status 1
        apus: option -w needs a value
        status 1
        apus: loop: Too many levels of symbolic links

        """, "\(outcome.output)\(outcome.errors)")
  }
}
