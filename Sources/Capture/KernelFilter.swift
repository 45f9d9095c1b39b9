public import BPF

/// A program for the kernel that lets through every packet which the machine accepts, and perhaps more.
///
/// In the kernel a frame's outermost VLAN tag is not among its octets: it is metadata, and libpcap puts it back into the packet
/// that it delivers. What a filter says of a tagged frame can therefore not be told from the octets that the kernel has; tagged
/// frames all pass, and the machine judges them.
public struct KernelFilter: Sendable {
  let instructions: [Instruction]

  /// Why a program is left out.
  public struct Refusal: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// Wraps a program that was compiled for the kernel. Throws where the kernel takes no such program, or would compute something
  /// else than the machine.
  public init(_ program: Program) throws(Refusal) {
    let prefix = [
      // One octet, as libpcap itself loads it: what is in the ring before the filter is, libpcap judges by the same program.
      Instruction(.ldbAbs, k: Ancillary.vlanp.offset),
      Instruction(.jeqK, k: 0, jt: 1, jf: 0),
      Instruction(.retK, k: 262_144),
    ]
    let limit = Program.maximumKernelCount
    guard program.instructions.count + prefix.count <= limit, program.fitsKernel else {
      throw Refusal(description: "the kernel takes programs of up to \(limit) instructions without jumps backwards")
    }
    // The machine shifts out all bits from 32 on, the kernel takes the distance modulo 32.
    guard !program.instructions.contains(where: { $0.opcode == .lshX || $0.opcode == .rshX }) else {
      throw Refusal(description: "the kernel shifts by 32 and more in another way")
    }
    instructions = prefix + program.instructions
  }
}
