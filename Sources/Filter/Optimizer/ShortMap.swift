/// A map with few entries, kept in an array: for a handful it is faster to search and far faster to copy than a dictionary.
struct ShortMap<Key: Equatable & Sendable, Element: Sendable>: Sendable {
  private(set) var entries: [(key: Key, value: Element)] = []

  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }

  subscript(key: Key) -> Element? {
    get {
      for index in entries.indices where entries[index].key == key { return entries[index].value }
      return nil
    }
    set {
      let index = entries.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (let index?, nil): entries.remove(at: index)
      case (nil, let value?): entries.append((key, value))
      case (nil, nil): break
      }
    }
  }

  /// Adds an entry whose key is known to be new.
  mutating func append(_ key: Key, _ value: Element) { entries.append((key, value)) }

  /// Replaces the value of each entry by what `transform` returns; nil drops the entry.
  mutating func updateEach(_ transform: (Key, Element) -> Element?) {
    var kept = 0
    for index in entries.indices {
      guard let value = transform(entries[index].key, entries[index].value) else { continue }
      entries[kept] = (entries[index].key, value)
      kept += 1
    }
    entries.removeLast(entries.count - kept)
  }
}
