import BPF
import Names
import PacketCore

/// Tests of TCP, UDP and SCTP ports.
extension Lowering {
  /// The protocols of a port test: the one named, or all three.
  private func portProtocols(_ qualifiers: Qualifiers, _ word: String) throws(FilterError) -> [UInt32] {
    switch qualifiers.proto {
    case .tcp: [6]
    case .udp: [17]
    case .sctp: [132]
    case nil: [6, 17, 132]
    case let other?: throw invalid(other.rawValue, for: word)
    }
  }

  private func checkPort(_ number: UInt32) throws(FilterError) {
    guard number <= 65535 else { throw error("port number \(number) greater than maximum 65535") }
  }

  mutating func port(_ number: UInt32, _ qualifiers: Qualifiers) throws(FilterError) -> Condition {
    let protocols = try portProtocols(qualifiers, "port")
    try checkPort(number)
    return try ports(protocols, qualifiers, number...number) { lowering, field in
      lowering.compare(field, .equal, number)
    }
  }

  /// Tests for ports between the two numbers, whichever is smaller, both included.
  mutating func portRange(_ first: UInt32, _ last: UInt32, _ qualifiers: Qualifiers) throws(FilterError) -> Condition {
    let protocols = try portProtocols(qualifiers, "portrange")
    try checkPort(first)
    try checkPort(last)
    let (low, high) = (min(first, last), max(first, last))
    if low == high { return try port(low, qualifiers) }
    return try ports(protocols, qualifiers, low...high) { lowering, field in
      .all([
        lowering.compare(field, .greaterOrEqual, low), .not(lowering.compare(field, .greater, high)),
      ])
    }
  }

  mutating func portName(_ name: String, _ qualifiers: Qualifiers) throws(FilterError) -> Condition {
    _ = try portProtocols(qualifiers, "port")
    let (number, protocols) = try service(name, qualifiers)
    return try ports(protocols, qualifiers, number...number) { lowering, field in
      lowering.compare(field, .equal, number)
    }
  }

  /// `first-last`, each a number or a service. A service alone is not a range.
  mutating func portRangeName(_ text: String, _ qualifiers: Qualifiers) throws(FilterError) -> Condition {
    _ = try portProtocols(qualifiers, "portrange")
    var refusal: FilterError?
    // A service's name may contain a dash itself, so every dash is tried as the separator.
    for dash in text.indices where text[dash] == "-" {
      let (low, high) = (String(text[..<dash]), String(text[text.index(after: dash)...]))
      do throws(FilterError) {
        return try portRange(try portNumber(low, qualifiers), try portNumber(high, qualifiers), qualifiers)
      } catch {
        // If both names are known without the protocol, report that error: it says more than an unknown name.
        var others = qualifiers
        others.proto = nil
        if (try? portNumber(low, others)) != nil, (try? portNumber(high, others)) != nil { refusal = error }
      }
    }
    throw refusal ?? error("unknown port in range '\(text)'")
  }

  private func portNumber(_ text: String, _ qualifiers: Qualifiers) throws(FilterError) -> UInt32 {
    if let number = UInt32(text) { return number }
    return try service(text, qualifiers).number
  }

  /// The port of a service, and the protocols to test: only one of them if the name is registered for one.
  private func service(_ name: String, _ qualifiers: Qualifiers) throws(FilterError) -> (
    number: UInt32, protocols: [UInt32]
  ) {
    let found = Transport.allCases.compactMap { transport in
      options.names.port(ofService: name, over: transport).map { (transport, UInt32($0)) }
    }
    guard let (transport, number) = found.first else { throw error("unknown port '\(name)'") }
    if let wanted = qualifiers.proto {
      guard let entry = found.first(where: { "\($0.0)" == wanted.rawValue }) else {
        throw error("port '\(name)' is \(transport)")
      }
      return (entry.1, try portProtocols(qualifiers, "port"))
    }
    let transports = found.filter { $0.1 == number }.map { UInt32($0.0.rawValue) }
    return (number, transports.count == 1 ? transports : [6, 17, 132])
  }

  /// IPv6 without extension headers, then IPv4 with fragment offset 0, each with one of the protocols. `test` decides whether a port is one
  /// of `numbers`.
  private mutating func ports(
    _ protocols: [UInt32], _ qualifiers: Qualifiers, _ numbers: ClosedRange<UInt32>,
    _ test: (inout Lowering, ValueID) -> Condition
  ) throws(FilterError) -> Condition {
    if let direction = qualifiers.direction, direction.isWireless {
      throw invalid(direction.rawValue, for: qualifiers.kind?.rawValue ?? "port")
    }
    let header = layers.networkHeader
    let isIPv6 = try linkProtocol(EtherType.ipv6)
    let protocol6 = protocols.map { equal(.byte, header, 6, $0) }
    let fields6 = direction(qualifiers.direction, source: 40, destination: 42) { lowering, offset in
      let field = lowering.load(.half, header, offset)
      return .key(.init(values: [field], row: LookupRow(last: numbers), condition: test(&lowering, field)))
    }
    let isIPv4 = try linkProtocol(EtherType.ipv4)
    let protocol4 = protocols.map { equal(.byte, header, 9, $0) }
    let notFragment = isFirstFragment()
    let transport = transportHeader()
    let fields4 = direction(qualifiers.direction, source: 0, destination: 2) { lowering, offset in
      let field = lowering.load(.half, transport, offset)
      return .key(.init(values: [field], row: LookupRow(last: numbers), condition: test(&lowering, field)))
    }
    return .any([
      .all([isIPv6, .any(protocol6), fields6]),
      .all([isIPv4, .any(protocol4), notFragment, fields4]),
    ])
  }

  /// IPv4: true if the fragment offset is zero, so that a transport header is there.
  mutating func isFirstFragment() -> Condition {
    let field = load(.half, layers.networkHeader, 6)
    return .not(compare(field, .anyBitsSet, 0x1fff))
  }

  /// IPv4: the first byte after the header. The header length is in the low four bits of the first byte, in units of four bytes.
  mutating func transportHeader() -> Position {
    let header = layers.networkHeader
    let length = arithmetic(.shiftLeft, arithmetic(.and, load(.byte, header), 0x0f), 2)
    guard let base = header.base else { return Position(header.offset, base: length) }
    return Position(header.offset, base: arithmetic(.add, length, base))
  }
}
