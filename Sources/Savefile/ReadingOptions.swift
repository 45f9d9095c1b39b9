public import PacketCore

/// How a savefile is to be read.
public struct ReadingOptions: Sendable {
  /// Where the file is damaged, go on at the next records that make sense.
  public var recovers = false
  /// The end of the file is not the end: others append to it.
  public var follows = false
  /// A descriptor that becomes readable when no more is wanted, and ends waiting; -1 for none.
  public var interrupt: CInt = -1
  /// A descriptor that becomes readable when whoever waits for packets has something else to do, and ends `SavefileReader.wait`; -1 for
  /// none.
  public var wakeupDescriptor: CInt = -1

  /// A pipe or a socket that what is read goes to: where its reader has left, nothing is waited for any more; -1 for none.
  public var output: CInt = -1

  /// What a pcapng file states besides its packets is wanted, for a copy: names, secrets, statistics and other blocks are kept in the table of
  /// interfaces, and none of them is passed by unread.
  public var keepsBlocks = false

  /// Threads that decompress the members of a compressed file, at most.
  public var threads = 1

  public init(
    recovers: Bool = false, follows: Bool = false, interrupt: CInt = -1, wakeupDescriptor: CInt = -1,
    keepsBlocks: Bool = false
  ) {
    self.keepsBlocks = keepsBlocks
    self.recovers = recovers
    self.follows = follows
    self.interrupt = interrupt
    self.wakeupDescriptor = wakeupDescriptor
  }
}

/// A part of a damaged savefile that was skipped.
public struct SkippedPart: Hashable, Sendable {
  /// Its first octet, from the start of the file, or of what a compressed one holds.
  public let offset: Int
  /// Octets in it.
  public let count: Int
}

/// The packets that are wanted, by their time.
public struct TimeWindow: Hashable, Sendable {
  /// The first time that is wanted; nil for all before `end`.
  public var start: Timestamp?
  /// The first time that is wanted no more; nil for all from `start` on.
  public var end: Timestamp?
  /// Seconds by which a packet may come too late, after one with a later time; nil for any disorder, so that everything is
  /// looked at.
  public var disorder: Int64?

  /// Seconds of disorder unless others are stated.
  public static let defaultDisorder: Int64 = 10

  public init(start: Timestamp? = nil, end: Timestamp? = nil, disorder: Int64? = defaultDisorder) {
    self.start = start
    self.end = end
    self.disorder = disorder
  }

  /// True where a packet of that time is wanted.
  @inline(__always)
  public func contains(_ time: Timestamp) -> Bool {
    if let start, time < start { return false }
    if let end, time >= end { return false }
    return true
  }

  /// True where a record is wanted: one without a time is in no window.
  @inline(__always)
  func contains(_ record: PacketRecord) -> Bool {
    if case .missing = record.sourceTime { return false }
    return contains(record.timestamp)
  }

  /// True if a packet of that time shows that no packet after it is wanted.
  @inline(__always)
  public func endsBefore(_ time: Timestamp) -> Bool {
    guard let end, let disorder else { return false }
    return time >= end.advanced(bySeconds: disorder)
  }
}
