import Capture
import Dissect
import Glibc
import PacketCore
import Savefile
import Synchronization

/// Prints live packets, and writes their text, in a thread of its own, so that who empties the rings of the interfaces waits neither for
/// the text nor for its reader, until all slots are full.
///
/// The slots are a ring. Tokens count those that are full and those that are free, as in `WriteBehind`. The thread prints the packets in
/// their order with one printer, which has seen all of them. After a write has failed nothing is written any more.
@safe
final class LiveText: Worker, @unchecked Sendable {
  private let slots: UnsafeMutablePointer<TextBatch.Contents>
  private let full = TokenPipe()
  private let free = TokenPipe()
  private let stop = TokenPipe()
  private var thread = WorkerThread()

  /// The `errno` of the write that failed; 0 where none did.
  private let failedWrite = Atomic<CInt>(0)
  /// Packets whose text was written, and those whose text was lost.
  private let printed = Atomic<UInt64>(0)
  private let lost = Atomic<UInt64>(0)

  // Of the thread.
  private var printer: Printer
  private let isJSON: Bool
  /// Where the texts of a slot's packets end.
  private var ends: [Int] = []
  private let mayBlock: Bool

  // Of who hands over.
  private var contents = TextBatch.Contents()
  private var handedOver = 0

  private static let slotCount = 64
  /// Packets of a slot, and bytes of packets, at most.
  private static let packetCount = 256
  private static let size = 1 << 17
  /// Octets that a pipe takes at once where it takes any (PIPE_BUF of Linux).
  private static let pipeLength = 4096
  /// Milliseconds after which it is asked whether text is still wanted, while nobody reads it.
  private static let patience: CInt = 200

  /// Nil where the system has no descriptors to give. Nothing runs before `start`. `devices` are the interfaces whose names text begins with.
  ///
  /// To be made while all sockets are open that packets come from: nothing may be written to their numbers any more, also where they are closed
  /// and the numbers are those of something else.
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

  /// Starts the thread, and tells whether it runs: the system may have none to give.
  func start() -> Bool {
    thread.start(self)
    return thread.isRunning
  }

  /// Waits until everything is printed, and ends the thread. To be called by the owner, for the thread holds this object as long as it works.
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
      // Safe: the token gave this slot to the thread.
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
    // What follows the octets that were written is lost, and so is a packet whose text was cut.
    let written = write()
    let whole = ends.count { $0 <= written }
    printed.wrappingAdd(UInt64(whole), ordering: .relaxed)
    lost.wrappingAdd(UInt64(ends.count &- whole), ordering: .relaxed)
  }

  /// Writes the printer's text, and gives how many octets of it were written; the printer has no text then.
  private func write() -> Int {
    var text = TextBuffer(capacity: 0)
    swap(&text, &printer.out)
    let length = text.count
    let (written, code) = mayBlock ? Self.writeInSteps(text) : Self.writeAtOnce(&text)
    text.removeAll()
    swap(&text, &printer.out)
    guard let code else { return length }
    failedWrite.store(code, ordering: .releasing)
    // Who waits for packets should know.
    StopSignal.wakeUp()
    return written
  }

  private static func writeAtOnce(_ text: inout TextBuffer) -> (written: Int, code: CInt?) {
    let length = text.count
    let code = StandardStreams.write(&text)
    return (length &- text.count, code)
  }

  /// Writes no more at a time than is taken without a wait, since no signal interrupts this thread: a second Ctrl-C ends the wait for a reader
  /// that does not read.
  private static func writeInSteps(_ text: borrowing TextBuffer) -> (written: Int, code: CInt?) {
    let octets = text.bytes
    var written = 0
    while written < octets.byteCount {
      var state = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
      guard unsafe poll(&state, 1, patience) > 0 else {
        if StopSignal.isRepeated { return (written, EINTR) }
        continue
      }
      let step = octets.extracting(written..<min(octets.byteCount, written &+ pipeLength))
      // Safe: the octets live during the call.
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

  /// Adds a packet to those that are handed over next. `interface` is for JSON.
  func add(_ packet: borrowing Packet, number: UInt64, interface: String?) {
    contents.add(packet, number: number, .earlierPackets, interfaceName: interface, stays: false)
  }

  /// There is no room for another packet before `submit`.
  var isFull: Bool { contents.entries.count >= Self.packetCount || contents.size >= Self.size }

  /// Hands the packets over that were added. Waits where all slots are full.
  func submit() {
    guard !contents.entries.isEmpty, free.take(interrupt: -1) else { return }
    // Safe: the token gave this slot to who hands over.
    unsafe swap(&slots[handedOver % Self.slotCount], &contents)
    handedOver &+= 1
    full.give()
  }

  /// Waits until the text of all packets that were handed over is written, or is not going to be.
  func drain() {
    guard thread.isRunning else { return }
    for _ in 0..<Self.slotCount where !free.take(interrupt: -1) { return }
    for _ in 0..<Self.slotCount { free.give() }
  }

  /// Prints something between the packets before and after it.
  func interject(_ print: (inout Printer) -> Void) {
    submit()
    // The printer is nobody else's then.
    drain()
    print(&printer)
    if failedWrite.load(ordering: .relaxed) == 0 { _ = write() } else { printer.out.removeAll() }
  }

  /// The packets whose text was written, and those whose text was lost, since the last call.
  func takeCounts() -> (printed: UInt64, lost: UInt64) {
    (printed.exchange(0, ordering: .relaxed), lost.exchange(0, ordering: .relaxed))
  }

  /// The `errno` of the write that failed.
  var failure: CInt? {
    let code = failedWrite.load(ordering: .acquiring)
    return code == 0 ? nil : code
  }
}
