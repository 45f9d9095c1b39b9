import BPF
import Glibc

/// An eBPF program in the Linux kernel, whose verifier has accepted it.
@safe public struct KernelEBPFProgram: ~Copyable {
  /// The descriptor by which other calls name the program. It is closed with this value; what the program is attached to keeps it.
  public let descriptor: CInt
  public let type: EBPFProgramType

  /// The program's licence, as the kernel gets it: it lets those that are compatible with its own call more of its helpers.
  static let license = "Dual MIT/GPL"
  /// Octets for what the verifier has to say.
  private static let logSize = 16 << 20

  /// Loads a program. Throws why the kernel refuses it.
  public init(_ program: EBPFProgram, as type: EBPFProgramType) throws(KernelRefusal) {
    self.type = type
    let octets = program.octets
    var descriptor = unsafe Self.load(octets, type, log: nil)
    var code = errno
    var text: [UInt8] = []
    if descriptor < 0, code != EPERM, code != ENOSYS {
      // Once more, now with its reasons.
      var log = [UInt8](repeating: 0, count: Self.logSize)
      descriptor = unsafe log.withUnsafeMutableBytes { unsafe Self.load(octets, type, log: $0) }
      code = errno
      text = Array(log.prefix { $0 != 0 })
    }
    guard descriptor >= 0 else {
      throw KernelRefusal(code: code, log: String(decoding: text, as: UTF8.self), program)
    }
    self.descriptor = CInt(descriptor)
  }

  deinit { close(descriptor) }

  private static func load(_ octets: [UInt8], _ type: EBPFProgramType, log: UnsafeMutableRawBufferPointer?) -> Int {
    let license = Array(license.utf8) + [0]
    let name = Array("apus".utf8)
    return unsafe octets.withUnsafeBytes { octets in
      unsafe license.withUnsafeBytes { license in
        var attributes = [UInt64](repeating: 0, count: 16)
        // prog_type and insn_cnt, insns, license.
        attributes[0] = UInt64(type.rawValue) | UInt64(octets.count / EncodedInstruction.size) << 32
        attributes[1] = UInt64(UInt(bitPattern: octets.baseAddress))
        attributes[2] = UInt64(UInt(bitPattern: license.baseAddress))
        if let log = unsafe log {
          // log_level and log_size, log_buf.
          attributes[3] = 1 | UInt64(log.count) << 32
          attributes[4] = UInt64(UInt(bitPattern: log.baseAddress))
        }
        // kern_version and prog_flags, prog_name.
        for (index, octet) in name.enumerated() { attributes[6] |= UInt64(octet) << UInt64(8 * index) }
        return SystemCall.bpf(.programLoad, &attributes)
      }
    }
  }

  /// Puts the program before a socket, in the place of what was there (`SO_ATTACH_BPF`). Nil if the kernel refuses, as it does other
  /// types than socket filters: errno says why. What is returned must be kept for as long as the program is to judge packets.
  ///
  /// The instructions of what is attached count as memory of the socket's, of which there is little (`net.core.optmem_max`). A program that
  /// is too long for it is put into a table instead, and what is attached is a short one that goes on with it.
  public func attach(toSocket socket: CInt) -> KernelAttachment? {
    if Self.attach(descriptor, toSocket: socket) { return KernelAttachment(table: nil) }
    guard errno == ENOMEM, let table = ProgramTable.make(descriptor) else { return nil }
    let relay = unsafe Self.load(table.relay, type, log: nil)
    guard relay >= 0 else { return nil }
    defer { close(CInt(relay)) }
    return Self.attach(CInt(relay), toSocket: socket) ? KernelAttachment(table: table) : nil
  }

  private static func attach(_ program: CInt, toSocket socket: CInt) -> Bool {
    var value = program
    let size = socklen_t(MemoryLayout<CInt>.size)
    return unsafe setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &value, size) == 0
  }

  // MARK: Trial runs

  /// Octets that the kernel takes off a packet before a socket filter sees it, as an Ethernet header.
  private static let strippedLength = 14

  /// What the program returns for a packet (`BPF_PROG_TEST_RUN`). Nil if the kernel makes no such packet: it wants 14 octets or more,
  /// one or more for a socket filter, and no more than fit into a page with what it adds.
  public func run(_ packet: [UInt8]) -> UInt32? {
    measure(packet, times: 1)?.result
  }

  /// What the program returns for a packet, and how many nanoseconds a run takes, of so many in a row.
  public func measure(_ packet: [UInt8], times: UInt32) -> (result: UInt32, nanoseconds: UInt32)? {
    var packet = packet
    if type == .socketFilter {
      // The kernel takes a copied header off the front; what its octets are is of no matter.
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
