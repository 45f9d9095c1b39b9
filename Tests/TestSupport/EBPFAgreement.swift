public import BPF
public import EBPF

/// Runs the translations of classic programs in the in-house eBPF machine and in the kernel, and compares them with the classic programs on
/// the same packets.
///
/// The kernel is left out for packets that it cannot build (`KernelEBPFProgram.run`) and for packets whose length on the wire differs from
/// the captured length.
public struct EBPFAgreement: ~Copyable {
  /// What was compared so far for one program type.
  public struct Tally: Sendable {
    /// Programs that were translated and, where a kernel is available, loaded.
    public var programs = 0
    /// Runs in which the classic machine, the in-house eBPF machine and the kernel returned the same.
    public var agreeing = 0
    /// Runs without the kernel in which the other two returned the same.
    public var withoutKernel = 0
    /// Runs that accepted the packet.
    public var accepted = 0
    public var disagreements = 0
    /// Programs that the kernel refused.
    public var refused = 0
  }

  public private(set) var tally: [EBPFProgramType: Tally] = [:]
  private let asksKernel: Bool

  /// True where the kernel accepts eBPF programs from this user.
  public static var hasKernel: Bool {
    guard let program = try? EBPFAssembler.assemble("r0 = 0\nexit") else { return false }
    do throws(KernelRefusal) {
      _ = try KernelEBPFProgram(program, as: .socketFilter)
      return true
    } catch {
      return false
    }
  }

  public init(asksKernel: Bool = true) { self.asksKernel = asksKernel }

  /// Translates a program, loads it and runs it on packets. Returns a description of the first fault; nil if there is none. `other`
  /// replaces our translation where it is given.
  public mutating func check(
    _ program: Program, as type: EBPFProgramType, _ packets: [SavedPacket], running other: EBPFProgram? = nil
  ) -> String? {
    var counts = tally[type] ?? Tally()
    defer { tally[type] = counts }
    let translated: EBPFProgram
    let machine: EBPFMachine
    do {
      translated = try other ?? Translator.translate(program, to: type)
      machine = try EBPFMachine(translated, stepLimit: 2 * EBPFProgram.maximumCount)
    } catch {
      counts.disagreements += 1
      return "no translation: \(error)"
    }
    guard asksKernel else {
      counts.programs += 1
      return compare(program, machine, { _ in nil }, type, packets, &counts)
    }
    do throws(KernelRefusal) {
      let loaded = try KernelEBPFProgram(translated, as: type)
      counts.programs += 1
      return compare(program, machine, { loaded.run($0) }, type, packets, &counts)
    } catch {
      counts.refused += 1
      return "\(error)"
    }
  }

  private func compare(
    _ program: Program, _ machine: EBPFMachine, _ kernel: ([UInt8]) -> UInt32?, _ type: EBPFProgramType,
    _ packets: [SavedPacket], _ counts: inout Tally
  ) -> String? {
    let interpreter = Interpreter(program)
    for packet in packets {
      // XDP knows only the captured length.
      let len = type == .xdp ? UInt32(clamping: packet.octets.count) : packet.len
      // Safe: the bytes outlive the call.
      let verdict = unsafe interpreter.run(packet.octets.span.bytes, len: len)
      let expected = type.result(verdict)
      if verdict != 0 { counts.accepted += 1 }
      var memory = EBPFMemory(packet: packet.octets, len: len, for: type)
      let ours: String
      do throws(EBPFFault) {
        let result = try machine.run(&memory)
        ours = result == UInt64(expected) ? "" : "\(result)"
      } catch {
        ours = "\(error)"
      }
      let asked = len == packet.octets.count ? kernel(packet.octets) : nil
      if ours.isEmpty, asked == expected {
        counts.agreeing += 1
      } else if ours.isEmpty, asked == nil {
        counts.withoutKernel += 1
      } else {
        counts.disagreements += 1
        let octets = packet.octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        return "\(type.name): expected \(expected), the machine \(ours.isEmpty ? "agrees" : ours), the kernel "
          + "\(asked.map { "\($0)" } ?? "not asked"), packet of \(len): \(octets)"
      }
    }
    return nil
  }
}
