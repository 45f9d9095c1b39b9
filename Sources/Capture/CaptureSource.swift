import PacketCore

/// One interface of a capture.
enum Source {
  case ring(PacketRing)
  case library(LibraryCapture)

  /// Opens a network interface through a packet ring. libpcap opens devices that are not network interfaces, interfaces for which the
  /// kernel provides no ring, and everything if `settings` say so. Also returns warnings for the user; a clock that the device lacks is
  /// ignored with a warning.
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

  /// The direction filter for the kernel, which precedes any other filter.
  var prefilter: KernelFilter.DirectionPrefilter {
    switch self {
    case .ring(let ring): ring.prefilter
    case .library(let library): library.prefilter
    }
  }

  /// The descriptor to poll; -1 if there is none.
  var descriptor: CInt {
    switch self {
    case .ring(let ring): ring.descriptor
    case .library(let library): library.descriptor
    }
  }

  // MARK: Packets

  /// The capture time of the packet that `take` returns next, in nanoseconds since the epoch; nil if there is none.
  @inline(__always)
  func nextTime() -> Int64? {
    switch self {
    case .ring(let ring): ring.nextTime()
    case .library(let library): library.nextTime()
    }
  }

  /// The next packet, valid until the next call; nil if there is none.
  @inline(__always)
  func take() throws(CaptureError) -> BorrowedPacket? {
    switch self {
    case .ring(let ring): unsafe ring.take()
    case .library(let library): unsafe try library.take()
    }
  }

  var isEmpty: Bool { nextTime() == nil }

  /// Packets that have arrived and were not taken yet, according to the counts so far.
  var waiting: UInt64 {
    switch self {
    case .ring(let ring): ring.waiting
    case .library(let library): library.waiting
    }
  }

  /// True if a large part of the buffer is waiting to be taken.
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

  /// The interface has disappeared, or another one has replaced it.
  var isRemoved: Bool { state == .gone || state == .replaced }

  /// The pending error of the source, which is cleared by this; 0 for none. `isSignaled`: poll(2) has reported an error.
  func takeError(isSignaled: Bool) -> CInt {
    switch self {
    case .ring(let ring): isSignaled ? ring.takeError() : 0
    case .library(let library): library.takeError()
    }
  }

  /// Captures on the interface that has replaced the previous one. Throws if it is of another kind.
  func restart() throws(CaptureError) {
    switch self {
    case .ring(let ring): try ring.restart()
    case .library(let library): try library.restart()
    }
  }

  // MARK: Counts

  /// Adds the kernel's counts since the last call.
  func countReceived() {
    if case .ring(let ring) = self { ring.countReceived() }
  }

  /// The counts so far; `drops` are the packets that the interface has dropped, if it is a network interface.
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

/// Chooses the source of the next packet among several: the one with the earliest packet.
///
/// A source without a packet to take may still have packets that the kernel has not delivered, but only for the delivery timeout. Packets
/// of the other sources are therefore held back until they are older than that, unless a buffer is half full: so packets of several
/// interfaces are in time order as long as the machine keeps up, and no packet is held back longer than `bound`.
struct MergeOrder {
  var isMerging: Bool
  /// Milliseconds to wait because packets are held back; nil if none are.
  private(set) var hold: CInt?
  /// The age in nanoseconds from which on no earlier packet can arrive.
  private let bound: Int64
  /// All packets captured up to this time have been delivered by all sources.
  private var horizon = Int64.min

  /// Milliseconds by which the kernel may be late.
  private static let slack: CInt = 20

  init(deliveryTimeout: CInt, isMerging: Bool) {
    self.isMerging = isMerging
    bound = Int64(deliveryTimeout + Self.slack) * 1_000_000
  }

  /// The index of the source with the next packet; nil if there is none, or if it must be held back.
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
    // The clock is read before the sources are checked again, so that packets that they do not show yet are later than this time.
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
