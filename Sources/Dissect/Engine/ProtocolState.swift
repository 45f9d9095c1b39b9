import Synchronization

/// State that a protocol keeps from one packet to the next: one object for each printer, created when the protocol first uses it.
///
///     private let connections = ProtocolState { ConnectionTable() }
///     …
///     printer.state(connections).find(key)
///
/// The object must bound its size: a capture may have any number of packets.
package final class ProtocolState<Object: AnyObject>: Sendable {
  /// Its index among all declared states.
  fileprivate let index: Int
  fileprivate let make: @Sendable () -> Object

  package init(_ make: @escaping @Sendable () -> Object) {
    self.make = make
    index = declared.wrappingAdd(1, ordering: .relaxed).oldValue
  }
}

/// Number of states declared so far.
private let declared = Atomic<Int>(0)

extension Printer {
  /// The state that a protocol keeps of the packets that this printer has seen.
  package mutating func state<Object>(_ state: ProtocolState<Object>) -> Object {
    noteDependence()
    while states.count <= state.index { states.append(nil) }
    if let object = states[state.index] as? Object { return object }
    let object = state.make()
    states[state.index] = object
    return object
  }
}
