import BPF
import PacketCore

/// Tunnels over IPv4 for which the filter language has no keyword: the inner headers are tested by offset.
extension FilterRewriter {
  /// The whole expression, applied to the inner IPv4 or IPv6 header; no alternative where a term cannot be translated.
  var insideTunnels: [FilterAlternative] {
    // A GRE header (RFC 2784) has four bytes, and four more with a key (RFC 2890).
    let tunnels: [(reason: FilterAlternative.Reason, test: String, offset: Int, isIPv6: Bool)] = [
      (.ipInIP, "ip proto 4", 20, false), (.ipInIP, "ip proto 41", 20, true),
      (.gre, "ip proto 47 and ip[20:4] = 0x00000800", 24, false),
      (.gre, "ip proto 47 and ip[20:4] = 0x20000800", 28, false),
      (.gre, "ip proto 47 and ip[20:4] = 0x000086dd", 24, true),
      (.gre, "ip proto 47 and ip[20:4] = 0x200086dd", 28, true),
    ]
    return tunnels.compactMap { tunnel in
      var writer = ExpressionWriter(tree, text)
      for (index, node) in tree.nodes.enumerated() {
        guard case .primitive(let use) = node.kind else { continue }
        let inner = InnerHeader(offset: tunnel.offset, isIPv6: tunnel.isIPv6)
        guard let test = inner.test(use, ports: { self.ports($0, $1) }) else { return nil }
        writer.replacements[index] = test
      }
      // The outer header has no options.
      return FilterAlternative(
        reason: tunnel.reason, expression: "\(tunnel.test) and ip[0] & 0xf = 5 and (\(writer.whole))")
    }
  }
}

/// The inner header of a tunnel, `offset` bytes after the start of the outer IPv4 header.
private struct InnerHeader {
  let offset: Int
  let isIPv6: Bool

  /// The test, translated to bytes of the inner header; nil if it cannot be.
  func test(_ use: PrimitiveUse, ports: (Qualifiers, Identifier) -> ClosedRange<UInt32>?) -> String? {
    switch use {
    case .abbreviation(.ip): return isIPv6 ? nil : "ip[\(offset)] & 0xf0 = 0x40"
    case .abbreviation(.ip6): return isIPv6 ? "ip[\(offset)] & 0xf0 = 0x60" : nil
    case .abbreviation(let proto):
      guard let number = proto.ipProtocol, isIPv6 ? proto != .icmp : proto != .icmp6 else { return nil }
      return self.proto(number)
    case .identifier(let qualifiers, let identifier):
      guard qualifiers.direction?.isWireless != true else { return nil }
      switch qualifiers.kind {
      case nil, .host, .net: return address(qualifiers, identifier)
      case .port, .portrange: return ports(qualifiers, identifier).map { self.ports($0, qualifiers) }
      case .proto:
        guard case .number(let number) = identifier.value, let proto = UInt8(exactly: number) else { return nil }
        return qualifiers.proto == nil || qualifiers.proto == (isIPv6 ? .ip6 : .ip) ? self.proto(proto) : nil
      case .gateway, .protochain: return nil
      }
    case .cast, .word, .relation: return nil
    }
  }

  private func proto(_ number: UInt8) -> String { "ip[\(offset + (isIPv6 ? 6 : 9))] = \(number)" }

  /// One test for the source and one for the destination, joined as the direction requires.
  private func sides(_ direction: Qualifiers.Direction?, _ source: Int, _ destination: Int, _ test: (Int) -> String)
    -> String
  {
    switch direction {
    case .source: test(offset + source)
    case .destination: test(offset + destination)
    case .sourceAndDestination: "(\(test(offset + source)) and \(test(offset + destination)))"
    default: "(\(test(offset + source)) or \(test(offset + destination)))"
    }
  }

  private func address(_ qualifiers: Qualifiers, _ identifier: Identifier) -> String? {
    guard qualifiers.proto == nil || qualifiers.proto == (isIPv6 ? .ip6 : .ip) else { return nil }
    func hexadecimal(_ number: UInt32) -> String { "0x" + String(number, radix: 16) }
    if isIPv6 {
      guard case .ipv6(let address) = identifier.value else { return nil }
      return sides(qualifiers.direction, 8, 24) { start in
        let words = (0..<4).map { word in
          let value = UInt32(truncatingIfNeeded: address.rawValue >> UInt128(96 - 32 * word))
          return "ip[\(start + 4 * word):4] = \(hexadecimal(value))"
        }
        return "(\(words.joined(separator: " and ")))"
      }
    }
    let (address, mask): (UInt32, UInt32)
    switch identifier.value {
    case .dotted:
      guard let (network, octets) = IPv4Address.parse(dotted: identifier.text.utf8) else { return nil }
      (address, mask) = (network.rawValue, .max << UInt32(8 * (4 - octets)))
    case .ipv4Prefix(let network, let length):
      (address, mask) = (network.rawValue, length == 0 ? 0 : .max << (32 - min(length, 32)))
    case .ipv4Masked(let network, let netmask): (address, mask) = (network.rawValue, netmask.rawValue)
    default: return nil
    }
    return sides(qualifiers.direction, 12, 16) { start in
      "ip[\(start):4]\(mask == .max ? "" : " & \(hexadecimal(mask))") = \(hexadecimal(address))"
    }
  }

  private func ports(_ ports: ClosedRange<UInt32>, _ qualifiers: Qualifiers) -> String {
    let numbers: [UInt8]
    if let number = qualifiers.proto?.ipProtocol { numbers = [number] } else { numbers = [6, 17, 132] }
    let protocols = numbers.map { proto($0) }.joined(separator: " or ")
    let length = isIPv6 ? 40 : 20
    let fields = sides(qualifiers.direction, length, length + 2) { place in
      ports.count == 1
        ? "ip[\(place):2] = \(ports.lowerBound)"
        : "(ip[\(place):2] >= \(ports.lowerBound) and ip[\(place):2] <= \(ports.upperBound))"
    }
    let isPlain = isIPv6 ? "" : "ip[\(offset)] & 0xf = 5 and ip[\(offset + 6):2] & 0x1fff = 0 and "
    return "(\(isPlain)\(numbers.count == 1 ? protocols : "(\(protocols))") and \(fields))"
  }
}
