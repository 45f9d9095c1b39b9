/// The headers of one packet, in order, with their objects in structured output.
///
/// It is allocated at full size from the start, so that adding a header takes two stores.
struct LayerList: ~Copyable {
  /// Maximum number of headers recorded for one packet.
  static var capacity: Int { 100 }

  private var identifiers = InlineArray<100, Layer.ID>(repeating: Layer.ID(rawValue: 0))
  private var objects = [LayerObject](repeating: LayerObject(), count: Self.capacity)
  private(set) var count = 0

  /// True if no further header can be added.
  @inline(__always)
  var isFull: Bool { count == Self.capacity }

  /// The headers.
  var all: Span<Layer.ID> {
    @inline(__always) @_lifetime(borrow self) get { identifiers.span.extracting(first: count) }
  }

  /// The header that was added last.
  @inline(__always)
  var last: Layer.ID? { count == 0 ? nil : identifiers.span[count &- 1] }

  /// Adds a header, unless the list is full.
  @inline(__always)
  mutating func append(_ layer: Layer.ID) {
    guard !isFull else { return }
    identifiers[count] = layer
    count &+= 1
  }

  /// The object of the header at an index below `count`.
  subscript(object place: Int) -> LayerObject {
    @inline(__always) get { objects[place] }
    @inline(__always) _modify { yield &objects[place] }
  }

  /// Removes all headers.
  @inline(__always)
  mutating func removeAll() { count = 0 }
}
