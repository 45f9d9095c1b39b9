import BPF
import EBPF
import Filter
import PacketCore
import TestSupport

/// Recorded filter programs, compiled ones, and random ones, translated to eBPF for every program type: the classic machine, apus's eBPF
/// machine and the kernel must return the same, on packets of the fixtures and generated ones, many of them cut.
struct EBPFFuzz: ~Copyable {
  private var programs: RandomProgram
  private var packets: RandomPacket
  private var random: SeededRandom
  private var agreement: EBPFAgreement
  private let fixtures: [SavedPacket]
  private let hasKernel: Bool
  private var failures = 0

  init(seed: UInt64) {
    programs = RandomProgram(seed: seed)
    packets = RandomPacket(seed: seed &+ 1)
    random = SeededRandom(seed: seed &+ 2)
    fixtures = Fixture.packets()
    hasKernel = EBPFAgreement.hasKernel
    agreement = EBPFAgreement(asksKernel: hasKernel)
  }

  /// Runs until that many runs agreed. True if nothing disagreed and the kernel accepted every recorded program.
  mutating func run(runs: Int) -> Bool {
    if !hasKernel { print("the kernel takes no eBPF programs from this user: it is not asked") }
    guard let recorded = try? RecordedPrograms.filters(), !recorded.isEmpty else {
      print("recorded programs: left out, the conformance data is not there")
      return runRandom(runs)
    }
    var leftOut = 0
    let compiled = Self.compiled()
    // A third of the runs is for random programs.
    let share = max(20, runs * 2 / 3 / max(1, (recorded.count + compiled.count) * 2))
    for filter in recorded + compiled where failures < 20 {
      guard !filter.program.instructions.contains(where: { Ancillary($0) != nil }) else {
        leftOut += 1
        continue
      }
      for type in EBPFProgramType.allCases where type != .xdp || filter.linkType == .ethernet {
        let packets = sample(share, filter.linkType)
        report(agreement.check(filter.program, as: type, packets), "\(filter.linkType.name ?? "?") \(filter.name)")
      }
    }
    print(
      "\(recorded.count) recorded programs, \(compiled.count) of our compiler; \(leftOut) with ancillary loads are left out"
    )
    report()
    return runRandom(runs)
  }

  /// The programs that apus compiles from the recorded expressions, optimised and not.
  private static func compiled() -> [RecordedPrograms.Filter] {
    let filters = (try? RecordedFilter.all()) ?? []
    return filters.flatMap { filter in
      [true, false].compactMap { optimizes in
        guard var options = filter.options else { return nil }
        options.optimize = optimizes
        guard let program = try? FilterCompiler.compile(filter.aliases[0], options) else { return nil }
        return RecordedPrograms.Filter(
          name: "\(optimizes ? "optimised" : "unoptimised") '\(filter.aliases[0])'", linkType: options.linkType,
          program: program)
      }
    }
  }

  /// Packets of the fixtures, and generated ones of that link type; a third of each is cut.
  private mutating func sample(_ count: Int, _ linkType: LinkType) -> [SavedPacket] {
    let knownTypes = PacketBuilder.linkTypes
    return (0..<count).map { index in
      var packet: SavedPacket
      if index % 2 == 0 || !knownTypes.contains(linkType) {
        packet = fixtures[Int(random.next() % UInt64(fixtures.count))]
        packet.len = UInt32(clamping: packet.octets.count)
      } else {
        packet = SavedPacket(octets: packets.next(linkType).octets)
      }
      guard index % 3 == 0 else { return packet }
      packet.octets.removeLast(Int(random.next() % UInt64(packet.octets.count + 1)))
      // The kernel cannot run a packet that was longer on the wire, so most of these are not.
      if index % 12 != 0 { packet.len = UInt32(clamping: packet.octets.count) }
      return packet
    }
  }

  private mutating func runRandom(_ runs: Int) -> Bool {
    var turn = 0
    while agreed < runs, failures < 20 {
      turn += 1
      let packets = (0..<100).map { _ in programs.packet() }
      guard let program = try? Program(validating: programs.next(packetLength: packets[0].octets.count)) else {
        continue
      }
      report(agreement.check(program, as: EBPFProgramType.allCases[turn % 3], packets), "random \(turn)")
    }
    print("with \(turn) random programs:")
    report()
    return failures == 0
  }

  private var agreed: Int {
    agreement.tally.values.reduce(0) { $0 + (hasKernel ? $1.agreeing : $1.withoutKernel) }
  }

  private mutating func report(_ failure: String?, _ name: String) {
    guard let failure else { return }
    failures += 1
    print("\(name): \(failure)")
  }

  private func report() {
    for type in EBPFProgramType.allCases {
      guard let tally = agreement.tally[type] else { continue }
      print(
        "  \(type.name): \(tally.programs) programs accepted, \(tally.refused) refused; \(tally.agreeing) runs equal in all three machines, "
          + "\(tally.withoutKernel) in the two without the kernel, \(tally.accepted) packets accepted, "
          + "\(tally.disagreements) disagreements")
    }
    print("  \(agreed) runs agree")
  }
}
