import Glibc

/// Where in the kernel a program runs that is not before a socket, and what its context is.
public struct KernelHook: Hashable, Sendable {
  /// `enum bpf_prog_type`.
  let programType: UInt32
  /// `enum bpf_attach_type`.
  let attachType: UInt32
  /// For a tracepoint the number of its type among those of the kernel.
  var typeNumber: UInt32 = 0

  /// Before a packet that a socket of a control group sends, or receives (`__sk_buff`).
  public static let groupEgress = KernelHook(programType: 8, attachType: 1)
  public static let groupIngress = KernelHook(programType: 8, attachType: 0)
  /// When a process of a control group makes a socket of the internet families (`bpf_sock`).
  public static let groupSocketCreation = KernelHook(programType: 9, attachType: 2)

  // Where a process of a control group uses addresses (`bpf_sock_addr`).
  public static let groupConnect4 = KernelHook(programType: 18, attachType: 10)
  public static let groupConnect6 = KernelHook(programType: 18, attachType: 11)
  public static let groupSend4 = KernelHook(programType: 18, attachType: 14)
  public static let groupSend6 = KernelHook(programType: 18, attachType: 15)
  public static let groupReceive4 = KernelHook(programType: 18, attachType: 19)
  public static let groupReceive6 = KernelHook(programType: 18, attachType: 20)
  public static let groupPeerName4 = KernelHook(programType: 18, attachType: 29)
  public static let groupPeerName6 = KernelHook(programType: 18, attachType: 30)

  /// A tracepoint of the kernel, with its arguments as the kernel has them.
  public static func tracepoint(_ typeNumber: UInt32) -> KernelHook {
    KernelHook(programType: 26, attachType: 23, typeNumber: typeNumber)
  }

  /// One of the types that see single packets and are attached elsewhere.
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

/// That a program is attached to a hook. The kernel takes it away with this value, or with the process, however that ends.
public struct KernelLink: ~Copyable {
  private let descriptor: CInt

  /// Attaches a program to the hook that it was loaded for: in the control group that `group` is a descriptor of, and in all below it; a
  /// tracepoint has no group. Throws where the kernel refuses.
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
