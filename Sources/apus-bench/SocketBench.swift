import BPF
import EBPF
import Glibc
import TestSupport

/// `apus-bench kernel`: the cost of a filter on a socket, with the kernel's own conversion of the classic program and with apus's eBPF
/// translation.
///
/// Packets are sent to a socket whose filter rejects all of them, so that nothing is queued; the time for sending with an empty filter is
/// subtracted. The filters take turns, so that anything that slows the processor down affects all of them.
enum SocketBench {
  private static let rounds = 400

  static func run(_ expressions: [(name: String, words: String)]) {
    let traffic = Traffic(packets: 3000, snaplen: 96)
    let packets = traffic.firstPackets(1000)
    print("ns per packet    kernel's own    ours   ratio      tc     xdp   filter")
    for (name, words) in expressions {
      guard let program = (try? Libpcap.compile(words)).flatMap({ try? Program(validating: $0) }) else { continue }
      guard let (own, ours) = compare(program, packets) else {
        print("the kernel takes no eBPF programs from this user")
        return
      }
      let tc = KernelProgram.nanoseconds(program, as: .classifier, traffic) ?? .nan
      let xdp = KernelProgram.nanoseconds(program, as: .xdp, traffic) ?? .nan
      let columns = [
        Benchmark.column(own, 29), Benchmark.column(ours, 8), Benchmark.column(ours / own, 8),
        Benchmark.column(tc, 8), Benchmark.column(xdp, 8),
      ]
      print(columns.joined() + "   " + name)
    }
  }

  /// The program with every returned value changed to 0. (A classic program that rejects everything would be translated to nothing.)
  private static func rejecting(_ program: EBPFProgram) throws(EBPFProgramError) -> EBPFProgram {
    var instructions: [EncodedInstruction] = []
    for case let operation? in program.operations {
      if case .arithmetic(.mov, .word, .r0, .constant) = operation {
        instructions += Operation.arithmetic(.mov, .word, .r0, .constant(0)).encoded
      } else {
        instructions += operation.encoded
      }
    }
    return try EBPFProgram(validating: instructions)
  }

  /// Nanoseconds for the kernel's own conversion and for apus's translation.
  private static func compare(_ program: Program, _ packets: [[UInt8]]) -> (own: Double, ours: Double)? {
    // The same work, except that every packet is rejected.
    let instructions = program.instructions.map { $0.opcode == .retK ? Instruction(.retK, k: 0) : $0 }
    do {
      let translated = try KernelEBPFProgram(
        rejecting(Translator.translate(program, to: .socketFilter)), as: .socketFilter)
      guard let idle = FilteredSocket(), idle.attach([Instruction(.retK, k: 0)]),
        let own = FilteredSocket(), own.attach(instructions),
        let ours = FilteredSocket(), translated.attach(toSocket: ours.receiver) != nil
      else { return nil }
      var best = [3 of Double](repeating: .infinity)
      for _ in 0..<rounds {
        best[0] = min(best[0], idle.nanoseconds(packets))
        best[1] = min(best[1], own.nanoseconds(packets))
        best[2] = min(best[2], ours.nanoseconds(packets))
      }
      return (best[1] - best[0], best[2] - best[0])
    } catch {
      return nil
    }
  }
}

/// A pair of datagram sockets with a filter attached to the receiver.
private struct FilteredSocket: ~Copyable {
  let receiver: CInt
  private let sender: CInt

  init?() {
    var descriptors: [CInt] = [-1, -1]
    guard unsafe socketpair(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0, &descriptors) == 0 else { return nil }
    (receiver, sender) = (descriptors[0], descriptors[1])
  }

  deinit {
    close(receiver)
    close(sender)
  }

  /// Attaches a classic program to the socket, which the kernel converts. False if it refuses.
  func attach(_ instructions: [Instruction]) -> Bool {
    unsafe instructions.withUnsafeBufferPointer { instructions in
      // struct sock_fprog: the number of instructions, and their address.
      let fprog = (UInt16(clamping: instructions.count), instructions.baseAddress)
      return unsafe withUnsafeBytes(of: fprog) {
        unsafe setsockopt(receiver, SOL_SOCKET, SO_ATTACH_FILTER, $0.baseAddress, socklen_t($0.count)) == 0
      }
    }
  }

  /// Nanoseconds per packet for sending.
  func nanoseconds(_ packets: [[UInt8]]) -> Double {
    let time = Machines.time {
      for packet in packets {
        unsafe packet.withUnsafeBytes { octets in
          _ = unsafe send(sender, octets.baseAddress, octets.count, CInt(MSG_DONTWAIT))
        }
      }
    }
    return time / Double(packets.count)
  }
}
