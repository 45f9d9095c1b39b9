import Dissect
import PacketCore
import Protocols
import Savefile
import Synchronization

/// Prints packets of files with several threads. The text and its order are the same as with one thread.
///
/// The producer collects packets in batches and adds what the text of each depends on from earlier packets. If that cannot be told in
/// advance (`PacketDependence.earlierPackets`), the printer that has seen all packets prints the packet at once, and its text takes the
/// packet's place in the batch. The batches wait in a ring; while it is full, the producer prints, too. So memory is bounded.
struct TextWorkers: ~Copyable {
  /// The settings of the printers.
  struct Form: Sendable {
    var options: PrintOptions
    var isJSON: Bool

    func printer() -> Printer { Printer(options: options, recording: isJSON ? .fields : .nothing) }
  }

  /// The batches, which the threads take one after the other.
  private final class Ring: @unchecked Sendable {
    let batches: [TextBatch]
    /// The number of batches that are being printed or have been.
    private let claimed = Atomic<Int>(0)
    /// One token for each batch that waits to be printed, and for each thread that has to end.
    let ready = TokenPipe()
    /// One token for each batch that a worker has printed.
    let printed = TokenPipe()
    let isOver = Atomic<Bool>(false)

    init(_ count: Int) { batches = (0..<count).map { _ in TextBatch() } }

    subscript(number: Int) -> TextBatch { batches[number % batches.count] }

    /// The next batch to print; call it with a token of `ready`.
    func claim() -> TextBatch { self[claimed.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue] }
  }

  private final class Member: Worker, @unchecked Sendable {
    private let ring: Ring
    private let form: Form

    init(_ ring: Ring, _ form: Form) { (self.ring, self.form) = (ring, form) }

    func work() {
      var printer = form.printer()
      while ring.ready.take(interrupt: -1), !ring.isOver.load(ordering: .acquiring) {
        ring.claim().print(&printer, isJSON: form.isJSON)
        ring.printed.give()
      }
    }
  }

  private let isJSON: Bool
  private let ring: Ring
  private var members: [(member: Member, thread: WorkerThread)] = []
  /// Prints batches that no worker has begun.
  private var helper: Printer
  /// Packets that were added but not submitted yet.
  private var contents = TextBatch.Contents()
  /// The number of submitted batches, and of batches whose text was written.
  private var (submitted, written) = (0, 0)
  /// Tokens of `printed` that were taken before their batch was written.
  private var spareTokens = 0
  /// An offset that is added to the interface numbers of the current file in JSON.
  var interfaceBase = 0

  /// The maximum number of packets in a batch, and of their bytes.
  private let batchCount: Int
  private static let batchSize = 1 << 18

  /// Nil if no more threads are available.
  init?(_ form: Form, threads: Int, batchCount: Int = 256) {
    isJSON = form.isJSON
    self.batchCount = batchCount
    ring = Ring(max(8, min(64, 4 * threads)))
    helper = form.printer()
    guard ring.ready.descriptor >= 0, ring.printed.descriptor >= 0 else { return nil }
    for _ in 1..<max(2, threads) {
      let member = Member(ring, form)
      var thread = WorkerThread()
      thread.start(member)
      guard thread.isRunning else { break }
      members.append((member, thread))
    }
    if members.isEmpty { return nil }
  }

  deinit {
    // Text that was not written is dropped, but threads that are printing must end first.
    ring.isOver.store(true, ordering: .releasing)
    for _ in members { ring.ready.give() }
    for (_, var thread) in members { thread.join() }
  }

  /// Adds a packet. If its text depends on all earlier packets, `printer` prints it now; otherwise it is copied, unless it `stays` in
  /// memory until its file is closed. True if the batch is full: `submit` must be called before another packet is added.
  @inline(__always)
  mutating func add(
    _ packet: borrowing Packet, number: UInt64, interface: String?, stays: Bool, _ printer: inout Printer
  ) -> Bool {
    if contents.entries.isEmpty {
      contents.references = printer.timeReferences
      contents.interfaceBase = interfaceBase
    }
    let dependence = printer.dependence(of: packet)
    if case .earlierPackets = dependence {
      print(packet, number: number, interface: interface, &printer)
    } else {
      contents.add(packet, number: number, dependence, interfaceName: interface, stays: stays)
    }
    return contents.entries.count >= batchCount || contents.size >= Self.batchSize
  }

  @inline(never)
  private mutating func print(
    _ packet: borrowing Packet, number: UInt64, interface: String?, _ printer: inout Printer
  ) {
    swap(&printer.out, &contents.texts)
    if isJSON {
      printer.json(packet, number: number, interface: interface, base: interfaceBase)
    } else {
      printer.packet(packet, number: number)
    }
    swap(&printer.out, &contents.texts)
    contents.addText(printer.timeReferences)
    contents.size &+= packet.caplen
  }

  /// Submits the added packets for printing. After that, `hasText` says whether there is text to write, or text that must be written before
  /// there is room for more.
  mutating func submit() {
    guard !contents.entries.isEmpty else { return }
    swap(&ring[submitted].contents, &contents)
    submitted &+= 1
    ring.ready.give()
  }

  /// True if the text of the first batch is ready, or if the ring is full.
  var hasText: Bool {
    written < submitted && (submitted &- written == ring.batches.count || ring[written].isPrinted)
  }

  /// True if there are submitted packets whose text was not written yet.
  var isBusy: Bool { written < submitted }

  /// Passes the text of the first unwritten batch to `write`, as soon as it is printed.
  mutating func writeFirst(_ write: (inout TextBuffer) -> Void) {
    let batch = ring[written]
    while !batch.isPrinted {
      if ring.ready.takeNow() {
        let claimed = ring.claim()
        claimed.hasToken = false
        claimed.print(&helper, isJSON: isJSON)
      } else if ring.printed.take(interrupt: -1) {
        spareTokens &+= 1
      }
    }
    if batch.hasToken {
      if spareTokens > 0 { spareTokens &-= 1 } else { _ = ring.printed.take(interrupt: -1) }
    }
    write(&batch.out)
    batch.clear()
    written &+= 1
  }
}
