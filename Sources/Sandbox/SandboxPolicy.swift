/// What a process still needs once its sources and outputs are open. Everything else is dropped.
public struct SandboxPolicy: Sendable {
  /// The user to become if the process was started as root.
  public enum User: Sendable, Hashable {
    /// The user of that name; `root` keeps the user, but none of its privileges.
    case named(String)
    /// `nobody`, if that user can read the remaining files; if files are still to be created, the owner of the folder. If the process
    /// cannot become another user, its user does not change.
    case leastPrivileged
  }

  /// An open folder.
  public struct Folder: Sendable {
    let descriptor: CInt

    /// The descriptor, which may be opened with O_PATH, must stay open until the sandbox is entered.
    public init(descriptor: CInt) { self.descriptor = descriptor }
  }

  /// Savefiles that are still to be opened.
  public var inputs: [String] = []
  /// Other files, and folders with everything in them, that may still be opened for reading. Missing ones are skipped.
  public var readable: [String] = []
  /// Folders in and below which files may still be created, written, renamed and removed.
  public var writable: [Folder] = []
  public var user = User.leastPrivileged
  /// Programs may be started. They inherit the sandbox, and may read what their user may.
  public var maySpawn = false
  /// Packet sockets may still be opened and interfaces changed, so CAP_NET_RAW and CAP_NET_ADMIN are kept.
  public var mayOpenDevices = false
  /// Filters will be loaded into the kernel between `prepare` and `enter`: until then the capability to load eBPF programs is kept.
  public var mayLoadFilters = false
  /// Memory may be made executable, but never while it is writable.
  public var mayMakeCode = false

  public init() {}
}
