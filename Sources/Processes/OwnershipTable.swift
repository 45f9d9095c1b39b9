import PacketCore

/// Who owned the sockets with given addresses, and since when.
///
/// The table has two generations. When the recent one is full it becomes the earlier one; entries of the earlier one that are not used
/// again are dropped at the next change. The kernel must then report its sockets again (`generation`), so that sockets which are used again
/// are not missing.
struct OwnershipTable {
  fileprivate struct Entry {
    var time: UInt64
    var namespace: UInt64
    var owner: ProcessOwner?
  }

  /// The owners of a socket, in order of time, and when it was last used.
  fileprivate struct History {
    var entries: [Entry] = []
    var lastUse: UInt64 = 0
  }

  private var recent: [SocketAddresses: History] = [:]
  private var earlier: [SocketAddresses: History] = [:]
  private let capacity: Int
  /// Addresses that were dropped to make room although they were in use; the next packets may have no process because of that.
  private(set) var dropped: UInt64 = 0
  /// How many times addresses were dropped.
  private(set) var generation: UInt32 = 0

  /// How many owners are kept for the same addresses.
  fileprivate static let maximumEntries = 8
  /// How many nanoseconds after a packet is captured the kernel may record the owner that sent it: cgroup_skb ingress runs after the packet
  /// socket.
  fileprivate static let slack: UInt64 = 100_000

  /// For how many nanoseconds after their last use addresses count as in use: packets may be waiting that long.
  private static let useTime: UInt64 = 1_000_000_000
  /// By how many nanoseconds the recorded time of the last use may lag.
  private static let useResolution: UInt64 = 100_000_000

  init(capacity: Int = 65_536) { self.capacity = max(2, capacity) }

  var count: Int { recent.count + earlier.count }

  mutating func add(_ event: SocketEvent) {
    refresh(event.addresses)
    recent[event.addresses, default: History()].add(event)
    guard recent.count > capacity / 2 else { return }
    if !earlier.isEmpty {
      generation &+= 1
      dropped &+= UInt64(earlier.values.count { $0.lastUse &+ Self.useTime > event.time })
    }
    earlier = recent
    recent = [:]
  }

  /// Moves addresses that are in use to the recent generation.
  private mutating func refresh(_ addresses: SocketAddresses) {
    guard !earlier.isEmpty, let history = earlier.removeValue(forKey: addresses) else { return }
    recent[addresses] = history
  }

  /// Who owned the socket with these addresses at this time, in nanoseconds since boot; nil if that is not known.
  ///
  /// If the same addresses were used in several network namespaces, `namespace` takes precedence. Others only count if the addresses can be
  /// those of another host.
  mutating func owner(of addresses: SocketAddresses, at time: UInt64, in namespace: UInt64) -> ProcessOwner? {
    refresh(addresses)
    guard let history = recent[addresses] else { return nil }
    if time > history.lastUse &+ Self.useResolution { recent[addresses]?.lastUse = time }
    if let own = history.place(at: time, where: { $0 == namespace || $0 == 0 }) { return history.entries[own].owner }
    guard addresses.leavesHost else { return nil }
    return history.place(at: time) { $0 != namespace }.flatMap { history.entries[$0].owner }
  }
}

extension OwnershipTable.History {
  fileprivate mutating func add(_ event: SocketEvent) {
    lastUse = max(lastUse, event.time)
    // Events from several processors may arrive out of order.
    let place = entries.lastIndex { $0.time <= event.time }.map { $0 + 1 } ?? 0
    // It may have been reported again.
    if place > 0, entries[place - 1].owner == event.owner, entries[place - 1].namespace == event.namespace { return }
    entries.insert(
      OwnershipTable.Entry(time: event.time, namespace: event.namespace, owner: event.owner), at: place)
    if entries.count > OwnershipTable.maximumEntries { entries.removeFirst() }
  }

  /// The last entry not later than the packet that may have caused it; otherwise the first one.
  fileprivate func place(at time: UInt64, where isNamespace: (UInt64) -> Bool) -> Int? {
    var first: Int?
    var last: Int?
    for index in entries.indices where isNamespace(entries[index].namespace) {
      if first == nil { first = index }
      if entries[index].time <= time &+ OwnershipTable.slack { last = index }
    }
    return last ?? first
  }
}
