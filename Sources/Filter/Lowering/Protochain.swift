import BPF
import PacketCore

/// `protochain`: a protocol anywhere in the chain of headers.
extension Lowering {
  /// How many headers of a chain are followed. Classic BPF has no loops, so the walk is unrolled this many times; a packet with more
  /// headers before the protocol does not match.
  static let longestChain = 64

  /// The limit where an expression has more than `longChains` of them, so that neither its program nor its compile time gets too large.
  private static let shortChain = 16
  private static let longChains = 8

  /// The limit in the kernel, whose programs are shorter: there every packet with more headers passes.
  static let longestKernelChain = 16

  /// How many headers each `protochain` of an expression follows.
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
      // The lengths of hop-by-hop options, destination options, routing and fragment headers are in units of eight bytes.
      return .all([
        try linkProtocol(EtherType.ipv6), chain(number, first: next, at: constant(40), options: [0, 60, 43, 44]),
      ])
    case let other?:
      throw error("'\(other.rawValue)' is not a valid qualifier for 'protochain'")
    }
  }

  /// Walks headers from the one of type `first`, `place` bytes after the network header.
  private mutating func chain(_ number: UInt32, first: ValueID, at place: ValueID, options headers: [UInt32])
    -> Condition
  {
    let header = layers.networkHeader.offset
    let next = newCell()
    let offset = newCell()
    let atHeader = Position(header, base: read(offset))
    let length = load(.byte, atHeader, 1)
    let optionLength = arithmetic(.multiply, arithmetic(.add, length, 1), 8)
    // The length of the authentication header is in units of four bytes, minus two (RFC 4302 section 2.2).
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
      // What the kernel passes is filtered again in user space, so the kernel must never reject more.
      walk = .any([found, .all([.any(ways), .constant(!isDenied)])])
      count = Self.longestKernelChain
    }
    for _ in 1..<count { walk = .any([found, .all([.any(ways), walk])]) }
    return .all([.perform([.assign(variable: next, first), .assign(variable: offset, place)], source), walk])
  }
}
