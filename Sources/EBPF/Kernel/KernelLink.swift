import Glibc

/// A place in the kernel, other than at a socket, where a program runs, and the context it gets.
public struct KernelHook: Hashable, Sendable {
  /// `enum bpf_prog_type`.
  let programType: UInt32
  /// `enum bpf_attach_type`.
  let attachType: UInt32
  /// For a tracepoint, the number of its type in the kernel's type information.
  var typeNumber: UInt32 = 0

  /// When a socket in a control group sends or receives a packet (`__sk_buff`).
  public static let groupEgress = KernelHook(programType: 8, attachType: 1)
  public static let groupIngress = KernelHook(programType: 8, attachType: 0)
  /// When a process in a control group creates an internet socket (`bpf_sock`).
  public static let groupSocketCreation = KernelHook(programType: 9, attachType: 2)

  // When a process in a control group uses addresses (`bpf_sock_addr`).
  public static let groupConnect4 = KernelHook(programType: 18, attachType: 10)
  public static let groupConnect6 = KernelHook(programType: 18, attachType: 11)
  public static let groupSend4 = KernelHook(programType: 18, attachType: 14)
  public static let groupSend6 = KernelHook(programType: 18, attachType: 15)
  public static let groupReceive4 = KernelHook(programType: 18, attachType: 19)
  public static let groupReceive6 = KernelHook(programType: 18, attachType: 20)
  public static let groupPeerName4 = KernelHook(programType: 18, attachType: 29)
  public static let groupPeerName6 = KernelHook(programType: 18, attachType: 30)

  /// A tracepoint of the kernel, with the kernel's own arguments.
  public static func tracepoint(_ typeNumber: UInt32) -> KernelHook {
    KernelHook(programType: 26, attachType: 23, typeNumber: typeNumber)
  }

  /// For one of the types that see single packets and are attached elsewhere.
  init(_ type: EBPFProgramType) {
    self.init(programType: type.rawValue, attachType: 0)
  }

  private init(programType: UInt32, attachType: UInt32, typeNumber: UInt32 = 0) {
    self.programType = programType
    self.attachType = attachType
    self.typeNumber = typeNumber
  }

  var isTracepoint: Bool { typeNumber != 0 }
}

/// Keeps a program attached to a hook. The kernel detaches it with this value, or with the process, however that ends.
public struct KernelLink: ~Copyable {
  private let descriptor: CInt

  /// Attaches a program to the hook that it was loaded for: in the control group whose descriptor is `group`, and in all groups below it; a
  /// tracepoint has no group. Throws if the kernel refuses.
  public init(_ program: borrowing KernelEBPFProgram, group: CInt = -1) throws(KernelError) {
    let result: Int
    if program.hook.isTracepoint {
      // name, prog_fd.
      var attributes = [0, UInt64(program.descriptor)]
      result = SystemCall.bpf(.rawTracepointOpen, &attributes)
    } else {
      // prog_fd and target_fd, attach_type and flags.
      var attributes = [
        UInt64(program.descriptor) | UInt64(UInt32(bitPattern: group)) << 32, UInt64(program.hook.attachType), 0, 0,
      ]
      result = SystemCall.bpf(.linkCreate, &attributes)
    }
    guard result >= 0 else { throw KernelError("the kernel does not attach the program", errno: errno) }
    descriptor = CInt(result)
  }

  deinit { close(descriptor) }
}
