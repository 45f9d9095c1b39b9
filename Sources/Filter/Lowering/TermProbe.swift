/// A modified path through the terms of an expression, used to find out whether a term can have a certain result.
enum TermProbe: Hashable, Sendable {
  /// Accepts the packets for which the term is tested and has this result.
  case answer(Expression.Index, Bool)
  /// Accepts the packets for which the term, tested on its own, has this result.
  case aloneAnswer(Expression.Index, Bool)
  /// Tests the term, but continues as if the result were this one.
  case ignoring(Expression.Index, Bool)
  /// Tests the term last, for packets that the other terms accept, and accepts those for which it has this result. In its place the term
  /// counts as true.
  case behindAccepting(Expression.Index, Bool)
  /// Tests the term last, for packets that the other terms reject, and accepts those for which it has this result. In its place the term
  /// counts as false.
  case behindRejecting(Expression.Index, Bool)
  /// Tests the term last, for packets that the other terms accept (`takenFor` true) or reject, and ignores the result.
  case behindBoth(Expression.Index, takenFor: Bool)
}
