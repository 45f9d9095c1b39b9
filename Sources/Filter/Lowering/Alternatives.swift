import BPF

/// Terms between `or` that are tested together.
///
/// A term is split into *atoms*: conditions, in order, that guard a test which may become a row of a table. Atoms with the same guards and
/// the same values share one table, whatever terms they come from: `src host`, `host` and `net` of one protocol share the table of its
/// source addresses, `tcp port` and `port` share the one for the ports of TCP.
struct Alternatives {
  /// What a term reads, regardless of the numbers it looks for.
  final class Kind {
    struct Atom {
      /// Guards, in the order in which they are tested.
      var guards: [Int]
      /// The index of the term's key.
      var key: Int
    }

    let atoms: [Atom]
    /// The values that each key compares.
    let values: [[ValueID]]
    /// True if a term of this kind cannot fail after another term of the same kind was false.
    let isFree: Bool
    /// The number of keys of a term.
    var keyCount: Int { values.count }

    init(atoms: [Atom], values: [[ValueID]], isFree: Bool) {
      self.atoms = atoms
      self.values = values
      self.isFree = isFree
    }
  }

  /// A term, split into atoms.
  struct Term {
    var kind: Kind
    /// One row for each of its keys, in order.
    var rows: [LookupRow]
  }

  private var kinds: [[Int]: Kind] = [:]
  /// The shape and the kind of the last term: usually the next one has the same.
  private var shape: [Int] = []
  private var last: (shape: [Int], kind: Kind)?
  private var guardNumbers: [[Int]: Int] = [:]
  private var guards: [Condition] = []

  // MARK: Splitting terms

  /// The term that `condition` is; nil if it cannot be tested together with others.
  mutating func term(_ condition: Condition, _ values: ValueBuilder) -> Term? {
    shape.removeAll(keepingCapacity: true)
    var rows: [LookupRow] = []
    if let last { rows.reserveCapacity(last.kind.keyCount) }
    guard Self.describe(condition, &shape, &rows), !rows.isEmpty else { return nil }
    if let last, last.shape == shape { return Term(kind: last.kind, rows: rows) }
    let kind: Kind
    if let known = kinds[shape] {
      kind = known
    } else {
      var atoms: [Kind.Atom] = []
      var key = 0
      var keys: [[ValueID]] = []
      guard split(condition, [], &atoms, &key, &keys, values) else { return nil }
      kind = Kind(atoms: atoms, values: keys, isFree: Self.isFree(atoms, keys, values))
      kinds[shape] = kind
    }
    last = (shape, kind)
    return Term(kind: kind, rows: rows)
  }

  /// Describes a condition without the numbers that its keys look for. False if it does more than test.
  private static func describe(_ condition: Condition, _ shape: inout [Int], _ rows: inout [LookupRow]) -> Bool {
    switch condition {
    case .constant, .perform, .lookup: return false
    case .test(let test):
      let comparison = test.comparison
      shape.append(0)
      shape.append(relationNumber(comparison.relation))
      shape.append(comparison.left.index)
      shape.append(comparison.right.index)
      return true
    case .key(let key):
      shape.append(1)
      shape.append(key.values.count)
      for value in key.values { shape.append(value.index) }
      rows.append(key.row)
      return true
    case .not(let inner):
      shape.append(2)
      return describe(inner, &shape, &rows)
    case .all(let parts), .any(let parts):
      if case .all = condition { shape.append(3) } else { shape.append(4) }
      shape.append(parts.count)
      for part in parts where !describe(part, &shape, &rows) { return false }
      return true
    }
  }

  private static func relationNumber(_ relation: Relation) -> Int {
    switch relation {
    case .equal: 0
    case .greater: 1
    case .greaterOrEqual: 2
    case .anyBitsSet: 3
    }
  }

  /// Adds the atoms of a condition that is tested after `before`, and the values of its keys. False if the condition does not consist of
  /// guards followed by keys.
  private mutating func split(
    _ condition: Condition, _ before: [Int], _ atoms: inout [Kind.Atom], _ key: inout Int, _ keys: inout [[ValueID]],
    _ values: ValueBuilder
  ) -> Bool {
    switch condition {
    case .key(let test):
      atoms.append(.init(guards: before, key: key))
      if key == keys.count { keys.append(test.values) }
      key += 1
      return true
    case .any(let parts):
      for part in parts where !split(part, before, &atoms, &key, &keys, values) { return false }
      return true
    case .all(let parts):
      guard let last = parts.last else { return false }
      // A guard that accepts several numbers gives one atom for each, so that terms for only some of the numbers find theirs.
      var ways = [before]
      for part in parts.dropLast() {
        if part.hasKeys { return false }
        let numbers = part.exclusive(values).map { number(of: $0) }
        ways = ways.flatMap { way in numbers.map { way + [$0] } }
      }
      let firstKey = key
      for way in ways {
        key = firstKey
        guard split(last, way, &atoms, &key, &keys, values) else { return false }
      }
      return true
    case .constant, .test, .not, .lookup, .perform:
      return false
    }
  }

  private mutating func number(of condition: Condition) -> Int {
    var shape: [Int] = []
    var rows: [LookupRow] = []
    _ = Self.describe(condition, &shape, &rows)
    if let known = guardNumbers[shape] { return known }
    guards.append(condition)
    guardNumbers[shape] = guards.count - 1
    return guards.count - 1
  }

  /// Whether everything that a term evaluates was already evaluated by an earlier false term of the same kind. That is true for the guards
  /// and for the first value of each key; the other values have to lie before the end of one of those.
  private static func isFree(_ atoms: [Kind.Atom], _ keys: [[ValueID]], _ values: ValueBuilder) -> Bool {
    func end(_ value: ValueID) -> (base: ValueID?, end: UInt64)? {
      guard case .load(let size, let base, let offset) = values[value] else { return nil }
      return (base, UInt64(offset) + UInt64(size.rawValue))
    }
    for atom in atoms {
      for value in keys[atom.key].dropFirst() {
        guard let needed = end(value) else { return false }
        let isProven = atoms.contains { other in
          guard other.guards == atom.guards, let first = keys[other.key].first, let proven = end(first) else {
            return false
          }
          return proven.base == needed.base && proven.end >= needed.end
        }
        if !isProven { return false }
      }
    }
    return true
  }

  // MARK: Building the tables

  /// The condition that is true if one of `terms` is. The terms must not be able to fail, or must all be of one kind with one key.
  func condition(_ terms: [Term], _ tables: inout LookupTables, _ source: SourceRange?) -> Condition {
    /// What identifies one table.
    struct Place: Hashable {
      var guards: [Int]
      var values: [ValueID]
    }
    // Terms of one kind use the same tables, so the rows are gathered kind by kind.
    var kinds: [(kind: Kind, rows: [[LookupRow]])] = []
    var positions: [ObjectIdentifier: Int] = [:]
    for term in terms {
      let position = positions[ObjectIdentifier(term.kind), default: kinds.count]
      if position == kinds.count {
        positions[ObjectIdentifier(term.kind)] = position
        kinds.append((term.kind, Array(repeating: [], count: term.kind.keyCount)))
      }
      for (key, row) in term.rows.enumerated() { kinds[position].rows[key].append(row) }
    }
    var places: [Place] = []
    var rows: [Place: [LookupRow]] = [:]
    for (kind, keyRows) in kinds {
      for atom in kind.atoms {
        let place = Place(guards: atom.guards, values: kind.values[atom.key])
        if rows[place] == nil { places.append(place) }
        rows[place, default: []] += keyRows[atom.key]
      }
    }
    var atoms: [(guards: ArraySlice<Int>, test: Condition)] = []
    for place in places {
      guard let first = place.values.first, let rows = rows[place] else { continue }
      let lookup = Lookup(first: first, rest: Array(place.values.dropFirst()), table: tables.intern(rows))
      atoms.append((place.guards[...], .lookup(lookup, source)))
    }
    return tree(of: atoms)
  }

  /// Groups atoms by their common guards, so that each guard is tested once.
  private func tree(of atoms: [(guards: ArraySlice<Int>, test: Condition)]) -> Condition {
    var parts: [Condition] = atoms.filter(\.guards.isEmpty).map(\.test)
    var order: [Int] = []
    var inner: [Int: [(guards: ArraySlice<Int>, test: Condition)]] = [:]
    for atom in atoms {
      guard let first = atom.guards.first else { continue }
      if inner[first] == nil { order.append(first) }
      inner[first, default: []].append((atom.guards.dropFirst(), atom.test))
    }
    for first in order { parts.append(.all([guards[first], tree(of: inner[first] ?? [])])) }
    return parts.count == 1 ? parts[0] : .any(parts)
  }
}

extension Condition {
  /// Whether it contains a key.
  fileprivate var hasKeys: Bool {
    switch self {
    case .key: true
    case .constant, .test, .lookup, .perform: false
    case .not(let inner): inner.hasKeys
    case .all(let parts), .any(let parts): parts.contains(where: \.hasKeys)
    }
  }

  /// Splits a condition that compares one value with several numbers into one condition for each; returns any other condition unchanged.
  fileprivate func exclusive(_ values: ValueBuilder) -> [Condition] {
    guard case .any(let parts) = self else { return [self] }
    var value: ValueID?
    for part in parts {
      guard case .test(let test) = part, test.comparison.relation == .equal,
        case .constant = values[test.comparison.right], value ?? test.comparison.left == test.comparison.left
      else { return [self] }
      value = test.comparison.left
    }
    return parts
  }
}
