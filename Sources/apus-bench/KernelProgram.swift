import BPF
import EBPF

/// Our translations in the kernel, which turns them into native code of its own and measures them (BPF_PROG_TEST_RUN).
enum KernelProgram {
  /// Nanoseconds per packet, less those of a program that does nothing. Each packet runs many times in a row, so that the
  /// processor guesses every branch: no more than a hint of what it would take in a stream. Nil if the kernel takes no eBPF programs
  /// from this user.
  static func nanoseconds(_ program: Program, as type: EBPFProgramType, _ traffic: Traffic) -> Double? {
    guard let empty = try? EBPFAssembler.assemble("r0 = 1\nexit") else { return nil }
    do {
      let translated = try KernelEBPFProgram(Translator.translate(program, to: type), as: type)
      let idle = try KernelEBPFProgram(empty, as: type)
      let packets = traffic.firstPackets(200)
      let overhead = (0..<9).compactMap { _ in idle.measure(packets[0], times: 200_000)?.nanoseconds }.min() ?? 0
      var sum = 0.0
      for packet in packets {
        let best = (0..<3).compactMap { _ in translated.measure(packet, times: 10_000)?.nanoseconds }.min()
        guard let best else { return nil }
        sum += max(0, Double(best) - Double(overhead))
      }
      return sum / Double(packets.count)
    } catch {
      return nil
    }
  }
}

extension Traffic {
  /// The octets of the first packets.
  func firstPackets(_ count: Int) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    _ = unsafe self.count { octets, _ in
      if packets.count < count { unsafe packets.append(Array(octets)) }
      return true
    }
    return packets
  }
}
