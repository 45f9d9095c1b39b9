import BPF
import PacketCore

/// `protochain`: a protocol anywhere in the chain of headers.
extension Lowering {
  /// How many headers of a chain are followed. The machine has no loops, so the walk is written out this often; a packet with more
  /// headers before the protocol does not match.
  static let longestChain = 64

  /// The same where an expression has more than `longChains` of them, so that neither its program nor the time to make it gets too large.
  private static let shortChain = 16
  private static let longChains = 8

  /// The same in the kernel, which takes few instructions: there every packet with more headers passes.
  static let longestKernelChain = 16

  /// The headers that each `protochain` of an expression follows.
  static func chainLength(for expression: Expression) -> Int {
    let chains = expression.nodes.count { node in
      if case .primitive(.identifier(let qualifiers, _)) = node.kind { qualifiers.kind == .protochain } else { false }
    }
    return chains > longChains ? shortChain : longestChain
  }

  mutating func protochain(_ number: UInt32, _ enclosing: ProtocolName?) throws(FilterError) -> Condition {
    guard layers.payload.base == nil else { throw error("'protochain' not supported with variable length headers") }
    guard number <= 255 else { throw error("protocol number \(number) greater than maximum 255") }
    let header = layers.networkHeader
    switch enclosing {
    case nil:
      return .any([try protochain(number, .ip), try protochain(number, .ip6)])
    case .ip:
      let next = load(.byte, header, 9)
      guard let length = transportHeader().base else { return .constant(false) }
      return .all([try linkProtocol(EtherType.ipv4), chain(number, first: next, at: length, options: [])])
    case .ip6:
      let next = load(.byte, header, 6)
      // Hop-by-hop options, destination options, routing and fragment headers say their length in units of eight octets.
      return .all([
        try linkProtocol(EtherType.ipv6), chain(number, first: next, at: constant(40), options: [0, 60, 43, 44]),
      ])
    case let other?:
      throw error("'\(other.rawValue)' is not a valid qualifier for 'protochain'")
    }
  }

  /// Walks headers from the one of type `first`, `place` octets after the network header.
  private mutating func chain(_ number: UInt32, first: ValueID, at place: ValueID, options headers: [UInt32])
    -> Condition
  {
    let header = layers.networkHeader.offset
    let next = newCell()
    let offset = newCell()
    let atHeader = Position(header, base: read(offset))
    let length = load(.byte, atHeader, 1)
    let optionLength = arithmetic(.multiply, arithmetic(.add, length, 1), 8)
    // The authentication header counts in units of four octets, less two (RFC 4302 section 2.2).
    let authenticationLength = arithmetic(.multiply, arithmetic(.add, length, 2), 4)
    func step(_ lowering: inout Lowering, _ octets: ValueID) -> Condition {
      let following = lowering.load(.byte, atHeader)
      let beyond = lowering.arithmetic(.add, lowering.read(offset), octets)
      return .perform([.assign(variable: next, following), .assign(variable: offset, beyond)], lowering.source)
    }
    let found = compare(read(next), .equal, number)
    var ways: [Condition] = []
    if !headers.isEmpty {
      ways.append(.all([.any(headers.map { compare(read(next), .equal, $0) }), step(&self, optionLength)]))
    }
    ways.append(.all([compare(read(next), .equal, 51), step(&self, authenticationLength)]))
    var walk = found
    var count = chainLength
    if case .linuxKernel = options.target {
      // The machine judges again what the kernel lets pass, so the kernel must never refuse more.
      walk = .any([found, .all([.any(ways), .constant(!isDenied)])])
      count = Self.longestKernelChain
    }
    for _ in 1..<count { walk = .any([found, .all([.any(ways), walk])]) }
    return .all([.perform([.assign(variable: next, first), .assign(variable: offset, place)], source), walk])
  }
}
