/// Finds the word that a misspelt one was probably meant to be.
enum Suggestion {
  /// `did you mean 'x'?` for the nearest of the candidates; nil if none is near.
  static func hint(for word: String, among candidates: Set<String>) -> String? {
    nearest(to: word, among: candidates).map { "did you mean '\($0)'?" }
  }

  /// The nearest keyword. Short words are never corrected to SS7, ATM or PF keywords, which are short and rarely used.
  static func nearestKeyword(to word: String) -> String? {
    nearest(to: word, among: word.utf8.count < 5 ? Keywords.common : Keywords.all)
  }

  /// The candidate with the fewest edits from `word`, at most one edit for every three characters; nil if none is that near.
  static func nearest(to word: String, among candidates: Set<String>) -> String? {
    let letters = Array(word.utf8)
    guard letters.count >= 2, letters.count <= 40, !candidates.contains(word) else { return nil }
    let limit = max(1, letters.count / 3)
    var best: (word: String, distance: Int, likeness: Int)?
    for candidate in candidates.sorted() where abs(candidate.utf8.count - letters.count) <= limit {
      let distance = edits(letters, Array(candidate.utf8))
      guard distance <= limit else { continue }
      // In a word of three letters, one replaced letter makes another word: `rtp` does not mean `stp`.
      if letters.count <= 3, candidate.utf8.count == letters.count, candidate.utf8.sorted() != letters.sorted() {
        continue
      }
      // Among equally near candidates, prefer one with the same letters, then one with the same first letter: `tpc` is `tcp`, not `dpc`,
      // and `htps` is `https`, not `ftps`.
      let likeness = candidate.utf8.sorted() == letters.sorted() ? 2 : candidate.utf8.first == letters.first ? 1 : 0
      if let best, (distance, -likeness) >= (best.distance, -best.likeness) { continue }
      best = (candidate, distance, likeness)
    }
    return best?.word
  }

  /// The number of insertions, deletions, replacements and swaps of neighbours that turn one into the other.
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
