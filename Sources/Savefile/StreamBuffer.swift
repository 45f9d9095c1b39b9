import Glibc

/// The part of a stream that is being parsed, in memory that grows with the longest record.
@safe
final class StreamBuffer {
  /// Where the bytes come from.
  private enum Source {
    case plain(DescriptorReader)
    case compressed(DecompressionThread)
  }

  private let source: Source
  private var memory: UnsafeMutableRawPointer
  /// Allocated bytes.
  private var capacity = initialSize
  /// The offset in the stream of the first byte in memory.
  private var start = 0
  /// Bytes in memory.
  private var count = 0
  /// The stream has ended.
  private(set) var isComplete = false

  /// Bytes allocated initially.
  private static let initialSize = 1 << 18

  /// A stream from `reader`. If it begins with the magic number of a compressed format, it is decompressed, with at most `threads` threads.
  /// Waits for its first bytes.
  init(_ reader: DescriptorReader, path: String, interrupt: CInt, threads: Int) throws(SavefileError) {
    let magic: [UInt8]
    do throws(Fault) {
      magic = try reader.peek(4, interrupt: interrupt)
    } catch {
      throw SavefileError(path: path, kind: error.kind, message: error.message)
    }
    if let compression = Compression(magic: magic) {
      // Two threads are busy already: the decompressing one and the reader.
      let threads = threads > 2 ? threads : 1
      source = .compressed(try DecompressionThread(reader, compression, threads: threads, path: path))
    } else {
      source = .plain(reader)
    }
    guard let memory = unsafe malloc(Self.initialSize) else { throw SavefileError(path: path, errno: ENOMEM) }
    unsafe self.memory = memory
  }

  deinit {
    if case .compressed(let thread) = source { thread.finish() }
    unsafe free(memory)
  }

  /// The bytes in memory. The window must be fetched again after `fill`.
  var window: FileWindow {
    unsafe FileWindow(memory, count: count, start: start)
  }

  /// True if the bytes are the contents of a compressed file.
  var isCompressed: Bool {
    if case .compressed = source { true } else { false }
  }

  /// Lets decompression, if any, run ahead in a separate thread.
  func runAhead() {
    if case .compressed(let thread) = source { thread.start() }
  }

  /// Adds bytes after those in memory, and discards those before `offset`.
  func fill(keepingFrom offset: Int) throws(Fault) -> Supply {
    if isComplete { return .end }
    try makeRoom(offset)
    // Safe: makeRoom() has left room after `count`.
    let room = unsafe UnsafeMutableRawBufferPointer(start: memory + count, count: capacity - count)
    let supply = try unsafe read(room)
    switch supply {
    case .octets(let received): count += received
    case .end: isComplete = true
    case .idle: break
    }
    return supply
  }

  private func read(_ room: UnsafeMutableRawBufferPointer) throws(Fault) -> Supply {
    switch source {
    case .plain(let reader): try unsafe reader.read(into: room)
    case .compressed(let thread): try unsafe thread.read(into: room)
    }
  }

  /// Moves the kept bytes to the start of the memory, and enlarges the memory if it is still full.
  private func makeRoom(_ offset: Int) throws(Fault) {
    let kept = min(max(offset &- start, 0), count)
    // If most of the memory is free, there is nothing to do.
    guard capacity - count < capacity / 2 else { return }
    if kept > 0 {
      // Safe: both ranges are within the memory; they may overlap.
      unsafe memmove(memory, memory + kept, count - kept)
      start &+= kept
      count &-= kept
    }
    guard capacity - count < capacity / 2 else { return }
    // If this fails, the old memory stays valid.
    guard let larger = unsafe realloc(memory, capacity * 2) else {
      throw .malformed(at: start, "out of memory for a block of \(capacity) bytes or more")
    }
    unsafe memory = larger
    capacity *= 2
  }

  /// True if there are bytes to add, or the end is known, without waiting.
  var isReady: Bool {
    switch source {
    case .plain(let reader): reader.isReady
    case .compressed(let thread): thread.isReady
    }
  }

  /// Waits as `DescriptorReader.wait` does.
  func wait(milliseconds: Int32, interrupt: CInt) -> Bool {
    switch source {
    case .plain(let reader): reader.wait(milliseconds: milliseconds, interrupt: interrupt)
    case .compressed(let thread): thread.wait(milliseconds: milliseconds, interrupt: interrupt)
    }
  }
}
