import Glibc

/// Decompresses a stream in a separate thread, some pieces ahead of the reader, so that two processors are busy, as with a pipe from a
/// decompressor. Until it is started, it decompresses in the reader's thread.
///
/// Consecutive members or frames are decompressed by several threads, as far as their boundaries can be found (`MemberSplitter`): in
/// rounds, those that are completely in the input. Data that is damaged, too large or not such a member is decompressed again piece by
/// piece, so that the output and the errors are the same as with one thread.
///
/// The pieces are slots in a ring. Tokens count full and free slots: a thread that has taken a slot's token, and not given the other one
/// yet, has exclusive access to the slot. Initially the reader has the first slot.
@safe
final class DecompressionThread: Worker, @unchecked Sendable {
  /// The output of the thread in one slot.
  @safe
  private struct Slot {
    var memory: UnsafeMutableRawBufferPointer
    /// Bytes in it.
    var count = 0
    /// What follows them: nothing yet (nil), the end, or a fault.
    var end: Result<Void, Fault>?
  }

  private let slots: UnsafeMutablePointer<Slot>
  private let slotCount: Int
  private let full = TokenPipe()
  private let free = TokenPipe()
  private let stop = TokenPipe()
  private var thread = WorkerThread()
  private var isRunning: Bool { thread.isRunning }

  // Used by the thread only.
  private let source: DescriptorReader
  private let compression: Compression
  private let decompressor: any Decompressor
  private let input: UnsafeMutableRawBufferPointer
  private var inputStart = 0
  private var inputEnd = 0
  /// The decompressor may still have output for which there was no room.
  private var mayHoldOctets = false
  /// Zeros have followed the last member, so nothing but zeros may follow.
  private var isInPadding = false
  /// All input consumed so far belongs to complete members.
  private var isBetweenMembers = true
  /// Threads that decompress members; nil with only one thread.
  private var pool: WorkerPool?
  private let threads: Int
  /// Members that were decompressed and are not in slots yet.
  private var jobs: ArraySlice<MemberJob> = []
  /// Rounds in which not even the first job succeeded.
  private var failures = 0

  // Used by the reader only.
  private var current = 0
  private var position = 0
  private var holdsSlot = true

  private static let slotSize = 1 << 18
  /// Bytes that one thread reads at a time.
  private static let chunkSize = 1 << 17
  /// Bytes to read ahead to find members, for each thread, and the maximum in all.
  private static let inputPerThread = 1 << 20
  private static let largestInput = 1 << 24
  /// Failures after which decompressing in parallel is given up.
  private static let maximumFailures = 16

  /// A stream that decompresses `source` with at most `threads` threads. Throws if no descriptor is available.
  init(_ source: DescriptorReader, _ compression: Compression, threads: Int, path: String) throws(SavefileError) {
    self.source = source
    self.compression = compression
    self.threads = threads
    decompressor = compression.decompressor()
    let inputSize = threads > 1 ? min(Self.largestInput, threads &* Self.inputPerThread) : Self.chunkSize
    unsafe input = .allocate(byteCount: inputSize, alignment: 16)
    // One round of members is filled in while the previous one is read.
    slotCount = threads > 1 ? min(64, 8 &* threads) : 4
    unsafe slots = .allocate(capacity: slotCount)
    for index in 0..<slotCount {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.slotSize, alignment: 16)
      unsafe (slots + index).initialize(to: Slot(memory: memory))
      if index > 0 { free.give() }
    }
    guard full.descriptor >= 0, free.descriptor >= 0, stop.descriptor >= 0 else {
      throw SavefileError(path: path, errno: errno)
    }
  }

  /// Lets a thread run ahead from now on, if there is more to decompress. If no thread is available, the reader continues to decompress.
  func start() {
    // Once the thread runs, it may use the first slot.
    guard !thread.isRunning, unsafe slots[0].end == nil else { return }
    thread.start(self)
  }

  /// Ends the thread. The owner must call it, since the thread keeps this object alive while it runs.
  func finish() {
    stop.give()
    thread.join()
  }

  deinit {
    for index in 0..<slotCount { unsafe slots[index].memory.deallocate() }
    unsafe slots.deinitialize(count: slotCount)
    unsafe slots.deallocate()
    unsafe input.deallocate()
  }

  // MARK: The thread

  func work() {
    if threads > 1 { pool = WorkerPool(threads: threads) }
    for number in 1... {
      guard free.take(interrupt: stop.descriptor) else { return }
      // Safe: the token passed this slot to the thread.
      let index = number % slotCount
      fill(index, waits: true)
      full.give()
      if unsafe slots[index].end != nil { return }
    }
  }

  /// Fills a slot as far as there is input, and records what follows. With `waits`, waits for at least one byte.
  private func fill(_ index: Int, waits: Bool) {
    unsafe slots[index].count = 0
    do throws(Fault) {
      while unsafe slots[index].count < Self.slotSize {
        if giveJobs(index) { continue }
        if inputStart == inputEnd, !mayHoldOctets {
          (inputStart, inputEnd) = (0, 0)
          switch try read() {
          case .octets: break
          case .end: return unsafe slots[index].end = end
          case .idle:
            // Data that is available already is not held back.
            if unsafe !waits || slots[index].count > 0 { return }
            if !source.wait(milliseconds: -1, interrupt: stop.descriptor) {
              return unsafe slots[index].end = .success(())
            }
            continue
          }
        }
        if isBetweenMembers, try decompressMembers() { continue }
        try decompress(index)
      }
    } catch {
      unsafe slots[index].end = .failure(error)
    }
  }

  /// Adds bytes to the input, which has room for them.
  private func read() throws(Fault) -> Supply {
    // Safe: the end is within the input.
    let room = unsafe UnsafeMutableRawBufferPointer(
      rebasing: input[inputEnd..<min(input.count, inputEnd &+ Self.chunkSize)])
    let supply = try unsafe source.read(into: room)
    if case .octets(let count) = supply { inputEnd &+= count }
    return supply
  }

  /// What follows the last byte.
  private var end: Result<Void, Fault> {
    if isBetweenMembers || decompressor.isComplete { return .success(()) }
    return .failure(
      Fault(kind: .truncated, offset: source.count, message: "the compressed file ends before its contents do"))
  }

  // MARK: Members

  /// Moves bytes of decompressed members into a slot; false if there are none.
  private func giveJobs(_ index: Int) -> Bool {
    guard let job = jobs.first else { return false }
    // Safe: the count is within the slot.
    unsafe slots[index].count &+= job.give(
      UnsafeMutableRawBufferPointer(rebasing: slots[index].memory[slots[index].count...]))
    if job.isGiven { jobs.removeFirst() }
    return true
  }

  /// Decompresses consecutive members in parallel; false if they have to be decompressed piece by piece.
  private func decompressMembers() throws(Fault) -> Bool {
    guard let pool, pool.threads > 1, failures < Self.maximumFailures, !isInPadding else { return false }
    try fillInput()
    // Safe: start and end are within the input, which does not change until all threads are done.
    let octets = unsafe UnsafeRawBufferPointer(rebasing: input[inputStart..<inputEnd])
    let round = unsafe MemberSplitter(compression).jobs(in: octets, atMost: min(64, 2 &* threads)).map { MemberJob($0) }
    guard round.count > 1 else { return false }
    pool.forEach(round.count) { index in
      unsafe round[index].run(
        UnsafeRawBufferPointer(rebasing: octets[round[index].range]), compression.decompressor())
    }
    let whole = round.prefix { $0.isWhole }
    guard let last = whole.last else {
      failures &+= 1
      return false
    }
    jobs = whole
    inputStart &+= last.range.upperBound
    return true
  }

  /// Moves the input to the front, and adds what can be read now as far as there is room.
  private func fillInput() throws(Fault) {
    if inputStart > 0 {
      // Safe: start and end are within the input; the ranges may overlap.
      unsafe input.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[inputStart..<inputEnd]))
      (inputStart, inputEnd) = (0, inputEnd &- inputStart)
    }
    while unsafe inputEnd < input.count {
      guard case .octets = try read() else { return }
    }
  }

  /// The end of the input that is passed to the decompressor in one call. Chunks end at fixed places of the file, regardless of what is in
  /// memory, so that a fault is always found at the same place.
  private var chunkEnd: Int {
    let place = source.count &- (inputEnd &- inputStart)
    // The magic number was read before the rest.
    let chunk = place < 4 ? 4 : 4 &+ ((place &- 4) / Self.chunkSize &+ 1) &* Self.chunkSize
    return min(inputEnd, inputStart &+ chunk &- place)
  }

  private func decompress(_ index: Int) throws(Fault) {
    if try skipPadding() { return }
    // Safe: start and end are within the input, the count within the slot.
    let target = unsafe UnsafeMutableRawBufferPointer(rebasing: slots[index].memory[slots[index].count...])
    let offset = source.count - (inputEnd - inputStart)
    let chunkEnd = chunkEnd
    do throws(DecompressionError) {
      let moved = try unsafe decompressor.run(
        UnsafeRawBufferPointer(rebasing: input[inputStart..<chunkEnd]), target)
      inputStart += moved.consumed
      unsafe slots[index].count += moved.produced
      mayHoldOctets = moved.produced == target.count
      isBetweenMembers = !mayHoldOctets && decompressor.mayBePadded
      if moved.consumed == 0, moved.produced == 0, inputStart < inputEnd {
        throw DecompressionError(message: "the compressed data is damaged")
      }
    } catch {
      throw .malformed(at: offset, "\(error.message), near offset \(offset) of the compressed file")
    }
  }

  /// Skips zeros after the last member, with which tapes and disk images fill their blocks; false if there are none.
  private func skipPadding() throws(Fault) -> Bool {
    // Safe: start and end are within the input.
    guard inputStart < inputEnd, isInPadding || isBetweenMembers || decompressor.mayBePadded,
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

  /// Copies decompressed bytes into the buffer, without waiting. After the last of them, throws what is wrong with the compressed data.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Fault) -> Supply {
    if !holdsSlot {
      guard awaitReadable(full.descriptor, -1, 0), full.take(interrupt: -1) else { return .idle }
      holdsSlot = true
      position = 0
    }
    // Safe: the token passed this slot to the reader.
    if unsafe !isRunning && position == slots[current].count && slots[current].end == nil {
      position = 0
      fill(current, waits: false)
    }
    let count = unsafe min(slots[current].count - position, buffer.count)
    if count > 0 {
      // Safe: both have that many bytes from there on.
      unsafe buffer.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: slots[current].memory[position..<position + count]))
      position += count
    }
    if unsafe position == slots[current].count {
      // At the end the reader keeps the slot, so that the next call finds the end again.
      if let end = unsafe slots[current].end {
        if count > 0 { return .octets(count) }
        try end.get()
        return .end
      }
      if isRunning {
        current = (current + 1) % slotCount
        holdsSlot = false
        free.give()
      }
    }
    return count > 0 ? .octets(count) : .idle
  }

  /// True if `read` can return something without waiting.
  var isReady: Bool { isRunning ? awaitReadable(full.descriptor, -1, 0) : source.isReady }

  /// Waits as `DescriptorReader.wait` does.
  func wait(milliseconds: Int32, interrupt: CInt) -> Bool {
    guard isRunning else { return source.wait(milliseconds: milliseconds, interrupt: interrupt) }
    return awaitReadable(full.descriptor, interrupt, milliseconds) || !isRaised(interrupt)
  }
}
