import Glibc
import PacketCore
import Synchronization

/// Writes what is handed to it in a thread of its own, so that who captures need not wait for a disk or a pipe, nor for what
/// compresses, until all slots are full.
///
/// The slots are a ring. Tokens count those that are full and those that are free, as in `DecompressionThread`. After a write has failed,
/// nothing more is written to that file.
@safe
final class WriteBehind: Worker, @unchecked Sendable {
  /// Records on their way to a file.
  private struct Slot: ~Copyable {
    var records = TextBuffer(capacity: 0)
    var packets: UInt64 = 0
    var sink: RecordSink?
  }

  private let slots: UnsafeMutablePointer<Slot>
  private let full = TokenPipe()
  private let free = TokenPipe()
  private let stop = TokenPipe()
  private var thread = WorkerThread()
  var isRunning: Bool { thread.isRunning }

  /// The `errno` of the write that failed; 0 where none did.
  private let failedWrite = Atomic<CInt>(0)
  /// Slots that have been written.
  private let written = Atomic<Int>(0)

  // Of who hands over.
  private var handedOver = 0

  /// 16 MiB of records, in pieces as `SavefileWriter` makes them.
  private static let slotCount = 64

  /// Nil where the system has no descriptors to give. Nothing runs before `start`.
  init?() {
    unsafe slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount {
      unsafe (slots + index).initialize(to: Slot())
      free.give()
    }
    guard full.descriptor >= 0, free.descriptor >= 0, stop.descriptor >= 0 else { return nil }
  }

  /// Starts the thread. Where the system has none to give, `isRunning` stays false.
  func start() { thread.start(self) }

  /// Waits until everything is written, and ends the thread. To be called by the owner, for the thread holds this object as long as it works.
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
      if failedWrite.load(ordering: .relaxed) == 0,
        let code = unsafe slots[index].sink?.put(slots[index].records.bytes, slots[index].packets)
      {
        failedWrite.store(code, ordering: .relaxed)
      }
      unsafe slots[index].records.removeAll()
      unsafe slots[index].sink = nil
      written.wrappingAdd(1, ordering: .releasing)
      free.give()
    }
  }

  // MARK: Who hands over

  /// Takes records, which hold so many packets, to be written to `sink`, and leaves an empty buffer in their place. Waits where all slots
  /// are full.
  func write(_ records: inout TextBuffer, _ packets: UInt64, to sink: RecordSink) {
    guard free.take(interrupt: -1) else { return }
    // Safe: the token gave this slot to who hands over.
    let index = handedOver % Self.slotCount
    unsafe swap(&slots[index].records, &records)
    unsafe slots[index].packets = packets
    unsafe slots[index].sink = sink
    handedOver += 1
    full.give()
  }

  /// Something that was handed over is not written yet.
  var isBusy: Bool { written.load(ordering: .acquiring) != handedOver }

  /// Waits until everything that was handed over is written, or is not going to be.
  func drain() {
    guard isRunning else { return }
    for _ in 0..<Self.slotCount where !free.take(interrupt: -1) { return }
    for _ in 0..<Self.slotCount { free.give() }
  }

  /// The `errno` of the write that failed, once; the next file is written again.
  func takeFailure() -> CInt? {
    let code = failedWrite.load(ordering: .relaxed)
    guard code != 0 else { return nil }
    // What is still on its way belongs to the same file.
    drain()
    failedWrite.store(0, ordering: .relaxed)
    return code
  }
}
