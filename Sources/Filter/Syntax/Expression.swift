import BPF
import PacketCore

/// A parsed filter expression: the syntax tree, its nodes stored children first and left before right, so that walking the array is walking
/// the text. The last node is the root; an empty expression has no nodes.
struct Expression: Sendable {
  /// A node in `nodes`.
  typealias Index = Int

  enum Kind: Sendable {
    case and(Index, Index)
    case or(Index, Index)
    case not(Index)
    case primitive(PrimitiveUse)
  }

  struct Node: Sendable {
    let kind: Kind
    /// The source range of the node.
    let range: SourceRange
  }

  var nodes: [Node] = []

  mutating func add(_ kind: Kind, at range: SourceRange) -> Index {
    nodes.append(Node(kind: kind, range: range))
    return nodes.count - 1
  }

  /// By node: whether it is below an odd number of `not`.
  var denials: [Bool] {
    var result = [Bool](repeating: false, count: nodes.count)
    for (index, node) in nodes.enumerated().reversed() {
      switch node.kind {
      case .and(let left, let right), .or(let left, let right):
        result[left] = result[index]
        result[right] = result[index]
      case .not(let inner): result[inner] = !result[index]
      case .primitive: break
      }
    }
    return result
  }
}

/// One test of an expression.
enum PrimitiveUse: Sendable {
  /// A protocol's name on its own: `tcp`.
  case abbreviation(ProtocolName)
  /// An identifier with qualifiers: `src host 192.0.2.1`.
  case identifier(Qualifiers, Identifier)
  /// `broadcast` or `multicast`, perhaps of a protocol.
  case cast(Cast, of: ProtocolName?)
  /// A keyword from `Primitive.all` with its operand: `vlan 5`.
  case word(Primitive, Operand)
  /// A comparison of two numbers: `ip[2:2] > 576`.
  case relation(Arithmetic, RelationSign, Arithmetic)

  enum Cast: String, Sendable, CaseIterable {
    case broadcast, multicast
  }
}

/// The comparison sign between two arithmetic expressions.
enum RelationSign: Sendable {
  case equal, notEqual, greater, greaterOrEqual, less, lessOrEqual

  init?(_ sign: Token.Sign) {
    switch sign {
    case .equal, .equalEqual: self = .equal
    case .notEqual: self = .notEqual
    case .greater: self = .greater
    case .greaterOrEqual: self = .greaterOrEqual
    case .less: self = .less
    case .lessOrEqual: self = .lessOrEqual
    default: return nil
    }
  }
}

/// The words before an identifier: `ip src net`. Omitted ones are nil.
struct Qualifiers: Hashable, Sendable {
  enum Direction: String, Sendable {
    case source = "src"
    case destination = "dst"
    case sourceOrDestination = "src or dst"
    case sourceAndDestination = "src and dst"
    case addr1, addr2, addr3, addr4
    case receiver = "ra"
    case transmitter = "ta"

    /// The direction for a keyword that is valid for IEEE 802.11 only.
    init?(wireless word: String) {
      let short = word.utf8.starts(with: "address".utf8) ? "addr" + word.dropFirst(7) : word
      guard let direction = Self(rawValue: short), direction.isWireless else { return nil }
      self = direction
    }

    /// True for the directions that are valid for IEEE 802.11 only.
    var isWireless: Bool {
      switch self {
      case .source, .destination, .sourceOrDestination, .sourceAndDestination: false
      case .addr1, .addr2, .addr3, .addr4, .receiver, .transmitter: true
      }
    }
  }

  enum Kind: String, Sendable, CaseIterable {
    case host, net, port, portrange, gateway, proto, protochain
  }

  var proto: ProtocolName?
  var direction: Direction?
  var kind: Kind?
}

/// The value after the qualifiers.
struct Identifier: Hashable, Sendable {
  enum Value: Hashable, Sendable {
    case name(String)
    case number(UInt32)
    /// Two to four numbers between dots: the leading octets of an IPv4 address, or a DECnet address.
    case dotted
    case ipv4Prefix(IPv4Address, length: UInt32)
    case ipv4Masked(IPv4Address, mask: IPv4Address)
    case ipv6(IPv6Address)
    case ipv6Prefix(IPv6Address, length: UInt32)
    case mac(MACAddress)
    case octetAddress(UInt8)
  }

  let value: Value
  /// The text as typed.
  let text: String
  let range: SourceRange
}

/// An arithmetic expression of the filter language.
indirect enum Arithmetic: Sendable {
  case number(UInt32)
  /// `len`: the packet's length on the wire.
  case packetLength
  /// `proto[index:size]`.
  case accessor(ProtocolName, index: Arithmetic, size: LoadSize, range: SourceRange)
  case binary(ArithmeticOperation, Arithmetic, Arithmetic, range: SourceRange)
  case negate(Arithmetic)
}
