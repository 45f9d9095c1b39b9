/// Looks for the least terms in conflict, by halves (Junker, "QuickXplain", 2004): for a few among n terms that takes some log n
/// questions each.
enum MinimalConflict {
  /// The least of these terms, which are in conflict, that still are; where there are several such, one of terms that come first.
  /// `isConflict` says whether terms, without the others, cannot hold together.
  static func terms<Failure: Error>(
    among candidates: [Int], where isConflict: ([Int]) throws(Failure) -> Bool
  ) throws(Failure) -> [Int] {
    try least(among: candidates, beside: [], isNew: false, isConflict)
  }

  /// The least of these terms that are in conflict with those beside them. With `isNew` these may be in conflict by themselves.
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
