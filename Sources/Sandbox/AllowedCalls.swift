import CLinux
import Glibc

extension SystemCallFilter {
  /// The calls of the packet loop, its sources and its outputs, and those that the policy adds. `packetSockets` are descriptors that
  /// packets are only read from: nothing can be sent through them. With `isPreparing`, filters may be loaded into the kernel, and another
  /// filter like this one may be installed.
  init(_ policy: SandboxPolicy, packetSockets: [CInt], isPreparing: Bool = false) throws(SandboxError) {
    // The first rule that contains a call applies.
    var rules = isPreparing ? [Rule(calls: Self.preparing)] : []
    rules += [
      Rule(calls: Self.everyday),
      // Nothing can be sent through packet sockets. A process that may start programs, which use these descriptor numbers for other files,
      // has none.
      Rule(calls: Self.writing, conditions: [.noneOf(packetSockets, argument: 0)]),
      Rule(
        calls: Self.opening,
        conditions: Self.mayWriteFiles(policy)
          ? [.noneWhere(Self.creating, inArgument: 2, of: Self.setID, argument: 3)]
          : [.none(of: Self.openToWrite, inArgument: 2)]),
      // Memory is never writable and executable at the same time.
      Rule(
        calls: [__NR_mmap, __NR_mprotect],
        conditions: policy.mayMakeCode || policy.maySpawn
          ? [.notAll(of: PROT_WRITE | PROT_EXEC, inArgument: 2)] : [.none(of: PROT_EXEC, inArgument: 2)]),
      Rule(calls: [__NR_prlimit64], conditions: [.isZero(argument: 2)]),
    ]
    if Self.mayWriteFiles(policy) { rules.append(Rule(calls: Self.naming)) }
    if policy.maySpawn {
      rules += Self.programs(packetSockets)
    } else {
      rules += Self.oneProcess(getpid(), packetSockets: packetSockets)
    }
    if policy.mayOpenDevices {
      rules += Self.devices
    } else {
      // if_indextoname(3) needs a socket for its query. Nothing can be connected, bound or sent here, so the socket leads nowhere.
      rules.append(Rule(calls: [__NR_socket], conditions: [.oneOf([AF_UNIX], argument: 0)]))
      if !packetSockets.isEmpty {
        // For attaching a filter, releasing the ring, or binding the socket to an interface that has come back.
        rules.append(Rule(calls: [__NR_setsockopt, __NR_bind], conditions: [.oneOf(packetSockets, argument: 0)]))
      }
    }
    // Calls that only an attacker would make. If one of them was permitted above, that rule applies.
    rules.append(Rule(calls: Self.hostile, answer: .kill))
    // The C library then falls back to clone, whose flags can be checked.
    rules.append(Rule(calls: [__NR_clone3], answer: .refuse(ENOSYS)))
    try self.init(rules)
  }

  private static func mayWriteFiles(_ policy: SandboxPolicy) -> Bool { !policy.writable.isEmpty || policy.maySpawn }

  // MARK: The lists

  /// Calls permitted without conditions.
  private static var everyday: [CInt] {
    var calls = [
      // Input of packets, from a ring or a socket.
      __NR_ppoll, __NR_recvfrom, __NR_recvmsg, __NR_recvmmsg, __NR_getsockopt, __NR_getsockname, __NR_read, __NR_readv,
      __NR_pread64, __NR_lseek, __NR_fadvise64,
      // Memory.
      __NR_munmap, __NR_mremap, __NR_madvise, __NR_brk, __NR_mincore, __NR_membarrier,
      // Open files.
      __NR_close, __NR_close_range, __NR_fstat, __NR_statx, __NR_statfs, __NR_fstatfs, __NR_ftruncate, __NR_fallocate,
      __NR_fsync, __NR_fdatasync, __NR_sync_file_range, __NR_flock, __NR_newfstatat, __NR_faccessat, __NR_faccessat2,
      __NR_readlinkat, __NR_getcwd, __NR_getdents64, __NR_pipe2, __NR_eventfd2, __NR_epoll_create1, __NR_epoll_ctl,
      __NR_epoll_pwait, __NR_pselect6, __NR_timerfd_create, __NR_timerfd_settime, __NR_timerfd_gettime,
      // Time.
      __NR_clock_gettime, __NR_clock_getres, __NR_clock_nanosleep, __NR_nanosleep, __NR_gettimeofday, __NR_setitimer,
      __NR_getitimer, __NR_timer_create, __NR_timer_settime, __NR_timer_delete, __NR_times,
      // Signals, threads and exit.
      __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_rt_sigpending, __NR_rt_sigsuspend,
      __NR_rt_sigtimedwait, __NR_sigaltstack, __NR_signalfd4, __NR_restart_syscall, __NR_futex, __NR_set_robust_list,
      __NR_get_robust_list, __NR_rseq, __NR_set_tid_address, __NR_sched_yield, __NR_sched_getaffinity,
      __NR_sched_setaffinity, __NR_getcpu, __NR_exit, __NR_exit_group,
      // Queries about the process and the system.
      __NR_getpid, __NR_gettid, __NR_getppid, __NR_getpgid, __NR_getsid, __NR_getuid, __NR_geteuid, __NR_getgid,
      __NR_getegid, __NR_getresuid, __NR_getresgid, __NR_getgroups, __NR_getrusage, __NR_sysinfo, __NR_uname,
      __NR_getrandom, __NR_getpriority, __NR_capget,
    ]
    #if arch(x86_64)
      calls += [
        __NR_poll, __NR_stat, __NR_lstat, __NR_access, __NR_readlink, __NR_pipe, __NR_eventfd, __NR_epoll_create,
        __NR_epoll_wait, __NR_select, __NR_pause, __NR_alarm, __NR_time, __NR_getpgrp, __NR_getrlimit, __NR_arch_prctl,
      ]
    #endif
    return calls
  }

  /// Loading filters and attaching them to sockets, dropping capabilities, and installing another filter of system calls.
  private static var preparing: [CInt] { [__NR_bpf, __NR_setsockopt, __NR_capset, __NR_prctl, __NR_seccomp] }

  /// The first argument is the output descriptor.
  private static var writing: [CInt] { [__NR_write, __NR_writev, __NR_pwrite64, __NR_pwritev, __NR_pwritev2] }

  /// The flags are the third argument.
  private static var opening: [CInt] { [__NR_openat] }

  /// Flags of open(2) that permit changes.
  private static var openToWrite: CInt { O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND }

  /// Flags of open(2) for which its mode argument is used: O_CREAT, and the bit of O_TMPFILE that no other flag has.
  private static var creating: CInt { O_CREAT | 0o20_000_000 }

  /// The mode bits that give the rights of a file's owner or group to whoever executes it.
  private static var setID: CInt { CInt(S_ISUID | S_ISGID) }

  /// Files are created, deleted and renamed where Landlock permits it.
  private static var naming: [CInt] {
    var calls = [__NR_renameat2, __NR_linkat, __NR_unlinkat]
    #if arch(x86_64)
      calls += [__NR_rename, __NR_renameat, __NR_link, __NR_unlink]
    #else
      calls += [__NR_renameat]
    #endif
    return calls
  }

  /// A single process with its threads: it cannot start or signal another one, or duplicate the descriptor of a packet socket.
  private static func oneProcess(_ process: pid_t, packetSockets: [CInt]) -> [Rule] {
    var duplicating = [__NR_dup, __NR_dup3]
    #if arch(x86_64)
      duplicating.append(__NR_dup2)
    #endif
    return [
      Rule(calls: duplicating, conditions: [.noneOf(packetSockets, argument: 0)]),
      Rule(
        calls: [__NR_fcntl],
        conditions: [.oneOf([F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW], argument: 1)]),
      // Queries only: a terminal's size, the bytes waiting on a descriptor, an interface's state.
      Rule(
        calls: [__NR_ioctl],
        conditions: [.oneOf(controlRequests, argument: 1)]),
      Rule(calls: [__NR_clone], conditions: [.all(of: sameProcess, inArgument: 0)]),
      Rule(calls: [__NR_kill, __NR_tgkill], conditions: [.oneOf([process], argument: 0)]),
      // PR_SET_NAME, PR_GET_NAME and PR_SET_VMA, which name threads and memory.
      Rule(calls: [__NR_prctl], conditions: [.oneOf([15, 16, 0x5356_4d41], argument: 0)]),
    ]
  }

  /// CLONE_VM, CLONE_SIGHAND and CLONE_THREAD.
  private static var sameProcess: CInt { 0x100 | 0x800 | 0x1_0000 }

  private static var controlRequests: [CInt] {
    [
      TCGETS, TIOCGWINSZ, TIOCGPGRP, FIONREAD, FIONBIO, SIOCGIFNAME, SIOCGIFINDEX, SIOCGIFFLAGS, SIOCGIFMTU,
      SIOCGIFHWADDR,
      SIOCGIFADDR, SIOCGIFNETMASK,
    ].map { CInt(truncatingIfNeeded: $0) }
  }

  /// The calls of ordinary programs, except those for the network and those that need privilege.
  private static func programs(_ packetSockets: [CInt]) -> [Rule] {
    var calls = [
      __NR_execve, __NR_execveat, __NR_wait4, __NR_waitid, __NR_dup, __NR_dup3, __NR_fcntl, __NR_kill, __NR_tgkill,
      __NR_tkill, __NR_prctl, __NR_prlimit64, __NR_umask, __NR_chdir, __NR_fchdir, __NR_setpgid, __NR_setsid,
      __NR_setpriority, __NR_mkdirat, __NR_symlinkat, __NR_fchown, __NR_fchownat,
      __NR_utimensat, __NR_truncate, __NR_copy_file_range, __NR_sendfile, __NR_splice, __NR_tee, __NR_memfd_create,
      __NR_getxattr, __NR_lgetxattr, __NR_fgetxattr, __NR_listxattr, __NR_llistxattr, __NR_flistxattr, __NR_setxattr,
      __NR_fsetxattr, __NR_preadv, __NR_preadv2, __NR_readahead, __NR_msync, __NR_mlock, __NR_munlock,
      __NR_sched_getparam,
      __NR_sched_getscheduler, __NR_sched_setscheduler, __NR_ioprio_get, __NR_ioprio_set, __NR_seccomp,
      __NR_landlock_create_ruleset, __NR_landlock_add_rule, __NR_landlock_restrict_self, __NR_pidfd_open,
      __NR_socketpair,
      __NR_capset, __NR_clock_settime, __NR_rt_sigqueueinfo, __NR_sync, __NR_syncfs,
    ]
    #if arch(x86_64)
      calls += [
        __NR_fork, __NR_vfork, __NR_dup2, __NR_mkdir, __NR_rmdir, __NR_symlink,
        __NR_chown, __NR_lchown, __NR_utime, __NR_utimes, __NR_futimesat, __NR_setrlimit, __NR_getdents,
      ]
    #endif
    // A program cannot create a file that gives its rights to whoever executes it.
    var modes = [
      Rule(calls: [__NR_fchmod], conditions: [.none(of: setID, inArgument: 1)]),
      Rule(calls: [__NR_fchmodat], conditions: [.none(of: setID, inArgument: 2)]),
    ]
    #if arch(x86_64)
      modes += [
        Rule(calls: [__NR_chmod, __NR_creat], conditions: [.none(of: setID, inArgument: 1)]),
        Rule(calls: [__NR_open], conditions: [.noneWhere(creating, inArgument: 1, of: setID, argument: 2)]),
      ]
    #endif
    // CLONE_NEW…: no new namespaces.
    let newNamespaces: CInt = 0x7e02_0080
    return modes + [
      Rule(calls: calls),
      // Communication with a program uses a pair of sockets, without an address.
      Rule(calls: [__NR_sendto], conditions: [.isZero(argument: 4), .noneOf(packetSockets, argument: 0)]),
      Rule(calls: [__NR_clone], conditions: [.none(of: newNamespaces, inArgument: 0)]),
      // A program cannot insert input into a terminal.
      Rule(
        calls: [__NR_ioctl],
        conditions: [.noneOf([TIOCSTI, TIOCLINUX].map { CInt(truncatingIfNeeded: $0) }, argument: 1)]),
    ]
  }

  /// The calls of libpcap to open an interface: packet sockets, a datagram socket for queries, and netlink.
  private static var devices: [Rule] {
    [
      Rule(
        calls: [__NR_socket],
        conditions: [.oneOf([AF_PACKET, AF_INET, AF_NETLINK, AF_UNIX], argument: 0)]),
      Rule(calls: [__NR_bind, __NR_setsockopt]),
    ]
  }

  private static var hostile: [CInt] {
    [
      __NR_execve, __NR_execveat, __NR_ptrace, __NR_process_vm_readv, __NR_process_vm_writev, __NR_bpf, __NR_mount,
      __NR_umount2, __NR_pivot_root, __NR_chroot, __NR_setns, __NR_unshare, __NR_init_module, __NR_finit_module,
      __NR_delete_module, __NR_kexec_load, __NR_reboot, __NR_swapon, __NR_perf_event_open, __NR_userfaultfd,
      __NR_keyctl,
      __NR_add_key, __NR_request_key, __NR_io_uring_setup, __NR_open_by_handle_at, __NR_pidfd_getfd, __NR_personality,
      __NR_setuid, __NR_setgid, __NR_setresuid, __NR_setresgid, __NR_setgroups,
    ]
  }
}
