public import BPF
public import PacketCore

/// How what two programs accept compares.
public enum Comparison: Hashable, Sendable {
  /// They accept the same packets.
  case equal
  /// The first accepts all that the second does, and this packet, too.
  case firstIsWider(Witness)
  /// The second accepts all that the first does, and this packet, too.
  case secondIsWider(Witness)
  /// Each accepts a packet that the other refuses.
  case neither(onlyFirst: Witness, onlySecond: Witness)
  /// Not decided in time; a packet that shows that they differ may have been found.
  case unknown(onlyFirst: Witness?, onlySecond: Witness?)
}

extension Prover {
  /// Compares two programs for packets of a link type, with the smallest packets that show a difference. All of it takes no longer than
  /// the time limit.
  public func compare(_ first: Program, _ second: Program, _ linkType: LinkType) throws(ProofError) -> Comparison {
    let all = deadline
    if try limited(to: all.secondsLeft / 3).areEqual(first, second) == .proved { return .equal }
    let onlyFirst = try limited(to: all.secondsLeft / 2).witness(
      for: [WitnessGoal(first), WitnessGoal(second, accepts: false)], linkType)
    let onlySecond = try limited(to: all.secondsLeft).witness(
      for: [WitnessGoal(first, accepts: false), WitnessGoal(second)], linkType)
    switch (onlyFirst, onlySecond) {
    case (.none, .none): return .equal
    case (.found(let packet), .none): return .firstIsWider(packet)
    case (.none, .found(let packet)): return .secondIsWider(packet)
    case (.found(let one), .found(let other)): return .neither(onlyFirst: one, onlySecond: other)
    case (.found(let packet), .unknown): return .unknown(onlyFirst: packet, onlySecond: nil)
    case (.unknown, .found(let packet)): return .unknown(onlyFirst: nil, onlySecond: packet)
    default: return .unknown(onlyFirst: nil, onlySecond: nil)
    }
  }

  /// The same prover with another time limit.
  private func limited(to seconds: Double) -> Prover { Prover(timeLimit: seconds, until: end, metadata: metadata) }
}
