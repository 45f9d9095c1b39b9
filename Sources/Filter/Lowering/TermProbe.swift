/// Another way through the terms of an expression than the one that decides about packets: it finds out whether an answer can be given.
enum TermProbe: Hashable, Sendable {
  /// Accepts the packets for which the term is asked, and has this answer.
  case answer(Expression.Index, Bool)
  /// Accepts the packets for which the term, asked by itself, has this answer.
  case aloneAnswer(Expression.Index, Bool)
  /// Asks the term, and goes on as if the answer were this one.
  case ignoring(Expression.Index, Bool)
  /// Asks the term of the packets that the others accept, and accepts those for which it has this answer. The term is not asked before; it
  /// is taken to be true.
  case behindAccepting(Expression.Index, Bool)
  /// Asks the term of the packets that the others reject, and accepts those for which it has this answer. The term is not asked before; it
  /// is taken to be false.
  case behindRejecting(Expression.Index, Bool)
  /// Asks the term of the packets that the others accept or reject, whatever it says.
  case behindBoth(Expression.Index, takenFor: Bool)
}
