import Synchronization

/// What a protocol remembers from one packet to the next: an object for each printer, made when the protocol asks for it first.
///
///     private let connections = ProtocolState { ConnectionTable() }
///     …
///     printer.state(connections).find(key)
///
/// What it holds must be bounded: a capture may have any number of packets.
package final class ProtocolState<Object: AnyObject>: Sendable {
  /// Its place among all.
  fileprivate let index: Int
  fileprivate let make: @Sendable () -> Object

  package init(_ make: @escaping @Sendable () -> Object) {
    self.make = make
    index = declared.wrappingAdd(1, ordering: .relaxed).oldValue
  }
}

/// States that were declared so far.
private let declared = Atomic<Int>(0)

extension Printer {
  /// What a protocol remembers of the packets that this printer has seen.
  package mutating func state<Object>(_ state: ProtocolState<Object>) -> Object {
    noteDependence()
    while states.count <= state.index { states.append(nil) }
    if let object = states[state.index] as? Object { return object }
    let object = state.make()
    states[state.index] = object
    return object
  }
}
