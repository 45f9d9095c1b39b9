import Capture
import Glibc
import Processes
import Sandbox
import Savefile

/// How far the process drops its privileges before it parses a packet.
struct Confinement: Sendable, Equatable {
  /// The whole sandbox is wanted, not just a change of user.
  let isWanted: Bool
  /// The user to become (`-Z`).
  let user: String?

  init(_ options: PrivilegeOptions) {
    isWanted = !options.noSandbox
    user = options.user
  }

  /// The sandbox, in the words of `--version`.
  var description: String { isWanted ? "sandbox: \(Protection.possible)" : "sandbox: off (--no-sandbox)" }
}

extension Command {
  /// Opens the folder of rotating files, and starts the process that runs their program.
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
        // apus has the same gaps, and reports them itself.
        if confinement.isWanted { _ = try sandbox.enter() }
      } catch {
        throw CommandError(error.description)
      }
    }
    preparation.helper = helper
    try helper.awaitReady()
  }

  /// A policy with only what the change of user needs: the new user, input files and the output folder.
  private var rotationPolicy: SandboxPolicy {
    var policy = SandboxPolicy()
    // Files that are opened later: the new user must be able to read them. Only the first ones are checked, to save time.
    policy.inputs = Array(preparation.inputs.deferred.prefix(10_000))
    if let user = configuration.confinement.user { policy.user = .named(user) }
    if let folder = preparation.folder { policy.writable = [SandboxPolicy.Folder(descriptor: folder.descriptor)] }
    return policy
  }

  /// What the process still needs after sources and outputs are open.
  private var sandboxPolicy: SandboxPolicy {
    let (source, live) = (configuration.source, configuration.live)
    var policy = rotationPolicy
    policy.mayMakeCode = configuration.usesNativeCode
    policy.maySpawn = startsPrograms
    // Names are looked up in these files when the first one is printed.
    policy.readable = ["/etc/hosts", "/etc/ethers", "/etc/networks", "/etc/services", "/etc/protocols"]
    policy.readable += Self.folders(of: preparation.inputs.deferred.dropFirst(policy.inputs.count))
    if case .interfaces = source {
      // For libpcap: an interface's drops are read from files there, together with the kernel's counts.
      policy.readable.append("/sys/devices")
      // An interface that was created for monitor mode is removed at the end.
      policy.mayOpenDevices = live.isMonitor
      policy.mayLoadFilters = configuration.isCapture
      policy.readable += preparation.processes?.readableFolders ?? []
    }
    return policy
  }

  /// A proof runs z3, and graphviz draws graphs.
  private var startsPrograms: Bool {
    switch configuration.task {
    case .prove: true
    case .dumpFilter(.listing(let form)): form.drawnFormat != nil
    default: false
    }
  }

  /// The folders of these files, each once.
  private static func folders(of paths: ArraySlice<String>) -> [String] {
    Set(paths.map { path in path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "." }).sorted()
  }

  /// Drops all privileges that are not needed any more, once every source and list is open; nothing has been read from the sources before.
  /// What kernel filters need is dropped by `seal`.
  ///
  /// Also opens the single file of `-w`: with the process's privileges, as the shell would do it, or, with `-Z`, as the new user. Rotating
  /// files belong to the new user from the first one on.
  func confine() throws(CommandError) {
    // A library can only be loaded before the sandbox.
    if configuration.live.engine == .libpcap {
      try Self.capturing { () throws(CaptureError) in try LiveCapture.loadLibrary() }
    }
    let confinement = configuration.confinement
    guard confinement.isWanted || confinement.user != nil else {
      try reserveOutput()
      // The rights from a set-user-ID bit were only for opening the sources.
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

  /// Drops the remaining privileges, once filters are in the kernel.
  func seal() throws(CommandError) {
    guard var sandbox = preparation.sandbox.take() else { return }
    do throws(SandboxError) {
      guard configuration.confinement.isWanted else { return try sandbox.limitCapabilities(isPreparing: false) }
      let protection = try sandbox.enter()
      // Without privileges, a gap gives an attacker nothing.
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

  /// Opens the single file of `-w` without changing it. Waits for the reader of a FIFO.
  private func reserveOutput() throws(CommandError) {
    guard configuration.writesPackets, let path = configuration.outputPath, path != "-", configuration.rotation.isNone
    else { return }
    while true {
      do throws(SavefileError) {
        preparation.output = try ReservedOutput(path: path)
        return
      } catch {
        guard error.kind == .noReader, !StopSignal.isRaised else { throw CommandError(error.description) }
        // Wait for the reader of a FIFO until a signal arrives.
        usleep(10_000)
      }
    }
  }

  /// Throws if the process could not create another file after dropping privileges: the capture would fail at its first rotation.
  private func checkFolder(_ user: String?) throws(CommandError) {
    guard let folder = preparation.folder, let code = folder.refusal() else { return }
    let reason = unsafe String(cString: strerror(code))
    throw CommandError(
      "\(folder.path): once its privileges are dropped, apus\(user.map { " (as user \($0))" } ?? "") cannot create files in this folder: \(reason); "
        + "let its owner write to it, name another user with -Z, or keep privileges with --no-sandbox")
  }

  /// The result of `body`; an error becomes one of the command.
  private static func confining<Result: ~Copyable>(
    _ body: () throws(SandboxError) -> Result
  ) throws(CommandError) -> Result {
    do throws(SandboxError) { return try body() } catch { throw CommandError(error.description) }
  }
}
