import BPF
import Filter
import PacketCore

/// Looks among packets that a filter has rejected for the reason: filters that are like it, run on the packets. Nothing is said that
/// these did not find.
struct NearMissSearch {
  /// Packets that are looked at.
  static let maximumPackets = 1_000_000
  /// Reasons that are given.
  private static let maximumReasons = 2

  /// A filter, and what it has found.
  private struct Candidate {
    let alternative: FilterAlternative
    /// By link type; nil where it means nothing there.
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
  /// Those for the link type of the last packet.
  private var current: [(index: Int, machine: Machine)] = []
  private var linkType: LinkType?
  private var packets = 0

  /// Prepares the search for packets that `expression` rejects.
  init(_ expression: String, _ options: CompileOptions) {
    self.options = options
    candidates = FilterAlternative.all(for: expression, names: options.names).map { Candidate(alternative: $0) }
  }

  /// True while more packets are looked at.
  var isOpen: Bool { !candidates.isEmpty && packets < Self.maximumPackets }

  /// Looks at a packet that the filter has rejected.
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

  /// What was found, the reason with the most packets first; none where nothing was.
  var hints: [String] {
    var best: [FilterAlternative.Reason: (place: Int, found: Int)] = [:]
    for (place, candidate) in candidates.enumerated() where candidate.found > 0 {
      let reason = candidate.alternative.reason
      // Of several filters for one reason the first that finds something is the simplest.
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
  /// So many packets of this kind.
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
