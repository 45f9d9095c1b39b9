import Capture
import PacketCore
import Savefile

/// Anything that packets come from, one after the other.
protocol PacketSource: ~Copyable {
  associatedtype Failure: Error & CustomStringConvertible

  /// The next packet, valid until the next call; nil if there is none, for now or for good.
  @_lifetime(&self)
  mutating func next() throws(Failure) -> Packet?

  /// How the packet records lie in memory, where they all do; nil elsewhere.
  var recordLayout: RecordLayout? { get }

  /// How the packets of a mapped file can be read by several threads from here on; nil where they cannot.
  var recordForm: RecordForm? { get }

  /// Passes those records and the place of the next one to `body`, which may move it after records that it skips. Nil, and
  /// nothing is moved, where that is not possible.
  mutating func walk<Result>(_ body: (RawSpan, inout RecordPosition) -> Result) -> Result?

  /// True where packets stay where they are as long as the source is open.
  var keepsPackets: Bool { get }

  /// Gives memory back that holds packets which were taken. It is called now and then.
  mutating func releaseMemory()

  /// Waits until there may be a packet again, or the clock shows `time`; false where there will be no packet.
  mutating func awaitMore(until time: Timestamp?) -> Bool

  /// After there was no packet: true where there may be one now, without a wait.
  var isReady: Bool { get }

  /// What was counted while packets were captured; nil where nobody counts.
  var counts: CaptureCounts? { get }

  /// The same for each interface, by its index; none where nobody counts.
  var countsByInterface: [CaptureCounts] { get }

  /// How far the source has been read; nil where that is not known.
  var extent: Extent? { get }

  /// The unit in which the source's file keeps the fraction of its timestamps; nil where there is no file.
  var filePrecision: TimestampPrecision? { get }

  /// The interfaces of the packets, as far as they are known; nil if the source does not say.
  var interfaces: InterfaceTable? { get }

  /// What was counted on each interface of a live capture, by its index; none elsewhere.
  mutating func statistics() -> [LiveCapture.Statistics]

  /// Their state changes since the last call.
  mutating func takeEvents() -> [LiveCapture.Event]

  /// True where packets come faster than they are taken, and may be lost.
  var isUnderPressure: Bool { get }

  /// Lets no more packets in. Those that have arrived can still be taken, until `waitForRest` gives false.
  mutating func finish()

  /// Waits until packets that have arrived can be taken; false where there are none.
  mutating func waitForRest() -> Bool
}

extension PacketSource where Self: ~Copyable {
  var recordLayout: RecordLayout? { nil }
  var recordForm: RecordForm? { nil }
  var counts: CaptureCounts? { nil }
  var countsByInterface: [CaptureCounts] { counts.map { [$0] } ?? [] }
  var extent: Extent? { nil }
  var filePrecision: TimestampPrecision? { nil }
  mutating func statistics() -> [LiveCapture.Statistics] { [] }
  mutating func takeEvents() -> [LiveCapture.Event] { [] }
  var isUnderPressure: Bool { false }
  var isReady: Bool { false }
  var keepsPackets: Bool { false }
  mutating func releaseMemory() {}
  mutating func finish() {}
  mutating func waitForRest() -> Bool { false }

  mutating func walk<Result>(_ body: (RawSpan, inout RecordPosition) -> Result) -> Result? { nil }
}

extension LiveCapture: PacketSource {
  mutating func awaitMore(until time: Timestamp?) -> Bool {
    if !StopSignal.isRaised { wait(milliseconds: time?.millisecondsFromNow ?? -1) }
    StopSignal.drainWakeups()
    return !StopSignal.isRaised
  }

  var countsByInterface: [CaptureCounts] {
    statistics().map {
      CaptureCounts(
        received: $0.received, droppedByKernel: $0.droppedByKernel, droppedByInterface: $0.droppedByInterface)
    }
  }
}

/// A savefile, or several in the order of time.
extension SavefileReader: PacketSource {
  var extent: Extent? { Extent(done: UInt64(clamping: octetsRead), total: size.map { UInt64(clamping: $0) }) }
  var filePrecision: TimestampPrecision? { precision }

  mutating func awaitMore(until time: Timestamp?) -> Bool {
    guard !StopSignal.isRaised, wait(milliseconds: time?.millisecondsFromNow ?? -1) else { return false }
    StopSignal.drainWakeups()
    return !StopSignal.isRaised
  }
}

extension MergedReader: PacketSource {
  typealias Failure = SavefileError

  mutating func awaitMore(until time: Timestamp?) -> Bool {
    guard !StopSignal.isRaised, wait(milliseconds: time?.millisecondsFromNow ?? -1) else { return false }
    StopSignal.drainWakeups()
    return !StopSignal.isRaised
  }

  var filePrecision: TimestampPrecision? { precision }
}
