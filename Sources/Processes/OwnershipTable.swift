import PacketCore

/// Who owned the sockets with given addresses, and from when on.
///
/// The table has two generations: where the recent one is full it becomes the earlier one, whose members that were not used since go with
/// the next change. The kernel is then to tell of its sockets anew (`generation`), so that nothing is missing of those that are used again.
struct OwnershipTable {
  fileprivate struct Entry {
    var time: UInt64
    var namespace: UInt64
    var owner: ProcessOwner?
  }

  /// The owners of a socket, by time, and when it was used last.
  fileprivate struct History {
    var entries: [Entry] = []
    var lastUse: UInt64 = 0
  }

  private var recent: [SocketAddresses: History] = [:]
  private var earlier: [SocketAddresses: History] = [:]
  private let capacity: Int
  /// Addresses that were dropped to make room although they were in use, so that the next packets may have no process.
  private(set) var dropped: UInt64 = 0
  /// How many times addresses were dropped.
  private(set) var generation: UInt32 = 0

  /// Owners that are kept of the same addresses.
  fileprivate static let maximumEntries = 8
  /// Nanoseconds by which the kernel may note an owner later than a packet is captured that it sends: cgroup_skb ingress runs behind the
  /// packet socket.
  fileprivate static let slack: UInt64 = 100_000

  /// Nanoseconds after their last use for which addresses are in use: packets may be waiting that long.
  private static let useTime: UInt64 = 1_000_000_000
  /// Nanoseconds by which the time of the last use may be behind.
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

  /// Makes addresses that are in use recent.
  private mutating func refresh(_ addresses: SocketAddresses) {
    guard !earlier.isEmpty, let history = earlier.removeValue(forKey: addresses) else { return }
    recent[addresses] = history
  }

  /// Who owned the socket with these addresses at a time, in nanoseconds since the start of the system; nil where nobody is known.
  ///
  /// Where the same addresses were used in several network namespaces, `namespace` comes first. Others count only where the addresses can be
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
    // Events of several processors may come in another order than they happened.
    let place = entries.lastIndex { $0.time <= event.time }.map { $0 + 1 } ?? 0
    // It may be told anew.
    if place > 0, entries[place - 1].owner == event.owner, entries[place - 1].namespace == event.namespace { return }
    entries.insert(
      OwnershipTable.Entry(time: event.time, namespace: event.namespace, owner: event.owner), at: place)
    if entries.count > OwnershipTable.maximumEntries { entries.removeFirst() }
  }

  /// The last entry that is no later than a packet of that time may have caused; else the first one.
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
