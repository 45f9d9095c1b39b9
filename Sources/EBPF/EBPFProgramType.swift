/// Where a program runs in the Linux kernel, which decides what its context is and what its result means. The raw value is that of
/// `enum bpf_prog_type`.
public enum EBPFProgramType: UInt32, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  /// Attached to a socket: returns the number of octets to keep, 0 for none.
  case socketFilter = 1
  /// Attached to traffic control (`clsact`, direct action): returns `TC_ACT_OK` or `TC_ACT_SHOT`.
  case classifier = 3
  /// Attached to a network device, before there is a socket buffer: returns `XDP_PASS` or `XDP_DROP`.
  case xdp = 6

  /// The name of the section of an object file by which libbpf and `ip link` know the type.
  public var sectionName: String {
    switch self {
    case .socketFilter: "socket"
    case .classifier: "tc"
    case .xdp: "xdp"
    }
  }

  /// The word on the command line.
  public var name: String { sectionName }

  /// The type of that name; nil if there is none.
  public init?(name: String) {
    guard let type = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = type
  }

  /// What the program returns for a packet that the filter accepts; nil if it is the filter's own result.
  public var accepted: UInt32? {
    switch self {
    case .socketFilter: nil
    case .classifier: 0  // TC_ACT_OK
    case .xdp: 2  // XDP_PASS
    }
  }

  /// What the program returns for a packet that the filter rejects.
  public var rejected: UInt32 {
    switch self {
    case .socketFilter: 0
    case .classifier: 2  // TC_ACT_SHOT
    case .xdp: 1  // XDP_DROP
    }
  }

  /// What the program returns where the classic program returns `verdict`.
  public func result(_ verdict: UInt32) -> UInt32 {
    verdict == 0 ? rejected : accepted ?? verdict
  }
}

/// Where the fields of `struct __sk_buff` lie, the context of programs that see socket buffers (`linux/bpf.h`): words in the host's byte
/// order.
enum SocketBuffer {
  /// Octets on the wire.
  static let len: Int16 = 0
  static let packetType: Int16 = 4
  static let mark: Int16 = 8
  static let queue: Int16 = 12
  /// The EtherType, in network byte order.
  static let proto: Int16 = 16
  static let vlanPresent: Int16 = 20
  static let vlanTCI: Int16 = 24
  /// In network byte order.
  static let vlanProto: Int16 = 28
  static let interface: Int16 = 40
  static let hash: Int16 = 68
  /// The addresses of the packet's first octet and of the one after its last. They are loaded as words, and the kernel makes them whole.
  static let data: Int16 = 76
  static let dataEnd: Int16 = 80
  static let size = 192
}

/// Where the fields of `struct xdp_md` lie (`linux/bpf.h`).
enum XDPContext {
  static let data: Int16 = 0
  static let dataEnd: Int16 = 4
  static let size = 24
}

/// Helpers of the kernel that the machine knows (bpf-helpers(7)).
enum Helper: Int32 {
  /// Nanoseconds since the system started.
  case ktimeGetNS = 5
  /// Copies octets of a packet, wherever they lie, to memory: context, offset, address, number. Not 0 if they are not there.
  case skbLoadBytes = 26
  /// Makes the first octets of a packet directly accessible: context, number. Not 0 if there are not as many.
  case skbPullData = 39
}
