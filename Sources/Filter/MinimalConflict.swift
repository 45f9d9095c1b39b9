/// Finds a minimal set of conflicting terms by bisection (Junker, "QuickXplain", 2004): for a few among n terms it takes about log n checks
/// each.
enum MinimalConflict {
  /// A minimal subset of these conflicting terms that still conflicts; where there are several, one made of terms that come first in
  /// `candidates`. `isConflict` says whether the given terms, without the others, conflict.
  static func terms<Failure: Error>(
    among candidates: [Int], where isConflict: ([Int]) throws(Failure) -> Bool
  ) throws(Failure) -> [Int] {
    try least(among: candidates, beside: [], isNew: false, isConflict)
  }

  /// A minimal subset of `candidates` that conflicts together with `others`. `isNew` says that `others` may already conflict without any
  /// candidate.
  private static func least<Failure: Error>(
    among candidates: [Int], beside others: [Int], isNew: Bool, _ isConflict: ([Int]) throws(Failure) -> Bool
  ) throws(Failure) -> [Int] {
    if isNew, try isConflict(others) { return [] }
    if candidates.count <= 1 { return candidates }
    let (first, second) = (
      candidates.prefix(candidates.count / 2), candidates.suffix(candidates.count - candidates.count / 2)
    )
    let fromSecond = try least(among: Array(second), beside: others + first, isNew: !first.isEmpty, isConflict)
    let fromFirst = try least(among: Array(first), beside: others + fromSecond, isNew: !fromSecond.isEmpty, isConflict)
    return fromFirst + fromSecond
  }
}
