import BPF
import Filter
import PacketCore

/// Finds out why a filter has rejected all packets: runs similar filters on them, and reports only those that match.
struct NearMissSearch {
  /// The maximum number of packets to examine.
  static let maximumPackets = 1_000_000
  /// The maximum number of reasons to report.
  private static let maximumReasons = 2

  /// A similar filter, and the number of packets that it accepts.
  private struct Candidate {
    let alternative: FilterAlternative
    /// By link type; nil if the filter does not apply to it.
    var machines: [LinkType: Machine?] = [:]
    var found = 0

    mutating func machine(_ linkType: LinkType, _ options: CompileOptions) -> Machine? {
      if let known = machines[linkType] { return known }
      var options = options
      options.linkType = linkType
      let program = try? FilterCompiler.compile(alternative.expression, options)
      let machine = program.map { Machine($0, true) }
      machines[linkType] = .some(machine)
      return machine
    }
  }

  private let options: CompileOptions
  private var candidates: [Candidate]
  /// The candidates for the link type of the last packet.
  private var current: [(index: Int, machine: Machine)] = []
  private var linkType: LinkType?
  private var packets = 0

  /// Prepares the search for packets that `expression` rejects.
  init(_ expression: String, _ options: CompileOptions) {
    self.options = options
    candidates = FilterAlternative.all(for: expression, names: options.names).map { Candidate(alternative: $0) }
  }

  /// True while it needs more packets.
  var isOpen: Bool { !candidates.isEmpty && packets < Self.maximumPackets }

  /// Examines a packet that the filter has rejected.
  mutating func add(_ octets: RawSpan, len: UInt32, _ linkType: LinkType) {
    guard isOpen else { return }
    packets += 1
    if linkType != self.linkType {
      self.linkType = linkType
      current = candidates.indices.compactMap { index in
        candidates[index].machine(linkType, options).map { (index, $0) }
      }
    }
    for (index, machine) in current where machine.run(octets, len: len) != 0 { candidates[index].found += 1 }
  }

  /// The hints, the one with the most packets first; empty if nothing was found.
  var hints: [String] {
    var best: [FilterAlternative.Reason: (place: Int, found: Int)] = [:]
    for (place, candidate) in candidates.enumerated() where candidate.found > 0 {
      let reason = candidate.alternative.reason
      // If several filters have the same reason, the first one that matches is the simplest.
      if best[reason] == nil { best[reason] = (place, candidate.found) }
    }
    let sorted = best.values.sorted { ($1.found, $0.place) < ($0.found, $1.place) }
    return sorted.prefix(Self.maximumReasons).map { place, found in
      let alternative = candidates[place].alternative
      return "\(alternative.reason.words(found)) would match: '\(alternative.expression)'"
    }
  }
}

extension FilterAlternative.Reason {
  /// The hint for `count` packets.
  fileprivate func words(_ count: Int) -> String {
    let packets = "packet\(count == 1 ? "" : "s")"
    return switch self {
    case .tagged: "\(count) VLAN-tagged \(packets)"
    case .doubleTagged: "\(count) \(packets) with two VLAN tags"
    case .untagged: "\(count) \(packets) without a VLAN tag"
    case .mpls: "\(count) \(packets) with MPLS labels"
    case .pppoe: "\(count) \(packets) in PPPoE sessions"
    case .geneve: "\(count) \(packets) inside Geneve tunnels"
    case .vxlan: "\(count) \(packets) inside VXLAN tunnels"
    case .gre: "\(count) \(packets) inside GRE tunnels"
    case .ipInIP: "\(count) \(packets) inside IP-in-IP tunnels"
    case .fragments: "\(count) fragment\(count == 1 ? "" : "s") without ports"
    case .ipv4: "\(count) IPv4 \(packets)"
    case .ipv6: "\(count) IPv6 \(packets)"
    case .otherDirection: "\(count) \(packets) in the other direction"
    case .extensionHeaders: "\(count) \(packets) with IPv6 extension headers"
    case .otherLinkHeader: "\(count) \(packets) with another link-layer header"
    }
  }
}
