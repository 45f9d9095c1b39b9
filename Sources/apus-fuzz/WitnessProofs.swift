import BPF
import Filter
import PacketCore
import Proof
import TestSupport

/// Finds a packet that each recorded filter accepts, which every machine must confirm.
struct WitnessProofs {
  /// True if every filter that accepts anything has such a packet, and if for the others the minimal conflicts between terms are found.
  func run(filters count: Int?) -> Bool {
    guard let filters = try? RecordedFilter.sample(count), !filters.isEmpty else {
      print("left out: the conformance data is not there")
      return true
    }
    var (confirmed, onEthernet, conflicts, faults, refused) = (0, 0, 0, 0, 0)
    for filter in filters {
      guard var options = filter.options else { continue }
      if options.target == .linuxKernel { options.target = .machine }
      let expression = filter.aliases[0]
      options.optimize = false
      guard let program = try? FilterCompiler.compile(expression, options) else {
        refused += 1
        continue
      }
      let found: [String]
      do {
        switch try Prover(timeLimit: 120).witness(of: program, options.linkType) {
        case .found(let witness):
          found = Self.faults(program, witness)
          if found.isEmpty { confirmed += 1 }
          if found.isEmpty, options.linkType == .ethernet { onEthernet += 1 }
        case .none:
          found = try faultsOfConflict(expression, options)
          if found.isEmpty { conflicts += 1 }
        case .unknown: found = ["not decided"]
        }
      } catch {
        found = ["\(error)"]
      }
      faults += found.count
      for fault in found { print("\(filter.dlt): \(expression): \(fault)") }
    }
    print(
      "\(confirmed) packets confirmed by every machine, \(onEthernet) of them for EN10MB; \(conflicts) least conflicts, \(faults) faults; "
        + "\(refused) filters are for the kernel only")
    return faults == 0
  }

  /// Faults in the terms that are reported as conflicting: with only these terms, nothing may match, and without any one of them, something
  /// must.
  private func faultsOfConflict(_ expression: String, _ options: CompileOptions) throws -> [String] {
    let error = try FilterCompiler.conflict(in: expression, options) { (program) throws(ProofError) in
      try Prover(timeLimit: 120).rejectsAll(program) == .proved
    }
    guard let ranges = error?.ranges, !ranges.isEmpty else { return ["no terms are named"] }
    func verdict(keeping kept: [SourceRange]) throws -> Prover.Verdict? {
      try FilterCompiler.relaxed(expression, options, keeping: kept).map { try Prover(timeLimit: 120).rejectsAll($0) }
    }
    var faults = try verdict(keeping: ranges) == .proved ? [] : ["the terms that are named are in no conflict"]
    for range in ranges where try verdict(keeping: ranges.filter { $0 != range }) != .refuted {
      faults.append("nothing matches without the term at \(range)")
    }
    return faults
  }

  /// The machines that do not accept the packet.
  static func faults(_ program: Program, _ witness: Witness) -> [String] {
    var faults: [String] = []
    // Safe: the array outlives the calls.
    let octets = unsafe witness.octets.span.bytes
    if Interpreter(program).run(octets, len: witness.len) == 0 { faults.append("the interpreter rejects it") }
    if let native = try? NativeCode(program), native.run(octets, len: witness.len) == 0 {
      faults.append("native code rejects it")
    }
    if Libpcap.run(program, witness.octets, wirelen: witness.len) == 0 { faults.append("libpcap rejects it") }
    // The kernel only reports how many bytes it passes on, and has no length besides the number of bytes.
    guard program.fitsKernel, !witness.octets.isEmpty, witness.len == witness.octets.count else { return faults }
    if var kernel = KernelMachine(program), let delivered = kernel.run(witness.octets), delivered == 0 {
      faults.append("the kernel rejects it")
    }
    return faults
  }
}
