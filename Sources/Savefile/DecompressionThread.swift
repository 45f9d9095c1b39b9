import Glibc

/// Decompresses a stream in a thread of its own, some pieces ahead of who reads them, so that two processors are busy as they are
/// after a pipe from a decompressor. Until it is started, it decompresses in the thread of who reads.
///
/// The pieces are slots in a ring. Tokens count those that are full and those that are free: who has taken a slot's token, and not
/// given the other, has the slot for itself. The first slot is the reader's to begin with.
@safe
final class DecompressionThread: Worker, @unchecked Sendable {
  /// What the thread has put into a slot.
  @safe
  private struct Slot {
    var memory: UnsafeMutableRawBufferPointer
    /// Octets in it.
    var count = 0
    /// What comes after them: nothing yet (nil), the end, or a fault.
    var end: Result<Void, Fault>?
  }

  private let slots: UnsafeMutablePointer<Slot>
  private let full = TokenPipe()
  private let free = TokenPipe()
  private let stop = TokenPipe()
  private var thread = WorkerThread()
  private var isRunning: Bool { thread.isRunning }

  // Of the thread.
  private let source: DescriptorReader
  private let decompressor: any Decompressor
  private var input: UnsafeMutableRawBufferPointer
  private var inputStart = 0
  private var inputEnd = 0
  /// The decompressor had no room for all that it could give.
  private var mayHoldOctets = false
  /// Zeros have followed the last member: nothing else may come.
  private var isInPadding = false

  // Of the reader.
  private var current = 0
  private var position = 0
  private var holdsSlot = true

  private static let slotCount = 4
  private static let slotSize = 1 << 18
  private static let inputSize = 1 << 17

  /// A stream that decompresses `source`. Throws where the system has no descriptor to give.
  init(_ source: DescriptorReader, _ compression: Compression, path: String) throws(SavefileError) {
    self.source = source
    decompressor = compression.decompressor()
    unsafe input = .allocate(byteCount: Self.inputSize, alignment: 16)
    unsafe slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.slotSize, alignment: 16)
      unsafe (slots + index).initialize(to: Slot(memory: memory))
      if index > 0 { free.give() }
    }
    guard full.descriptor >= 0, free.descriptor >= 0, stop.descriptor >= 0 else {
      throw SavefileError(path: path, errno: errno)
    }
  }

  /// Lets a thread run ahead from now on, where there is more to decompress. Where the system has no thread to give, everything goes on
  /// as before.
  func start() {
    // Once the thread runs, the first slot may be its own.
    guard !thread.isRunning, unsafe slots[0].end == nil else { return }
    thread.start(self)
  }

  deinit {
    stop.give()
    thread.join()
    for index in 0..<Self.slotCount { unsafe slots[index].memory.deallocate() }
    unsafe slots.deinitialize(count: Self.slotCount)
    unsafe slots.deallocate()
    unsafe input.deallocate()
  }

  // MARK: The thread

  func work() {
    for number in 1... {
      guard free.take(interrupt: stop.descriptor) else { return }
      // Safe: the token gave this slot to the thread.
      let index = number % Self.slotCount
      fill(index, waits: true)
      full.give()
      if unsafe slots[index].end != nil { return }
    }
  }

  /// Fills a slot, or as much of it as there is input for, and notes in it what comes after. `waits`: for the first octet at least.
  private func fill(_ index: Int, waits: Bool) {
    unsafe slots[index].count = 0
    do throws(Fault) {
      while unsafe slots[index].count < Self.slotSize {
        if inputStart == inputEnd, !mayHoldOctets {
          switch try unsafe source.read(into: input) {
          case .octets(let count): (inputStart, inputEnd) = (0, count)
          case .end: return unsafe slots[index].end = end
          case .idle:
            // What is there already is not kept back.
            if unsafe !waits || slots[index].count > 0 { return }
            if !source.wait(milliseconds: -1, interrupt: stop.descriptor) {
              return unsafe slots[index].end = .success(())
            }
            continue
          }
        }
        try decompress(index)
      }
    } catch {
      unsafe slots[index].end = .failure(error)
    }
  }

  /// What comes after the last octet.
  private var end: Result<Void, Fault> {
    if decompressor.isComplete { return .success(()) }
    return .failure(
      Fault(kind: .truncated, offset: source.count, message: "the compressed file ends before its contents do"))
  }

  private func decompress(_ index: Int) throws(Fault) {
    if try skipPadding() { return }
    // Safe: start and end are within the input, the count within the slot.
    let target = unsafe UnsafeMutableRawBufferPointer(rebasing: slots[index].memory[slots[index].count...])
    let offset = source.count - (inputEnd - inputStart)
    do throws(DecompressionError) {
      let moved = try unsafe decompressor.run(
        UnsafeRawBufferPointer(rebasing: input[inputStart..<inputEnd]), target)
      inputStart += moved.consumed
      unsafe slots[index].count += moved.produced
      mayHoldOctets = moved.produced == target.count
      if moved.consumed == 0, moved.produced == 0, inputStart < inputEnd {
        throw DecompressionError(message: "the compressed data is damaged")
      }
    } catch {
      throw .malformed(at: offset, "\(error.message), near offset \(offset) of the compressed file")
    }
  }

  /// Skips zeros after the last member, with which tapes and disk images fill up their blocks; false where there are none.
  private func skipPadding() throws(Fault) -> Bool {
    // Safe: start and end are within the input.
    guard inputStart < inputEnd, isInPadding || decompressor.mayBePadded,
      unsafe isInPadding || input[inputStart] == 0
    else { return false }
    isInPadding = true
    mayHoldOctets = false
    while inputStart < inputEnd, unsafe input[inputStart] == 0 { inputStart += 1 }
    if inputStart < inputEnd {
      let offset = source.count - (inputEnd - inputStart)
      throw .malformed(
        at: offset, "nonzero bytes after the padding, near offset \(offset) of the compressed file")
    }
    return true
  }

  // MARK: The reader

  /// Copies decompressed octets into the buffer, without waiting. Throws what is wrong with the compressed ones after the last that
  /// were given.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Fault) -> Supply {
    if !holdsSlot {
      guard awaitReadable(full.descriptor, -1, 0), full.take(interrupt: -1) else { return .idle }
      holdsSlot = true
      position = 0
    }
    // Safe: the token gave this slot to the reader.
    if unsafe !isRunning && position == slots[current].count && slots[current].end == nil {
      position = 0
      fill(current, waits: false)
    }
    let count = unsafe min(slots[current].count - position, buffer.count)
    if count > 0 {
      // Safe: both have so many octets from there.
      unsafe buffer.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: slots[current].memory[position..<position + count]))
      position += count
    }
    if unsafe position == slots[current].count {
      // At the end the slot is kept, so that the end is found again.
      if let end = unsafe slots[current].end {
        if count > 0 { return .octets(count) }
        try end.get()
        return .end
      }
      if isRunning {
        current = (current + 1) % Self.slotCount
        holdsSlot = false
        free.give()
      }
    }
    return count > 0 ? .octets(count) : .idle
  }

  /// Waits as `DescriptorReader.wait` does.
  func wait(milliseconds: Int32, interrupt: CInt) -> Bool {
    guard isRunning else { return source.wait(milliseconds: milliseconds, interrupt: interrupt) }
    return awaitReadable(full.descriptor, interrupt, milliseconds) || !isRaised(interrupt)
  }
}
