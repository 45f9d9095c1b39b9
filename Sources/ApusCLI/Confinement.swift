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

extension Configuration {
  /// What is still needed once sources and outputs are open.
  var sandboxPolicy: SandboxPolicy {
    var policy = SandboxPolicy()
    if let user = confinement.user { policy.user = .named(user) }
    policy.mayMakeCode = usesNativeCode
    policy.maySpawn = postRotate != nil || listing?.drawnFormat != nil
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
    if let outputPath, !rotation.isNone { policy.writable = [rotation.folder(of: outputPath)] }
    return policy
  }
}

extension Command {
  /// Gives up all privilege that is not needed any more, once `open` has opened what packets are written to: from here on packets are
  /// looked at.
  ///
  /// A single file is opened with the privilege that there is, as the shell would do it. Files that follow one another, and all files
  /// with `-Z`, belong to the new user from the first on. Where the process has been through it, it only opens.
  func confined<Output: ~Copyable>(
    opening open: () throws(CommandError) -> Output
  ) throws(CommandError) -> Output {
    let confinement = configuration.confinement
    guard confinement.isWanted || confinement.user != nil, !Sandbox.isUnderWay else { return try open() }
    if let user = confinement.user, geteuid() != 0 {
      Diagnostics.note("apus: not started as root, so -Z \(user) changes nothing")
    }
    var sandbox = try Self.confining { () throws(SandboxError) in try Sandbox(configuration.sandboxPolicy) }
    if confinement.user != nil || !configuration.rotation.isNone {
      try Self.confining { () throws(SandboxError) in try sandbox.changeUser() }
    }
    let output: Output
    do throws(CommandError) {
      output = try open()
    } catch {
      guard let user = sandbox.newUser, !error.isComplete else { throw error }
      throw CommandError("\(error.description) (as user \(user); see -Z)")
    }
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
    return output
  }

  /// What `body` gives; a failure becomes the command's.
  private static func confining<Result: ~Copyable>(
    _ body: () throws(SandboxError) -> Result
  ) throws(CommandError) -> Result {
    do throws(SandboxError) { return try body() } catch { throw CommandError(error.description) }
  }
}
