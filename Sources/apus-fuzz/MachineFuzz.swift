import BPF
import PacketCore
import TestSupport

/// Recorded programs on the packets of all fixtures, then random valid programs on random packets: every machine must return the same.
struct MachineFuzz: ~Copyable {
  private var programs: RandomProgram
  private var agreement = Agreement()
  private static let packetsForEach = 80

  init(seed: UInt64) { programs = RandomProgram(seed: seed) }

  /// Runs programs until that many random runs agreed. True if none disagreed; prints every disagreement.
  mutating func run(runs: Int) -> Bool {
    guard agreement.hasKernel else {
      print("there is no kernel to ask: no pair of AF_UNIX sockets")
      return false
    }
    runRecorded()
    let recorded = agreement.tally
    var turn = 0
    while agreement.tally.agreeing - recorded.agreeing < runs, agreement.tally.disagreements < 10 {
      turn += 1
      // Ancillary loads fail in the machine; the kernel supports them, so it is left out.
      programs.hasAncillaryLoads = turn % 64 == 0
      var packets = (0..<Self.packetsForEach).map { _ in programs.packet() }
      let length = packets[0].octets.count
      if turn % 64 == 1 {
        // The kernel has no length on the wire besides the number of bytes.
        for index in packets.indices { packets[index].len &+= UInt32(index % 3) }
      }
      check(programs.next(packetLength: length), packets)
    }
    report(recorded)
    return agreement.tally.disagreements == 0
  }

  private mutating func runRecorded() {
    guard let recorded = try? RecordedPrograms.all(), !recorded.isEmpty else {
      print("recorded programs: left out, the conformance data is not there")
      return
    }
    let packets = Fixture.packets()
    for program in recorded {
      if let disagreement = agreement.check(program, packets) { print(disagreement) }
    }
    let tally = agreement.tally
    print(
      "recorded: \(recorded.count) programs on \(packets.count) packets of the fixtures: all machines agree in \(tally.agreeing) of "
        + "\(tally.runs) runs, \(tally.disagreements) disagreements")
  }

  private mutating func check(_ instructions: [Instruction], _ packets: [SavedPacket]) {
    do throws(ProgramError) {
      if let disagreement = agreement.check(try Program(validating: instructions), packets) { print(disagreement) }
    } catch {
      print("the generator made no program: \(error)")
    }
  }

  private func report(_ recorded: Agreement.Tally) {
    let tally = agreement.tally
    let runs = tally.runs - recorded.runs
    func share(_ part: Int) -> String { "\(part * 100 / max(1, runs)) %" }
    print("random: \(tally.programs - recorded.programs) programs, \(runs) runs")
    for machine in Machine.allCases where tally.agreeingMachine[machine] != nil {
      let count = (tally.agreeingMachine[machine] ?? 0) - (recorded.agreeingMachine[machine] ?? 0)
      print("  \(machine.rawValue): \(count) agreeing")
    }
    if tally.agreeingMachine[.native] == nil { print("  native: there is none for this processor or system") }
    print("  all machines: \(tally.agreeing - recorded.agreeing) agreeing")
    print(
      "  the kernel: \(tally.expectedDifferences - recorded.expectedDifferences) other results, as its rules say; "
        + "not asked in \(tally.withoutKernel - recorded.withoutKernel)")
    print(
      "  accepted \(share(tally.accepted - recorded.accepted)), ended by a failure \(share(tally.failed - recorded.failed))"
    )
    let counts = Opcode.allCases.map { opcode in
      (opcode: opcode, count: tally.executed[Int(opcode.rawValue)] - recorded.executed[Int(opcode.rawValue)])
    }
    let executed = counts.reduce(0) { $0 + $1.count }
    print("  \(executed / max(1, runs)) instructions a run")
    if let rarest = counts.min(by: { $0.count < $1.count }) {
      print("  all \(counts.count) opcodes executed, the rarest (\(rarest.opcode)) \(rarest.count) times")
    }
    print("\(tally.disagreements) disagreements")
  }
}
