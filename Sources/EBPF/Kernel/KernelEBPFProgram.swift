import BPF
import Glibc

/// An eBPF program in the Linux kernel, accepted by its verifier.
@safe public struct KernelEBPFProgram: ~Copyable {
  /// The descriptor that identifies the program in other calls. It is closed with this value; attachments keep the program alive.
  public let descriptor: CInt
  let hook: KernelHook

  /// The program's licence, as passed to the kernel, which lets programs with a compatible licence call more of its helpers.
  static let license = "Dual MIT/GPL"
  /// The size in bytes of the buffer for the verifier's log.
  private static let logSize = 16 << 20

  /// Loads a program. Throws the reason if the kernel refuses it.
  public init(_ program: EBPFProgram, as type: EBPFProgramType) throws(KernelRefusal) {
    try self.init(program, for: KernelHook(type))
  }

  /// Loads a program to be attached to a hook. Throws the reason if the kernel refuses it.
  public init(_ program: EBPFProgram, for hook: KernelHook) throws(KernelRefusal) {
    self.hook = hook
    let octets = program.octets
    var descriptor = unsafe Self.load(octets, hook, log: nil)
    var code = errno
    var text: [UInt8] = []
    if descriptor < 0, code != EPERM, code != ENOSYS {
      // Once more, this time with a log of the reasons.
      var log = [UInt8](repeating: 0, count: Self.logSize)
      descriptor = unsafe log.withUnsafeMutableBytes { unsafe Self.load(octets, hook, log: $0) }
      code = errno
      text = Array(log.prefix { $0 != 0 })
    }
    guard descriptor >= 0 else {
      throw KernelRefusal(code: code, log: String(decoding: text, as: UTF8.self), program)
    }
    self.descriptor = CInt(descriptor)
  }

  deinit { close(descriptor) }

  private static func load(_ octets: [UInt8], _ hook: KernelHook, log: UnsafeMutableRawBufferPointer?) -> Int {
    let license = Array(license.utf8) + [0]
    let name = Array("apus".utf8)
    return unsafe octets.withUnsafeBytes { octets in
      unsafe license.withUnsafeBytes { license in
        var attributes = [UInt64](repeating: 0, count: 16)
        // prog_type and insn_cnt, insns, license.
        attributes[0] = UInt64(hook.programType) | UInt64(octets.count / EncodedInstruction.size) << 32
        attributes[1] = UInt64(UInt(bitPattern: octets.baseAddress))
        attributes[2] = UInt64(UInt(bitPattern: license.baseAddress))
        if let log = unsafe log {
          // log_level and log_size, log_buf.
          attributes[3] = 1 | UInt64(log.count) << 32
          attributes[4] = UInt64(UInt(bitPattern: log.baseAddress))
        }
        // kern_version and prog_flags, prog_name.
        for (index, octet) in name.enumerated() { attributes[6] |= UInt64(octet) << UInt64(8 * index) }
        // prog_ifindex and expected_attach_type; line_info_cnt and attach_btf_id.
        attributes[8] = UInt64(hook.attachType) << 32
        attributes[13] = UInt64(hook.typeNumber) << 32
        return SystemCall.bpf(.programLoad, &attributes)
      }
    }
  }

  /// Attaches the program to a socket, replacing the previous one (`SO_ATTACH_BPF`). Nil if the kernel refuses, as it does for types other
  /// than socket filters: errno says why. Keep the result for as long as the program has to filter packets.
  ///
  /// The instructions of an attached program count as memory of the socket, which is limited (`net.core.optmem_max`). A program that is too
  /// long is put into a table instead, and a short program that tail-calls it is attached.
  public func attach(toSocket socket: CInt) -> KernelAttachment? {
    if Self.attach(descriptor, toSocket: socket) { return KernelAttachment(table: nil) }
    guard errno == ENOMEM, let table = ProgramTable.make(descriptor) else { return nil }
    let relay = unsafe Self.load(table.relay, hook, log: nil)
    guard relay >= 0 else { return nil }
    defer { close(CInt(relay)) }
    return Self.attach(CInt(relay), toSocket: socket) ? KernelAttachment(table: table) : nil
  }

  private static func attach(_ program: CInt, toSocket socket: CInt) -> Bool {
    var value = program
    let size = socklen_t(MemoryLayout<CInt>.size)
    return unsafe setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &value, size) == 0
  }

  // MARK: Test runs

  /// The number of bytes that the kernel removes from a packet before a socket filter sees it, as if they were an Ethernet header.
  private static let strippedLength = 14

  /// What the program returns for a packet (`BPF_PROG_TEST_RUN`). Nil if the kernel cannot make such a packet: it requires 14 bytes or
  /// more, one or more for a socket filter, and no more than fit into a page with what it adds.
  public func run(_ packet: [UInt8]) -> UInt32? {
    measure(packet, times: 1)?.result
  }

  /// What the program returns for a packet, and the nanoseconds per run, over `times` runs in a row.
  public func measure(_ packet: [UInt8], times: UInt32) -> (result: UInt32, nanoseconds: UInt32)? {
    var packet = packet
    if hook == KernelHook(.socketFilter) {
      // The kernel removes a copied header from the front; its content does not matter.
      packet.insert(contentsOf: repeatElement(0, count: Self.strippedLength), at: 0)
    }
    return unsafe packet.withUnsafeBytes { packet in
      // prog_fd and retval, data_size_in and data_size_out, data_in, data_out, repeat and duration.
      var attributes = [UInt64](repeating: 0, count: 10)
      attributes[0] = UInt64(descriptor)
      attributes[1] = UInt64(packet.count)
      attributes[2] = UInt64(UInt(bitPattern: packet.baseAddress))
      attributes[4] = UInt64(times)
      guard SystemCall.bpf(.programTestRun, &attributes) == 0 else { return nil }
      return (UInt32(attributes[0] >> 32), UInt32(attributes[4] >> 32))
    }
  }
}
