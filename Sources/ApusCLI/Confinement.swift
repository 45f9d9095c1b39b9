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

/// What is opened before anything is read, with the privilege that the process has then.
final class Preparation {
  /// The folder in which files rotate.
  var folder: OutputFolder?
  /// The process that runs the program of `-z`.
  var helper: ProgramHelper?
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
    if let user = configuration.confinement.user { policy.user = .named(user) }
    if let folder = preparation.folder { policy.writable = [SandboxPolicy.Folder(descriptor: folder.descriptor)] }
    return policy
  }

  /// What is still needed once sources and outputs are open.
  private var sandboxPolicy: SandboxPolicy {
    let (source, live) = (configuration.source, configuration.live)
    var policy = rotationPolicy
    policy.mayMakeCode = configuration.usesNativeCode
    policy.maySpawn = configuration.listing?.drawnFormat != nil
    // Names are looked up in these when the first is printed.
    policy.readable = ["/etc/hosts", "/etc/ethers", "/etc/networks", "/etc/services", "/etc/protocols"]
    // Files are opened as their turn comes.
    if case .savefiles(let paths) = source, paths.count > 1 { policy.inputs = paths.filter { $0 != "-" } }
    if case .interfaces = source {
      // For libpcap: what an interface dropped stands in files, which are read with the kernel's counts.
      policy.readable.append("/sys/devices")
      // The interface that was made for monitor mode is taken away at the end.
      policy.mayOpenDevices = live.isMonitor
    }
    return policy
  }

  /// Gives up all privilege that is not needed any more, once `open` has opened what packets are written to: from here on packets are
  /// looked at.
  ///
  /// A single file is opened with the privilege that there is, as the shell would do it. Files that follow one another, and all files
  /// with `-Z`, belong to the new user from the first on. Where the process has been through it, it only opens.
  func confined<Output: ~Copyable>(
    opening open: () throws(CommandError) -> Output
  ) throws(CommandError) -> Output {
    let confinement = configuration.confinement
    guard confinement.isWanted || confinement.user != nil, !Sandbox.isUnderWay else {
      // What a set-user-ID bit has given was only for opening.
      try Self.confining { () throws(SandboxError) in try SetIDPrivilege.end() }
      return try open()
    }
    if let user = confinement.user, geteuid() != 0 {
      Diagnostics.note("apus: not started as root, so -Z \(user) changes nothing")
    }
    var sandbox = try Self.confining { () throws(SandboxError) in try Sandbox(sandboxPolicy) }
    if confinement.user != nil || !configuration.rotation.isNone {
      try Self.confining { () throws(SandboxError) in try sandbox.changeUser() }
    }
    let output: Output
    do throws(CommandError) {
      output = try open()
    } catch {
      let isDenied = [EACCES, EPERM].contains { error.description.hasSuffix(unsafe String(cString: strerror($0))) }
      guard let user = sandbox.newUser, !error.isComplete, isDenied else { throw error }
      throw CommandError("\(error.description) (as user \(user); see -Z)")
    }
    let newUser = sandbox.newUser
    guard confinement.isWanted else { return output }
    do throws(SandboxError) {
      let isPrivileged =
        if case .interfaces = configuration.source { true } else { geteuid() == 0 || sandbox.newUser != nil }
      let protection = try sandbox.enter()
      // Without privilege there is nothing that the gaps could lead to.
      if isPrivileged, !protection.isComplete { Diagnostics.note("apus: the sandbox has gaps: \(protection)") }
    } catch {
      throw CommandError("no sandbox: \(error) (--no-sandbox goes on without)")
    }
    try checkFolder(newUser)
    return output
  }

  /// Throws where no further file could be created, now that the privilege is gone: the capture would end at its first change of files.
  private func checkFolder(_ user: String?) throws(CommandError) {
    guard let folder = preparation.folder, let code = folder.refusal() else { return }
    let reason = unsafe String(cString: strerror(code))
    throw CommandError(
      "\(folder.path): once its privilege is gone, apus\(user.map { " (as user \($0))" } ?? "") cannot create files in this folder: \(reason); "
        + "let its owner write to it, name another user with -Z, or keep privileges with --no-sandbox")
  }

  /// What `body` gives; a failure becomes the command's.
  private static func confining<Result: ~Copyable>(
    _ body: () throws(SandboxError) -> Result
  ) throws(CommandError) -> Result {
    do throws(SandboxError) { return try body() } catch { throw CommandError(error.description) }
  }
}
