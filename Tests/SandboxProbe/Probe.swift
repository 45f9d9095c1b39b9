import BPF
import CLinux
import Glibc
import Processes
import Sandbox

/// Enters the sandbox and tries the actions that it should prevent; the tests run this program.
///
///     sandbox-probe [--user NAME] [--input FILE] [--readable PATH] [--writable FOLDER] [--spawn] [--devices] [--code] [--packet-socket]
///       [--process] -- ATTEMPT…
///
/// Each attempt is a word, some with an argument after `:`. Each gives a line `ATTEMPT: ok` or one with the text of the error. The first
/// line says what is protected. `--early-thread` starts a thread before the sandbox is entered.
@main
struct Probe {
  static func main() {
    var policy = SandboxPolicy()
    var arguments = CommandLine.arguments.dropFirst()
    var packetSocket: CInt = -1
    var tracker: ProcessTracker?
    // Opened now, read afterwards: the kernel then reports the current state of the process.
    let status = unsafe open("/proc/self/status", O_RDONLY)
    while let flag = arguments.popFirst(), flag != "--" {
      switch flag {
      case "--user": policy.user = .named(arguments.popFirst() ?? "")
      case "--input": policy.inputs.append(arguments.popFirst() ?? "")
      case "--readable": policy.readable.append(arguments.popFirst() ?? "")
      case "--writable":
        // O_PATH, which needs no right to read.
        let folder = unsafe open(arguments.popFirst() ?? "", 0o1000_0000 | O_DIRECTORY)
        policy.writable.append(SandboxPolicy.Folder(descriptor: folder))
      case "--spawn": policy.maySpawn = true
      case "--devices": policy.mayOpenDevices = true
      case "--code": policy.mayMakeCode = true
      case "--packet-socket": packetSocket = socket(AF_PACKET, CInt(SOCK_RAW.rawValue), 0)
      case "--process":
        tracker = ProcessTracker()
        policy.readable += tracker?.readableFolders ?? []
      case "--early-thread": startThread()
      default: fail("unknown flag \(flag)")
      }
    }
    do throws(SandboxError) {
      let sandbox = try Sandbox(policy)
      print(try sandbox.enter())
    } catch {
      fail("\(error)")
    }
    let probe = Attempts(packetSocket: packetSocket, status: status, tracker: tracker)
    for attempt in arguments {
      print("\(attempt): \(probe.run(attempt))")
      fflush(nil)
    }
  }

  private static func fail(_ message: String) -> Never {
    print("failed: \(message)")
    exit(1)
  }
}

/// The attempts.
private struct Attempts {
  let packetSocket: CInt
  let status: CInt
  let tracker: ProcessTracker?

  func run(_ attempt: String) -> String {
    let parts = attempt.split(separator: ":", maxSplits: 1)
    let path = parts.count > 1 ? String(parts[1]) : ""
    switch parts.first {
    case "read": return opened(unsafe open(path, O_RDONLY))
    case "list": return opened(unsafe open(path, O_RDONLY | O_DIRECTORY))
    case "write": return opened(unsafe open(path, O_WRONLY))
    case "create": return opened(unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600))
    case "truncate": return opened(unsafe open(path, O_WRONLY | O_TRUNC))
    case "remove": return result(unsafe unlink(path))
    case "folder": return result(unsafe mkdir(path, 0o700))
    case "symlink": return result(unsafe symlink("/etc/passwd", path))
    case "rename":
      let names = path.split(separator: ":").map(String.init)
      return names.count == 2 ? result(unsafe rename(names[0], names[1])) : "two names are wanted"
    case "chmod": return result(unsafe chmod(path, 0o777))
    case "set-user-id": return result(unsafe chmod(path, 0o4755))
    case "create-set-user-id": return opened(unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o4755))
    case "exec":
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup(path), nil]
      return result(unsafe execv(path, &arguments))
    case "spawn":
      var child: pid_t = 0
      var arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup(path), nil]
      let code = unsafe posix_spawn(&child, path, nil, nil, &arguments, environ)
      guard code == 0 else { return words(code) }
      var status: CInt = 0
      unsafe waitpid(child, &status, 0)
      return "ok, status \(status >> 8)"
    case "socket": return opened(socket(Int32(path) ?? AF_INET, CInt(SOCK_DGRAM.rawValue), 0))
    case "inject": return result(CInt(unsafe write(packetSocket, "0123456789abcdef", 16)))
    case "receive":
      var octets = [UInt8](repeating: 0, count: 64)
      return result(CInt(unsafe recv(packetSocket, &octets, 64, CInt(MSG_DONTWAIT))))
    case "duplicate": return result(dup(packetSocket))
    case "duplicate-with-fcntl": return result(fcntl(packetSocket, F_DUPFD, 100))
    case "root": return result(seteuid(0))
    case "signal": return result(kill(getppid(), 0))
    case "signal-self": return result(kill(getpid(), 0))
    case "limit":
      var limit = rlimit(rlim_cur: 10, rlim_max: 10)
      return result(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit))
    case "writable-code": return mapped(PROT_READ | PROT_WRITE | PROT_EXEC)
    case "code":
      guard let pages = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) else {
        return "?"
      }
      return result(unsafe mprotect(pages, 4096, PROT_READ | PROT_EXEC))
    case "thread": return startThread() == 0 ? "ok" : words(errno)
    case "type-into-terminal":
      var octet: UInt8 = 10
      return result(unsafe ioctl(0, UInt(TIOCSTI), &octet))
    case "time-zone":
      var (seconds, broken) = unsafe (time_t(0), tm())
      guard let converted = unsafe localtime_r(&seconds, &broken) else { return words(errno) }
      return unsafe converted.pointee.tm_year >= 69 ? "ok" : "wrong"
    case "bpf": return called(Int(SYS_bpf))
    case "move": return called(Int(SYS_setns))
    case "processes":
      tracker?.drain()
      return tracker?.facilities.followsSockets ?? false ? "ok" : "none"
    case "identity": return "\(getuid()) \(geteuid()) \(getgid()) \(getegid())"
    case "status": return statusLines()
    case "ptrace":
      guard let address = unsafe dlsym(nil, "ptrace") else { return "there is none" }
      // Safe: this is the function's type. PTRACE_ATTACH.
      return result(CInt(clamping: unsafe unsafeBitCast(address, to: Trace.self)(16, getppid(), 0, 0)))
    default: return "unknown attempt"
    }
  }

  private typealias Trace = @convention(c) (CInt, pid_t, Int, Int) -> Int

  private func opened(_ descriptor: CInt) -> String {
    guard descriptor >= 0 else { return words(errno) }
    close(descriptor)
    return "ok"
  }

  private func mapped(_ protection: CInt) -> String {
    let pages = unsafe mmap(nil, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return unsafe pages == MAP_FAILED ? words(errno) : "ok"
  }

  /// A system call that needs a privilege, whatever its arguments.
  private func called(_ number: Int) -> String { result(CInt(clamping: linux_call(number, 0, 0, 0, 0, 0))) }

  private func result(_ value: CInt) -> String { value >= 0 ? "ok" : words(errno) }

  private func words(_ code: CInt) -> String { unsafe String(cString: strerror(code)) }

  /// The lines of /proc/self/status about privileges, with blanks as separators.
  private func statusLines() -> String {
    var octets = [UInt8](repeating: 0, count: 4096)
    let count = unsafe pread(status, &octets, octets.count, 0)
    guard count > 0 else { return words(errno) }
    let wanted = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Groups"]
    let lines = String(decoding: octets.prefix(count), as: UTF8.self).split(separator: "\n")
    return lines.filter { line in wanted.contains { line.hasPrefix($0 + ":") } }
      .map { line in line.split { $0 == "\t" || $0 == " " }.joined(separator: " ") }.joined(separator: ", ")
  }
}

/// Starts a thread that only sleeps; returns 0 or an `errno`.
@discardableResult
private func startThread() -> CInt {
  var thread = pthread_t()
  return unsafe pthread_create(
    &thread, nil,
    { _ in
      sleep(60)
      return nil
    }, nil)
}
