public import BPF
public import PacketCore

/// How the packets that two programs accept compare. When one program is said to be wider, that refers to packets long enough for both: no
/// load of either fails, as it may for truncated packets.
public enum Comparison: Hashable, Sendable {
  /// They accept the same packets, truncated ones included.
  case equal
  /// They accept the same packets, except for some truncated ones: of these witnesses one is accepted only by the first, one only by the
  /// second.
  case equalUnlessCut(onlyFirst: Witness?, onlySecond: Witness?)
  /// The first accepts everything that the second does, and also this packet; with `unlessCut` that does not hold for truncated packets.
  case firstIsWider(Witness, unlessCut: Bool)
  /// The second accepts everything that the first does, and also this packet.
  case secondIsWider(Witness, unlessCut: Bool)
  /// Each accepts a packet that the other rejects.
  case neither(onlyFirst: Witness, onlySecond: Witness)
  /// Not decided in time; packets that show a difference may have been found.
  case unknown(onlyFirst: Witness?, onlySecond: Witness?)
}

extension Prover {
  /// What one program accepts and another does not.
  private enum Surplus {
    case none
    /// Only truncated packets.
    case cut(Witness)
    case whole(Witness)
    case unknown

    /// The packet that shows it, of either kind.
    var witness: Witness? {
      switch self {
      case .cut(let packet), .whole(let packet): packet
      case .none, .unknown: nil
      }
    }
  }

  /// Compares two programs for packets of a link type, and finds the most common packets that show a difference. The whole comparison
  /// observes the time limit.
  public func compare(_ first: Program, _ second: Program, _ linkType: LinkType) throws(ProofError) -> Comparison {
    let all = deadline
    let shown = [(first, second), (second, first)].map { isShownWider($0, $1, linkType) }
    if !shown.contains(true), try limited(to: all.secondsLeft / 3).areEqual(first, second) == .proved { return .equal }
    let onlyFirst = try limited(to: all.secondsLeft / 2).surplus(of: first, over: second, linkType, shown[0])
    let onlySecond = try limited(to: all.secondsLeft).surplus(of: second, over: first, linkType, shown[1])
    switch (onlyFirst, onlySecond) {
    case (.none, .none): return .equal
    case (.none, .cut), (.cut, .none), (.cut, .cut):
      return .equalUnlessCut(onlyFirst: onlyFirst.witness, onlySecond: onlySecond.witness)
    case (.whole(let packet), .none): return .firstIsWider(packet, unlessCut: false)
    case (.whole(let packet), .cut): return .firstIsWider(packet, unlessCut: true)
    case (.none, .whole(let packet)): return .secondIsWider(packet, unlessCut: false)
    case (.cut, .whole(let packet)): return .secondIsWider(packet, unlessCut: true)
    case (.whole(let one), .whole(let other)): return .neither(onlyFirst: one, onlySecond: other)
    case (.unknown, _), (_, .unknown):
      return .unknown(onlyFirst: onlyFirst.witness, onlySecond: onlySecond.witness)
    }
  }

  /// True if an ordinary packet, long enough for both programs, shows that the first accepts what the second rejects. Running the programs
  /// tells that at once, however hard the problem is for a solver.
  private func isShownWider(_ first: Program, _ second: Program, _ linkType: LinkType) -> Bool {
    let goals = [WitnessGoal(first), WitnessGoal(second, accepts: false)]
    return goals.plainPacket(PacketForm.all(for: linkType), returning: true, until: deadline) != nil
  }

  /// What the first program accepts and the second does not; `isShown` says that it is known to include untruncated packets.
  private func surplus(
    of first: Program, over second: Program, _ linkType: LinkType, _ isShown: Bool
  ) throws(ProofError) -> Surplus {
    let goals = [WitnessGoal(first), WitnessGoal(second, accepts: false)]
    let all = deadline
    var isOnlyCut = false
    if !isShown {
      if try limited(to: all.secondsLeft / 4).impliesInCases(first, second) { return .none }
      isOnlyCut = try limited(to: all.secondsLeft / 4).impliesInCases(first, second, whereLoadsSucceed: true)
      if !isOnlyCut {
        isOnlyCut = try limited(to: all.secondsLeft / 4).impliesWhereLoadsSucceed(first, second) == .proved
      }
    }
    let prover = limited(to: all.secondsLeft)
    switch try isOnlyCut ? prover.cutWitness(for: goals, linkType) : prover.witness(for: goals, linkType) {
    case .found(let packet): return isOnlyCut ? .cut(packet) : .whole(packet)
    case .none: return .none
    case .unknown: return .unknown
    }
  }

  /// The same prover with a different time limit.
  private func limited(to seconds: Double) -> Prover { Prover(timeLimit: seconds, until: end, metadata: metadata) }
}
