public import BPF
import PacketCore

/// The machines that run a program: all of them must return the same for the same packet.
public enum Machine: String, CaseIterable, Sendable {
  /// `Interpreter`.
  case interpreter
  /// The machine of traces and profiles.
  case observed
  /// `NativeCode`, where there is any for this processor.
  case native
  /// libpcap's bpf_filter(), which is the reference.
  case libpcap
  /// The Linux kernel, which reports only the smaller of the returned number and the packet's length.
  case kernel
}

/// Runs the same programs on the same packets through every machine.
///
/// Where the kernel is known to differ (`KernelRules`) it must differ in exactly that way. The kernel is left out for programs that load
/// ancillary data or that it does not accept (`Program.fitsKernel`), for empty packets, and for packets whose length on the wire differs
/// from the captured length.
///
/// Packets lie at the edge of readable memory: a machine of ours that reads a byte before or after a packet crashes.
public struct Agreement: ~Copyable {
  /// What was compared so far.
  public struct Tally: Sendable {
    public var programs = 0
    /// (program, packet) pairs.
    public var runs = 0
    /// Runs in which every available machine took part, including the kernel, and all returned the same.
    public var agreeing = 0
    /// Per machine, the runs in which it returned the same as libpcap.
    public var agreeingMachine: [Machine: Int] = [:]
    /// Runs in which the kernel differed in the way that `KernelRules` predicts.
    public var expectedDifferences = 0
    /// Runs without the kernel.
    public var withoutKernel = 0
    /// Runs that accepted the packet.
    public var accepted = 0
    /// Runs that ended with a failing load or division.
    public var failed = 0
    public var disagreements = 0
    /// How often each opcode was executed, by its code.
    public var executed = [Int](repeating: 0, count: 256)
  }

  /// A run in which the machines did not all return the same.
  public struct Disagreement: Sendable, CustomStringConvertible {
    public let program: Program
    public let packet: SavedPacket
    public let results: [(machine: Machine, result: Int)]
    /// The number of bytes that the kernel was expected to let through.
    public let expectedOfKernel: Int?

    public var description: String {
      var text = TextBuffer()
      program.write(.decimal, to: &text)
      text.write("packet of \(packet.len):")
      for octet in packet.octets {
        text.write(" ")
        text.write(hex: octet, width: 2)
      }
      for (machine, result) in results { text.write("\n\(machine.rawValue): \(result)") }
      if let expectedOfKernel { text.write(", expected \(expectedOfKernel)") }
      return String(decoding: text.octets, as: UTF8.self)
    }
  }

  public private(set) var tally = Tally()
  private var kernel: KernelMachine?
  private var memory = GuardedOctets()

  /// Leaves the kernel out where it has no sockets, or where `asksKernel` is false.
  public init(asksKernel: Bool = true) {
    kernel = asksKernel ? KernelMachine() : nil
  }

  /// True where the kernel is one of the machines.
  public var hasKernel: Bool { !(kernel == nil) }

  /// Runs a program on packets, and returns the first run in which the machines disagree.
  public mutating func check(_ program: Program, _ packets: [SavedPacket]) -> Disagreement? {
    // Not in self, since it changes while the memory is in use.
    var tally = tally
    self.tally = Tally()
    defer { self.tally = tally }
    tally.programs += 1
    let interpreter = Interpreter(program)
    let native = try? NativeCode(program)
    let libpcap = Libpcap.run(program.instructions, on: packets)
    let kernel = askKernel(program, packets)
    for (index, packet) in packets.enumerated() {
      tally.runs += 1
      let expected = libpcap[index]
      var differs = false
      let count = program.instructions.count
      var steps = 0
      let results = lend(packet.octets, atEnd: index % 2 == 0) { octets in
        let observed = program.run(octets, len: packet.len) { step in
          steps += 1
          tally.executed[Int(step.instruction.code & 0xff)] += 1
          if KernelRules.differ(from: step) { differs = true }
          if step.failure != nil { tally.failed += 1 }
        }
        var results = [(Machine.interpreter, interpreter.run(octets, len: packet.len)), (.observed, observed)]
        if let native { results.append((.native, native.run(octets, len: packet.len))) }
        return results
      }
      // Jumps only lead forward, so no instruction is executed twice.
      precondition(steps <= count, "a run of \(steps) instructions in a program of \(count)")
      if expected != 0 { tally.accepted += 1 }
      tally.agreeingMachine[.libpcap, default: 0] += 1
      var agrees = true
      for (machine, result) in results {
        if result == expected { tally.agreeingMachine[machine, default: 0] += 1 } else { agrees = false }
      }
      var expectedOfKernel: Int?
      if let kernel, let delivered = kernel[index] {
        let value = differs ? KernelRules.verdict(program, packet.octets) ?? 0 : expected
        expectedOfKernel = min(Int(value), packet.octets.count)
        if delivered != expectedOfKernel {
          agrees = false
        } else if delivered != min(Int(expected), packet.octets.count) {
          tally.expectedDifferences += 1
        } else {
          tally.agreeingMachine[.kernel, default: 0] += 1
          if agrees { tally.agreeing += 1 }
        }
      } else {
        tally.withoutKernel += 1
      }
      guard agrees else {
        tally.disagreements += 1
        var all = results.map { (machine: $0, result: Int($1)) }
        all.append((.libpcap, Int(expected)))
        if let delivered = kernel?[index] { all.append((.kernel, delivered)) }
        return Disagreement(program: program, packet: packet, results: all, expectedOfKernel: expectedOfKernel)
      }
    }
    return nil
  }

  private mutating func lend<Result>(_ octets: [UInt8], atEnd: Bool, _ body: (RawSpan) -> Result) -> Result {
    if let result = memory?.lend(octets, atEnd: atEnd, body) { return result }
    // Safe: the bytes outlive the call.
    return unsafe body(octets.span.bytes)
  }

  /// The number of bytes of each packet that the kernel lets through, nil for a packet it cannot run; nil if it cannot run the program at
  /// all.
  private mutating func askKernel(_ program: Program, _ packets: [SavedPacket]) -> [Int?]? {
    guard program.fitsKernel, !program.instructions.contains(where: { Ancillary($0) != nil }) else { return nil }
    guard kernel?.load(program.instructions) == true, var results = kernel?.run(packets) else { return nil }
    for (index, packet) in packets.enumerated() where packet.len != packet.octets.count { results[index] = nil }
    return results
  }
}
