import PacketCore

/// Who owned the sockets with given addresses, and from when on.
///
/// The table has two generations: where the recent one is full it becomes the earlier one, whose members that nobody has asked for since go with
/// the next change.
struct OwnershipTable {
  private struct Entry {
    var time: UInt64
    var namespace: UInt64
    var owner: ProcessOwner?
  }

  private var recent: [SocketAddresses: [Entry]] = [:]
  private var earlier: [SocketAddresses: [Entry]] = [:]
  private let capacity: Int
  /// Addresses that were dropped to make room.
  private(set) var evicted: UInt64 = 0

  /// Owners that are kept of the same addresses.
  private static let maximumEntries = 8
  /// Nanoseconds by which the kernel may note an owner later than a packet is captured that it sends: cgroup_skb ingress runs behind the
  /// packet socket.
  private static let slack: UInt64 = 100_000

  init(capacity: Int = 65_536) { self.capacity = max(2, capacity) }

  var count: Int { recent.count + earlier.count }

  mutating func add(_ event: SocketEvent) {
    refresh(event.addresses)
    var entries = recent[event.addresses] ?? []
    // Events of several processors may come in another order than they happened.
    let place = entries.lastIndex { $0.time <= event.time }.map { $0 + 1 } ?? 0
    entries.insert(Entry(time: event.time, namespace: event.namespace, owner: event.owner), at: place)
    if entries.count > Self.maximumEntries { entries.removeFirst() }
    recent[event.addresses] = entries
    guard recent.count > capacity / 2 else { return }
    evicted &+= UInt64(earlier.count)
    earlier = recent
    recent = [:]
  }

  /// Makes addresses that are in use recent.
  private mutating func refresh(_ addresses: SocketAddresses) {
    guard !earlier.isEmpty, let entries = earlier.removeValue(forKey: addresses) else { return }
    recent[addresses] = entries + (recent[addresses] ?? [])
  }

  /// Who owned the socket with these addresses at a time, in nanoseconds since the start of the system; nil where nobody is known.
  ///
  /// Where the same addresses were used in several network namespaces, `namespace` comes first. Others count only where the addresses can be
  /// those of another host.
  mutating func owner(of addresses: SocketAddresses, at time: UInt64, in namespace: UInt64) -> ProcessOwner? {
    refresh(addresses)
    guard let entries = recent[addresses] else { return nil }
    let own = Self.entry(entries, time) { $0.namespace == namespace || $0.namespace == 0 }
    if let own { return own.owner }
    guard addresses.leavesHost else { return nil }
    return Self.entry(entries, time) { $0.namespace != namespace }?.owner
  }

  /// The last entry that is no later than a packet of that time may have caused; else the first one.
  private static func entry(_ entries: [Entry], _ time: UInt64, where isMeant: (Entry) -> Bool) -> Entry? {
    var first: Entry?
    var last: Entry?
    for entry in entries where isMeant(entry) {
      if first == nil { first = entry }
      if entry.time <= time &+ slack { last = entry }
    }
    return last ?? first
  }
}
