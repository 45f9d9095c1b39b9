/// A header that was parsed: what an object of the structured output is about, and what statistics count. The raw value is the
/// name in both.
///
/// A dissector enters its layer (`Printer.enter`) as soon as it begins, and writes the fields that it reads for the text.
public enum Layer: UInt8, CaseIterable, Sendable, BitwiseCopyable {
  // Link
  case ethernet, vlan, llc, snap
  case sll, sll2, null, loop, raw
  case arp
  // Network
  case ipv4, ipv6, hopByHop, destinationOptions, routing, fragment
  // Transport
  case tcp, udp

  /// The name in output: lower case, words joined by `_`.
  public var name: StaticString {
    switch self {
    case .ethernet: "ethernet"
    case .vlan: "vlan"
    case .llc: "llc"
    case .snap: "snap"
    case .sll: "sll"
    case .sll2: "sll2"
    case .null: "null"
    case .loop: "loop"
    case .raw: "raw"
    case .arp: "arp"
    case .ipv4: "ipv4"
    case .ipv6: "ipv6"
    case .hopByHop: "hop_by_hop"
    case .destinationOptions: "destination_options"
    case .routing: "routing"
    case .fragment: "fragment"
    case .tcp: "tcp"
    case .udp: "udp"
    }
  }
}
