public import BPF
import Glibc

/// A program in the kernel: attached to one end of a pair of datagram sockets, which needs no privilege.
public struct KernelMachine: ~Copyable {
  private let receiver: CInt
  private let sender: CInt

  /// Gives nil where the kernel refuses the program, or has no sockets.
  public init?(_ program: Program) { self.init(program.instructions) }

  /// The same for instructions that may be no program.
  public init?(_ instructions: [Instruction]) {
    var descriptors: [CInt] = [-1, -1]
    guard unsafe socketpair(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0, &descriptors) == 0 else { return nil }
    let attached = unsafe instructions.withUnsafeBufferPointer { instructions in
      // struct sock_fprog: the number of instructions, and where they are.
      let fprog = (UInt16(clamping: instructions.count), instructions.baseAddress)
      return unsafe withUnsafeBytes(of: fprog) {
        unsafe setsockopt(descriptors[0], SOL_SOCKET, SO_ATTACH_FILTER, $0.baseAddress, socklen_t($0.count))
      }
    }
    guard attached == 0 else {
      descriptors.forEach { close($0) }
      return nil
    }
    receiver = descriptors[0]
    sender = descriptors[1]
  }

  deinit {
    close(receiver)
    close(sender)
  }

  /// How many octets of the packet the filter lets through: what it returns, or the length where that is less. Nil where the
  /// packet could not be sent.
  public func run(_ packet: [UInt8]) -> Int? {
    guard unsafe send(sender, packet, packet.count, 0) == packet.count else { return nil }
    var buffer = [UInt8](repeating: 0, count: packet.count + 1)
    let count = unsafe recv(receiver, &buffer, buffer.count, CInt(MSG_DONTWAIT))
    return max(0, count)
  }
}
