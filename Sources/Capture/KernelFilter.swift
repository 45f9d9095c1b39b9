public import BPF
import EBPF
public import PacketCore

/// A program for the kernel that lets through every packet which the machine accepts, and perhaps more.
///
/// What the kernel has before it differs from the packet that libpcap makes of it, in two ways:
///
/// - A frame's outermost VLAN tag is not among its octets; it is metadata, and libpcap puts it back. What a filter says of a tagged
///   frame can therefore not be told from the octets that the kernel has: tagged frames all pass.
/// - A cooked packet begins with the network header; libpcap makes the cooked header. Loads from there become ancillary loads, and
///   others move.
public struct KernelFilter: Sendable {
  /// The machine of the kernel that a program is for.
  public enum Form: Sendable {
    /// Classic BPF, which needs no privilege beyond that to capture; it has its bounds (`Program.kernelRefusal`).
    case classic
    /// eBPF, which has no such bounds, and needs the privilege to load it.
    case extended
  }

  /// What is attached to the socket.
  enum Code: Sendable {
    case classic([Instruction])
    case extended(EBPFProgram)
  }

  let code: Code

  /// Why a program is left out.
  public struct Refusal: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Wraps a program that was compiled for the kernel and packets of that link type. Without a `form` it is classic where the kernel
  /// takes that and computes what the machine does, and eBPF otherwise. Throws where there is no such program.
  public init(_ program: Program, linkType: LinkType, as form: Form? = nil) throws(Refusal) {
    let acceptsTagged = [
      Instruction(.ldAbs, k: Ancillary.vlanp.offset),
      Instruction(.jeqK, k: 0, jt: 1, jf: 0),
      Instruction(.retK, k: 262_144),
    ]
    var instructions = acceptsTagged
    for instruction in program.instructions {
      switch linkType {
      case .linuxSLL: instructions.append(try Self.uncook(instruction, headerLength: 16, proto: 14, type: 0))
      case .linuxSLL2: instructions.append(try Self.uncook(instruction, headerLength: 20, proto: 0, type: nil))
      default: instructions.append(instruction)
      }
    }
    let refusal = Self.classicRefusal(program, added: acceptsTagged.count)
    switch form ?? (refusal == nil ? .classic : .extended) {
    case .classic:
      if let refusal { throw refusal }
      code = .classic(instructions)
    case .extended:
      let sources = program.sources.isEmpty ? [] : acceptsTagged.map { _ in nil } + program.sources
      code = .extended(try Self.translate(instructions, sources))
    }
  }

  /// Why the kernel does not take a program as a classic one, with so many instructions more, or would compute something else than the
  /// machine; nil where neither is so.
  private static func classicRefusal(_ program: Program, added: Int) -> Refusal? {
    if let refusal = program.kernelRefusal { return Refusal(description: refusal.description) }
    let limit = Program.maximumKernelCount - added
    guard program.instructions.count <= limit else {
      return Refusal(description: "the kernel takes no more than \(limit) instructions")
    }
    // The machine shifts out all bits from 32 on, the kernel takes the distance modulo 32.
    guard !program.instructions.contains(where: { $0.opcode == .lshX || $0.opcode == .rshX }) else {
      return Refusal(description: "the kernel shifts by 32 and more in another way")
    }
    return nil
  }

  private static func translate(_ instructions: [Instruction], _ sources: [SourceRange?]) throws(Refusal) -> EBPFProgram
  {
    do {
      return try Translator.translate(Program(validating: instructions, sources: sources), to: .socketFilter)
    } catch {
      throw Refusal(description: "\(error)")
    }
  }

  /// The instruction for a packet without its cooked header. `proto` and `type` are the offsets of two halfwords of the header: the
  /// protocol and the packet's direction.
  private static func uncook(
    _ instruction: Instruction, headerLength: UInt32, proto: UInt32, type: UInt32?
  ) throws(Refusal) -> Instruction {
    var moved = instruction
    switch instruction.opcode {
    case .ldhAbs where instruction.k == proto: return Instruction(.ldAbs, k: Ancillary.proto.offset)
    case .ldhAbs where instruction.k == type: return Instruction(.ldAbs, k: Ancillary.type.offset)
    case .ldAbs, .ldhAbs, .ldbAbs, .ldInd, .ldhInd, .ldbInd, .ldxMsh:
      if instruction.k >= Ancillary.base { return instruction }
      guard instruction.k >= headerLength else {
        throw Refusal(description: "the cooked header is not there yet in the kernel")
      }
      moved.k -= headerLength
    case .ldLen, .ldxLen: throw Refusal(description: "the length of a cooked packet is not known in the kernel")
    default: break
    }
    return moved
  }
}
