/// Places where paths of two programs meet, used to prove step by step that the two do the same.
///
/// Where paths of the first program meet that have computed different words, each such word becomes a variable, a *cut*. Where paths of the
/// second program meet, the solver is asked whether that place corresponds to one in the first; if so, that place's condition and variables
/// are used instead. What follows is then expressed in the same terms for both, and each step is a small query, however long the programs
/// are.
///
/// A variable is unconstrained. That is sound, since what is proved for any number is true for the one that was computed.
struct CutPoints {
  /// A place where paths of the first program meet.
  struct Place {
    /// True if the packet gets there.
    let condition: TermID
    /// The words that the paths have computed, and the variables that replace them from there on.
    let words: [(computed: TermID, variable: TermID)]
  }

  /// True if a difference is proved impossible for every packet, so that the terms compared are equal; false also if that is not known.
  typealias Proof = (_ difference: TermID, _ terms: TermTable) throws(ProofError) -> Bool

  private var places: [Place] = []
  /// The index of the first place that the second program has not reached.
  private var next = 0
  /// Nil while the first program is executed.
  var isImpossible: Proof?

  /// How many places of the first program are tried for each place of the second.
  private static let mostTried = 8

  /// Joins several paths: returns the condition, and the words that represent theirs. Each row holds the words of one path.
  mutating func meet(
    _ ways: [(condition: TermID, words: [TermID])], _ terms: inout TermTable
  ) throws(ProofError) -> (condition: TermID, words: [TermID]) {
    var condition = terms.truth(false)
    for way in ways { condition = terms.or(condition, way.condition) }
    var computed = ways[0].words
    for way in ways.dropFirst() {
      for index in computed.indices { computed[index] = terms.choice(way.condition, way.words[index], computed[index]) }
    }
    let isDifferent = computed.indices.map { index in ways.contains { $0.words[index] != ways[0].words[index] } }
    guard isImpossible == nil else { return try match(condition, computed, isDifferent, &terms) }
    var words: [(computed: TermID, variable: TermID)] = []
    for index in computed.indices where isDifferent[index] {
      let known = words.first { $0.computed == computed[index] }?.variable
      let variable = known ?? terms.cut(standingFor: computed[index])
      if known == nil { words.append((computed[index], variable)) }
      computed[index] = variable
    }
    places.append(Place(condition: condition, words: words))
    return (condition, computed)
  }

  /// The same for the second program.
  private mutating func match(
    _ condition: TermID, _ computed: [TermID], _ isDifferent: [Bool], _ terms: inout TermTable
  ) throws(ProofError) -> (condition: TermID, words: [TermID]) {
    guard let isImpossible else { return (condition, computed) }
    for index in places.indices.dropFirst(next).prefix(Self.mostTried) {
      let place = places[index]
      guard try isImpossible(terms.difference(condition, place.condition), terms) else { continue }
      next = index + 1
      var words = computed
      for word in words.indices where isDifferent[word] {
        for candidate in place.words {
          let isSame = terms.compare(.equal, computed[word], candidate.computed)
          guard try isImpossible(terms.and(place.condition, terms.not(isSame)), terms) else { continue }
          words[word] = candidate.variable
          break
        }
      }
      return (place.condition, words)
    }
    return (condition, computed)
  }
}
