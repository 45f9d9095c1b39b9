import Dissect
import PacketCore
import Protocols
import Savefile
import Synchronization

/// Prints packets of files with several threads. The text is that of one thread, in the same order.
///
/// Who reads the packets gathers them in batches and adds what the text of each depends on of those before it. Packets of which that is
/// not known (`PacketDependence.earlierPackets`) are printed at once by the printer that has seen all, and their text takes its place in
/// the batch. The batches wait in a ring; while it is full, who reads them prints, too. So memory is bounded.
struct TextWorkers: ~Copyable {
  /// What printers are made from.
  struct Form: Sendable {
    var options: PrintOptions
    var isJSON: Bool

    func printer() -> Printer { Printer(options: options, recording: isJSON ? .fields : .nothing) }
  }

  /// The batches, of which the threads take one after the other.
  private final class Ring: @unchecked Sendable {
    let batches: [TextBatch]
    /// Batches that somebody prints, or has printed.
    private let claimed = Atomic<Int>(0)
    /// A token for each batch that waits to be printed, and for each thread that is to end.
    let ready = TokenPipe()
    /// A token for each batch that a worker has printed.
    let printed = TokenPipe()
    let isOver = Atomic<Bool>(false)

    init(_ count: Int) { batches = (0..<count).map { _ in TextBatch() } }

    subscript(number: Int) -> TextBatch { batches[number % batches.count] }

    /// The next batch that nobody prints; to be called with a token of `ready`.
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
  /// The packets that were added and not handed over.
  private var contents = TextBatch.Contents()
  /// Batches that were handed over, and those of them whose text was written.
  private var (submitted, written) = (0, 0)
  /// Tokens of `printed` that were taken before their batch was written.
  private var spareTokens = 0
  /// What is added to the numbers of interfaces in JSON, of the file at hand.
  var interfaceBase = 0

  /// Packets of a batch, and bytes of packets, at most.
  private let batchCount: Int
  private static let batchSize = 1 << 18

  /// Nil where there are no more threads to have.
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
    // What was not written is not wanted; that somebody prints it is waited for.
    ring.isOver.store(true, ordering: .releasing)
    for _ in members { ring.ready.give() }
    for (_, var thread) in members { thread.join() }
  }

  /// Adds a packet, which `printer` prints where only a printer can that has seen the packets before; it is copied unless it `stays` where it
  /// is until its file is closed. True where a batch is full: `collect`
  /// is to be called then, before another packet is added.
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

  /// Hands the packets over that were added. `hasText` tells then whether there is text to be written, or must be before there is room for
  /// more.
  mutating func submit() {
    guard !contents.entries.isEmpty else { return }
    swap(&ring[submitted].contents, &contents)
    submitted &+= 1
    ring.ready.give()
  }

  /// True where the text of the first batch is there, or the ring is full.
  var hasText: Bool {
    written < submitted && (submitted &- written == ring.batches.count || ring[written].isPrinted)
  }

  /// True where packets were handed over whose text was not written.
  var isBusy: Bool { written < submitted }

  /// Gives `write` the text of the first batch that was not written, as soon as it is printed.
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
