/// The headers of one packet, in order: those that are noted, with the objects that structured output has of them.
///
/// It has room for all of them from the start, so that to note one costs two stores.
struct LayerList: ~Copyable {
  /// Headers of a packet that are noted.
  static var capacity: Int { 100 }

  private var identifiers = InlineArray<100, Layer.ID>(repeating: Layer.ID(rawValue: 0))
  private var objects = [LayerObject](repeating: LayerObject(), count: Self.capacity)
  private(set) var count = 0

  /// True if no further header can be noted.
  @inline(__always)
  var isFull: Bool { count == Self.capacity }

  /// The headers.
  var all: Span<Layer.ID> {
    @inline(__always) @_lifetime(borrow self) get { identifiers.span.extracting(first: count) }
  }

  /// The header that was noted last.
  @inline(__always)
  var last: Layer.ID? { count == 0 ? nil : identifiers.span[count &- 1] }

  /// Notes a header, unless the list is full.
  @inline(__always)
  mutating func append(_ layer: Layer.ID) {
    guard !isFull else { return }
    identifiers[count] = layer
    count &+= 1
  }

  /// The object of the header at a place below `count`.
  subscript(object place: Int) -> LayerObject {
    @inline(__always) get { objects[place] }
    @inline(__always) _modify { yield &objects[place] }
  }

  /// Forgets the headers.
  @inline(__always)
  mutating func removeAll() { count = 0 }
}
