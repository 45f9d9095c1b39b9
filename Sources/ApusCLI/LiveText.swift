import Capture
import Dissect
import Glibc
import PacketCore
import Savefile
import Synchronization

/// Prints live packets and writes their text in a separate thread, so that the thread that empties the interfaces' rings waits neither for
/// printing nor for the reader of the text, until all slots are full.
///
/// The slots form a ring. Tokens count full and free slots, as in `WriteBehind`. The thread prints the packets in order with one printer,
/// which therefore has the state from all earlier packets. After a failed write, it writes nothing more.
@safe
final class LiveText: Worker, @unchecked Sendable {
  private let slots: UnsafeMutablePointer<TextBatch.Contents>
  private let full = TokenPipe()
  private let free = TokenPipe()
  private let stop = TokenPipe()
  private var thread = WorkerThread()

  /// The `errno` of the write that failed; 0 if none did.
  private let failedWrite = Atomic<CInt>(0)
  /// Packets whose text was written, and packets whose text was lost.
  private let printed = Atomic<UInt64>(0)
  private let lost = Atomic<UInt64>(0)

  // Used by the thread only.
  private var printer: Printer
  private let isJSON: Bool
  /// The offsets at which the texts of a slot's packets end.
  private var ends: [Int] = []
  private let mayBlock: Bool

  // Used by the producer only.
  private var contents = TextBatch.Contents()
  private var handedOver = 0

  private static let slotCount = 64
  /// The maximum number of packets in a slot, and of their bytes.
  private static let packetCount = 256
  private static let size = 1 << 17
  /// Bytes that a pipe accepts at once if it is ready for writing (PIPE_BUF on Linux).
  private static let pipeLength = 4096
  /// Milliseconds between two checks for a second Ctrl-C while nobody reads the text.
  private static let signalCheckInterval: CInt = 200

  /// Nil if no descriptors are available. The thread begins with `start`. `devices` are the interfaces' names, with which lines of text
  /// begin.
  ///
  /// Create it while all packet sockets are open. The sandbox forbids writing to their descriptor numbers, even after they are closed, so
  /// the descriptors of this object must not reuse these numbers.
  init?(_ form: TextWorkers.Form, devices: [String]) {
    printer = form.printer()
    isJSON = form.isJSON
    if !devices.isEmpty { printer.showInterfaces(devices) }
    mayBlock = StandardStreams.hasReader(STDOUT_FILENO) || isatty(STDOUT_FILENO) == 1
    unsafe slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount {
      unsafe (slots + index).initialize(to: TextBatch.Contents())
      free.give()
    }
    guard full.descriptor >= 0, free.descriptor >= 0, stop.descriptor >= 0 else { return nil }
  }

  /// Starts the thread; false if the system has no thread to give.
  func start() -> Bool {
    thread.start(self)
    return thread.isRunning
  }

  /// Waits until everything is printed, and ends the thread. The owner must call it, since the thread keeps this object alive while it
  /// runs.
  func finish() {
    drain()
    stop.give()
    thread.join()
  }

  deinit {
    unsafe slots.deinitialize(count: Self.slotCount)
    unsafe slots.deallocate()
  }

  // MARK: The thread

  func work() {
    for number in 0... {
      guard full.take(interrupt: stop.descriptor) else { return }
      // Safe: the token passed this slot to the thread.
      let index = number % Self.slotCount
      unsafe print(slots[index])
      unsafe slots[index].removeAll()
      free.give()
    }
  }

  private func print(_ contents: borrowing TextBatch.Contents) {
    guard failedWrite.load(ordering: .relaxed) == 0 else {
      lost.wrappingAdd(UInt64(contents.entries.count), ordering: .relaxed)
      return
    }
    ends.removeAll(keepingCapacity: true)
    contents.printInOrder(&printer, isJSON: isJSON) { ends.append($0) }
    // The text after the written bytes is lost, including a packet whose text was cut.
    let written = write()
    let whole = ends.count { $0 <= written }
    printed.wrappingAdd(UInt64(whole), ordering: .relaxed)
    lost.wrappingAdd(UInt64(ends.count &- whole), ordering: .relaxed)
  }

  /// Writes the printer's text, empties it, and returns the number of bytes written.
  private func write() -> Int {
    var text = TextBuffer(capacity: 0)
    swap(&text, &printer.out)
    let length = text.count
    let (written, code) = mayBlock ? Self.writeInSteps(text) : Self.writeAtOnce(&text)
    text.removeAll()
    swap(&text, &printer.out)
    guard let code else { return length }
    failedWrite.store(code, ordering: .releasing)
    // Wake up the packet loop, so that it notices the failure.
    StopSignal.wakeUp()
    return written
  }

  private static func writeAtOnce(_ text: inout TextBuffer) -> (written: Int, code: CInt?) {
    let length = text.count
    let code = StandardStreams.write(&text)
    return (length &- text.count, code)
  }

  /// Writes in steps that do not block, since signals do not interrupt this thread: this way a second Ctrl-C ends the wait for a reader
  /// that does not read.
  private static func writeInSteps(_ text: borrowing TextBuffer) -> (written: Int, code: CInt?) {
    let octets = text.bytes
    var written = 0
    while written < octets.byteCount {
      var state = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      guard unsafe poll(&state, 1, signalCheckInterval) > 0 else {
        if StopSignal.isRepeated { return (written, EINTR) }
        continue
      }
      let step = octets.extracting(written..<min(octets.byteCount, written &+ pipeLength))
      // Safe: the bytes are valid during the call.
      let result = unsafe step.withUnsafeBytes { unsafe Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if result > 0 {
        written &+= result
      } else if result == 0 || errno != EINTR && errno != EAGAIN {
        return (written, result == 0 ? EIO : errno)
      }
    }
    return (written, nil)
  }

  // MARK: Who hands over

  /// Adds a packet to the current slot. `interface` is for JSON.
  func add(_ packet: borrowing Packet, number: UInt64, interface: String?) {
    contents.add(packet, number: number, .earlierPackets, interfaceName: interface, stays: false)
  }

  /// `submit` must be called before the next packet is added.
  var isFull: Bool { contents.entries.count >= Self.packetCount || contents.size >= Self.size }

  /// Passes the added packets to the thread. Waits if all slots are full.
  func submit() {
    guard !contents.entries.isEmpty, free.take(interrupt: -1) else { return }
    // Safe: the token passed this slot to the producer.
    unsafe swap(&slots[handedOver % Self.slotCount], &contents)
    handedOver &+= 1
    full.give()
  }

  /// Waits until the text of all submitted packets is written or lost.
  func drain() {
    guard thread.isRunning else { return }
    for _ in 0..<Self.slotCount where !free.take(interrupt: -1) { return }
    for _ in 0..<Self.slotCount { free.give() }
  }

  /// Prints something between the packets before and those after it.
  func interject(_ print: (inout Printer) -> Void) {
    submit()
    // Then the thread does not use the printer.
    drain()
    print(&printer)
    if failedWrite.load(ordering: .relaxed) == 0 { _ = write() } else { printer.out.removeAll() }
  }

  /// The numbers of packets whose text was written, and whose text was lost, since the last call.
  func takeCounts() -> (printed: UInt64, lost: UInt64) {
    (printed.exchange(0, ordering: .relaxed), lost.exchange(0, ordering: .relaxed))
  }

  /// The `errno` of the write that failed.
  var failure: CInt? {
    let code = failedWrite.load(ordering: .acquiring)
    return code == 0 ? nil : code
  }
}
