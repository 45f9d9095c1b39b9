/// A process as it was when a packet was sent or received.
public struct ProcessOwner: Hashable, Sendable {
  /// How it was found out that the process owns a socket.
  public enum Evidence: Sendable, BitwiseCopyable {
    /// The kernel reported it when the socket was made or used.
    case event
    /// The process had the socket open when the capture began.
    case scan
    /// Read from a capture file.
    case file
  }

  public var process: UInt32
  /// The thread that made the socket or used it first; 0 if it is not known.
  public var thread: UInt32
  /// The user; nil if it is not known.
  public var user: UInt32?
  /// The control group (cgroup v2); nil if it is not known.
  public var controlGroup: ControlGroup?
  public var name: ProcessName
  public var evidence: Evidence

  public init(
    process: UInt32, thread: UInt32, user: UInt32?, controlGroup: ControlGroup?, name: ProcessName, evidence: Evidence
  ) {
    self.process = process
    self.thread = thread
    self.user = user
    self.controlGroup = controlGroup
    self.name = name
    self.evidence = evidence
  }

  /// The identifier of the container that the process is in, taken from the control group's path; nil if it has none.
  public var container: String? { controlGroup?.container }
}

/// A control group, by its path. Many sockets share one.
public final class ControlGroup: Sendable, Hashable {
  /// The path from the root, `/` for the root itself.
  public let path: String
  /// The identifier of the container in the path.
  public let container: String?

  public init(_ path: String) {
    self.path = path
    container = ContainerIdentifier.find(in: path)
  }

  /// True for the group with that path, and for all groups below it.
  public func isWithin(_ path: String) -> Bool {
    guard path != "/" else { return true }
    let (own, other) = (self.path.utf8, path.utf8)
    guard own.starts(with: other) else { return false }
    return own.count == other.count || own.dropFirst(other.count).first == UInt8(ascii: "/")
  }

  public static func == (first: ControlGroup, second: ControlGroup) -> Bool {
    first === second || first.path == second.path
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(path) }
}

/// The name of a process (comm): up to 15 bytes, which need not be text.
public struct ProcessName: Hashable, Sendable, BitwiseCopyable {
  /// The bytes, the first one lowest.
  private var bits: UInt128 = 0

  public static let maximumLength = 15

  /// The bytes up to the first 0, or the first 15 of them.
  public init(_ bytes: some Sequence<UInt8>) {
    for (index, byte) in bytes.enumerated() {
      guard byte != 0, index < Self.maximumLength else { return }
      bits |= UInt128(byte) << UInt128(8 * index)
    }
  }

  /// The 16 bytes that the kernel stores, as a little-endian number.
  package init(littleEndian bits: UInt128) {
    // The first 0 ends the name, regardless of what follows.
    var length = 0
    while length < Self.maximumLength, UInt8(truncatingIfNeeded: bits >> UInt128(8 * length)) != 0 { length += 1 }
    self.bits = bits & Self.mask(length)
  }

  /// A mask for this many bytes at the beginning.
  private static func mask(_ length: Int) -> UInt128 { (1 << UInt128(8 * length)) &- 1 }

  public var isEmpty: Bool { bits == 0 }

  /// The number of bytes, without the zeros.
  public var count: Int { (UInt128.bitWidth - bits.leadingZeroBitCount + 7) / 8 }

  /// The bytes, without zeros.
  public var bytes: [UInt8] { (0..<count).map { self[$0] } }

  /// The byte at an index below `count`.
  public subscript(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: bits >> UInt128(8 * index)) }

  /// True if this name begins with the other one, or equals it.
  public func hasPrefix(_ other: ProcessName) -> Bool { bits & Self.mask(other.count) == other.bits }

  /// A number that is different for each name.
  package var number: UInt128 { bits }

  public var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// The processes at both ends of a packet, as far as they are known.
public struct PacketProcesses: Hashable, Sendable {
  public var sender: ProcessOwner?
  public var receiver: ProcessOwner?

  public init(sender: ProcessOwner? = nil, receiver: ProcessOwner? = nil) {
    self.sender = sender
    self.receiver = receiver
  }

  public var isEmpty: Bool { sender == nil && receiver == nil }
}

/// Finds the identifier of a container in the path of a control group.
public enum ContainerIdentifier {
  private static let length = 64

  /// The last run of 64 hexadecimal digits in a path: container runtimes name groups after the identifier of the container. Nil if there is
  /// none.
  public static func find(in path: String) -> String? {
    var found: String?
    var run: [UInt8] = []
    for byte in Array(path.utf8) + [UInt8(ascii: "/")] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): run.append(byte)
      default:
        if run.count == length { found = String(decoding: run, as: UTF8.self) }
        run.removeAll(keepingCapacity: true)
      }
    }
    return found
  }
}
