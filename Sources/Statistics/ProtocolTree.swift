import Dissect

/// How many packets had which headers inside one another: a tree whose nodes count the packets that have the headers from the root to there.
struct ProtocolTree: Sendable {
  struct Node: Sendable {
    /// The innermost of the headers; nil at the root, which counts all packets.
    let layer: Layer.ID?
    var tally = Tally()
    /// The first of the headers inside, and the next beside; 0 for none.
    fileprivate(set) var firstChild = 0
    fileprivate(set) var nextSibling = 0
  }

  /// Nodes at most. A tree of real traffic has some dozens; tunnels within tunnels, made for the purpose, have any number.
  let limit: Int
  private(set) var nodes = [Node(layer: nil)]
  /// Packets whose inner headers have no node, since there are `limit`: the header around those counts them.
  private(set) var cut = Tally()

  init(limit: Int) { self.limit = max(1, limit) }

  /// Counts a packet of so many octets that has these headers.
  mutating func add(_ layers: borrowing Span<Layer.ID>, _ length: UInt64) {
    var node = 0
    nodes[0].tally.add(length)
    for index in layers.indices {
      guard let child = child(of: node, layers[index]) else {
        cut.add(length)
        return
      }
      node = child
      nodes[node].tally.add(length)
    }
  }

  @inline(__always)
  private mutating func child(of parent: Int, _ layer: Layer.ID) -> Int? {
    var child = nodes[parent].firstChild
    while child != 0 {
      if nodes[child].layer == layer { return child }
      child = nodes[child].nextSibling
    }
    guard nodes.count < limit else { return nil }
    var node = Node(layer: layer)
    node.nextSibling = nodes[parent].firstChild
    nodes.append(node)
    nodes[parent].firstChild = nodes.count &- 1
    return nodes.count &- 1
  }

  /// The nodes inside one.
  func children(of parent: Int) -> [Int] {
    var children: [Int] = []
    var child = nodes[parent].firstChild
    while child != 0 {
      children.append(child)
      child = nodes[child].nextSibling
    }
    return children
  }

  /// Packets without a header that is known.
  var unknown: Tally { children(of: 0).reduce(nodes[0].tally) { $0 - nodes[$1].tally } }
}
