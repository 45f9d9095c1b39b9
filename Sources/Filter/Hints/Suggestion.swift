/// The word that a misspelt one was probably meant to be.
enum Suggestion {
  /// `did you mean 'x'?` for the nearest of the candidates; nil if none is near.
  static func hint(for word: String, among candidates: Set<String>) -> String? {
    nearest(to: word, among: candidates).map { "did you mean '\($0)'?" }
  }

  /// The nearest keyword. Short words do not become words for SS7, ATM or PF, which have few letters and few users.
  static func nearestKeyword(to word: String) -> String? {
    nearest(to: word, among: word.utf8.count < 5 ? Keywords.common : Keywords.all)
  }

  /// The candidate with the fewest edits from `word`, at most one edit for every three characters; nil if none is so near.
  static func nearest(to word: String, among candidates: Set<String>) -> String? {
    let letters = Array(word.utf8)
    guard letters.count >= 2, letters.count <= 40, !candidates.contains(word) else { return nil }
    let limit = max(1, letters.count / 3)
    var best: (word: String, distance: Int, likeness: Int)?
    for candidate in candidates.sorted() where abs(candidate.utf8.count - letters.count) <= limit {
      let distance = edits(letters, Array(candidate.utf8))
      guard distance <= limit else { continue }
      // A word of three letters with another one in it is another word: `rtp` is not `stp`.
      if letters.count <= 3, candidate.utf8.count == letters.count, candidate.utf8.sorted() != letters.sorted() {
        continue
      }
      // Of two that are as near, the one of the same letters, then the one that begins alike: `tpc` is `tcp`, not `dpc`, and `htps` is `https`,
      // not `ftps`.
      let likeness = candidate.utf8.sorted() == letters.sorted() ? 2 : candidate.utf8.first == letters.first ? 1 : 0
      if let best, (distance, -likeness) >= (best.distance, -best.likeness) { continue }
      best = (candidate, distance, likeness)
    }
    return best?.word
  }

  /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
  private static func edits(_ from: [UInt8], _ to: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...to.count)
    for row in from.indices {
      var current = [row + 1]
      for column in to.indices {
        var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (from[row] == to[column] ? 0 : 1))
        if row > 0, column > 0, from[row] == to[column - 1], from[row - 1] == to[column] {
          cost = min(cost, beforeLast[column - 1] + 1)
        }
        current.append(cost)
      }
      beforeLast = last
      last = current
    }
    return last[to.count]
  }
}
