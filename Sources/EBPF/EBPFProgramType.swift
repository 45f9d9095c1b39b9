/// Where a program runs in the Linux kernel, which determines its context and the meaning of its result. The raw value is that of `enum
/// bpf_prog_type`.
public enum EBPFProgramType: UInt32, CaseIterable, Hashable, Sendable, BitwiseCopyable {
  /// Attached to a socket: returns the number of bytes to keep, 0 for none.
  case socketFilter = 1
  /// Attached to traffic control (`clsact`, direct action): returns `TC_ACT_OK` or `TC_ACT_SHOT`.
  case classifier = 3
  /// Attached to a network device, before there is a socket buffer: returns `XDP_PASS` or `XDP_DROP`.
  case xdp = 6

  /// The section name in an object file by which libbpf and `ip link` recognise the type.
  public var sectionName: String {
    switch self {
    case .socketFilter: "socket"
    case .classifier: "tc"
    case .xdp: "xdp"
    }
  }

  /// The name used on the command line.
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

  /// What the program returns if the classic program returns `verdict`.
  public func result(_ verdict: UInt32) -> UInt32 {
    verdict == 0 ? rejected : accepted ?? verdict
  }
}

/// The offsets of fields in `struct __sk_buff`, the context of programs that see socket buffers (`linux/bpf.h`): words in the host's byte
/// order.
enum SocketBuffer {
  /// Bytes on the wire.
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
  /// The addresses of the packet's first byte and of the byte after its last. They are loaded as words, and the kernel extends them to full
  /// addresses.
  static let data: Int16 = 76
  static let dataEnd: Int16 = 80
  static let size = 192
}

/// The offsets of fields in `struct xdp_md` (`linux/bpf.h`).
enum XDPContext {
  static let data: Int16 = 0
  static let dataEnd: Int16 = 4
  static let size = 24
}

/// Kernel helpers that the machine implements (bpf-helpers(7)).
enum Helper: Int32 {
  /// Nanoseconds since boot.
  case ktimeGetNS = 5
  /// Copies bytes of a packet, wherever they are stored, to memory: context, offset, address, length. Nonzero if the packet does not have
  /// them.
  case skbLoadBytes = 26
  /// Makes the first bytes of a packet directly accessible: context, length. Nonzero if the packet is shorter.
  case skbPullData = 39
}
