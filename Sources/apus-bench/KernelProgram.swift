import BPF
import EBPF

/// apus's eBPF translations in the kernel, which compiles them to native code and measures them (BPF_PROG_TEST_RUN).
enum KernelProgram {
  /// Nanoseconds per packet, minus those of an empty program. Each packet runs many times in a row, so that the processor predicts every
  /// branch: only a rough indication of the time in a real stream. Nil if the kernel does not accept eBPF programs from this user.
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
  /// The bytes of the first packets.
  func firstPackets(_ count: Int) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    _ = unsafe self.count { octets, _ in
      if packets.count < count { unsafe packets.append(Array(octets)) }
      return true
    }
    return packets
  }
}
