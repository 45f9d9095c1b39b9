import Glibc

/// The state of an interface to which a packet socket was bound.
enum InterfaceState {
  case up
  case down
  /// There is no interface of that name.
  case gone
  /// There is an interface of that name again, but a different one.
  case replaced

  /// `index` is the interface's number when the socket was bound; 0 for all interfaces, which always exist. `socket` may be of any kind.
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
