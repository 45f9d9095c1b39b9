import Glibc

/// What has become of an interface to which a packet socket was bound.
enum InterfaceState {
  case up
  case down
  /// There is none of that name.
  case gone
  /// There is one again, and it is another.
  case replaced

  /// `index` is the number of the interface when the socket was bound; 0 for all interfaces, which are always there. `socket` is one of any
  /// kind.
  init(_ device: String, index: CInt, socket: CInt) {
    guard index != 0 else {
      self = .up
      return
    }
    let query = InterfaceQuery(socket: socket)
    guard let current = query.index(device) else {
      self = .gone
      return
    }
    self = current != index ? .replaced : query.isUp(device) ? .up : .down
  }
}
