import Foundation
import Glibc
import TestSupport
import Testing

private let http = Fixture.capture("http.pcap")

private let mountsArePossible =
  geteuid() == 0 && (try? Subprocess.run("/bin/sh", ["-c", "unshare -m true"]).status) == 0

/// Systems that lack things most systems have: files under /proc, /sys, /dev and /etc, an argument vector, system calls.
@Suite(.waits) struct EnvironmentTests {
  /// Runs a script of bash in a new folder, in which `$apus` is the program and `$http` a capture.
  private func script(_ text: String) throws -> Outcome {
    try Subprocess.run(
      "/bin/bash", ["-c", "folder=$(mktemp -d); cd \"$folder\"; trap 'rm -rf \"$folder\"' EXIT\n" + text],
      environment: ["apus": Subprocess.apusPath(), "http": http])
  }

  // MARK: Arguments

  /// Swift's `CommandLine` reads /proc. Without /proc, the arguments were lost, and apus began to capture on the first interface.
  @Test(.enabled(if: mountsArePossible, "needs root and mount namespaces"))
  func argumentsDoNotNeedProc() throws {
    let outcome = try script(
      """
      cat > inside <<'END'
      umount -l /proc
      timeout 10 "$apus" --version; timeout 10 "$apus" -r "$http" -w copy 'tcp port 80'; echo "status $?"
      timeout 10 "$apus" --nosuch; timeout 10 "$apus" $'\\xff'
      END
      unshare -m bash inside; "$apus" --count -r copy
      """)
    #expect(outcome.output.hasPrefix("apus version "), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.output.hasSuffix("\nstatus 0\n30 packets\n"), "\(outcome.output)\(outcome.errors)")
    #expect(outcome.errors.contains("apus: unknown option --nosuch: "), "\(outcome.errors)")
    #expect(outcome.errors.contains("' is not UTF-8: "), "\(outcome.errors)")
  }

  /// Only what goes through libpcap needs it, and says so.
  @Test(.enabled(if: mountsArePossible, "needs root and mount namespaces"))
  func onlyItsOwnTasksNeedLibpcap() throws {
    let outcome = try script(
      """
      cat > inside <<'END'
      ldconfig -p | sed -n 's/.*libpcap.so.* => //p' | while read -r library; do mount --bind /dev/null "$library"; done
      timeout 10 "$apus" --count -r "$http" 2> err; timeout 10 "$apus" -d 'port http' | head -n 1
      timeout 10 "$apus" -i lo -a duration:1 -w live 2> err; echo "status $?"; "$apus" --count -r live 2> err
      timeout 10 "$apus" --version | sed -n '2s/:.*//p'
      for flags in -D '-J -i lo' '--engine libpcap -i lo' '--engine libpcap --count -r live'; do
        timeout 10 "$apus" $flags 2>&1 ; echo "status $?"
      done
      END
      unshare -n -m bash -c 'ip link set lo up; exec bash inside' 2>&1
      """)
    let refusal = "apus: libpcap cannot be loaded: … (apt-get install libpcap0.8)\nstatus 1\n"
    #expect(
      outcome.output.replacing(/loaded: .*(?=\(apt-get)/, with: "loaded: … ") == """
        30 packets
        (000) ldh      [12]
        status 0
        0 packets
        libpcap cannot be loaded

        """ + String(repeating: refusal, count: 4), "\(outcome.output)\(outcome.errors)")
  }

  /// Runs apus with each of these folders empty.
  @Test(.enabled(if: mountsArePossible, "needs root and mount namespaces"))
  func noFileOfTheSystemIsNeeded() throws {
    let outcome = try script(
      """
      cat > inside <<'END'
      for folder in /proc /sys /dev /etc; do mount -t tmpfs none $folder; done
      timeout 10 "$apus" -t -c 1 -r "$http" 2> err; echo "status $?"
      timeout 10 "$apus" -r "$http" -w copy 2> err; timeout 10 "$apus" --count -r copy 2> err
      timeout 10 "$apus" -d 'port http' > filter; head -n 1 filter
      timeout 10 "$apus" -D | grep -c '\\.lo '
      timeout 10 "$apus" -i lo -a duration:1 -w live 2> err; echo "status $?"
      timeout 10 "$apus" -Z nobody --count -r copy; echo "status $?"
      timeout 10 "$apus" -r nosuch -w last 2>&-; echo "status $?"; ls
      END
      unshare -n -m bash -c 'ip link set lo up; exec bash inside' 2>&1
      """)
    #expect(
      outcome.output == """
        IP 192.0.2.1.58578 > 192.0.2.2.http: Flags [S], seq 2427744931, win 64240, options [mss 1460,sackOK,TS val 1941233621 ecr 0,nop,wscale 10], length 0
        status 0
        30 packets
        (000) ldh      [12]
        1
        status 0
        apus: Couldn't find user 'nobody'
        status 1
        status 1
        copy
        err
        filter
        inside
        live

        """, "\(outcome.output)\(outcome.errors)")
  }

  /// An argument vector without even the program's name, and one whose only element is empty (which newer kernels pass instead).
  @Test func anEmptyVectorOfArgumentsIsAnError() throws {
    let path = try Subprocess.apusPath()
    for isEmpty in [true, false] {
      var ends: [CInt] = [-1, -1]
      #expect(unsafe pipe(&ends) == 0)
      var actions = unsafe posix_spawn_file_actions_t()
      unsafe posix_spawn_file_actions_init(&actions)
      defer { unsafe posix_spawn_file_actions_destroy(&actions) }
      unsafe posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO)
      var child: pid_t = 0
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe isEmpty ? [nil] : [strdup(""), nil]
      #expect(unsafe posix_spawn(&child, path, &actions, nil, &arguments, environ) == 0)
      close(ends[1])
      // apus must not capture forever.
      usleep(500_000)
      kill(child, SIGKILL)
      var status: CInt = 0
      unsafe waitpid(child, &status, 0)
      let text = try FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readToEnd() ?? Data()
      #expect(status == 1 << 8)
      #expect(
        String(decoding: text, as: UTF8.self)
          == "apus: started without a program name\n")
    }
  }

  // MARK: Standard output

  /// Some programs start others with a pipe that has O_NONBLOCK set.
  @Test(arguments: [["-nnX"], ["--json"], ["--stats", "all"], ["-nn", "--explain", "tcp"]])
  func aFullNonBlockingPipeIsWaitedFor(_ flags: [String]) throws {
    let expected = try Subprocess.run(Subprocess.apusPath(), ["-r", http] + flags)
    let pipe = Pipe()
    let output = pipe.fileHandleForWriting.fileDescriptor
    // The smallest possible pipe, so that it is full at once.
    let setPipeSize: CInt = 1031
    #expect(fcntl(output, setPipeSize, 4096) == 4096)
    #expect(fcntl(output, F_SETFL, fcntl(output, F_GETFL) | O_NONBLOCK) == 0)
    let process = try ChildProcess(
      Subprocess.apusPath(), ["-r", http] + flags, stdout: pipe.fileHandleForWriting)
    try pipe.fileHandleForWriting.close()
    usleep(300_000)
    var received = Data()
    while let octets = try pipe.fileHandleForReading.read(upToCount: 1000), !octets.isEmpty {
      received += octets
      usleep(2000)
    }
    #expect(try process.awaitEnd() == 0)
    #expect(received == expected.stdout)
  }

  /// When the text of a capture goes to a full disk, the ledger counts the packets whose text was written.
  @Test(.enabled(if: LiveNamespace.isPossible, "needs root, ip(8) and network namespaces"))
  func textThatWasWrittenIsNotLost() throws {
    let outcome = try LiveNamespace.run(
      """
      mkdir disk; mount -t tmpfs -o size=16k none disk; trap 'umount disk; kill -KILL $pid; ip netns delete $name' EXIT
      ip netns exec $name "$apus" -i v0 -nnX -t --ledger 0 udp port 9 > disk/out 2> err & pid=$!
      for i in $(seq 200); do grep -q listening err && break; sleep 0.05; done
      set +e; flood 400; sleep 1; kill -INT $pid; wait $pid; echo "status $?"
      grep -c '^IP' disk/out; wc -c < disk/out; grep text: err; grep unable err; tail -n 1 err
      """)
    let text = outcome.output
    let match = try #require(
      text.firstMatch(of: #/status 1\n(\d+)\n16384\n.*text: (\d+) kept = (\d+) printed \+ (\d+) lost\n/#),
      "\(text)\(outcome.errors)")
    let (lines, kept, printed, lost) = try (
      #require(Int(match.output.1)), #require(Int(match.output.2)), #require(Int(match.output.3)),
      #require(Int(match.output.4))
    )
    // The last line is cut.
    #expect(printed > 0 && (printed == lines || printed == lines - 1) && printed + lost == kept, "\(text)")
    #expect(text.contains("unable to write output: No space left on device"), "\(text)")
  }

  /// apus notices that its reader has left even when it writes nothing.
  @Test(
    .enabled(if: LiveNamespace.isPossible, "needs root, ip(8) and network namespaces"),
    arguments: ["-nn", "--json", "-nn --stats sizes", "-nn --explain tcp", "-nn --trace tcp", "-w -"])
  func aReaderThatHasLeftIsNoticed(_ flags: String) throws {
    let outcome = try LiveNamespace.run(
      """
      mkfifo pipe; sleep 0.7 < pipe &
      ip netns exec $name "$apus" -i v0 \(flags) > pipe 2> err & pid=$!
      sleep 0.6; kill -0 $pid && echo running
      for i in $(seq 30); do kill -0 $pid 2> /dev/null || break; sleep 0.1; done
      kill -0 $pid 2> /dev/null && echo "still running"
      true
      """)
    #expect(outcome.output == "running\n", "\(outcome.output)\(outcome.errors)")
  }

  /// The same when apus reads from an idle pipe.
  @Test(arguments: ["-nn", "-w -"], ["cat \"$http\"; sleep 6", "sleep 6"])
  func aReaderThatHasLeftIsNoticedWhileReading(_ flags: String, _ source: String) throws {
    // With -w, nothing can be written before the input's header has been read.
    if flags == "-w -", source == "sleep 6" { return }
    let outcome = try script(
      """
      start=$(date +%s%N)
      mkfifo pipe; (\(source)) > pipe & "$apus" \(flags) -r pipe 2> err | sleep 0.7
      echo $((($(date +%s%N) - start) / 1000000))
      """)
    let milliseconds = try #require(Int(outcome.output.prefix { $0 != "\n" }))
    #expect(milliseconds < 3000, "\(outcome.output)\(outcome.errors)")
  }
}

#if arch(x86_64)
  /// System calls that are refused from outside, for example by the seccomp profile of a container.
  @Suite(
    .enabled(
      if: LiveNamespace.isPossible && Subprocess.installed("python3") != nil,
      "needs root, ip(8), network namespaces and python3"))
  struct RefusedCallsTests {
    /// Writes a program `refusing`, whose arguments are system calls of the form CALL=ERRNO, `--`, and arguments of apus. It starts `$apus`
    /// with the latter; each of these calls then fails with its error number.
    private static let refusing = """
      cat > refusing <<'END'
      #!/usr/bin/env python3
      import ctypes, os, struct, sys
      words = sys.argv[1:]
      end = words.index("--")
      code = [(0x20, 0, 0, 0)]
      for word in words[:end]:
        call, number = map(int, word.split("="))
        code += [(0x15, 0, 1, call), (0x06, 0, 0, 0x50000 | number)]
      code.append((0x06, 0, 0, 0x7fff0000))
      octets = b"".join(struct.pack("HBBI", *each) for each in code)
      program = struct.pack("HxxxxxxP", len(code), ctypes.cast(ctypes.create_string_buffer(octets, len(octets)), ctypes.c_void_p).value)
      libc = ctypes.CDLL(None, use_errno=True)
      assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0
      os.execv(os.environ["apus"], ["apus"] + words[end + 1:])
      END
      chmod 755 refusing

      """

    @Test(arguments: [
      ("444=1 317=1", "Landlock is refused here: Operation not permitted", "seccomp filter is refused here: Operation"),
      ("444=38 317=38", "this kernel has no Landlock", "this kernel has no seccomp filter"),
      ("444=95 317=13", "Landlock is disabled on this system", "seccomp filter is refused here: Permission denied"),
    ])
    func theVersionSaysWhy(_ calls: String, _ files: String, _ filter: String) throws {
      let outcome = try LiveNamespace.run(Self.refusing + "./refusing \(calls) -- --version")
      #expect(
        outcome.output.contains("files unguarded (\(files)), system calls unguarded (\(filter)"),
        "\(outcome.output)\(outcome.errors)")
    }

    /// landlock_restrict_self, prlimit64 and both. A refused call leaves a gap in the sandbox, and packets are captured all the same.
    @Test(arguments: [
      ("302=1", false), ("302=38", false), ("446=1", true), ("444=1", true), ("317=1", true), ("446=1 302=1", true),
    ])
    func theCaptureGoesOn(_ calls: String, _ hasGap: Bool) throws {
      let outcome = try LiveNamespace.run(
        Self.refusing + """
          ip netns exec $name ./refusing \(calls) -- -i v0 -nn -t -c 2 udp port 9 > out 2> err & pid=$!
          for i in $(seq 200); do grep -q listening err && break; sleep 0.05; done
          send 2 9; finish
          """)
      #expect(outcome.output.contains("UDP, length 5\nstatus 0\n"), "\(outcome.output)\(outcome.errors)")
      #expect(outcome.output.contains("the sandbox has gaps") == hasGap, "\(outcome.output)")
      #expect(outcome.output.contains("is refused here: Operation not permitted") == hasGap, "\(outcome.output)")
    }

    @Test func aPacketSocketThatIsRefused() throws {
      // Root of a new user namespace has every capability, but none over a network namespace that existed before.
      let outcome = try LiveNamespace.run("unshare -Ur \"$apus\" -i v0 -c 1 || unshare -Ur \"$apus\" -i any -c 1")
      #expect(
        outcome.errors.contains(
          "a packet socket was refused although CAP_NET_RAW is there: by the seccomp profile of a container, or because the network "
            + "belongs to another user namespace\n"), "\(outcome.output)\(outcome.errors)")
    }
  }
#endif
