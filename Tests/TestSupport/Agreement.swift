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
  /// libpcap's bpf_filter(), whose meaning is the one that counts.
  case libpcap
  /// The Linux kernel, which reports only the smaller one of the returned number and the packet's length.
  case kernel
}

/// Runs the same programs on the same packets through every machine.
///
/// Where the kernel is known to differ (`KernelRules`) it must differ just so. It is not asked where a program loads ancillary data or
/// is too much for it (`Program.fitsKernel`), for an empty packet, and for one whose length on the wire is not that of its octets.
///
/// Packets lie at the edge of memory that may be read: our machines are ended where they read an octet before or after one.
public struct Agreement: ~Copyable {
  /// What was compared so far.
  public struct Tally: Sendable {
    public var programs = 0
    /// (program, packet) pairs.
    public var runs = 0
    /// Runs in which every machine that is there was asked, the kernel too, and all returned the same.
    public var agreeing = 0
    /// Runs by machine in which it returned what libpcap's did.
    public var agreeingMachine: [Machine: Int] = [:]
    /// Runs in which the kernel returned something else, as its rules say.
    public var expectedDifferences = 0
    /// Runs in which the kernel was not asked.
    public var withoutKernel = 0
    /// Runs that accepted the packet.
    public var accepted = 0
    /// Runs that were ended by a failing load or division.
    public var failed = 0
    public var disagreements = 0
    /// How often each opcode was executed, by its code.
    public var executed = [Int](repeating: 0, count: 256)
  }

  /// Machines that did not return the same.
  public struct Disagreement: Sendable, CustomStringConvertible {
    public let program: Program
    public let packet: SavedPacket
    public let results: [(machine: Machine, result: Int)]
    /// What the kernel was expected to let through.
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

  /// Without the kernel where it has no sockets, or where `asksKernel` is false.
  public init(asksKernel: Bool = true) {
    kernel = asksKernel ? KernelMachine() : nil
  }

  /// True where the kernel is one of the machines.
  public var hasKernel: Bool { !(kernel == nil) }

  /// Runs a program on packets, and gives the first run in which the machines did not agree.
  public mutating func check(_ program: Program, _ packets: [SavedPacket]) -> Disagreement? {
    // Apart from self, since it changes while the memory is in use.
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
      // Jumps lead forward, so no instruction is executed twice.
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
    // Safe: the octets outlive the call.
    return unsafe body(octets.span.bytes)
  }

  /// What the kernel lets through of each packet, nil where it cannot be asked; nil where it cannot be asked at all.
  private mutating func askKernel(_ program: Program, _ packets: [SavedPacket]) -> [Int?]? {
    guard program.fitsKernel, !program.instructions.contains(where: { Ancillary($0) != nil }) else { return nil }
    guard kernel?.load(program.instructions) == true, var results = kernel?.run(packets) else { return nil }
    for (index, packet) in packets.enumerated() where packet.len != packet.octets.count { results[index] = nil }
    return results
  }
}
