import BPF
import Filter
import PacketCore
import Proof
import TestSupport

/// The recorded filters: a packet that each accepts, which every machine must confirm.
struct WitnessProofs {
  /// True where every filter that accepts anything has one. With a link type only its filters are asked.
  func run(_ linkType: LinkType? = .ethernet) -> Bool {
    guard let filters = try? RecordedFilter.all(), !filters.isEmpty else {
      print("left out: the conformance data is not there")
      return true
    }
    var (confirmed, faults, refused) = (0, 0, 0)
    for filter in filters {
      guard var options = filter.options, linkType.map({ $0 == options.linkType }) ?? true else { continue }
      if options.target == .linuxKernel { options.target = .machine }
      let expression = filter.aliases[0]
      options.optimize = false
      guard let program = try? FilterCompiler.compile(expression, options) else {
        refused += 1
        continue
      }
      let start = ContinuousClock.now
      do {
        switch try Prover().witness(of: program, options.linkType) {
        case .found(let witness):
          let faultsOfMachines = Self.faults(program, witness)
          if faultsOfMachines.isEmpty { confirmed += 1 } else { faults += 1 }
          for fault in faultsOfMachines { print("\(expression): \(fault)") }
          print(
            "\(ContinuousClock.now - start) \(expression): \(witness.len) \(witness.octets.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())"
          )
        case .none:
          print("\(expression): nothing matches; recorded as \(filter.opt == nil ? "such" : "satisfiable")")
          if filter.opt != nil { faults += 1 }
        case .unknown:
          faults += 1
          print("\(expression): not decided")
        }
      } catch {
        faults += 1
        print("\(expression): \(error)")
      }
    }
    print("\(confirmed) packets confirmed, \(faults) faults, \(refused) filters are for the kernel only")
    return faults == 0
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
    // The kernel tells no more than how much it lets through, and knows no length but that of the octets.
    guard program.fitsKernel, !witness.octets.isEmpty, witness.len == witness.octets.count else { return faults }
    if var kernel = KernelMachine(program), let delivered = kernel.run(witness.octets), delivered == 0 {
      faults.append("the kernel rejects it")
    }
    return faults
  }
}
