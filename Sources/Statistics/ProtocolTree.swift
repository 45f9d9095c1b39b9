import Dissect

/// How many packets had which nested headers: a tree whose nodes count the packets with the headers on the path from the root to the node.
struct ProtocolTree: Sendable {
  struct Node: Sendable {
    /// The innermost of the headers; nil at the root, which counts all packets.
    let layer: Layer.ID?
    /// The parent node; the root itself for the root. Nodes come after their parents.
    fileprivate let parent: Int
    /// While packets are counted, those whose innermost header this is; in `summed`, all that have it.
    var tally = Tally()
    /// The first child node, and the next sibling; 0 for none.
    fileprivate(set) var firstChild = 0
    fileprivate(set) var nextSibling = 0
  }

  /// The node for packets with these headers.
  private struct Path: Sendable, BitwiseCopyable {
    /// `key(_:)` of the headers; 0 if the entry is free.
    var key: UInt128 = 0
    var node = 0
  }

  /// The maximum number of nodes. A tree of real traffic has some dozens; tunnels within tunnels, crafted for the purpose, have any number.
  let limit: Int
  private(set) var nodes = [Node(layer: nil, parent: 0)]
  /// Packets whose inner headers have no node because of `limit`; they count for the enclosing header.
  private(set) var cut = Tally()
  /// A cache of nodes, indexed by their keys: nearly all packets of a capture have one of a dozen paths.
  private var paths = InlineArray<64, Path>(repeating: Path())

  init(limit: Int) { self.limit = max(1, limit) }

  /// Counts a packet of `length` bytes that has these headers.
  @inline(__always)
  mutating func add(_ layers: borrowing Span<Layer.ID>, _ length: UInt64) {
    let key = Self.key(layers)
    let folded = UInt64(truncatingIfNeeded: key ^ (key >> 64))
    let place = Int(truncatingIfNeeded: (folded &* 0x9e37_79b9_7f4a_7c15) >> 58)
    let path = paths[place]
    if path.key == key, key != 0 {
      nodes[path.node].tally.add(length)
      return
    }
    let (node, isInnermost) = find(layers)
    nodes[node].tally.add(length)
    if isInnermost { paths[place] = Path(key: key, node: node) } else { cut.add(length) }
  }

  /// A unique number for the headers; 0 if there are none, or too many.
  @inline(__always)
  private static func key(_ layers: borrowing Span<Layer.ID>) -> UInt128 {
    guard layers.count <= 8 else { return 0 }
    var key: UInt128 = 0
    for index in layers.indices { key = key << 16 | UInt128(layers[index].rawValue &+ 1) }
    return key
  }

  /// The node of the innermost header, or of the innermost one that has a node.
  @inline(never)
  private mutating func find(_ layers: borrowing Span<Layer.ID>) -> (node: Int, isInnermost: Bool) {
    var node = 0
    for index in layers.indices {
      guard let child = child(of: node, layers[index]) else { return (node, false) }
      node = child
    }
    return (node, true)
  }

  /// The tree with sums for reports: every node counts all packets that have its header.
  var summed: ProtocolTree {
    var sum = self
    for node in sum.nodes.indices.dropFirst().reversed() {
      sum.nodes[sum.nodes[node].parent].tally += sum.nodes[node].tally
    }
    return sum
  }

  private mutating func child(of parent: Int, _ layer: Layer.ID) -> Int? {
    var child = nodes[parent].firstChild
    while child != 0 {
      if nodes[child].layer == layer { return child }
      child = nodes[child].nextSibling
    }
    guard nodes.count < limit else { return nil }
    var node = Node(layer: layer, parent: parent)
    node.nextSibling = nodes[parent].firstChild
    nodes.append(node)
    nodes[parent].firstChild = nodes.count &- 1
    return nodes.count &- 1
  }

  // MARK: Merging

  /// The node of this tree that counts the packets of another tree's node.
  struct Place: BitwiseCopyable {
    var node = 0
    /// There was no room for the node itself.
    var isCut = false
  }

  /// Adds a range of a part's nodes. `places` contains the places of all nodes before them, and gets theirs appended.
  mutating func merge(_ part: borrowing ProtocolTree, _ range: Range<Int>, _ places: inout [Place]) {
    for index in range {
      let node = part.nodes[index]
      // A node comes after its parent.
      var place = places[node.parent]
      if !place.isCut, let layer = node.layer {
        if let child = child(of: place.node, layer) { place.node = child } else { place.isCut = true }
      }
      places.append(place)
      nodes[place.node].tally += node.tally
      if place.isCut { cut += node.tally }
    }
  }

  /// Adds the packets without headers of a part's tree.
  mutating func merge(rootOf part: borrowing ProtocolTree) { nodes[0].tally += part.nodes[0].tally }

  /// The children of a node.
  func children(of parent: Int) -> [Int] {
    var children: [Int] = []
    var child = nodes[parent].firstChild
    while child != 0 {
      children.append(child)
      child = nodes[child].nextSibling
    }
    return children
  }

  /// Packets without a known header; call it on `summed`.
  var unknown: Tally { children(of: 0).reduce(nodes[0].tally) { $0 - nodes[$1].tally } }
}
