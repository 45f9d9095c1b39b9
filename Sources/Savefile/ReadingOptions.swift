public import PacketCore

/// How to read a savefile.
public struct ReadingOptions: Sendable {
  /// After damage in the file, continue at the next records that make sense.
  public var recovers = false
  /// The end of the file is not final: other programs append to it.
  public var follows = false
  /// A descriptor that becomes readable to end reading, and interrupts waiting; -1 for none.
  public var interrupt: CInt = -1
  /// A descriptor that becomes readable when the caller has something else to do, and interrupts `SavefileReader.wait`; -1 for none.
  public var wakeupDescriptor: CInt = -1

  /// A pipe or a socket that the packets are written to: if its reader has left, waiting ends; -1 for none.
  public var output: CInt = -1

  /// Keep the other contents of a pcapng file for a copy: names, secrets, statistics and other blocks are stored in the table of
  /// interfaces, and none of these blocks is skipped unread.
  public var keepsBlocks = false

  /// The maximum number of threads that decompress the members of a compressed file.
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
  /// The offset of its first byte in the file, or in the contents of a compressed one.
  public let offset: Int
  /// Its number of bytes.
  public let count: Int
}

/// A time window for packets.
public struct TimeWindow: Hashable, Sendable {
  /// The start of the window; nil for all packets before `end`.
  public var start: Timestamp?
  /// The end of the window, exclusive; nil for all packets from `start` on.
  public var end: Timestamp?
  /// Seconds by which a packet may be late, after one with a later time; nil for any disorder, so that the whole file is read.
  public var disorder: Int64?

  /// The default of `disorder`, in seconds.
  public static let defaultDisorder: Int64 = 10

  public init(start: Timestamp? = nil, end: Timestamp? = nil, disorder: Int64? = defaultDisorder) {
    self.start = start
    self.end = end
    self.disorder = disorder
  }

  /// True if that time is in the window.
  @inline(__always)
  public func contains(_ time: Timestamp) -> Bool {
    if let start, time < start { return false }
    if let end, time >= end { return false }
    return true
  }

  /// True if a record is in the window; one without a time never is.
  @inline(__always)
  func contains(_ record: PacketRecord) -> Bool {
    if case .missing = record.sourceTime { return false }
    return contains(record.timestamp)
  }

  /// True if, after a packet with that time, no packet in the window can follow.
  @inline(__always)
  public func endsBefore(_ time: Timestamp) -> Bool {
    guard let end, let disorder else { return false }
    return time >= end.advanced(bySeconds: disorder)
  }
}
