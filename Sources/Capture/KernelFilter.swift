public import BPF
public import EBPF
import Glibc
public import PacketCore

/// A program for the kernel that accepts every packet which the machine accepts, and possibly more.
///
/// The data that the kernel filters differs from the packet that libpcap makes of it, in two ways:
///
/// - A frame's outermost VLAN tag is not in its bytes but in metadata, from which libpcap reinserts it. So the verdict on a tagged frame
///   cannot be decided from the bytes that the kernel has: all tagged frames pass.
/// - A cooked packet begins with the network header, to which libpcap adds the cooked header. Loads from that header become ancillary
///   loads, and others are moved.
public struct KernelFilter: Sendable {
  /// The kernel's machine that a program is for.
  public enum Form: Sendable {
    /// Classic BPF, which needs no privilege except that to capture, but has limits (`Program.kernelRefusal`).
    case classic
    /// eBPF, which does not have these limits, but needs the privilege to load it.
    case extended
  }

  /// The code to attach to the socket.
  enum Code: Sendable {
    case classic([Instruction])
    case extended(EBPFProgram)
  }

  let code: Code

  /// Why a program cannot be used.
  public struct Refusal: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Which packets are dropped before any program: those of the unwanted direction, and those that the loopback interface sends, since it
  /// also receives them.
  public struct DirectionPrefilter: Sendable {
    public var wanted: LiveCapture.Direction
    /// The index of the loopback interface; 0 to ignore it.
    public var loopback: UInt32
    /// Cooked packets lose their VLAN tag: a tagged frame in the kernel may be any packet.
    public var losesTags: Bool

    public init(wanted: LiveCapture.Direction = .both, loopback: UInt32 = 0, losesTags: Bool = false) {
      self.wanted = wanted
      self.loopback = loopback
      self.losesTags = losesTags
    }

    /// The instructions that reject these packets, and continue after their end with all others.
    fileprivate var instructions: [Instruction] {
      let outgoing = UInt32(PacketSocket.outgoing)
      let type = Instruction(.ldAbs, k: Ancillary.type.offset)
      let reject = Instruction(.retK, k: 0)
      switch wanted {
      case .received: return [type, Instruction(.jeqK, k: outgoing, jt: 0, jf: 1), reject]
      case .sent where loopback == 0: return [type, Instruction(.jeqK, k: outgoing, jt: 1, jf: 0), reject]
      case .sent:
        return [
          type, Instruction(.jeqK, k: outgoing, jt: 0, jf: 2), Instruction(.ldAbs, k: Ancillary.ifidx.offset),
          Instruction(.jeqK, k: loopback, jt: 0, jf: 1), reject,
        ]
      case .both where loopback == 0: return []
      case .both:
        return [
          type, Instruction(.jeqK, k: outgoing, jt: 0, jf: 3), Instruction(.ldAbs, k: Ancillary.ifidx.offset),
          Instruction(.jeqK, k: loopback, jt: 0, jf: 1), reject,
        ]
      }
    }
  }

  /// Accepts every packet except those that `prefilter` drops.
  public init(_ prefilter: DirectionPrefilter, snaplen: UInt32 = 262_144) {
    code = .classic(prefilter.instructions + [Instruction(.retK, k: snaplen)])
  }

  /// Rejects every packet.
  init(rejectingAll: Void) { code = .classic([Instruction(.retK, k: 0)]) }

  /// Wraps a program that was compiled for the kernel and for packets of that link type. Without a `form` it is classic BPF if the kernel
  /// accepts that and computes the same as the machine, and eBPF otherwise. Throws if neither is possible.
  public init(
    _ program: Program, linkType: LinkType, prefilter: DirectionPrefilter = DirectionPrefilter(),
    snaplen: UInt32 = 262_144, as form: Form? = nil
  ) throws(Refusal) {
    var prelude =
      prefilter.instructions + [
        Instruction(.ldAbs, k: Ancillary.vlanp.offset),
        Instruction(.jeqK, k: 0, jt: 1, jf: 0),
        Instruction(.retK, k: snaplen),
      ]
    if prefilter.losesTags {
      prelude += [
        Instruction(.ldAbs, k: Ancillary.proto.offset),
        Instruction(.jeqK, k: 0x8100, jt: 1, jf: 0),
        Instruction(.jeqK, k: 0x88a8, jt: 0, jf: 1),
        Instruction(.retK, k: snaplen),
      ]
    }
    var instructions = prelude
    for instruction in program.instructions {
      switch linkType {
      case .linuxSLL: instructions.append(try Self.uncook(instruction, headerLength: 16, proto: 14, type: 0))
      case .linuxSLL2: instructions.append(try Self.uncook(instruction, headerLength: 20, proto: 0, type: nil))
      default: instructions.append(instruction)
      }
    }
    let refusal = Self.classicRefusal(program, added: prelude.count)
    switch form ?? (refusal == nil ? .classic : .extended) {
    case .classic:
      if let refusal { throw refusal }
      code = .classic(instructions)
    case .extended:
      let sources = program.sources.isEmpty ? [] : prelude.map { _ in SourceWords() } + program.sources
      code = .extended(try Self.translate(instructions, sources))
    }
  }

  /// Combines two programs with instructions that choose between them. These find the packet's context in r1 and keep it there; they set r0
  /// to 1 for a packet that `others` must filter, and to 0 for one that `program` must filter. Throws if the programs cannot be translated
  /// or are too long.
  public init(
    _ program: Program, others: Program, choosing instructions: [EncodedInstruction], linkType: LinkType,
    prefilter: DirectionPrefilter = DirectionPrefilter(), snaplen: UInt32 = 262_144
  ) throws(Refusal) {
    let first = try KernelFilter(program, linkType: linkType, prefilter: prefilter, snaplen: snaplen, as: .extended)
    let second = try KernelFilter(others, linkType: linkType, prefilter: prefilter, snaplen: snaplen, as: .extended)
    guard case .extended(let first) = first.code, case .extended(let second) = second.code,
      let distance = Int16(exactly: first.instructions.count)
    else { throw Refusal(description: "the program is too long to choose it by the processes of packets") }
    let choice = Operation.branch(.jne, .doubleWord, .r0, .constant(0), distance: distance).encoded
    let before = instructions + choice
    do throws(EBPFProgramError) {
      code = .extended(
        try EBPFProgram(
          validating: before + first.instructions + second.instructions,
          sources: before.map { _ in nil } + Self.sources(of: first) + Self.sources(of: second)))
    } catch {
      throw Refusal(description: "\(error)")
    }
  }

  /// One source range for each instruction.
  private static func sources(of program: EBPFProgram) -> [SourceRange?] {
    program.sources.isEmpty ? program.instructions.map { _ in nil } : program.sources
  }

  /// Why the kernel would not accept the program as classic BPF, together with `added` more instructions, or would compute something else
  /// than the machine; nil if it is fine.
  private static func classicRefusal(_ program: Program, added: Int) -> Refusal? {
    if let refusal = program.kernelRefusal { return Refusal(description: refusal.description) }
    let limit = Program.maximumKernelCount - added
    guard program.instructions.count <= limit else {
      return Refusal(description: "the kernel accepts at most \(limit) instructions")
    }
    // For distances of 32 and more, the machine shifts out all bits, but the kernel takes the distance modulo 32.
    guard !program.instructions.contains(where: { $0.opcode == .lshX || $0.opcode == .rshX }) else {
      return Refusal(description: "the kernel treats shifts by 32 and more differently")
    }
    return nil
  }

  private static func translate(_ instructions: [Instruction], _ sources: [SourceWords]) throws(Refusal) -> EBPFProgram
  {
    do {
      return try Translator.translate(Program(validating: instructions, sources: sources), to: .socketFilter)
    } catch {
      throw Refusal(description: "\(error)")
    }
  }

  /// Attaches the program to a socket, replacing the socket's earlier one. The result must be kept as long as the program is used; nil for
  /// a classic one, which the socket keeps itself. Throws if the kernel refuses it.
  func attach(to socket: CInt, _ device: String) throws(CaptureError) -> KernelAttachment? {
    switch code {
    case .classic(let instructions):
      let status = unsafe instructions.withUnsafeBufferPointer { instructions in
        // struct sock_fprog: the number of instructions, and their address; the kernel copies them.
        let program = (UInt16(clamping: instructions.count), instructions.baseAddress)
        return unsafe withUnsafeBytes(of: program) {
          unsafe setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, $0.baseAddress, socklen_t($0.count))
        }
      }
      guard status == 0 else { throw CaptureError(device: device, errno: errno) }
      return nil
    case .extended(let program):
      let attachment: KernelAttachment?
      do throws(KernelRefusal) {
        attachment = try KernelEBPFProgram(program, as: .socketFilter).attach(toSocket: socket)
      } catch {
        throw CaptureError(error.description, source: error.source)
      }
      guard let attachment else { throw CaptureError(device: device, errno: errno) }
      return attachment
    }
  }

  /// The instruction rewritten for a packet without its cooked header. `proto` and `type` are the offsets of two halfwords in that header:
  /// the protocol and the packet's direction.
  private static func uncook(
    _ instruction: Instruction, headerLength: UInt32, proto: UInt32, type: UInt32?
  ) throws(Refusal) -> Instruction {
    var moved = instruction
    switch instruction.opcode {
    case .ldhAbs where instruction.k == proto: return Instruction(.ldAbs, k: Ancillary.proto.offset)
    case .ldhAbs where instruction.k == type: return Instruction(.ldAbs, k: Ancillary.type.offset)
    case .ldAbs where instruction.k == 4 && headerLength == 20: return Instruction(.ldAbs, k: Ancillary.ifidx.offset)
    case .ldbAbs where instruction.k == 10 && headerLength == 20: return Instruction(.ldAbs, k: Ancillary.type.offset)
    case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
      if instruction.k >= Ancillary.base { return instruction }
      guard instruction.k >= headerLength else {
        throw Refusal(description: "the cooked header does not exist yet in the kernel")
      }
      moved.k -= headerLength
    case .ldLen, .ldxLen: throw Refusal(description: "the kernel does not know the length of a cooked packet")
    default: break
    }
    return moved
  }
}
