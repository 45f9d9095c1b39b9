import PacketCore

/// Keywords for raw ATM as SunATM captures it: traffic type, virtual path and virtual channel before the cell's payload.
///
///     Traffic type in the low four bits (1 byte) | Virtual path (1) | Virtual channel (2)
extension Primitive {
  static let vpi = Primitive(
    keywords: ["vpi"], shape: .comparison(maximum: 255), help: "ATM virtual path identifier", lower: lowerVPI)
  static let vci = Primitive(
    keywords: ["vci"], shape: .comparison(maximum: 65535), help: "ATM virtual channel identifier", lower: lowerVCI)
  static let lane = Primitive(
    keywords: ["lane"], shape: .nothing, help: "ATM LAN emulation; what follows looks at its Ethernet frames",
    lower: lowerLANE)
  static let oamf4sc = Primitive(
    keywords: ["oamf4sc"], shape: .nothing, help: "ATM segment OAM F4 flow cell", lower: lowerOAMF4SC)
  static let oamf4ec = Primitive(
    keywords: ["oamf4ec"], shape: .nothing, help: "ATM end-to-end OAM F4 flow cell", lower: lowerOAMF4EC)
  static let oamf4 = Primitive(
    keywords: ["oamf4", "oam"], shape: .nothing, help: "ATM OAM F4 flow cell, segment or end-to-end", lower: lowerOAMF4)
  static let metac = Primitive(
    keywords: ["metac"], shape: .nothing, help: "ATM meta signalling circuit", lower: lowerMetac)
  static let bcc = Primitive(
    keywords: ["bcc"], shape: .nothing, help: "ATM broadcast signalling circuit", lower: lowerBCC)
  static let sc = Primitive(
    keywords: ["sc"], shape: .nothing, help: "ATM signalling circuit", lower: lowerSC)
  static let ilmic = Primitive(
    keywords: ["ilmic"], shape: .nothing, help: "ATM ILMI circuit", lower: lowerILMIC)
  static let connectmsg = Primitive(
    keywords: ["connectmsg"], shape: .nothing, help: "ATM signalling of a connection (Q.2931)", lower: lowerConnectmsg)
  static let metaconnect = Primitive(
    keywords: ["metaconnect"], shape: .nothing, help: "ATM meta signalling of a connection (Q.2931)",
    lower: lowerMetaconnect)
}

extension Lowering {
  /// SunATM's traffic types.
  enum ATMTraffic: UInt32 {
    case lane = 1
    case llc = 2
  }

  mutating func isATM(_ traffic: ATMTraffic) -> Condition { equal(.byte, Position(0), mask: 0x0f, traffic.rawValue) }

  /// LAN emulation: true unless the frame is a control frame, which begins with 0xff00.
  mutating func isLANEData() -> Condition { .not(equal(.half, Position(4), 0xff00)) }

  fileprivate func checkATM(_ word: String) throws(FilterError) {
    guard options.linkType == .sunATM else { throw error("'\(word)' supported only on SUNATM") }
  }

  /// A circuit of virtual path 0 with one of these channels.
  fileprivate mutating func circuit(_ word: String, _ channels: UInt32...) throws(FilterError) -> Condition {
    try checkATM(word)
    return .all([equal(.byte, Position(1), 0), .any(channels.map { equal(.half, Position(2), $0) })])
  }

  /// Q.2931 message types, whose field follows the circuit.
  fileprivate mutating func message(_ types: UInt32...) -> Condition {
    .any(types.map { equal(.byte, Position(9), $0) })
  }

  /// Compares a field of the packet with the operand's numbers; each number first goes through `encode`, which puts it into the field's
  /// format.
  mutating func field(_ value: ValueID, _ operand: Operand, _ encode: (UInt32) -> UInt32 = { $0 }) -> Condition {
    guard case .comparisons(let tests) = operand else { return .constant(false) }
    return .any(
      tests.map { test in
        let number = encode(test.number)
        return switch test.sign {
        case .equal: compare(value, .equal, number)
        case .notEqual: .not(compare(value, .equal, number))
        case .greater: compare(value, .greater, number)
        case .greaterOrEqual: compare(value, .greaterOrEqual, number)
        case .less: .not(compare(value, .greaterOrEqual, number))
        case .lessOrEqual: .not(compare(value, .greater, number))
        }
      })
  }
}

@Sendable
private func lowerVPI(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.checkATM("vpi")
  return lowering.field(lowering.load(.byte, Position(1)), operand)
}

@Sendable
private func lowerVCI(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.checkATM("vci")
  return lowering.field(lowering.load(.half, Position(2)), operand)
}

@Sendable
private func lowerLANE(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.checkATM("lane")
  let isLANE = lowering.isATM(.lane)
  // Two bytes of LANE header, then Ethernet.
  var ethernet = LinkLayer(
    .sunATM(lane: true), header: 6, type: 18, payload: 20, networkBehindLLC: 3,
    addresses: .mac(source: 6, destination: 0))
  ethernet.vlanDepth = lowering.layers.vlanDepth
  lowering.layers = ethernet
  return isLANE
}

@Sendable
private func lowerOAMF4SC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.circuit("oamf4sc", 3)
}

@Sendable
private func lowerOAMF4EC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.circuit("oamf4ec", 4)
}

@Sendable
private func lowerOAMF4(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.circuit("oamf4", 3, 4)
}

@Sendable
private func lowerMetac(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.circuit("metac", 1)
}

@Sendable
private func lowerBCC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.circuit("bcc", 2)
}

@Sendable
private func lowerSC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.circuit("sc", 5)
}

@Sendable
private func lowerILMIC(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  try lowering.circuit("ilmic", 16)
}

/// Release done, release, connect acknowledge, connect, setup, call proceeding.
@Sendable
private func lowerConnectmsg(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  .all([try lowering.circuit("connectmsg", 5), lowering.message(0x5a, 0x4d, 0x0f, 0x07, 0x05, 0x02)])
}

@Sendable
private func lowerMetaconnect(_ lowering: inout Lowering, _ operand: Operand) throws(FilterError) -> Condition {
  .all([try lowering.circuit("metaconnect", 1), lowering.message(0x5a, 0x4d, 0x07, 0x05, 0x02)])
}
