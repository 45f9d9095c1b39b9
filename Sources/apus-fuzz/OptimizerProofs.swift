import BPF
import Filter
import Foundation
import Names
import PacketCore
import Proof
import TestSupport

/// Recorded filters: the solver must prove that the optimised program of each equals the unoptimised one.
struct OptimizerProofs {
  var timeLimit = 60.0

  /// True if all were proved. Prints those that were not.
  func run(filters count: Int?) -> Bool {
    guard let filters = try? RecordedFilter.sample(count), !filters.isEmpty else {
      print("left out: the conformance data is not there")
      return true
    }
    var (proved, others) = (0, 0)
    for filter in filters {
      guard let options = filter.options else { continue }
      let verdict = verdict(filter.aliases[0], options)
      if verdict == "proved" {
        proved += 1
      } else {
        others += 1
        print("\(filter.dlt): \(filter.aliases[0]): \(verdict)")
      }
    }
    print("\(proved) proved, \(others) not")
    return others == 0
  }

  private func verdict(_ expression: String, _ options: CompileOptions) -> String {
    var options = options
    let prover = Prover(timeLimit: timeLimit, metadata: options.target == .linuxKernel ? .isKnown : .rejects)
    do {
      options.optimize = false
      let plain = try FilterCompiler.compile(expression, options)
      options.optimize = true
      guard let best = try? FilterCompiler.compile(expression, options) else {
        // The optimiser finds that nothing matches.
        return "\(try prover.rejectsAll(plain))"
      }
      return "\(try prover.areEqual(best, plain))"
    } catch {
      return "\(error)"
    }
  }
}

extension RecordedFilter {
  /// The options for compiling it; nil if the link type is unknown.
  var options: CompileOptions? {
    guard let linkType = LinkType(name: dlt) else { return nil }
    let target: FilterTarget =
      switch offline {
      case "unswapped": .savefile(byteSwapped: false)
      case "swapped": .savefile(byteSwapped: true)
      default: linuxext ? .linuxKernel : .machine
      }
    let mask = netmask.flatMap { IPv4Address(text: Array($0.utf8)) }?.rawValue
    return CompileOptions(
      linkType: linkType, snaplen: snaplen ?? 262_144, netmask: mask, target: target, names: Self.names)
  }

  /// The names that the data was recorded with.
  private static let names: any NameResolver = {
    var paths = LocalNames.Paths()
    if let hosts = SharedData.file("filters/resolver/hosts") { paths.hosts = hosts.path }
    if let ethers = SharedData.file("filters/resolver/ethers") { paths.ethers = ethers.path }
    if let networks = SharedData.file("filters/resolver/networks") { paths.networks = networks.path }
    return LocalNames(paths: paths)
  }()
}
