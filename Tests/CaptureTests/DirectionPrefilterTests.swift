import BPF
import Testing

@testable import Capture

/// Packets that the kernel drops before any filter: those of the other direction, and on the loopback interface the sent copy of each
/// packet, which is received there as well.
@Suite struct KernelSidesTests {
  /// The metadata that the kernel's BPF machine would load.
  private struct Metadata {
    /// Packet types of packet(7): 0 was received, 4 was sent.
    var type: UInt32
    var interface: UInt32
  }

  /// What the program returns for any packet with that metadata; nil if it uses an instruction that these programs never use.
  private func run(_ filter: KernelFilter, _ metadata: Metadata) -> UInt32? {
    guard case .classic(let instructions) = filter.code else { return nil }
    var (a, next): (UInt32, Int) = (0, 0)
    while instructions.indices.contains(next) {
      let instruction = instructions[next]
      next += 1
      switch instruction.opcode {
      case .ldAbs where instruction.k == Ancillary.type.offset: a = metadata.type
      case .ldAbs where instruction.k == Ancillary.ifidx.offset: a = metadata.interface
      case .jeqK: next += Int(a == instruction.k ? instruction.jt : instruction.jf)
      case .retK: return instruction.k
      default: return nil
      }
    }
    return nil
  }

  @Test(arguments: [LiveCapture.Direction.both, .received, .sent], [UInt32(0), 1])
  func keepsOutTheOtherSide(_ wanted: LiveCapture.Direction, _ loopback: UInt32) {
    let filter = KernelFilter(KernelFilter.DirectionPrefilter(wanted: wanted, loopback: loopback), snaplen: 96)
    for (type, interface) in [(0, 1), (0, 2), (1, 2), (4, 1), (4, 2)] as [(UInt32, UInt32)] {
      let isSent = type == 4
      let isWanted = wanted == .both || (wanted == .sent) == isSent
      // A packet sent through the loopback interface is also received there.
      let isTwice = isSent && loopback != 0 && interface == loopback
      let expected: UInt32 = isWanted && !isTwice ? 96 : 0
      #expect(run(filter, Metadata(type: type, interface: interface)) == expected, "\(type) on \(interface)")
    }
  }
}
