import BPF
import CLinux
import Glibc
import PacketCore
import Testing

@testable import Sandbox

/// The system call filter is a classic BPF program; these tests run it in the project's own interpreter.
@Suite(.enabled(if: SystemCallFilter.architecture != nil, "there is a list of system calls for x86-64 and 64-bit ARM"))
struct SystemCallFilterTests {
  /// The filter's answer to a system call. The interpreter reads packets in network byte order, but seccomp passes words in the host's byte
  /// order, so each word is stored with its bytes reversed.
  private func answer(
    _ filter: SystemCallFilter, _ call: CInt, _ arguments: [UInt64] = [],
    architecture: UInt32? = SystemCallFilter.architecture
  ) -> UInt32 {
    let padded = arguments + [UInt64](repeating: 0, count: 6 - arguments.count)
    var words: [UInt32] = [UInt32(bitPattern: call), architecture ?? 0, 0, 0]
    for argument in padded {
      words += [UInt32(truncatingIfNeeded: argument), UInt32(truncatingIfNeeded: argument >> 32)]
    }
    let octets = words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
    // Safe: every byte value is valid.
    return Interpreter(filter.program).run(unsafe octets.span.bytes, len: 64)
  }

  private func filter(
    packetSockets: [CInt] = [], _ change: (inout SandboxPolicy) -> Void = { _ in }
  ) throws -> SystemCallFilter {
    var policy = SandboxPolicy()
    change(&policy)
    return try SystemCallFilter(policy, packetSockets: packetSockets)
  }

  private let allowed = SystemCallFilter.Answer.allow.rawValue
  private let refused = SystemCallFilter.Answer.refuse(EPERM).rawValue
  private let killed = SystemCallFilter.Answer.kill.rawValue

  @Test func theKernelWouldTakeEveryProgram() throws {
    for (spawns, devices, code) in [
      (false, false, false), (true, false, true), (false, true, true), (true, true, true),
    ] {
      let filter = try filter(packetSockets: [4, 5, 6, 7]) {
        $0.maySpawn = spawns
        $0.mayOpenDevices = devices
        $0.mayMakeCode = code
      }
      #expect(filter.program.fitsKernel && filter.program.instructions.count < 400)
    }
  }

  @Test func anotherArchitectureIsKilled() throws {
    let filter = try filter()
    #expect(answer(filter, __NR_read) == allowed)
    #expect(answer(filter, __NR_read, architecture: 0x4000_0003) == killed)
    // The x32 system calls of the same architecture.
    #expect(answer(filter, __NR_read | 0x4000_0000) == killed)
  }

  @Test func intrudersAreKilledAndOthersRefused() throws {
    let filter = try filter()
    for call in [
      __NR_execve, __NR_ptrace, __NR_bpf, __NR_mount, __NR_setuid, __NR_process_vm_writev, __NR_io_uring_setup,
    ] {
      #expect(answer(filter, call) == killed, "\(call)")
    }
    for call in [
      __NR_connect, __NR_sendto, __NR_sendmsg, __NR_listen, __NR_accept4, __NR_bind, __NR_mkdirat, __NR_fchmodat,
    ] {
      #expect(answer(filter, call) == refused, "\(call)")
    }
    for call in [__NR_clone3, 451, 1000] {
      #expect(answer(filter, call) == SystemCallFilter.Answer.refuse(ENOSYS).rawValue, "\(call)")
    }
  }

  /// Any number of packet sockets, with any descriptor numbers.
  @Test(arguments: [1, 2, 199, 200, 201, 255, 256, 300, 900]) func manyPacketSockets(_ count: Int) throws {
    let sockets = (0..<count).map { CInt(3 + 7 * $0) }
    let filter = try filter(packetSockets: sockets)
    #expect(filter.program.fitsKernel)
    // The first and the last of each part of the program, and some between them.
    for (index, socket) in sockets.enumerated() where [0, 1, 99, 198, 199].contains(index % 200) || index == count - 1 {
      let argument = UInt64(socket)
      for call in [__NR_write, __NR_writev, __NR_pwrite64, __NR_dup, __NR_dup3] {
        #expect(answer(filter, call, [argument]) == refused, "\(call) \(socket)")
        #expect(answer(filter, call, [argument + 1]) == allowed, "\(call) \(socket + 1)")
      }
      for call in [__NR_setsockopt, __NR_bind] {
        #expect(answer(filter, call, [argument]) == allowed, "\(call) \(socket)")
        #expect(answer(filter, call, [argument + 1]) == refused, "\(call) \(socket + 1)")
      }
    }
  }

  @Test func argumentsCount() throws {
    let filter = try filter(packetSockets: [4, 9])
    #expect(answer(filter, __NR_write, [1]) == allowed)
    #expect(answer(filter, __NR_write, [4]) == refused)
    #expect(answer(filter, __NR_writev, [9]) == refused)
    // The kernel takes a descriptor's lower 32 bits.
    #expect(answer(filter, __NR_write, [1 << 32 | 4]) == refused)
    #expect(answer(filter, __NR_dup, [9]) == refused)
    #expect(answer(filter, __NR_dup, [1]) == allowed)
    #expect(answer(filter, __NR_bind, [9]) == allowed)
    #expect(answer(filter, __NR_bind, [3]) == refused)
    #expect(answer(filter, __NR_socket, [UInt64(AF_UNIX)]) == allowed)
    #expect(answer(filter, __NR_socket, [UInt64(AF_INET)]) == refused)
    #expect(answer(filter, __NR_openat, [0, 0, UInt64(O_RDONLY | O_CLOEXEC)]) == allowed)
    #expect(answer(filter, __NR_openat, [0, 0, UInt64(O_WRONLY)]) == refused)
    #expect(answer(filter, __NR_openat, [0, 0, UInt64(O_RDONLY | O_CREAT)]) == refused)
    #expect(answer(filter, __NR_prlimit64, [0, 7, 0, 1]) == allowed)
    #expect(answer(filter, __NR_prlimit64, [0, 7, 1, 0]) == refused)
    #expect(answer(filter, __NR_prlimit64, [0, 7, 1 << 32, 0]) == refused)
    #expect(answer(filter, __NR_kill, [UInt64(getpid())]) == allowed)
    #expect(answer(filter, __NR_kill, [1]) == refused)
    // A thread is made by CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND and CLONE_THREAD; a process by SIGCHLD alone.
    #expect(answer(filter, __NR_clone, [0x3d0f00]) == allowed)
    #expect(answer(filter, __NR_clone, [17]) == refused)
    #expect(answer(filter, __NR_ioctl, [0, UInt64(TIOCGWINSZ)]) == allowed)
    #expect(answer(filter, __NR_ioctl, [0, UInt64(TIOCSTI)]) == refused)
  }

  @Test(arguments: [false, true]) func memoryIsWritableOrExecutable(mayMakeCode: Bool) throws {
    let filter = try filter { $0.mayMakeCode = mayMakeCode }
    for call in [__NR_mmap, __NR_mprotect] {
      #expect(answer(filter, call, [0, 4096, UInt64(PROT_READ | PROT_WRITE)]) == allowed)
      #expect(answer(filter, call, [0, 4096, UInt64(PROT_READ | PROT_EXEC)]) == (mayMakeCode ? allowed : refused))
      #expect(answer(filter, call, [0, 4096, UInt64(PROT_READ | PROT_WRITE | PROT_EXEC)]) == refused)
    }
  }

  /// A process cannot create a file that others would execute with its rights.
  @Test func noSetUserIDFiles() throws {
    let spawner = try filter { $0.maySpawn = true }
    let writer = try filter { $0.writable = [SandboxPolicy.Folder(descriptor: 0)] }
    let (create, temporary) = (UInt64(O_WRONLY | O_CREAT), UInt64(O_WRONLY) | 0o20_200_000)
    for mode: UInt64 in [0o4755, 0o2755, 0o6000] {
      #expect(answer(spawner, __NR_fchmod, [3, mode]) == refused)
      #expect(answer(spawner, __NR_fchmodat, [0, 0, mode]) == refused)
      for filter in [spawner, writer] {
        #expect(answer(filter, __NR_openat, [0, 0, create, mode]) == refused)
        #expect(answer(filter, __NR_openat, [0, 0, temporary, mode]) == refused)
        // If no file is created, any mode is allowed.
        #expect(answer(filter, __NR_openat, [0, 0, UInt64(O_WRONLY), mode]) == allowed)
      }
      #if arch(x86_64)
        #expect(answer(spawner, __NR_chmod, [0, mode]) == refused)
        #expect(answer(spawner, __NR_creat, [0, mode]) == refused)
        #expect(answer(spawner, __NR_open, [0, create, mode]) == refused)
      #endif
    }
    #expect(answer(spawner, __NR_fchmodat, [0, 0, 0o755]) == allowed)
    #expect(answer(spawner, __NR_openat, [0, 0, create, 0o644]) == allowed)
    // fchmodat2, which is newer than the list.
    #expect(answer(spawner, 452) == SystemCallFilter.Answer.refuse(ENOSYS).rawValue)
  }

  /// A file that is followed is watched before the sandbox is entered.
  @Test func nothingIsWatchedLater() throws {
    for call in [__NR_inotify_init1, __NR_inotify_add_watch] { #expect(answer(try filter(), call) == refused) }
  }

  @Test func policiesAdd() throws {
    let writer = try filter { $0.writable = [SandboxPolicy.Folder(descriptor: 0)] }
    #expect(answer(writer, __NR_openat, [0, 0, UInt64(O_WRONLY | O_CREAT)]) == allowed)
    #expect(answer(writer, __NR_renameat2) == allowed && answer(writer, __NR_execve) == killed)
    let spawner = try filter(packetSockets: [4]) { $0.maySpawn = true }
    #expect(answer(spawner, __NR_execve) == allowed && answer(spawner, __NR_clone, [17]) == allowed)
    #expect(answer(spawner, __NR_clone, [0x1000_0011]) == refused, "a new user namespace")
    #expect(answer(spawner, __NR_write, [4]) == refused && answer(spawner, __NR_write, [5]) == allowed)
    #expect(answer(spawner, __NR_socket, [UInt64(AF_INET6)]) == refused && answer(spawner, __NR_connect) == refused)
    #expect(answer(spawner, __NR_ptrace) == killed && answer(spawner, __NR_ioctl, [0, UInt64(TIOCSTI)]) == refused)
    let devices = try filter { $0.mayOpenDevices = true }
    #expect(answer(devices, __NR_socket, [UInt64(AF_PACKET)]) == allowed && answer(devices, __NR_bind) == allowed)
    #expect(answer(devices, __NR_socket, [UInt64(AF_INET6)]) == refused && answer(devices, __NR_execve) == killed)
  }
}
