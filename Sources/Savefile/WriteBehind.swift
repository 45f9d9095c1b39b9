import Glibc
import PacketCore
import Synchronization

/// Writes in a separate thread, so that the capturing thread need not wait for a disk, a pipe or compression, until all slots are full.
///
/// The slots form a ring. Tokens count full and free slots, as in `DecompressionThread`. After a failed write, nothing more is written to
/// that file.
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

  /// The `errno` of the write that failed; 0 if none did.
  private let failedWrite = Atomic<CInt>(0)
  /// Slots that have been written.
  private let written = Atomic<Int>(0)

  // Used by the producer only.
  private var handedOver = 0

  /// 16 MiB of records, in pieces of `SavefileWriter`'s buffer size.
  private static let slotCount = 64

  /// Nil if no descriptors are available. The thread begins with `start`.
  init?() {
    unsafe slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount {
      unsafe (slots + index).initialize(to: Slot())
      free.give()
    }
    guard full.descriptor >= 0, free.descriptor >= 0, stop.descriptor >= 0 else { return nil }
  }

  /// Starts the thread. If the system has none, `isRunning` stays false.
  func start() { thread.start(self) }

  /// Waits until everything is written, and ends the thread. The owner must call it, since the thread keeps this object alive while it
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

  /// Takes over records with `packets` packets, to be written to `sink`, and leaves an empty buffer behind. Waits if all slots are full.
  func write(_ records: inout TextBuffer, _ packets: UInt64, to sink: RecordSink) {
    guard free.take(interrupt: -1) else { return }
    // Safe: the token passed this slot to the producer.
    let index = handedOver % Self.slotCount
    unsafe swap(&slots[index].records, &records)
    unsafe slots[index].packets = packets
    unsafe slots[index].sink = sink
    handedOver += 1
    full.give()
  }

  /// Some submitted data is not written yet.
  var isBusy: Bool { written.load(ordering: .acquiring) != handedOver }

  /// Waits until all submitted data is written or dropped.
  func drain() {
    guard isRunning else { return }
    for _ in 0..<Self.slotCount where !free.take(interrupt: -1) { return }
    for _ in 0..<Self.slotCount { free.give() }
  }

  /// The `errno` of a failed write, returned once; after that, the next file can be written.
  func takeFailure() -> CInt? {
    let code = failedWrite.load(ordering: .relaxed)
    guard code != 0 else { return nil }
    // Pending data belongs to the same file.
    drain()
    failedWrite.store(0, ordering: .relaxed)
    return code
  }
}
