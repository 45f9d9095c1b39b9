import BPF
import PacketCore

/// Comparisons of arithmetic expressions.
extension Lowering {
  /// Tests for the protocols that accessors on both sides need, left first, then the comparison.
  mutating func relation(_ left: Arithmetic, _ sign: RelationSign, _ right: Arithmetic) throws(FilterError) -> Condition
  {
    var checks: [Condition] = []
    let a = try value(of: left, &checks)
    let b = try value(of: right, &checks)
    let test: Condition =
      switch sign {
      case .equal: compare(a, .equal, b)
      case .notEqual: .not(compare(a, .equal, b))
      case .greater: compare(a, .greater, b)
      case .greaterOrEqual: compare(a, .greaterOrEqual, b)
      case .less: .not(compare(a, .greaterOrEqual, b))
      case .lessOrEqual: .not(compare(a, .greater, b))
      }
    if case .test(let last) = test.positive { comparison = last.comparison }
    return .all(checks + [test])
  }

  /// The value of an expression; conditions that must hold for its accessors are appended to `checks`, inner ones first.
  private mutating func value(of expression: Arithmetic, _ checks: inout [Condition]) throws(FilterError) -> ValueID {
    switch expression {
    case .number(let number):
      return constant(number)
    case .packetLength:
      return values.intern(.packetLength)
    case .negate(let inner):
      let inner = try value(of: inner, &checks)
      return values.intern(.negate(inner))
    case .binary(let operation, let left, let right, _):
      let left = try value(of: left, &checks)
      // As in libpcap, only the protocols of the left operand are checked.
      var unchecked: [Condition] = []
      let right = try value(of: right, &unchecked)
      return arithmetic(operation, left, right)
    case .accessor(let proto, let index, let size, _):
      let offset = try value(of: index, &checks)
      return try field(of: proto, at: offset, size, &checks)
    }
  }

  /// The bytes `offset` after the header of `proto`.
  private mutating func field(
    of proto: ProtocolName, at offset: ValueID, _ size: LoadSize, _ checks: inout [Condition]
  ) throws(FilterError) -> ValueID {
    switch proto {
    case .link:
      return try load(size, layers.header, index: offset)
    case .radio:
      switch layers.variable {
      case .radiotap, .avs, .prism, .ppi: return try load(size, Position(0), index: offset)
      case .none, .ieee80211, .pflog: throw error("radio information not present in capture")
      }
    case .ip, .ip6, .arp, .rarp, .atalk, .decnet, .lat, .sca, .moprc, .mopdl:
      checks.append(try abbreviation(proto))
      return try load(size, layers.networkHeader, index: offset)
    case .tcp, .udp, .sctp, .icmp, .igmp, .igrp, .pim, .vrrp, .carp:
      guard let number = proto.ipProtocol else { break }
      checks.append(try self.proto(UInt32(number), .ip))
      checks.append(isFirstFragment())
      return try load(size, transportHeader(), index: offset)
    case .icmp6:
      checks.append(try linkProtocol(EtherType.ipv6))
      checks.append(equal(.byte, layers.networkHeader, 6, 58))
      return try load(size, layers.networkHeader.advanced(by: 40), index: offset)
    default: break
    }
    throw error("'\(proto.rawValue)' does not support the index operation")
  }

  /// The bytes at a computed index. Base and index are added with wrapping, as in classic BPF; the load then adds the fixed offset without
  /// wrapping.
  private mutating func load(_ size: LoadSize, _ position: Position, index: ValueID) throws(FilterError) -> ValueID {
    guard let base = position.base else {
      if case .constant(let number) = values[index] { return load(size, position, number) }
      return values.intern(.load(size, base: index, offset: position.offset))
    }
    places.used.insert(base)
    let sum = arithmetic(.add, index, base)
    return values.intern(.load(size, base: sum, offset: position.offset))
  }
}
