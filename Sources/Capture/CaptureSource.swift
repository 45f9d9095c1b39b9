import PacketCore

/// One interface of a capture.
enum Source {
  case ring(PacketRing)
  case library(LibraryCapture)

  /// Opens a network interface by itself, and through libpcap what is none, where the kernel gives no packet ring, and everything where
  /// `settings` ask for that. Gives with it what the user should know; a clock that the device lacks is left out.
  static func open(
    _ device: String, _ settings: LiveCapture.Settings
  ) throws(CaptureError) -> (source: Source, warnings: [String]) {
    var settings = settings
    var warnings: [String] = []
    if let name = settings.timestampType, let warning = try DeviceHandle(device).setTimestampType(name) {
      warnings.append(warning)
      settings.timestampType = nil
    }
    if settings.engine == .automatic {
      do throws(CaptureError) {
        if let ring = try PacketRing(device: device, settings) { return (.ring(ring), warnings) }
      } catch {
        guard error.kind == .noRing else { throw error }
        warnings.append("\(error.description): capturing through libpcap")
      }
    } else if settings.bufferSize == nil {
      settings.bufferSize = LiveCapture.Settings.defaultBufferSize
    }
    let library = try LibraryCapture(device: device, settings)
    return (.library(library), warnings + library.warnings)
  }

  func description(_ device: String) -> LiveCapture.Interface {
    switch self {
    case .ring(let ring):
      LiveCapture.Interface(
        name: device, index: UInt32(bitPattern: ring.index), linkType: ring.form.linkType, snaplen: ring.snaplen,
        engine: .ring, reportsDirection: true)
    case .library(let library):
      LiveCapture.Interface(
        name: device, index: UInt32(bitPattern: library.index), linkType: library.linkType, snaplen: library.snaplen,
        engine: .libpcap, reportsDirection: library.reportsDirection)
    }
  }

  var device: String {
    switch self {
    case .ring(let ring): ring.device
    case .library(let library): library.device
    }
  }

  /// What the kernel is to keep out for the direction, before any filter.
  var prefilter: KernelFilter.DirectionPrefilter {
    switch self {
    case .ring(let ring): ring.prefilter
    case .library(let library): library.prefilter
    }
  }

  /// To be waited for; -1 where that is not possible.
  var descriptor: CInt {
    switch self {
    case .ring(let ring): ring.descriptor
    case .library(let library): library.descriptor
    }
  }

  // MARK: Packets

  /// When the packet was captured that `take` gives next, in nanoseconds since the epoch; nil where there is none.
  @inline(__always)
  func nextTime() -> Int64? {
    switch self {
    case .ring(let ring): ring.nextTime()
    case .library(let library): library.nextTime()
    }
  }

  /// The next packet, valid until the next call; nil if none is there.
  @inline(__always)
  func take() throws(CaptureError) -> BorrowedPacket? {
    switch self {
    case .ring(let ring): unsafe ring.take()
    case .library(let library): unsafe try library.take()
    }
  }

  var isEmpty: Bool { nextTime() == nil }

  /// Packets that have arrived and were not taken, as far as has been counted.
  var waiting: UInt64 {
    switch self {
    case .ring(let ring): ring.waiting
    case .library(let library): library.waiting
    }
  }

  /// True where a good part of the buffer waits to be taken.
  var isUnderPressure: Bool {
    switch self {
    case .ring(let ring): ring.isUnderPressure
    case .library(let library): library.isUnderPressure
    }
  }

  func stop() {
    switch self {
    case .ring(let ring): ring.stop()
    case .library(let library): library.stop()
    }
  }

  // MARK: The interface

  var state: InterfaceState {
    switch self {
    case .ring(let ring): ring.state
    case .library(let library): library.state
    }
  }

  /// The interface is gone, or another has come in its place.
  var isRemoved: Bool { state == .gone || state == .replaced }

  /// The error that the source has met, which it forgets then; 0 for none. `isSignaled`: poll(2) said that there is one.
  func takeError(isSignaled: Bool) -> CInt {
    switch self {
    case .ring(let ring): isSignaled ? ring.takeError() : 0
    case .library(let library): library.takeError()
    }
  }

  /// Captures on the interface that has come in the place of the one before. Throws where it is of another kind.
  func restart() throws(CaptureError) {
    switch self {
    case .ring(let ring): try ring.restart()
    case .library(let library): try library.restart()
    }
  }

  // MARK: Counts

  /// Takes over what the kernel has counted since the last time.
  func countReceived() {
    if case .ring(let ring) = self { ring.countReceived() }
  }

  /// What has been counted; `drops` are the packets that the interface dropped, where it is one.
  func statistics(drops: UInt64) -> LiveCapture.Statistics {
    switch self {
    case .ring(let ring):
      ring.countReceived()
      return LiveCapture.Statistics(
        received: ring.received, droppedByKernel: ring.dropped, droppedByInterface: drops, taken: ring.taken,
        unwanted: ring.unwanted)
    case .library(let library):
      var statistics = library.statistics()
      if library.isPacketSocket { statistics.droppedByInterface = drops }
      return statistics
    }
  }
}

/// Which of several sources the next packet comes from: the one with the earliest.
///
/// A source that has nothing to take may have packets that the kernel has not handed over, for no longer than the delivery
/// timeout. Packets of the others are therefore held back until they are older than that, unless a buffer is half full: packets of
/// several interfaces come in the order of time where the machine keeps up, and a packet is never held for longer than `bound`.
struct MergeOrder {
  var isMerging: Bool
  /// Milliseconds to wait because packets are held back; nil where none are.
  private(set) var hold: CInt?
  /// How old a packet is, in nanoseconds, when no earlier one can come any more.
  private let bound: Int64
  /// What had been captured until then has been handed over by all sources.
  private var horizon = Int64.min

  /// How late the kernel may be, in milliseconds.
  private static let slack: CInt = 20

  init(deliveryTimeout: CInt, isMerging: Bool) {
    self.isMerging = isMerging
    bound = Int64(deliveryTimeout + Self.slack) * 1_000_000
  }

  /// The source whose packet is next; nil where there is none, or it has to wait.
  @inline(__always)
  mutating func next(_ sources: [Source]) -> Int? {
    if !isMerging, sources.count == 1 { return 0 }
    return merged(sources)
  }

  private mutating func merged(_ sources: [Source]) -> Int? {
    hold = nil
    var (first, isQuiet) = earliest(sources)
    guard let candidate = first else { return nil }
    guard isMerging, isQuiet, candidate.time > horizon else { return candidate.index }
    // The clock is read before the sources are looked at again, so that what they do not show is later than it.
    let now = Timestamp.now
    let before = now.seconds &* 1_000_000_000 &+ now.nanoseconds &- bound
    (first, isQuiet) = earliest(sources)
    guard let candidate = first else { return nil }
    horizon = max(horizon, before)
    if !isQuiet || candidate.time <= horizon || sources[candidate.index].isUnderPressure { return candidate.index }
    hold = CInt(clamping: min(max((candidate.time &- horizon) / 1_000_000 &+ 1, 1), bound / 1_000_000))
    return nil
  }

  private func earliest(_ sources: [Source]) -> (first: (index: Int, time: Int64)?, isQuiet: Bool) {
    var first: (index: Int, time: Int64)?
    var isQuiet = false
    for (index, source) in sources.enumerated() {
      guard let time = source.nextTime() else {
        isQuiet = true
        continue
      }
      if first.map({ time < $0.time }) ?? true { first = (index, time) }
    }
    return (first, isQuiet)
  }
}
