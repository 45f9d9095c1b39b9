import Capture
import Glibc
import Sandbox
import Savefile

/// How far the process is to give up its privilege before it looks at a packet.
struct Confinement: Sendable, Equatable {
  /// The whole sandbox is wanted, not just another user.
  let isWanted: Bool
  /// Whom to become, as `-Z` says.
  let user: String?

  init(_ options: PrivilegeOptions) {
    isWanted = !options.noSandbox
    user = options.user
  }

  /// What `--version` says of it.
  var description: String { isWanted ? "sandbox: \(Protection.possible)" : "sandbox: off (--no-sandbox)" }
}

extension Command {
  /// Opens the folder of files that rotate, and starts the process for their program.
  func prepareRotation() throws(CommandError) {
    guard case .processPackets = configuration.task, let path = configuration.outputPath, !configuration.rotation.isNone
    else { return }
    do throws(SavefileError) {
      preparation.folder = try OutputFolder(path: configuration.rotation.folder(of: path))
    } catch {
      throw CommandError(error.description)
    }
    guard let program = configuration.postRotate, let folder = preparation.folder else { return }
    let helper = try ProgramHelper(program, folder: folder.path) { () throws(CommandError) in
      let confinement = configuration.confinement
      try Self.confining { () throws(SandboxError) in try SetIDPrivilege.end() }
      guard confinement.isWanted || confinement.user != nil else { return }
      var policy = rotationPolicy
      policy.maySpawn = true
      do throws(SandboxError) {
        var sandbox = try Sandbox(policy)
        try sandbox.changeUser()
        // The gaps are those of apus itself, which reports them.
        if confinement.isWanted { _ = try sandbox.enter() }
      } catch {
        throw CommandError(error.description)
      }
    }
    preparation.helper = helper
    try helper.awaitReady()
  }

  /// What settles the user, and where files are written.
  private var rotationPolicy: SandboxPolicy {
    var policy = SandboxPolicy()
    // Files that are opened as their turn comes; the user must be one who can read them, as far as it is worth the time to ask.
    policy.inputs = Array(preparation.inputs.deferred.prefix(10_000))
    if let user = configuration.confinement.user { policy.user = .named(user) }
    if let folder = preparation.folder { policy.writable = [SandboxPolicy.Folder(descriptor: folder.descriptor)] }
    return policy
  }

  /// What is still needed once sources and outputs are open.
  private var sandboxPolicy: SandboxPolicy {
    let (source, live) = (configuration.source, configuration.live)
    var policy = rotationPolicy
    policy.mayMakeCode = configuration.usesNativeCode
    policy.maySpawn = startsPrograms
    // Names are looked up in these when the first is printed.
    policy.readable = ["/etc/hosts", "/etc/ethers", "/etc/networks", "/etc/services", "/etc/protocols"]
    policy.readable += Self.folders(of: preparation.inputs.deferred.dropFirst(policy.inputs.count))
    if case .interfaces = source {
      // For libpcap: what an interface dropped stands in files, which are read with the kernel's counts.
      policy.readable.append("/sys/devices")
      // The interface that was made for monitor mode is taken away at the end.
      policy.mayOpenDevices = live.isMonitor
      policy.mayLoadFilters = configuration.isCapture
    }
    return policy
  }

  /// A proof asks z3, and a picture is drawn by graphviz.
  private var startsPrograms: Bool {
    switch configuration.task {
    case .prove: true
    case .dumpFilter(.listing(let form)): form.drawnFormat != nil
    default: false
    }
  }

  /// The folders in which files are, each once.
  private static func folders(of paths: ArraySlice<String>) -> [String] {
    Set(paths.map { path in path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "." }).sorted()
  }

  /// Gives up all privilege that is not needed any more, once every source and list is open: only from here on something is read of
  /// them. What a filter in the kernel takes is left to `seal`.
  ///
  /// The single file of `-w` is opened on the way: with the privilege that there is, as the shell would do it, or, with `-Z`, as the new
  /// user. Files that follow one another belong to the new user from the first on.
  func confine() throws(CommandError) {
    let confinement = configuration.confinement
    guard confinement.isWanted || confinement.user != nil else {
      try reserveOutput()
      // What a set-user-ID bit has given was only for opening.
      return try Self.confining { () throws(SandboxError) in try SetIDPrivilege.end() }
    }
    if let user = confinement.user, geteuid() != 0 {
      Diagnostics.note("apus: not started as root, so -Z \(user) changes nothing")
    }
    var sandbox = try Self.confining { () throws(SandboxError) in try Sandbox(sandboxPolicy) }
    if confinement.user != nil || !configuration.rotation.isNone {
      try Self.confining { () throws(SandboxError) in try sandbox.changeUser() }
    }
    do throws(CommandError) {
      try reserveOutput()
    } catch {
      let isDenied = [EACCES, EPERM].contains { error.description.hasSuffix(unsafe String(cString: strerror($0))) }
      guard let user = sandbox.newUser, !error.isComplete, isDenied else { throw error }
      throw CommandError("\(error.description) (as user \(user); see -Z)")
    }
    let wasPrivileged = geteuid() == 0
    do throws(SandboxError) {
      if confinement.isWanted { try sandbox.prepare() } else { try sandbox.limitCapabilities(isPreparing: true) }
    } catch {
      throw Self.refusal(error)
    }
    let user = sandbox.newUser
    preparation.sandbox = consume sandbox
    preparation.isPrivileged = wasPrivileged || user != nil || configuration.isCapture
    try checkFolder(user)
    if !configuration.isCapture { try seal() }
  }

  /// Gives up the rest: filters are in the kernel.
  func seal() throws(CommandError) {
    guard var sandbox = preparation.sandbox.take() else { return }
    do throws(SandboxError) {
      guard configuration.confinement.isWanted else { return try sandbox.limitCapabilities(isPreparing: false) }
      let protection = try sandbox.enter()
      // Without privilege there is nothing that the gaps could lead to.
      if preparation.isPrivileged, !protection.isComplete {
        Diagnostics.note("apus: the sandbox has gaps: \(protection)")
      }
    } catch {
      throw Self.refusal(error)
    }
  }

  private static func refusal(_ error: SandboxError) -> CommandError {
    CommandError("no sandbox: \(error) (--no-sandbox runs without)")
  }

  /// Opens the single file of `-w`, and changes nothing of it. The reader of a FIFO is waited for.
  private func reserveOutput() throws(CommandError) {
    guard configuration.writesPackets, let path = configuration.outputPath, path != "-", configuration.rotation.isNone
    else { return }
    while true {
      do throws(SavefileError) {
        preparation.output = try ReservedOutput(path: path)
        return
      } catch {
        guard error.kind == .noReader, !StopSignal.isRaised else { throw CommandError(error.description) }
        // The reader of a FIFO is waited for, unless a signal ends that.
        usleep(10_000)
      }
    }
  }

  /// Throws where no further file could be created, now that the privilege is gone: the capture would end at its first change of files.
  private func checkFolder(_ user: String?) throws(CommandError) {
    guard let folder = preparation.folder, let code = folder.refusal() else { return }
    let reason = unsafe String(cString: strerror(code))
    throw CommandError(
      "\(folder.path): once its privileges are dropped, apus\(user.map { " (as user \($0))" } ?? "") cannot create files in this folder: \(reason); "
        + "let its owner write to it, name another user with -Z, or keep privileges with --no-sandbox")
  }

  /// What `body` gives; a failure becomes the command's.
  private static func confining<Result: ~Copyable>(
    _ body: () throws(SandboxError) -> Result
  ) throws(CommandError) -> Result {
    do throws(SandboxError) { return try body() } catch { throw CommandError(error.description) }
  }
}
