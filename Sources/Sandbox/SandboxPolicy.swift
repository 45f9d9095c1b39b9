/// What a process still needs once its sources and outputs are open. Everything else is given up.
public struct SandboxPolicy: Sendable {
  /// Whom the process becomes where it was started as root.
  public enum User: Sendable, Hashable {
    /// The user of that name; `root` keeps the user, though none of his privilege.
    case named(String)
    /// `nobody`, where that suffices for what is still to be read; where files are still to be created, the owner of the folder. Where
    /// the process cannot become another user, it stays who it is.
    case leastPrivileged
  }

  /// A folder that is open.
  public struct Folder: Sendable {
    let descriptor: CInt

    /// The descriptor, which may be opened with O_PATH, must stay open until the sandbox is entered.
    public init(descriptor: CInt) { self.descriptor = descriptor }
  }

  /// Savefiles that are still to be opened.
  public var inputs: [String] = []
  /// Other files, and folders with all that is in them, that may still be opened for reading. Those that are not there are skipped.
  public var readable: [String] = []
  /// Folders in which, and below which, files may still be created, written, renamed and removed.
  public var writable: [Folder] = []
  public var user = User.leastPrivileged
  /// Programs may be started. They inherit the sandbox, and may read what their user may.
  public var maySpawn = false
  /// Packet sockets may still be opened and interfaces changed, which takes CAP_NET_RAW and CAP_NET_ADMIN: these two stay.
  public var mayOpenDevices = false
  /// Filters are still to be handed to the kernel between `prepare` and `enter`: until then the capability to load eBPF programs stays.
  public var mayLoadFilters = false
  /// Memory may be made executable, though never while it is writable.
  public var mayMakeCode = false

  public init() {}
}
