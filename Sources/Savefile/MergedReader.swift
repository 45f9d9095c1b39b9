public import PacketCore

/// Several savefiles as one source, whose packets come in the order of their time.
///
/// Each file's packets stay in the order that they have there: of the packets that come next in each file, the earliest is given, of
/// those with the same time that of the file which was added first.
public struct MergedReader: ~Copyable {
  /// One of the files.
  private final class Input {
    var reader: SavefileReader
    init(_ reader: consuming SavefileReader) { self.reader = reader }
  }

  private var inputs: [Input] = []
  /// The files that have a packet to give, and its time: a binary heap with the earliest in front.
  private var heap: [(time: Timestamp, index: Int)] = []
  /// The files that have to be requested their next packet.
  private var waiting: [Int] = []
  /// Faults of files that ended with one, in the order in which they were met.
  private var faults: [SavefileError] = []
  /// Packets delivered so far.
  public private(set) var packetsRead: UInt64 = 0

  /// Interfaces of one file are counted from a multiple of this number on.
  public static let interfacesPerFile = 1 << 16

  private let table = InterfaceTable(stride: interfacesPerFile)
  /// The interfaces of all files; nothing is known of those of pcap files.
  public var interfaces: InterfaceTable? { table }
  /// The finest unit of the files' times.
  public private(set) var precision = TimestampPrecision.microseconds

  public init() {}

  /// Adds a file, before the first packet is requested.
  public mutating func add(_ reader: consuming SavefileReader) {
    waiting.append(inputs.count)
    table.append(part: reader.interfaces ?? InterfaceTable())
    if reader.finestPrecision() == .nanoseconds { precision = .nanoseconds }
    inputs.append(Input(reader))
  }

  /// The next packet; nil at the end of all files, and where one that comes through a pipe has none ready. A file that ends with a
  /// fault ends silently: `takeFault` gives it.
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
    // Safe: the octets lie in the window of that file, which stays as it is until next() asks it for more.
    let packet = unsafe Packet(
      bytes: PacketBytes(RawSpan(_unsafeBytes: held.octets), length: Int(held.record.len)),
      timestamp: held.record.timestamp, linkType: held.record.linkType,
      interface: first.index &* Self.interfacesPerFile &+ min(held.record.interface, Self.interfacesPerFile &- 1),
      stating: PacketOptions(RawSpan(_unsafeBytes: held.options), isByteSwapped: held.record.isByteSwapped),
      sourceTime: held.record.sourceTime, excess: RawSpan(_unsafeBytes: held.excess))
    return unsafe _overrideLifetime(packet, mutating: &self)
  }

  /// Gives memory back that holds packets which were read: `SavefileReader.releaseMemory`.
  public mutating func releaseMemory() { for input in inputs { input.reader.releaseMemory() } }

  /// A fault that has ended a file, once.
  public mutating func takeFault() -> SavefileError? { faults.isEmpty ? nil : faults.removeFirst() }

  /// After next() gave none: `SavefileReader.isReady`.
  public var isReady: Bool { waiting.first.map { inputs[$0].reader.isReady } ?? false }

  /// After next() gave none: waits as SavefileReader.wait does.
  public mutating func wait(milliseconds: Int32) -> Bool {
    guard let index = waiting.first else { return false }
    return inputs[index].reader.wait(milliseconds: milliseconds)
  }

  /// Damaged parts of each file that were skipped: its name, the first hundred of them, and how many parts and octets in all.
  public func forEachDamaged(_ body: (_ path: String, _ parts: [SkippedPart], _ count: Int, _ octets: Int) -> Void) {
    for input in inputs where input.reader.skippedCount > 0 {
      body(input.reader.path, input.reader.skippedParts, input.reader.skippedCount, input.reader.skippedOctets)
    }
  }

  /// What is known of each file beside its packets: its name, and its table.
  public func forEachTable(_ body: (_ path: String, _ table: InterfaceTable) -> Void) {
    for input in inputs { input.reader.interfaces.map { body(input.reader.path, $0) } }
  }

  /// The times from the first to the last packet of all files: `SavefileReader.timeSpan`.
  public func timeSpan() -> ClosedRange<Timestamp>? {
    inputs.reduce(nil) { span, input in
      guard let own = input.reader.timeSpan() else { return span }
      guard let span else { return own }
      return min(span.lowerBound, own.lowerBound)...max(span.upperBound, own.upperBound)
    }
  }

  /// Asks a file for its next packet's time; false where it has none ready and is not at its end.
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
