import Capture
import PacketCore
import Savefile

/// A source of packets, one after the other.
protocol PacketSource: ~Copyable {
  associatedtype Failure: Error & CustomStringConvertible

  /// The next packet, valid until the next call; nil if there is none, for now or at all.
  @_lifetime(&self)
  mutating func next() throws(Failure) -> Packet?

  /// The layout of the packet records, if all of them are in memory; nil otherwise.
  var recordLayout: RecordLayout? { get }

  /// The form of the remaining records of a mapped file, for reading by several threads; nil if that is not possible.
  var recordForm: RecordForm? { get }

  /// Passes the mapped records and the position of the next one to `body`, which may advance it past records that it handles. If that is
  /// not possible, returns nil and advances nothing.
  mutating func walk<Result>(_ body: (RawSpan, inout RecordPosition) -> Result) -> Result?

  /// True if packets stay at their address as long as the source is open.
  var keepsPackets: Bool { get }

  /// Releases memory of packets that were taken. It is called regularly.
  mutating func releaseMemory()

  /// Waits until there may be another packet, or until `time`; false if there will be no packet.
  mutating func awaitMore(until time: Timestamp?) -> Bool

  /// After `next` returned nil: true if there may be a packet now, without waiting.
  var isReady: Bool { get }

  /// The counters of the capture; nil if the source has none.
  var counts: CaptureCounts? { get }

  /// The same for each interface, by its index; empty if the source has none.
  var countsByInterface: [CaptureCounts] { get }

  /// How far the source has been read; nil if unknown.
  var extent: Extent? { get }

  /// The unit in which the source's file stores fractions of timestamps; nil if there is no file.
  var filePrecision: TimestampPrecision? { get }

  /// The interfaces of the packets, as far as they are known; nil if the source does not declare any.
  var interfaces: InterfaceTable? { get }

  /// The statistics of each interface of a live capture, by its index; empty otherwise.
  mutating func statistics() -> [LiveCapture.Statistics]

  /// State changes of the interfaces since the last call.
  mutating func takeEvents() -> [LiveCapture.Event]

  /// True if packets arrive faster than they are taken, so that some may be lost.
  var isUnderPressure: Bool { get }

  /// Stops the capture. Packets that have arrived can still be taken, until `waitForRest` returns false.
  mutating func finish()

  /// Waits until packets that have arrived can be taken; false if there are none.
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

/// A savefile, or several in time order.
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
