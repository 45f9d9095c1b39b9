public import PacketCore

/// Several savefiles as one source, with their packets in time order.
///
/// The packets of each file stay in the order of that file: of the next packets of all files, the earliest is returned, and of those with
/// the same time, that of the file which was added first.
public struct MergedReader: ~Copyable {
  /// One of the files.
  private final class Input {
    var reader: SavefileReader
    init(_ reader: consuming SavefileReader) { self.reader = reader }
  }

  private var inputs: [Input] = []
  /// The files with a packet, and its time: a binary heap with the earliest at the front.
  private var heap: [(time: Timestamp, index: Int)] = []
  /// The files whose next packet has to be read.
  private var waiting: [Int] = []
  /// Faults of files that ended with one, in the order in which they occurred.
  private var faults: [SavefileError] = []
  /// Packets delivered so far.
  public private(set) var packetsRead: UInt64 = 0

  /// The interfaces of each file are numbered from a multiple of this number on.
  public static let interfacesPerFile = 1 << 16

  private let table = InterfaceTable(stride: interfacesPerFile)
  /// The interfaces of all files; pcap files do not describe any.
  public var interfaces: InterfaceTable? { table }
  /// The finest time unit of the files.
  public private(set) var precision = TimestampPrecision.microseconds

  public init() {}

  /// Adds a file. All files must be added before the first call of `next`.
  public mutating func add(_ reader: consuming SavefileReader) {
    waiting.append(inputs.count)
    table.append(part: reader.interfaces ?? InterfaceTable())
    if reader.finestPrecision() == .nanoseconds { precision = .nanoseconds }
    inputs.append(Input(reader))
  }

  /// The next packet; nil at the end of all files, or if a file that is read through a pipe has none ready. A file that ends with a fault
  /// ends silently: `takeFault` returns the fault.
  @_lifetime(&self)
  public mutating func next() -> Packet? {
    var blocked: [Int] = []
    for index in waiting where !advance(index) { blocked.append(index) }
    waiting = blocked
    guard waiting.isEmpty, let first = heap.first else { return nil }
    removeFirst()
    waiting.append(first.index)
    packetsRead &+= 1
    let input = inputs[first.index]
    guard let held = unsafe input.reader.takeHeld() else { return nil }
    // Safe: the bytes are in the window of that file, which does not change until its next record is requested.
    let packet = unsafe Packet(
      bytes: PacketBytes(RawSpan(_unsafeBytes: held.octets), length: Int(held.record.len)),
      timestamp: held.record.timestamp, linkType: held.record.linkType,
      interface: first.index &* Self.interfacesPerFile &+ min(held.record.interface, Self.interfacesPerFile &- 1),
      stating: PacketOptions(RawSpan(_unsafeBytes: held.options), isByteSwapped: held.record.isByteSwapped),
      sourceTime: held.record.sourceTime, excess: RawSpan(_unsafeBytes: held.excess))
    return unsafe _overrideLifetime(packet, mutating: &self)
  }

  /// Releases memory of packets that were read: `SavefileReader.releaseMemory`.
  public mutating func releaseMemory() { for input in inputs { input.reader.releaseMemory() } }

  /// The next fault that has ended a file; each is returned once.
  public mutating func takeFault() -> SavefileError? { faults.isEmpty ? nil : faults.removeFirst() }

  /// After `next` returned nil: `SavefileReader.isReady`.
  public var isReady: Bool { waiting.first.map { inputs[$0].reader.isReady } ?? false }

  /// After `next` returned nil: waits as `SavefileReader.wait` does.
  public mutating func wait(milliseconds: Int32) -> Bool {
    guard let index = waiting.first else { return false }
    return inputs[index].reader.wait(milliseconds: milliseconds)
  }

  /// The damaged parts of each file that were skipped: the file's name, the first hundred parts, and the total numbers of parts and bytes.
  public func forEachDamaged(_ body: (_ path: String, _ parts: [SkippedPart], _ count: Int, _ octets: Int) -> Void) {
    for input in inputs where input.reader.skippedCount > 0 {
      body(input.reader.path, input.reader.skippedParts, input.reader.skippedCount, input.reader.skippedOctets)
    }
  }

  /// What each file states besides its packets: its name, and its table.
  public func forEachTable(_ body: (_ path: String, _ table: InterfaceTable) -> Void) {
    for input in inputs { input.reader.interfaces.map { body(input.reader.path, $0) } }
  }

  /// The time span from the first to the last packet of all files: `SavefileReader.timeSpan`.
  public func timeSpan() -> ClosedRange<Timestamp>? {
    inputs.reduce(nil) { span, input in
      guard let own = input.reader.timeSpan() else { return span }
      guard let span else { return own }
      return min(span.lowerBound, own.lowerBound)...max(span.upperBound, own.upperBound)
    }
  }

  /// Looks at the time of a file's next packet; false if none is ready and the file has not ended.
  private mutating func advance(_ index: Int) -> Bool {
    do throws(SavefileError) {
      if let time = try inputs[index].reader.peek() {
        insert((time, index))
        return true
      }
      return !inputs[index].reader.isIdle
    } catch {
      faults.append(error)
      return true
    }
  }

  // MARK: The heap

  private static func isBefore(_ first: (time: Timestamp, index: Int), _ second: (time: Timestamp, index: Int)) -> Bool
  {
    first.time == second.time ? first.index < second.index : first.time < second.time
  }

  private mutating func insert(_ entry: (time: Timestamp, index: Int)) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0, Self.isBefore(heap[child], heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func removeFirst() {
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
        if Self.isBefore(heap[child], heap[least]) { least = child }
      }
      guard least != parent else { return }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
